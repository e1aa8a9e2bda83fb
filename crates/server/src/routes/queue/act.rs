//! What approvers do: decide, apply, purge.

use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use horde_model_reference::Json;
use horde_model_reference::json::{Object, Style};
use horde_model_reference::queue::{
    Actor, Applied, Entry, Queue, QueueError, Refusal, Split, Status,
};
use http::StatusCode;

use super::super::{Answered, ok};
use super::{Behind, bodies, check_is_primary, doors, queue_of};
use crate::app::App;
use crate::auth::Caller;
use crate::conditions::Conditions;
use crate::error::ApiError;
use crate::extract::{Query, Segments, number_in_path};
use crate::request_body::RequestBody;
use crate::respond;
use crate::router::{Access, Answer, QueryParameter, Route, Takes, Verb};

const JOB: &[QueryParameter] = &[QueryParameter {
    name: "job_id",
    schema: r#"{"type":"string","maxLength":120}"#,
    meaning: "Names the job.",
}];

pub(super) fn table() -> Vec<Route> {
    let decide = Behind {
        summary: "Approves and rejects pending changes, all or none.",
        verb: Verb::Post(Takes::Json("DecisionRequest")),
        access: Access::Approver,
        query: &[],
        answer: Answer::Json("Decision"),
        errors: &[400],
        method: post(decide),
    };
    let apply_one = Behind {
        summary: "Applies an approved change.",
        verb: Verb::Post(Takes::Json("ApplyOneRequest")),
        access: Access::Approver,
        query: &[],
        answer: Answer::Json("AppliedOne"),
        errors: &[400, 404, 409],
        method: post(apply_one),
    };
    let apply_some = Behind {
        summary: "Applies approved changes one after the other, until one fails.",
        verb: Verb::Post(Takes::Json("ApplyRequest")),
        access: Access::Approver,
        query: &[],
        answer: Answer::Json("Applied"),
        errors: &[400, 404, 409],
        method: post(apply_some),
    };
    let apply_batch = Behind {
        summary: "Applies the approved changes of a batch.",
        verb: Verb::Post(Takes::Nothing),
        access: Access::Approver,
        query: JOB,
        answer: Answer::Json("Applied"),
        errors: &[400, 404, 409, 422],
        method: post(apply_batch),
    };
    let purge = Behind {
        summary: "Removes entries.",
        verb: Verb::Post(Takes::Json("PurgeRequest")),
        access: Access::Approver,
        query: &[],
        answer: Answer::Json("Purged"),
        errors: &[],
        method: post(purge),
    };
    let decide = decide.at(doors!("/batches", "process_pending_batch", "batches_post"));
    let apply_one = apply_one.at(doors!(
        "/changes/{change_id}/apply",
        "apply_pending_change_endpoint",
        "changes__change_id__apply_post"
    ));
    let apply_some =
        apply_some.at(doors!("/apply", "apply_pending_changes_endpoint", "apply_post"));
    let apply_batch = apply_batch.at(doors!(
        "/apply_batch/{batch_id}",
        "apply_batch_endpoint",
        "apply_batch__batch_id__post"
    ));
    let purge = purge.at(doors!("/purge", "purge_pending_changes", "purge_post"));
    [decide, apply_one, apply_some, apply_batch, purge].into_iter().flatten().collect()
}

async fn decide(State(app): State<App>, caller: Caller, body: RequestBody) -> Answered {
    let decision = body.read(bodies::decision)?;
    let user = app.approver(&caller).await?;
    check_is_primary(&app)?;
    let title = decision.title.clone();
    let decided =
        queue_of(&app)?.decide(decision, &user.actor()).await.map_err(|error| match error {
            QueueError::Refused(Refusal::NotFound(id)) => {
                ApiError::Undecidable(format!("Change {id} does not exist."))
            }
            error => unwritten(error),
        })?;
    let listed = |entries: &[Entry]| {
        Json::Array(entries.iter().map(|entry| entry.to_json().into()).collect())
    };
    let answer = ok(Json::from([
        ("batch_id", decided.batch_id.map(Json::Int).into()),
        ("batch_title", title.into()),
        ("approved", listed(&decided.approved)),
        ("rejected", listed(&decided.rejected)),
    ]));
    Ok(respond::for_the_key_alone(answer))
}

