//! The catalogue of text guidance: how models want to be prompted.

use axum::extract::State;
use axum::routing::{get, post};
use horde_model_reference::catalogue::{Guidance, Stored};
use horde_model_reference::json::{Object, Style};
use horde_model_reference::{Category, Json};

use super::{Answered, change_sets};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Query, Segments};
use crate::respond;
use crate::router::{Access, Answer, QueryParameter, Route, Takes, Verb};

const TEXT: &str = r#"{"type":"string"}"#;

pub(crate) fn table() -> Vec<Route> {
    vec![
        Route {
            path: "/model_references/v2/text_generation/guidance/profiles",
            operation: "list_profiles_model_references_v2_text_generation_guidance_profiles_get",
            tag: "text guidance",
            summary: "All profiles in short form.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[QueryParameter {
                name: "include_deprecated",
                schema: r#"{"type":"boolean","default":false}"#,
                meaning: "Also those that should not be used any more.",
            }],
            answer: Answer::Json("GuidanceProfiles"),
            errors: &[422],
            method: get(async |State(app): State<App>, query: Query| {
                let include_deprecated = query.boolean("include_deprecated", false)?;
                answer(&app, |guidance| Ok(guidance.profiles(include_deprecated))).await
            }),
        },
        Route {
            path: "/model_references/v2/text_generation/guidance/profiles/{profile_id}",
            operation: "get_profile_model_references_v2_text_generation_guidance_profiles__profile_id__get",
            tag: "text guidance",
            summary: "One profile.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[],
            answer: Answer::Json("GuidanceProfile"),
            errors: &[404],
            method: get(async |State(app): State<App>, Segments([id]): Segments<1>| {
                answer(&app, |guidance| match guidance.profile(&id) {
                    Some(profile) => Ok(profile.to_json()),
                    None => Err(ApiError::Missing(format!("Guidance profile '{id}' not found."))),
                })
                .await
            }),
        },
        Route {
            path: "/model_references/v2/text_generation/guidance/assignments",
            operation: "list_assignments_model_references_v2_text_generation_guidance_assignments_get",
            tag: "text guidance",
            summary: "Which profiles belong to which models.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[
                QueryParameter { name: "model_name", schema: TEXT, meaning: "Only this model." },
                QueryParameter {
                    name: "profile_id",
                    schema: TEXT,
                    meaning: "Only models with this profile.",
                },
            ],
            answer: Answer::Json("GuidanceAssignments"),
            errors: &[],
            method: get(async |State(app): State<App>, query: Query| {
                answer(&app, |guidance| {
                    Ok(guidance.assignments(query.text("model_name"), query.text("profile_id")))
                })
                .await
            }),
        },
        Route {
            path: "/model_references/v2/text_generation/guidance/model",
            operation: "resolve_model_guidance_model_references_v2_text_generation_guidance_model_get",
            tag: "text guidance",
            summary: "All guidance there is for a model.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[QueryParameter {
                name: "name",
                schema: TEXT,
                meaning: "The model. Required.",
            }],
            answer: Answer::Json("ModelGuidance"),
            errors: &[404, 422],
            method: get(read_model),
        },
        Route {
            path: "/model_references/v2/text_generation/guidance/export",
            operation: "export_catalog_model_references_v2_text_generation_guidance_export_get",
            tag: "text guidance",
            summary: "The whole catalogue, as replicas take it over.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[],
            answer: Answer::Json("GuidanceCatalogue"),
            errors: &[],
            method: get(async |State(app): State<App>| {
                answer(&app, |guidance| Ok(guidance.export())).await
            }),
        },
        Route {
            path: "/model_references/v2/text_generation/guidance/migration/preview",
            operation: "preview_legacy_migration_model_references_v2_text_generation_guidance_migration_preview_post",
            tag: "text guidance",
            summary: "What would turn the labels of older records into guidance. Nothing changes.",
            verb: Verb::Post(Takes::Nothing),
            access: Access::Requestor,
            query: &[],
            answer: Answer::Json("GuidanceMigration"),
            errors: &[],
            method: post(change_sets::preview_migration),
        },
        Route {
            path: "/model_references/v2/text_generation/guidance/change-sets",
            operation: "submit_change_set_model_references_v2_text_generation_guidance_change_sets_post",
            tag: "text guidance",
            summary: "Proposes a set of changes.",
            verb: Verb::Post(Takes::Json("GuidanceChangeSet")),
            access: Access::Requestor,
            query: &[],
            answer: Answer::Accepted("ChangeEntry"),
            errors: &[409],
            method: post(change_sets::submit_guidance),
        },
    ]
}

/// The answer depends on the model too, and so says nothing by the catalogue's tag: it is made anew.
async fn read_model(State(app): State<App>, query: Query) -> Answered {
    let name = query.required_text("name")?;
    let models = app.reference.category(Category::TextGeneration).await;
    let none = Object::new();
    let records = models.view.records().unwrap_or(&none);
    let missing = || ApiError::Missing(format!("Text model '{name}' not found."));
    answer(&app, |guidance| guidance.model(name, records).ok_or_else(missing)).await
}

async fn answer(app: &App, ask: impl FnOnce(&Guidance) -> Result<Json, ApiError>) -> Answered {
    let read = app.reference.catalogues().await;
    let guidance = &read.view.catalogues.guidance;
    let text = ask(guidance)?.to_text(Style::COMPACT);
    Ok(respond::tagged(text, &guidance.etag(), read.fresh))
}
