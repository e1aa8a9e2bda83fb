//! Categories in the legacy format.

use axum::extract::State;
use axum::routing::get;
use horde_model_reference::body::Body;
use horde_model_reference::{Category, CategoryView, Json, Read};
use std::sync::Arc;

use super::{Answered, ok, provenance};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Query, Segments};
use crate::preconditions::Preconditions;
use crate::respond;
use crate::router::{Access, Answer, QueryParameter, Route, Verb};

pub(crate) fn table() -> Vec<Route> {
    vec![
        Route {
            path: "/model_references/v1/info",
            operation: "read_legacy_reference_api_info",
            tag: "v1",
            summary: "What the v1 routes are for.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[],
            answer: Answer::Json("Message"),
            errors: &[],
            method: get(async || {
                ok(Json::from([(
                    "message",
                    Json::from(
                        "Model references in the legacy format, for consumers of the published files.",
                    ),
                )]))
            }),
        },
        Route {
            path: "/model_references/v1/model_categories",
            operation: "read_legacy_references_names",
            tag: "v1",
            summary: "The names of all categories.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[],
            answer: Answer::Json("CategoryNames"),
            errors: &[],
            method: get(async || ok(Category::ALL.map(Category::name).to_vec())),
        },
        Route {
            path: "/model_references/v1/text_generation",
            operation: "read_legacy_text_generation_reference",
            tag: "v1",
            summary: "Text models, each with its name for every backend.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[QueryParameter {
                name: "include_group",
                schema: r#"{"type":"boolean","default":false}"#,
                meaning: "Adds the group of models to which each belongs, and a summary of it.",
            }],
            answer: Answer::Json("LegacyCategory"),
            errors: &[404, 422],
            method: get(read_text),
        },
        Route {
            path: "/model_references/v1/{model_category_name}",
            operation: "read_legacy_reference",
            tag: "v1",
            summary: "A category; published file names such as stable_diffusion.json work too.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[],
            answer: Answer::Json("LegacyCategory"),
            errors: &[404, 422],
            method: get(read_category),
        },
    ]
}

async fn read_text(State(app): State<App>, sent: Preconditions, query: Query) -> Answered {
    let with_groups = query.boolean("include_group", false)?;
    let answered = if with_groups {
        let read = app.reference.text_with_groups().await;
        answer(&sent, read.view.v1_with_groups(), &read)
    } else {
        let read = app.reference.category(Category::TextGeneration).await;
        answer(&sent, read.view.v1.as_ref(), &read)
    };
    answered.ok_or(ApiError::LegacyTextNotFound)
}

async fn read_category(
    State(app): State<App>,
    sent: Preconditions,
    Segments([name]): Segments<1>,
) -> Answered {
    let name = match name.as_str() {
        "db.json" => "text_generation",
        name => name.strip_suffix(".json").unwrap_or(name),
    };
    let name = if name == "stable_diffusion" { "image_generation" } else { name };
    let unknown = |_| ApiError::UnknownLegacyCategory(name.to_owned());
    let category: Category = name.parse().map_err(unknown)?;
    if category.is_managed_elsewhere() {
        return Ok(ok(Json::Object(Default::default())));
    }
    answer_about(&app, &sent, category).await
}

/// The answer about a category that is kept here.
pub(super) async fn answer_about(app: &App, sent: &Preconditions, category: Category) -> Answered {
    let read = app.reference.category(category).await;
    answer(sent, read.view.v1.as_ref(), &read).ok_or(ApiError::LegacyCategoryNotFound(category))
}

fn answer(
    sent: &Preconditions,
    body: Option<&Arc<Body>>,
    read: &Read<CategoryView>,
) -> Option<axum::response::Response> {
    body.map(|body| respond::body(sent, body, provenance(read)))
}
