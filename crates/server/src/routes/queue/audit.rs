//! What became of proposed changes, told from the audit trail: purged ones included, and what other
//! processes did.

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use horde_model_reference::audit::{Archive, Change, Story};
use horde_model_reference::json::Object;
use horde_model_reference::{Format, Json, error};

use super::super::{Answered, ok};
use super::{Behind, doors, queue_of};
use crate::app::App;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::extract::{Query, Segments, both, number_in_path};
use crate::process::now_ms;
use crate::respond;
use crate::router::{Access, Answer, QueryParameter, Route, Verb};
use crate::trail_reader::TrailReader;

const DOMAIN: QueryParameter = QueryParameter {
    name: "domain_override",
    schema: r#"{"enum":["legacy","v2"]}"#,
    meaning: "The format whose events are read; the canonical one where it is not said.",
};
const CURSOR: QueryParameter = QueryParameter {
    name: "cursor",
    schema: r#"{"type":"integer","minimum":1}"#,
    meaning: "Only batches with smaller numbers.",
};
const LIMIT: QueryParameter = QueryParameter {
    name: "limit",
    schema: r#"{"type":"integer","minimum":1,"maximum":50,"default":10}"#,
    meaning: "How many batches to tell at most.",
};

/// One word twice, as the contract's list has it.
const DOMAINS: [&str; 3] = ["legacy", "v2", "legacy"];

pub(super) fn table() -> Vec<Route> {
    let behind = |summary, query, answer, errors, method| Behind {
        summary,
        verb: Verb::Get,
        access: Access::Reader,
        query,
        answer: Answer::Json(answer),
        errors,
        method,
    };
    let current = behind(
        "Changes that wait for a decision, the latest first.",
        &[DOMAIN],
        "AuditCurrent",
        &[422],
        get(current),
    );
    let batches = behind(
        "Batches, the latest first.",
        &[CURSOR, LIMIT, DOMAIN],
        "AuditBatchPage",
        &[422],
        get(batches),
    );
    let batch =
        behind("One batch and its changes.", &[DOMAIN], "AuditBatch", &[404, 422], get(batch));
    let net_changes = behind(
        "What the applied changes of a batch made of the records.",
        &[DOMAIN],
        "NetChanges",
        &[404, 422],
        get(net_changes),
    );
    let routes = [
        current.at(doors!("/audit/current", "get_current_pending_changes", "audit_current_get")),
        batches.at(doors!("/audit/batches", "list_pending_queue_batches", "audit_batches_get")),
        batch.at(doors!(
            "/audit/batches/{batch_id}",
            "get_pending_queue_batch_detail",
            "audit_batches__batch_id__get"
        )),
        net_changes.at(doors!(
            "/audit/batches/{batch_id}/net_changes",
            "get_batch_net_changes",
            "audit_batches__batch_id__net_changes_get"
        )),
    ];
    routes.into_iter().flatten().collect()
}

async fn current(State(app): State<App>, caller: Caller, query: Query) -> Answered {
    let domain = domain(&app, &query)?;
    let trail = admitted(&app, &caller).await?;
    let of_story = |story: &Story| {
        let pending: Vec<Json> = story.pending().into_iter().map(Change::to_json).collect();
        pending
    };
    let pending = trail.ask(move |archive| archive.story(domain, of_story)).await?;
    let total = Json::count(pending.len());
    Ok(answer(Json::from([
        ("domain", domain.name().into()),
        ("pending_changes", pending.into()),
        ("total_pending", total),
        ("generated_at", now().into()),
    ])))
}

async fn batches(State(app): State<App>, caller: Caller, query: Query) -> Answered {
    let page = both(query.number_from("cursor", 1), query.number("limit", 10, 1, 50));
    let ((cursor, limit), domain) = both(page, domain(&app, &query))?;
    let trail = admitted(&app, &caller).await?;
    let of_story = move |story: &Story| {
        let page = story.batches(cursor, limit);
        let batches: Vec<Json> =
            page.batches.into_iter().map(|(id, batch)| batch.to_json(id).into()).collect();
        Json::from([
            ("domain", domain.name().into()),
            ("batches", batches.into()),
            ("next_cursor", page.next.into()),
        ])
    };
    Ok(answer(trail.ask(move |archive| archive.story(domain, of_story)).await?))
}

async fn batch(
    State(app): State<App>,
    caller: Caller,
    Segments([id]): Segments<1>,
    query: Query,
) -> Answered {
    let of_story = |domain, id| {
        move |archive: &Archive| archive.story(domain, |story| batch_with_changes(story, id))
    };
    about_batch(&app, &caller, &id, &query, of_story).await
}

async fn net_changes(
    State(app): State<App>,
    caller: Caller,
    Segments([id]): Segments<1>,
    query: Query,
) -> Answered {
    let net = |domain, id| {
        move |archive: &Archive| {
            let net = archive.net_changes(domain, id)?;
            Ok(net.map(|net| net.to_json(now())))
        }
    };
    about_batch(&app, &caller, &id, &query, net).await
}

fn batch_with_changes(story: &Story, id: i64) -> Option<Json> {
    let mut members: Object = story.batch(id)?.to_json(id);
    let changes: Vec<Json> = story.changes_of(id).map(Change::to_json).collect();
    members.insert("changes".to_owned(), changes.into());
    Some(members.into())
}

/// Answers a question about one batch, which there may not be.
async fn about_batch<Q>(
    app: &App,
    caller: &Caller,
    id: &str,
    query: &Query,
    question: impl FnOnce(Format, i64) -> Q,
) -> Answered
where
    Q: FnOnce(&Archive) -> error::Result<Option<Json>> + Send + 'static,
{
    let (id, domain) = both(number_in_path("batch_id", id), domain(app, query))?;
    let trail = admitted(app, caller).await?;
    let found = trail.ask(question(domain, id)).await?;
    found.map(answer).ok_or_else(|| ApiError::Missing("Batch not found".into()))
}

/// The trail, for whoever may ask about it where there is one, and a queue.
async fn admitted<'a>(app: &'a App, caller: &Caller) -> Result<&'a TrailReader, ApiError> {
    let trail = app.trail.as_ref().ok_or(ApiError::NoAudit)?;
    app.reader(caller).await?;
    queue_of(app)?;
    Ok(trail)
}

fn domain(app: &App, query: &Query) -> Result<Format, ApiError> {
    let word = query.one_of("domain_override", &DOMAINS)?;
    Ok(word.and_then(Format::of_name).unwrap_or(app.canonical))
}

fn answer(value: Json) -> Response {
    respond::for_the_key_alone(ok(value))
}

/// Seconds since 1970.
fn now() -> i64 {
    i64::try_from(now_ms() / 1000).unwrap_or(i64::MAX)
}
