//! What all routes that change models have in common: who may, where, and how it is queued.

use axum::response::Response;
use horde_model_reference::change::Operation;
use horde_model_reference::json::Style;
use horde_model_reference::proposal::check_name;
use horde_model_reference::queue::{Draft, Entry, QueueError, Refusal};
use horde_model_reference::text::backend_prefix;
use horde_model_reference::{Category, Format, Json, Primary};
use http::StatusCode;

use super::Answered;
use crate::app::App;
use crate::auth::User;
use crate::conditions::Conditions;
use crate::error::ApiError;
use crate::respond;

impl App {
    /// The right to write, which only the authority has.
    pub(crate) fn primary(&self) -> Result<&Primary, ApiError> {
        self.primary.as_ref().ok_or(ApiError::NoWritesInReplica)
    }
}

/// Whether a model may have this name, and whether it is one that is written. Names that backends
/// give to text models follow from the model's own.
pub(super) fn check_model_name(
    category: Category,
    name: &str,
    version: Format,
    operation: Operation,
) -> Result<(), ApiError> {
    check_name(name)?;
    if category == Category::TextGeneration && backend_prefix(name).is_some() {
        return Err(ApiError::BackendPrefix { name: name.to_owned(), version, operation });
    }
    Ok(())
}

/// Queues a change, and answers with its entry. Nothing else changes until it is applied.
pub(super) async fn propose(
    app: &App,
    draft: Draft,
    user: &User,
    conditions: &Conditions,
    route: &str,
) -> Answered {
    queued(app, draft, user, conditions, route).await.map(|entry| accepted(&entry))
}

/// Queues a change.
pub(super) async fn queued(
    app: &App,
    draft: Draft,
    user: &User,
    conditions: &Conditions,
    route: &str,
) -> Result<Entry, ApiError> {
    if !app.has_queue() {
        return Err(ApiError::NoQueue);
    }
    let queue = app.primary()?.queue();
    queue.propose(draft, &user.actor(), conditions.request_on(route)).await.map_err(not_proposed)
}

/// A request that was answered before is answered again, whatever has become of the model since.
pub(super) async fn or_repeated(
    app: &App,
    refused: ApiError,
    user: &User,
    conditions: &Conditions,
    route: &str,
    about: (Category, &str, Operation),
) -> Answered {
    let known = repeated(app, user, conditions, route, about).await;
    known.map(|entry| accepted(&entry)).ok_or(refused)
}

/// The entry that this request led to when it came before.
pub(super) async fn repeated(
    app: &App,
    user: &User,
    conditions: &Conditions,
    route: &str,
    about: (Category, &str, Operation),
) -> Option<Entry> {
    let request = conditions.request_on(route).filter(|_| app.has_queue())?;
    let read = app.reference.pending_queue().await;
    let is_it = |entry: &&Entry| {
        let said = entry.request_metadata.as_ref().and_then(|said| said.get("request_id"));
        said.and_then(Json::as_str) == Some(&request)
            && entry.requested.by.as_ref() == Some(&user.id)
            && (entry.category, entry.model_name.as_str(), entry.operation) == about
    };
    read.view.entries().iter().find(is_it).cloned()
}

fn accepted(entry: &Entry) -> Response {
    let text = Json::Object(entry.to_stored()).to_text(Style::COMPACT);
    respond::for_the_key_alone(respond::json(StatusCode::ACCEPTED, text))
}

fn not_proposed(error: QueueError) -> ApiError {
    match error {
        QueueError::Refused(Refusal::RequestReused(_)) => ApiError::RequestReused,
        QueueError::Queue(error) | QueueError::Store(error) => {
            ApiError::not_written(error, "queue")
        }
        QueueError::Refused(refusal) => {
            tracing::error!(%refusal, "a proposal was refused");
            ApiError::Internal
        }
    }
}
