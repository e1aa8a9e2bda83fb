//! Categories and single models in the v2 format.

use std::borrow::Borrow;

use axum::extract::State;
use axum::routing::get;
use horde_model_reference::body::Coded;
use horde_model_reference::{Category, CategoryView, Json, Read, controlnet_alias};
use http::HeaderMap;

use super::{Answered, ok, provenance};
use crate::app::App;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::extract::{Segments, category};
use crate::preconditions::Preconditions;
use crate::respond::{self, Provenance};
use crate::router::{Access, Answer, Route, Verb};

pub(crate) fn table() -> Vec<Route> {
    vec![
        Route {
            path: "/model_references/v2/info",
            operation: "read_v2_reference_api_info",
            tag: "v2",
            summary: "What the v2 routes are for.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[],
            answer: Answer::Json("Message"),
            errors: &[],
            method: get(async || {
                ok(Json::from([(
                    "message",
                    Json::from("Model references in the current format, by category and by model."),
                )]))
            }),
        },
        Route {
            path: "/model_references/v2/model_categories",
            operation: "read_v2_references_names",
            tag: "v2",
            summary: "The names of the categories kept here.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[],
            answer: Answer::Json("CategoryNames"),
            errors: &[],
            method: get(async || {
                let kept_here = |category: &Category| !category.is_managed_elsewhere();
                let names = Category::ALL.into_iter().filter(kept_here).map(Category::name);
                ok(names.collect::<Vec<_>>())
            }),
        },
        Route {
            path: "/model_references/v2/{model_category_name}",
            operation: "read_v2_reference",
            tag: "v2",
            summary: "All models of a category, by name.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[],
            answer: Answer::Json("Category"),
            errors: &[404, 422],
            method: get(read_category),
        },
        Route {
            path: "/model_references/v2/{model_category_name}/model/{model_name}",
            operation: "read_v2_single_model",
            tag: "v2",
            summary: "One model. A slash in its name is written %2F.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[],
            answer: Answer::Json("Record"),
            errors: &[404, 422],
            method: get(read_model),
        },
        Route {
            path: "/model_references/v2/{model_category_name}/pending",
            operation: "read_v2_reference_pending",
            tag: "v2",
            summary: "The models of a category that are proposed and not decided or applied yet.",
            verb: Verb::Get,
            access: Access::Reader,
            query: &[],
            answer: Answer::Json("Category"),
            errors: &[422],
            method: get(read_pending),
        },
    ]
}

async fn read_category(
    State(app): State<App>,
    sent: Preconditions,
    Segments([name]): Segments<1>,
) -> Answered {
    let category = category(&name)?;
    let read = app.reference.category(category).await;
    category_answer(&sent, category, &read)
}

/// The answer about a whole category.
pub(crate) fn category_answer(
    sent: &Preconditions<impl Borrow<HeaderMap>>,
    category: Category,
    read: &Read<CategoryView>,
) -> Answered {
    let records = read.view.v2.as_ref().ok_or(ApiError::CategoryNotFound(category))?;
    Ok(respond::body(sent, &records.body, provenance(read)))
}

async fn read_model(
    State(app): State<App>,
    sent: Preconditions,
    Segments([category_name, name]): Segments<2>,
) -> Answered {
    let category = category(&category_name)?;
    let read = app.reference.category(category).await;
    model_answer(&sent, category, &name, &read)
}

/// The answer about one model.
pub(crate) fn model_answer(
    sent: &Preconditions<impl Borrow<HeaderMap>>,
    category: Category,
    name: &str,
    read: &Read<CategoryView>,
) -> Answered {
    let name_stored = controlnet_alias(category, name, |name| model(&read.view, name).is_some());
    let record = model(&read.view, name_stored)
        .ok_or_else(|| ApiError::ModelNotFound(category, name.to_owned()))?;
    Ok(respond::form_or_not_modified(sent, record, provenance(read)))
}

/// A model as it is answered, under exactly this name.
pub(super) fn model(view: &CategoryView, name: &str) -> Option<Coded> {
    view.v2.as_ref()?.record(name)
}

async fn read_pending(
    State(app): State<App>,
    caller: Caller,
    sent: Preconditions,
    Segments([name]): Segments<1>,
) -> Answered {
    let category = category(&name)?;
    app.reader(&caller).await?;
    if !app.has_queue() {
        return Err(ApiError::NoQueue);
    }
    let read = app.reference.pending(category).await;
    let provenance = Provenance {
        generation: Some(read.view.generation.get()),
        published: read.view.at,
        fresh: read.fresh,
    };
    let answer = respond::body(&sent, read.view.category(category), provenance);
    Ok(respond::for_the_key_alone(answer))
}
