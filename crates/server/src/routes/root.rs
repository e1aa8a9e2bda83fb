//! What the service is, and what it is now: the landing page, the heartbeat, the mode.

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use horde_model_reference::Json;
use horde_model_reference::settings::ReplicateMode;

use super::ok;
use crate::app::App;
use crate::router::{Access, Answer, Route, Verb};

pub(crate) fn table() -> Vec<Route> {
    vec![
        Route {
            path: "/",
            operation: "read_root__get",
            tag: "service",
            summary: "What this service is.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[],
            answer: Answer::Json("Message"),
            errors: &[],
            method: get(async || {
                ok(Json::from([(
                    "message",
                    Json::from(
                        "The AI-Horde model reference. The data is under /api/model_references/v2; \
                     /api/docs describes every route.",
                    ),
                )]))
            }),
        },
        Route {
            path: "/heartbeat",
            operation: "heartbeat_heartbeat_get",
            tag: "service",
            summary: "Whether the service runs, and whether the AI-Horde API answers it.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[],
            answer: Answer::Json("Heartbeat"),
            errors: &[],
            method: get(heartbeat),
        },
        Route {
            path: "/replicate_mode",
            operation: "replicate_mode_replicate_mode_get",
            tag: "service",
            summary: "Whether this is the authority or a copy, and which format is canonical.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[],
            answer: Answer::Json("ReplicateMode"),
            errors: &[],
            method: get(replicate_mode),
        },
    ]
}

/// The AI-Horde API is not asked by anything yet that could fail.
async fn heartbeat() -> Response {
    let ai_horde = Json::from([
        ("degraded", Json::Bool(false)),
        ("consecutive_failures", Json::Int(0)),
        ("seconds_until_retry", Json::Null),
    ]);
    ok(Json::from([("status", "ok".into()), ("ai_horde", ai_horde)]))
}

async fn replicate_mode(State(app): State<App>) -> Response {
    ok(Json::from([
        ("replicate_mode", app.mode_name().into()),
        ("canonical_format", app.canonical.name().into()),
        ("writable", Json::Bool(app.mode == ReplicateMode::Primary)),
    ]))
}
