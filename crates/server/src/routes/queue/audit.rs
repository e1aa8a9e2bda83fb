//! The queue's past, told from the audit trail: what waits, what was decided, what a batch came to.

use axum::extract::State;
use axum::routing::get;
use horde_model_reference::audit::Story;
use horde_model_reference::json::Object;
use horde_model_reference::{Format, Json};

use super::super::{Answered, ok};
use super::{Behind, doors, queue_of};
use crate::app::App;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::extract::{Query, Segments, both, number_in_path};
use crate::past::Past;
use crate::process::now_ms;
use crate::respond;
use crate::router::{Access, Answer, QueryParameter, Route, Verb};

const DOMAIN: QueryParameter = QueryParameter {
    name: "domain_override",
    schema: r#"{"enum":["legacy","v2"]}"#,
    meaning: "Whose events to read, if not those of the canonical format.",
};
const ONE: &[QueryParameter] = &[DOMAIN];
const PAGE: &[QueryParameter] = &[
    DOMAIN,
    QueryParameter {
        name: "cursor",
        schema: r#"{"type":"integer","minimum":1}"#,
        meaning: "Only batches with smaller numbers.",
    },
    QueryParameter {
        name: "limit",
        schema: r#"{"type":"integer","minimum":1,"maximum":50,"default":10}"#,
        meaning: "How many batches to tell at most.",
    },
];

pub(super) fn table() -> Vec<Route> {
    let current = Behind {
        summary: "What waits for a decision, as the audit trail tells it.",
        verb: Verb::Get,
        access: Access::Reader,
        query: ONE,
        answer: Answer::Json("AuditedChanges"),
        errors: &[422],
        method: get(current),
    };
    let batches = Behind {
        summary: "Decided batches, the latest first.",
        verb: Verb::Get,
        access: Access::Reader,
        query: PAGE,
        answer: Answer::Json("AuditedBatches"),
        errors: &[422],
        method: get(batches),
    };
    let batch = Behind {
        summary: "One batch and its changes.",
        verb: Verb::Get,
        access: Access::Reader,
        query: ONE,
        answer: Answer::Json("AuditedBatch"),
        errors: &[404, 422],
        method: get(batch),
    };
    let net = Behind {
        summary: "What the applied changes of a batch made of the models.",
        verb: Verb::Get,
        access: Access::Reader,
        query: ONE,
        answer: Answer::Json("NetChanges"),
        errors: &[404, 422],
        method: get(net_changes),
    };
    let current =
        current.at(doors!("/audit/current", "get_current_pending_changes", "audit_current_get"));
    let batches =
        batches.at(doors!("/audit/batches", "list_pending_queue_batches", "audit_batches_get"));
    let batch = batch.at(doors!(
        "/audit/batches/{batch_id}",
        "get_pending_queue_batch_detail",
        "audit_batches__batch_id__get"
    ));
    let net = net.at(doors!(
        "/audit/batches/{batch_id}/net_changes",
        "get_batch_net_changes",
        "audit_batches__batch_id__net_changes_get"
    ));
    [current, batches, batch, net].into_iter().flatten().collect()
}

/// Whose events are asked for.
fn domain(app: &App, query: &Query) -> Result<Format, ApiError> {
    // One word twice: so clients are told them.
    const WORDS: [&str; 3] = ["legacy", "v2", "legacy"];
    let word = query.one_of("domain_override", &WORDS)?;
    Ok(word.and_then(Format::of_name).unwrap_or(app.canonical))
}

/// Where nothing is audited, nobody is looked up either.
async fn admit<'a>(app: &'a App, caller: &Caller) -> Result<&'a Past, ApiError> {
    let past = app.past.as_ref().ok_or(ApiError::NotAudited)?;
    app.reader(caller).await?;
    queue_of(app)?;
    Ok(past)
}

async fn current(State(app): State<App>, caller: Caller, query: Query) -> Answered {
    let domain = domain(&app, &query)?;
    let past = admit(&app, &caller).await?;
    let pending = |story: &Story| -> Vec<Json> {
        story.pending().into_iter().map(|change| change.to_json()).collect()
    };
    let pending = past.ask(move |archive| archive.story(domain, pending)).await?;
    let answer = ok(Json::from([
        ("domain", domain.name().into()),
        ("total_pending", Json::count(pending.len())),
        ("pending_changes", Json::Array(pending)),
        ("generated_at", now().into()),
    ]));
    Ok(respond::for_the_key_alone(answer))
}

async fn batches(State(app): State<App>, caller: Caller, query: Query) -> Answered {
    let page = both(query.number_from("cursor", 1), query.number("limit", 10, 1, 50));
    let (domain, (cursor, limit)) = both(domain(&app, &query), page)?;
    let past = admit(&app, &caller).await?;
    let told = move |story: &Story| {
        let page = story.batches(cursor, limit);
        let batches = page.batches.iter().map(|(id, batch)| Json::Object(batch.to_json(*id)));
        (batches.collect::<Vec<Json>>(), page.next)
    };
    let (batches, next) = past.ask(move |archive| archive.story(domain, told)).await?;
    let answer = ok(Json::from([
        ("domain", domain.name().into()),
        ("batches", Json::Array(batches)),
        ("next_cursor", next.into()),
    ]));
    Ok(respond::for_the_key_alone(answer))
}

async fn batch(
    State(app): State<App>,
    caller: Caller,
    query: Query,
    Segments([id]): Segments<1>,
) -> Answered {
    let (id, domain) = both(number_in_path("batch_id", &id), domain(&app, &query))?;
    let past = admit(&app, &caller).await?;
    let told = move |story: &Story| -> Option<Object> {
        let mut members = story.batch(id)?.to_json(id);
        let changes = story.changes_of(id).map(|change| change.to_json());
        members.insert("changes".into(), Json::Array(changes.collect()));
        Some(members)
    };
    let found = past.ask(move |archive| archive.story(domain, told)).await?;
    let found = found.ok_or_else(no_such_batch)?;
    Ok(respond::for_the_key_alone(ok(found)))
}

async fn net_changes(
    State(app): State<App>,
    caller: Caller,
    query: Query,
    Segments([id]): Segments<1>,
) -> Answered {
    let (id, domain) = both(number_in_path("batch_id", &id), domain(&app, &query))?;
    let past = admit(&app, &caller).await?;
    let net = past.ask(move |archive| archive.net_changes(domain, id)).await?;
    let net = net.ok_or_else(no_such_batch)?;
    Ok(respond::for_the_key_alone(ok(net.to_json(now()))))
}

fn no_such_batch() -> ApiError {
    ApiError::Missing("Batch not found".into())
}

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    i64::try_from(now_ms() / 1000).unwrap_or(i64::MAX)
}