async fn apply_one(
    State(app): State<App>,
    caller: Caller,
    conditions: Conditions,
    Segments([id]): Segments<1>,
    body: RequestBody,
) -> Answered {
    let id = number_in_path("change_id", &id)?;
    let job = body.read(bodies::job)?;
    let user = app.approver(&caller).await?;
    check_is_primary(&app)?;
    let request = conditions.request_on("apply");
    let applied = queue_of(&app)?.apply(&[id], job, &user.actor(), request.as_deref()).await;
    let applied = applied.map_err(unwritten)?;
    if let Some((_, error)) = &applied.failed {
        return Err(failure(error).1);
    }
    let record = applied.entries.first().map(Entry::to_stored);
    let mut answer = Object::from_iter([("record".to_owned(), record.into())]);
    tell_split(&mut answer, applied.split.as_ref());
    Ok(respond::for_the_key_alone(ok(answer)))
}

async fn apply_some(
    State(app): State<App>,
    caller: Caller,
    conditions: Conditions,
    body: RequestBody,
) -> Answered {
    let order = body.read(bodies::apply)?;
    let user = app.approver(&caller).await?;
    check_is_primary(&app)?;
    let queue = queue_of(&app)?;
    let request = conditions.request_on("apply");
    let order_of =
        Order { job: order.job_id.as_deref(), by: &user.actor(), request: request.as_deref() };
    if !order.mixed {
        check_one_batch(&app, &queue, &order.ids, &order_of).await?;
    }
    let applied = queue.apply(&order.ids, order.job_id, &user.actor(), request.as_deref()).await;
    told(applied)
}

async fn apply_batch(
    State(app): State<App>,
    caller: Caller,
    conditions: Conditions,
    query: Query,
    Segments([batch]): Segments<1>,
) -> Answered {
    let batch = number_in_path("batch_id", &batch)?;
    let job = query.text("job_id").filter(|job| !job.is_empty());
    if job.is_some() {
        query.text_up_to("job_id", bodies::LONGEST_NAME)?;
    }
    let job = job.map(str::to_owned);
    let user = app.approver(&caller).await?;
    check_is_primary(&app)?;
    let queue = queue_of(&app)?;
    let read = app.reference.pending_queue().await;
    let of_batch: Vec<&Entry> =
        read.view.entries().iter().filter(|entry| entry.batch_id == Some(batch)).collect();
    let request = conditions.request_on("apply");
    let order = Order { job: job.as_deref(), by: &user.actor(), request: request.as_deref() };
    let is_meant =
        |entry: &&&Entry| entry.status == Status::Approved || order.has_applied(&queue, entry);
    let approved: Vec<i64> = of_batch.iter().filter(is_meant).map(|entry| entry.id).collect();
    if of_batch.is_empty() {
        return Err(ApiError::Missing(format!("No changes found for batch {batch}")));
    }
    if approved.is_empty() && !of_batch.iter().all(|entry| entry.status == Status::Applied) {
        return Err(ApiError::Missing(format!("No approved changes found in batch {batch}")));
    }
    let applied = queue.apply(&approved, job.clone(), &user.actor(), request.as_deref()).await;
    told(applied)
}

async fn purge(State(app): State<App>, caller: Caller, body: RequestBody) -> Answered {
    let order = body.read(bodies::purge)?;
    let user = app.approver(&caller).await?;
    check_is_primary(&app)?;
    let removed = queue_of(&app)?.purge(order.filter, order.dry_run, &user.actor()).await;
    let removed = removed.map_err(unwritten)?;
    let answer = ok(Json::from([
        ("removed_count", Json::count(removed.len())),
        ("removed_change_ids", removed.into()),
        ("dry_run", order.dry_run.into()),
    ]));
    Ok(respond::for_the_key_alone(answer))
}

