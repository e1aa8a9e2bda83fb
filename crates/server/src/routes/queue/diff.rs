//! What proposed changes would make of what is stored.

use axum::extract::State;
use axum::routing::get;
use horde_model_reference::catalogue::baselines::BaselineChangeSet;
use horde_model_reference::catalogue::guidance::GuidanceChangeSet;
use horde_model_reference::catalogue::{States, Stored};
use horde_model_reference::queue::{Entry, ResourceKind, catalogue_diff, record_diff};
use horde_model_reference::{Category, Format, Json};

use super::super::{Answered, ok};
use super::{Behind, doors, queue_of};
use crate::app::App;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::extract::{Query, Segments, number_in_path};
use crate::process::now_ms;
use crate::respond;
use crate::router::{Access, Answer, QueryParameter, Route, Verb};

const MOST: usize = 100;
const IDS: QueryParameter = QueryParameter {
    name: "change_ids",
    schema: r#"{"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":100}"#,
    meaning: "The changes, in the order in which they are told. Required.",
};

pub(super) fn table() -> Vec<Route> {
    let one = Behind {
        summary: "What one proposed change would make of what is stored.",
        verb: Verb::Get,
        access: Access::Reader,
        query: &[],
        answer: Answer::Json("ChangeDiff"),
        errors: &[404, 422],
        method: get(read_one),
    };
    let many = Behind {
        summary: "What each of some proposed changes would make of what is stored.",
        verb: Verb::Get,
        access: Access::Reader,
        query: &[IDS],
        answer: Answer::Json("ChangeDiffs"),
        errors: &[422],
        method: get(read_many),
    };
    let one = one.at(doors!(
        "/changes/{change_id}/diff",
        "get_pending_change_diff",
        "changes__change_id__diff_get"
    ));
    let many = many.at(doors!("/diffs", "get_pending_changes_diffs", "diffs_get"));
    [one, many].into_iter().flatten().collect()
}

async fn read_one(State(app): State<App>, caller: Caller, Segments([id]): Segments<1>) -> Answered {
    let id = number_in_path("change_id", &id)?;
    app.reader(&caller).await?;
    queue_of(&app)?;
    let read = app.reference.pending_queue().await;
    let entry = read.view.entry(id).ok_or(ApiError::Missing("Change not found".into()))?;
    Ok(respond::for_the_key_alone(ok(diff(&app, entry).await)))
}

async fn read_many(State(app): State<App>, caller: Caller, query: Query) -> Answered {
    let ids = query.numbers("change_ids", MOST)?;
    app.reader(&caller).await?;
    queue_of(&app)?;
    let read = app.reference.pending_queue().await;
    let (mut diffs, mut errors) = (Vec::new(), Vec::new());
    for id in &ids {
        match read.view.entry(*id) {
            Some(entry) => diffs.push(diff(&app, entry).await),
            None => errors.push(Json::from([
                ("change_id", (*id).into()),
                ("error", "Change not found".into()),
                ("error_type", "NotFound".into()),
            ])),
        }
    }
    Ok(respond::for_the_key_alone(ok(Json::from([
        ("diffs", diffs.into()),
        ("total", Json::count(ids.len())),
        ("errors", errors.into()),
    ]))))
}

async fn diff(app: &App, entry: &Entry) -> Json {
    match entry.kind {
        ResourceKind::Model => of_record(app, entry).await,
        ResourceKind::Baseline => catalogue_diff(entry, of_baselines(app, entry).await),
        ResourceKind::Guidance => catalogue_diff(entry, of_guidance(app, entry).await),
    }
}

/// Beside the record as it is stored, in the format in which the change would be written.
async fn of_record(app: &App, entry: &Entry) -> Json {
    let is_legacy = app.canonical == Format::Legacy && entry.category.has_legacy_form();
    let read = match is_legacy {
        true => app.reference.legacy_records(entry.category).await,
        false => app.reference.category(entry.category).await,
    };
    let records = if is_legacy { Some(read.view.legacy_records()) } else { read.view.records() };
    let stored = records.and_then(|records| records.get(&entry.model_name)?.as_object());
    record_diff(entry, stored)
}

/// `None` where the entry holds no change set; nobody but a person at the file can have written it.
async fn of_baselines(app: &App, entry: &Entry) -> Option<States> {
    let set = BaselineChangeSet::parse(&entry.payload.clone()?.into()).ok()?;
    let in_use = app.reference.baselines_in_use().await;
    let read = app.reference.catalogues().await;
    Some(set.states(&read.view.catalogues.baselines, &in_use, now()))
}

async fn of_guidance(app: &App, entry: &Entry) -> Option<States> {
    let set = GuidanceChangeSet::parse(&entry.payload.clone()?.into()).ok()?;
    let models = app.reference.category(Category::TextGeneration).await.view;
    let is_model = |name: &str| models.records().is_some_and(|all| all.contains_key(name));
    let read = app.reference.catalogues().await;
    Some(set.states(&read.view.catalogues.guidance, &is_model, now()))
}

/// Seconds since 1970.
fn now() -> i64 {
    i64::try_from(now_ms() / 1000).unwrap_or(i64::MAX)
}
