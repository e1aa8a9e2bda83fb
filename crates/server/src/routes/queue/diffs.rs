//! What proposed changes would make of what is stored.

use axum::extract::State;
use axum::routing::get;
use horde_model_reference::catalogue::baselines::BaselineChangeSet;
use horde_model_reference::catalogue::guidance::GuidanceChangeSet;
use horde_model_reference::catalogue::{States, Stored};
use horde_model_reference::json::Object;
use horde_model_reference::queue::{Entry, FieldChange, Proposal, ResourceKind};
use horde_model_reference::{Category, Document, Json};

use super::super::{Answered, ok};
use super::audit::now;
use super::{Behind, doors, queue_of};
use crate::app::App;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::extract::{Query, Segments, number_in_path};
use crate::respond;
use crate::router::{Access, Answer, QueryParameter, Route, Verb};

/// How many diffs are told at a time.
const MOST: usize = 100;

const IDS: &[QueryParameter] = &[QueryParameter {
    name: "change_ids",
    schema: r#"{"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":100}"#,
    meaning: "The numbers of the changes. Required.",
}];

pub(super) fn table() -> Vec<Route> {
    let one = Behind {
        summary: "What a proposed change would make of what is stored.",
        verb: Verb::Get,
        access: Access::Reader,
        query: &[],
        answer: Answer::Json("ChangeDiff"),
        errors: &[404, 422],
        method: get(read_one),
    };
    let some = Behind {
        summary: "What several proposed changes would make of what is stored.",
        verb: Verb::Get,
        access: Access::Reader,
        query: IDS,
        answer: Answer::Json("ChangeDiffs"),
        errors: &[422],
        method: get(read_some),
    };
    let one = one.at(doors!(
        "/changes/{change_id}/diff",
        "get_pending_change_diff",
        "changes__change_id__diff_get"
    ));
    let some = some.at(doors!("/diffs", "get_pending_changes_diffs", "diffs_get"));
    [one, some].into_iter().flatten().collect()
}

async fn read_one(State(app): State<App>, caller: Caller, Segments([id]): Segments<1>) -> Answered {
    let id = number_in_path("change_id", &id)?;
    app.reader(&caller).await?;
    queue_of(&app)?;
    let read = app.reference.pending_queue().await;
    let entry = read.view.entry(id).ok_or(ApiError::Missing("Change not found".into()))?;
    Ok(respond::for_the_key_alone(ok(diff(&app, entry).await)))
}

async fn read_some(State(app): State<App>, caller: Caller, query: Query) -> Answered {
    let ids = query.numbers("change_ids", MOST)?;
    app.reader(&caller).await?;
    queue_of(&app)?;
    let read = app.reference.pending_queue().await;
    let (mut diffs, mut errors) = (Vec::new(), Vec::new());
    for &id in &ids {
        match read.view.entry(id) {
            Some(entry) => diffs.push(diff(&app, entry).await),
            None => errors.push(Json::from([
                ("change_id", Json::Int(id)),
                ("error", "Change not found".into()),
                ("error_type", "NotFound".into()),
            ])),
        }
    }
    let answer = ok(Json::from([
        ("diffs", Json::Array(diffs)),
        ("total", Json::count(ids.len())),
        ("errors", Json::Array(errors)),
    ]));
    Ok(respond::for_the_key_alone(answer))
}

async fn diff(app: &App, entry: &Entry) -> Json {
    let (current, proposed) = states(app, entry).await;
    let mut change =
        Proposal::of(entry.category, entry.operation, current.as_ref(), proposed.as_ref());
    change.is_critical |= entry.kind != ResourceKind::Model;
    let object = |object: Option<Object>| object.map_or(Json::Null, Json::Object);
    let fields = change.fields.iter().map(|field| field.to_json()).collect();
    Json::from([
        ("change_id", Json::Int(entry.id)),
        ("category", entry.category.name().into()),
        ("model_name", entry.model_name.as_str().into()),
        ("operation", entry.operation.name().into()),
        ("current_state", object(current)),
        ("proposed_state", object(proposed)),
        ("net_operation", change.net.name().into()),
        ("field_diffs", Json::Array(fields)),
        ("is_critical", change.is_critical.into()),
        ("fields_added", change.paths(FieldChange::Added).into()),
        ("fields_removed", change.paths(FieldChange::Removed).into()),
        ("fields_modified", change.paths(FieldChange::Modified).into()),
    ])
}

/// What is stored, and what is proposed instead.
async fn states(app: &App, entry: &Entry) -> (Option<Object>, Option<Object>) {
    let payload = entry.payload.clone();
    let of_catalogue = match entry.kind {
        ResourceKind::Model => return (stored(app, entry).await, payload),
        ResourceKind::Baseline => baselines(app, payload.as_ref()).await,
        ResourceKind::Guidance => guidance(app, payload.as_ref()).await,
    };
    let object = |state: Json| if let Json::Object(state) = state { Some(state) } else { None };
    match of_catalogue {
        Some(States { current, proposed }) => (object(current), object(proposed)),
        None => (None, payload),
    }
}

/// The record in the format that is its source of truth.
async fn stored(app: &App, entry: &Entry) -> Option<Object> {
    let record = match Document::source_of(entry.category, app.canonical) {
        Document::Legacy(category) => {
            let read = app.reference.legacy_records(category).await;
            read.view.legacy_records().get(&entry.model_name).cloned()
        }
        _ => {
            let read = app.reference.category(entry.category).await;
            read.view.records().and_then(|records| records.get(&entry.model_name)).cloned()
        }
    };
    record.and_then(|record| if let Json::Object(record) = record { Some(record) } else { None })
}

async fn baselines(app: &App, payload: Option<&Object>) -> Option<States> {
    let set = BaselineChangeSet::parse(&Json::Object(payload?.clone())).ok()?;
    let read = app.reference.catalogues().await;
    let in_use = app.reference.baselines_in_use().await;
    Some(set.states(&read.view.catalogues.baselines, &in_use, now()))
}

async fn guidance(app: &App, payload: Option<&Object>) -> Option<States> {
    let set = GuidanceChangeSet::parse(&Json::Object(payload?.clone())).ok()?;
    let read = app.reference.catalogues().await;
    let models = app.reference.category(Category::TextGeneration).await;
    let is_model =
        |name: &str| models.view.records().is_some_and(|records| records.contains_key(name));
    Some(set.states(&read.view.catalogues.guidance, &is_model, now()))
}