/// An order to apply changes, which may be repeated.
struct Order<'a> {
    job: Option<&'a str>,
    by: &'a Actor,
    request: Option<&'a str>,
}

impl Order<'_> {
    /// Whether it has applied this change when it came before.
    fn has_applied(&self, queue: &Queue, entry: &Entry) -> bool {
        let by = |request| queue.was_applied_by(entry, self.job, self.by, request);
        self.request.is_some_and(by)
    }
}

/// What was applied by the same order stayed in its batch, when the others moved to a new one.
async fn check_one_batch(
    app: &App,
    queue: &Queue,
    ids: &[i64],
    order: &Order<'_>,
) -> Result<(), ApiError> {
    let read = app.reference.pending_queue().await;
    let mut batches = Vec::new();
    for &id in ids {
        let missing = || ApiError::Missing(format!("Change {id} not found"));
        let entry = read.view.entry(id).ok_or_else(missing)?;
        if !order.has_applied(queue, entry) {
            batches.push(entry.batch_id);
        }
    }
    let Some(mut batches) = batches.into_iter().collect::<Option<Vec<i64>>>() else {
        let words = "Cannot apply changes that have not been approved in a batch";
        return Err(ApiError::Undecidable(words.into()));
    };
    batches.sort_unstable();
    batches.dedup();
    if batches.len() > 1 {
        let words =
            format!("All changes must belong to the same batch. Found batch IDs: {batches:?}");
        return Err(ApiError::Undecidable(words));
    }
    Ok(())
}

/// What came of applying several changes.
fn told(applied: Result<Applied, QueueError>) -> Answered {
    let applied = applied.map_err(unwritten)?;
    let entries = applied.entries.iter().map(|entry| Json::Object(entry.to_stored())).collect();
    let mut answer = Object::from_iter([("applied".to_owned(), Json::Array(entries))]);
    let mut status = StatusCode::OK;
    if let Some((id, error)) = &applied.failed {
        let (kind, error) = failure(error);
        status = error.status();
        answer.insert("failed_change_id".into(), Json::Int(*id));
        answer.insert("failed_error".into(), error.detail());
        answer.insert("failed_error_type".into(), kind.into());
    }
    tell_split(&mut answer, applied.split.as_ref());
    let response: Response = respond::json(status, Json::Object(answer).to_text(Style::COMPACT));
    Ok(respond::for_the_key_alone(response))
}

/// Why the queue is as it was.
fn unwritten(error: QueueError) -> ApiError {
    match error {
        QueueError::Refused(refusal) => ApiError::Undecidable(refusal.to_string()),
        QueueError::Queue(error) | QueueError::Store(error) => {
            ApiError::unavailable(error, "queue")
        }
    }
}

/// Why a change could not be applied: the contract's word for it, and what a client is told.
fn failure(error: &QueueError) -> (&'static str, ApiError) {
    let text = error.to_string();
    match error {
        QueueError::Refused(Refusal::NotFound(_)) => {
            ("PendingChangeNotFoundError", ApiError::Missing(text))
        }
        QueueError::Refused(Refusal::NoPayload { .. }) => {
            ("PendingChangePayloadError", ApiError::Undecidable(text))
        }
        QueueError::Refused(_) => ("PendingChangeStateError", ApiError::Undecidable(text)),
        QueueError::Store(error) => ("PendingChangeBackendError", ApiError::not_stored(error)),
        QueueError::Queue(error) => {
            ("PendingChangeBackendError", ApiError::unavailable(error.clone(), "apply"))
        }
    }
}

fn tell_split(answer: &mut Object, split: Option<&Split>) {
    answer.insert("batch_split_occurred".into(), split.is_some().into());
    if let Some(split) = split {
        answer.insert("batch_split_original_batch_id".into(), Json::Int(split.original));
        answer.insert("batch_split_new_batch_id".into(), Json::Int(split.new));
        let count = Json::count(split.reassigned.len());
        answer.insert("batch_split_reassigned_count".into(), count);
    }
}
