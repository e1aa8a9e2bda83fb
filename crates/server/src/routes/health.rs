//! For those who run the service: is it alive, is it ready, what is wrong with its files.

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use horde_model_reference::json::Style;
use horde_model_reference::replica::FollowerStatus;
use horde_model_reference::{Category, Document, Json, Primary};
use http::StatusCode;

use crate::app::App;
use crate::respond;
use crate::router::{Access, Answer, Route, Verb};

pub(crate) fn table() -> Vec<Route> {
    vec![
        Route {
            path: "/livez",
            operation: "livez",
            tag: "service",
            summary: "Answers as long as the process can answer at all.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[],
            answer: Answer::Json("Status"),
            errors: &[],
            method: get(async || super::ok(Json::from([("status", Json::from("ok"))]))),
        },
        Route {
            path: "/readyz",
            operation: "readyz",
            tag: "service",
            summary: "Whether answers are current, and what is wrong with the files.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[],
            answer: Answer::Json("Readiness"),
            errors: &[503],
            method: get(readyz),
        },
    ]
}

/// Ready while the files can be looked at, however long ago a replica's PRIMARY was last heard. A broken
/// document is told, but the rest is served: it does not make the service unready.
async fn readyz(State(app): State<App>) -> Response {
    let fresh = app.reference.is_current().await;
    let complete = app.reference.is_complete();
    let status = if fresh && complete { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let state = match (fresh, complete) {
        (true, true) => "ready",
        (true, false) => "starting",
        (false, _) => "stale",
    };
    let mut categories = Vec::new();
    for category in Category::ALL {
        let view = app.reference.category(category).await.view;
        categories.push((
            category.name(),
            Json::from([
                ("present", Json::Bool(view.v2.is_some())),
                ("models", Json::count(view.len())),
                ("generation", Json::from(view.generation().get())),
            ]),
        ));
    }
    let documents = broken_documents(&app);
    let note = |(category, note): (Category, horde_model_reference::view::Note)| {
        Json::from([
            ("category", Json::from(category.name())),
            ("record", note.record.into()),
            ("reason", note.reason.into()),
        ])
    };
    let records = app.reference.notes().into_iter().map(note).collect();
    let change = |note: horde_model_reference::view::Note| {
        Json::from([("change", note.record.into()), ("reason", note.reason.into())])
    };
    let changes = app.reference.notes_on_changes().into_iter().map(change).collect();
    let body = Json::from([
        ("status", state.into()),
        ("parts", parts(&app, fresh)),
        ("categories", categories.into_iter().collect::<Json>()),
        ("broken_documents", documents),
        ("skipped_records", Json::Array(records)),
        ("skipped_changes", Json::Array(changes)),
        (
            "replication",
            app.follower.as_ref().map(|follower| replication(follower.status())).into(),
        ),
        ("memory_tier", memory_tier(&app)),
        ("file_tier", app.primary.as_ref().map(file_tier).into()),
    ]);
    respond::json(status, body.to_text(Style::COMPACT))
}

/// Three parts that are well or not each by itself; null where there is no such part. The first alone
/// decides whether the service is ready: nothing that is served depends on the others.
fn parts(app: &App, fresh: bool) -> Json {
    let shared = super::shared_tier::status(app);
    Json::from([
        ("files", Json::Bool(fresh)),
        ("live", shared.as_ref().map(|tier| tier.is_live).into()),
        ("redis", shared.as_ref().map(|tier| tier.is_connected).into()),
    ])
}

/// How often files were looked at and read, and reads waited in vain.
pub(super) fn memory_tier(app: &App) -> Json {
    let tier = app.reference.statistics();
    Json::from([
        ("looks", Json::from(tier.looks)),
        ("loads", Json::from(tier.loads)),
        ("stale_answers", Json::from(tier.stale_answers)),
    ])
}

/// What others wrote without a lock, and what it lacked of what was there before; and what was finished
/// for writers that died.
pub(super) fn file_tier(primary: &Primary) -> Json {
    let files = primary.file_statistics();
    Json::from([
        ("adoptions", Json::from(files.adoptions)),
        ("overwritten", files.overwritten.into()),
        ("shrunk", files.shrunk.into()),
        ("recovered", files.recovered.into()),
    ])
}

pub(super) fn replication(status: FollowerStatus) -> Json {
    Json::from([
        ("rounds", Json::from(status.rounds)),
        ("files_written", status.written.into()),
        ("last_success", status.last_success.into()),
        ("failures", u64::from(status.failures).into()),
        ("last_error", status.last_error.into()),
    ])
}

fn broken_documents(app: &App) -> Json {
    let unreadable = app.reference.problems().into_iter();
    let unreadable = unreadable.map(|problem| (problem.document, problem.error.to_string()));
    let problems = unreadable.chain(app.reference.refused_catalogues());
    let describe = |(document, reason): (Document, String)| {
        Json::from([("document", document.to_string().into()), ("reason", reason.into())])
    };
    Json::Array(problems.map(describe).collect())
}
