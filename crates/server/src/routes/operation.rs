//! For those who run the service, by machine: metrics, and the status of this worker among others.

use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use horde_model_reference::json::Object;
use horde_model_reference::l1::Swap;
use horde_model_reference::measure::Reading;
use horde_model_reference::watcher::{AGES, Checks, Verdict};
use horde_model_reference::{Condition, Json, Primary};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use super::health::{file_tier, memory_tier, replication};
use super::{ok, shared_tier};
use crate::app::App;
use crate::error::ApiError;
use crate::metrics;
use crate::process::now_ms;
use crate::router::{Access, Answer, Route, Verb};

/// Within which times shares of changes are told, in milliseconds.
const NINES_MS: [u64; 4] = [10, 100, 1000, 10_000];

pub(crate) fn table() -> Vec<Route> {
    vec![
        Route {
            path: "/metrics",
            operation: "metrics",
            tag: "service",
            summary: "Metrics in the text form of OpenMetrics.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[],
            answer: Answer::Metrics,
            errors: &[],
            method: get(exposition),
        },
        Route {
            path: "/status",
            operation: "status",
            tag: "service",
            summary: "How current this worker is, and how soon changes reached it.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[],
            answer: Answer::Json("WorkerStatus"),
            errors: &[],
            method: get(status),
        },
    ]
}

async fn exposition(State(app): State<App>) -> Response {
    let Ok(page) = metrics::exposition(&app) else { return ApiError::Internal.into_response() };
    let mut response = page.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(metrics::CONTENT_TYPE));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Nothing is waited for: what is old is told to be old.
async fn status(State(app): State<App>) -> Response {
    let worker = &app.worker;
    let conditions = app.reference.conditions().iter().map(category).collect();
    let mut response = ok(Json::from([
        ("version", Json::from(env!("CARGO_PKG_VERSION"))),
        (
            "worker",
            Json::from([
                ("id", Json::from(worker.id.as_str())),
                ("pid", u64::from(worker.pid).into()),
            ]),
        ),
        ("mode", app.mode_name().into()),
        ("canonical", app.canonical.name().into()),
        ("started_ms", worker.started_ms.into()),
        ("now_ms", now_ms().into()),
        ("lease_ms", milliseconds(app.reference.leases().lease)),
        ("categories", Json::Array(conditions)),
        ("propagation", propagation(&app)),
        ("memory_tier", memory_tier(&app)),
        ("file_tier", app.primary.as_ref().map(file_tier).into()),
        ("changes", app.primary.as_ref().map(changes).into()),
        (
            "replication",
            app.follower.as_ref().map(|follower| replication(follower.status())).into(),
        ),
        ("checks", app.reference.checks().as_ref().map(checks).into()),
        ("redis", shared_tier::status(&app).as_ref().map(shared_tier::describe).into()),
    ]));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn category(condition: &Condition) -> Json {
    Json::from([
        ("category", Json::from(condition.category.name())),
        ("generation", condition.generation.get().into()),
        ("mark", condition.mark.as_deref().into()),
        ("records", Json::count(condition.records)),
        ("bytes", Json::count(condition.bytes)),
        ("lease_age_ms", milliseconds(condition.lease_age)),
        ("problem", condition.problem.as_ref().map(ToString::to_string).into()),
    ])
}

/// The last swaps, and the shares of all since the start that took no longer than some times.
fn propagation(app: &App) -> Json {
    let swap = |swap: &Swap| {
        Json::from([
            ("document", Json::from(swap.document.to_string())),
            ("generation", swap.generation.get().into()),
            ("origin", swap.origin.name().into()),
            ("at_ms", swap.at_ms.into()),
            ("delay_ms", swap.delay_ms.into()),
        ])
    };
    let all = app.reference.propagation();
    let readings = [&all.own, &all.adopted, &all.remote];
    let counted: u64 = readings.iter().map(|reading| reading.count()).sum();
    let mut within = Object::new();
    for ms in NINES_MS {
        let count: u64 = readings.iter().map(|reading| no_longer_than(reading, ms)).sum();
        let share = (counted > 0).then(|| count as f64 / counted as f64);
        within.insert(ms.to_string(), share.into());
    }
    Json::from([
        ("swaps", Json::Array(app.reference.last_swaps().iter().map(swap).collect())),
        ("counted", counted.into()),
        ("share_within_ms", within.into()),
    ])
}

/// How many took at most `ms`, which is a bound of the histogram.
fn no_longer_than(reading: &Reading, ms: u64) -> u64 {
    let buckets = reading.bounds.iter().zip(&reading.counts);
    let within = buckets.filter(|(bound, _)| bound.as_millis() <= ms.into());
    within.map(|(_, count)| count).sum()
}

/// What checks after each change came to, by its age in milliseconds.
fn checks(checks: &Checks) -> Json {
    let of_age = |(place, age): (usize, &Duration)| {
        let count = |verdict: Verdict| (verdict.name(), checks.count(place, verdict).into());
        let counts: Json = Verdict::ALL.into_iter().map(count).collect();
        (age.as_millis().to_string(), counts)
    };
    let ages: Object = AGES.iter().enumerate().map(of_age).collect();
    ages.into()
}

/// What became of changes, but for what never became of any.
fn changes(primary: &Primary) -> Json {
    let changes = primary.write_statistics().changes.into_iter();
    let some = changes.filter(|(_, count)| *count > 0);
    some.map(|(result, count)| (result, Json::from(count))).collect()
}

pub(super) fn milliseconds(duration: Duration) -> Json {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).into()
}
