//! The queue of proposed changes: one queue behind two doors, whatever format is canonical.

mod act;
mod audit;
mod bodies;
mod diffs;
mod read;

use axum::routing::MethodRouter;
use horde_model_reference::queue::Queue;
use horde_model_reference::settings::ReplicateMode;

use crate::app::App;
use crate::error::ApiError;
use crate::router::{Access, Answer, QueryParameter, Route, Verb};

/// The path and the operation of a route, at each door.
macro_rules! doors {
    ($path:literal, $before:literal, $after:literal) => {
        [
            (
                concat!("/model_references/v2/pending_queue", $path),
                concat!($before, "_model_references_v2_pending_queue_", $after),
            ),
            (
                concat!("/model_references/v1/pending_queue", $path),
                concat!($before, "_model_references_v1_pending_queue_", $after),
            ),
        ]
    };
}
use doors;

/// What a route is at both doors.
struct Behind {
    summary: &'static str,
    verb: Verb,
    access: Access,
    query: &'static [QueryParameter],
    answer: Answer,
    errors: &'static [u16],
    method: MethodRouter<App>,
}

impl Behind {
    fn at(self, doors: [(&'static str, &'static str); 2]) -> [Route; 2] {
        doors.map(|(path, operation)| Route {
            path,
            operation,
            tag: "pending_queue",
            summary: self.summary,
            verb: self.verb,
            access: self.access,
            query: self.query,
            answer: self.answer,
            errors: self.errors,
            method: self.method.clone(),
        })
    }
}

pub(crate) fn table() -> Vec<Route> {
    [read::table(), act::table(), diffs::table(), audit::table()].into_iter().flatten().collect()
}

/// The queue, where this server keeps one.
fn queue_of(app: &App) -> Result<Queue, ApiError> {
    let primary = app.primary.as_ref().filter(|_| app.has_queue());
    primary.map(|primary| primary.queue()).ok_or(ApiError::NoQueue)
}

/// A copy of another server's data has nothing to decide.
fn check_is_primary(app: &App) -> Result<(), ApiError> {
    match app.mode {
        ReplicateMode::Primary => Ok(()),
        ReplicateMode::Replica => Err(ApiError::QueuedByPrimary(app.canonical)),
    }
}
