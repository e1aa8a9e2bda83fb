//! The catalogue of image baselines.

use axum::extract::State;
use axum::routing::{get, post};
use horde_model_reference::Json;
use horde_model_reference::catalogue::{Baselines, Stored};
use horde_model_reference::json::Style;

use super::{Answered, change_sets};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::Segments;
use crate::respond;
use crate::router::{Access, Answer, Route, Takes, Verb};

pub(crate) fn table() -> Vec<Route> {
    vec![
        Route {
            path: "/model_references/v2/image_generation/baselines/",
            operation: "list_baselines_model_references_v2_image_generation_baselines__get",
            tag: "image baselines",
            summary: "All baselines, by name.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[],
            answer: Answer::Json("Baselines"),
            errors: &[],
            method: get(async |State(app): State<App>| {
                answer(&app, |baselines| Ok(baselines.list())).await
            }),
        },
        Route {
            path: "/model_references/v2/image_generation/baselines/export",
            operation: "export_catalog_model_references_v2_image_generation_baselines_export_get",
            tag: "image baselines",
            summary: "The whole catalogue, as replicas take it over.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[],
            answer: Answer::Json("BaselineCatalogue"),
            errors: &[],
            method: get(async |State(app): State<App>| {
                answer(&app, |baselines| Ok(baselines.export())).await
            }),
        },
        Route {
            path: "/model_references/v2/image_generation/baselines/{baseline_name}",
            operation: "get_baseline_model_references_v2_image_generation_baselines__baseline_name__get",
            tag: "image baselines",
            summary: "One baseline, by its exact name.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[],
            answer: Answer::Json("Baseline"),
            errors: &[404],
            method: get(async |State(app): State<App>, Segments([name]): Segments<1>| {
                read_one(&app, &name).await
            }),
        },
        Route {
            path: "/model_references/v2/image_generation/baselines/change-sets",
            operation: "submit_change_set_model_references_v2_image_generation_baselines_change_sets_post",
            tag: "image baselines",
            summary: "Proposes a set of changes.",
            verb: Verb::Post(Takes::Json("BaselineChangeSet")),
            access: Access::Requestor,
            query: &[],
            answer: Answer::Accepted("ChangeEntry"),
            errors: &[409],
            // A baseline may have this name like any other.
            method: post(change_sets::submit_baselines)
                .get(async |State(app): State<App>| read_one(&app, "change-sets").await),
        },
    ]
}

async fn read_one(app: &App, name: &str) -> Answered {
    answer(app, |baselines| match baselines.get(name) {
        Some(baseline) => Ok(baseline.to_json()),
        None => Err(ApiError::Missing(format!("Baseline '{name}' not found."))),
    })
    .await
}

async fn answer(app: &App, ask: impl FnOnce(&Baselines) -> Result<Json, ApiError>) -> Answered {
    let read = app.reference.catalogues().await;
    let baselines = &read.view.catalogues.baselines;
    let text = ask(baselines)?.to_text(Style::COMPACT);
    Ok(respond::tagged(text, &baselines.etag(), read.fresh))
}
