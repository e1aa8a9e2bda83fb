//! What a step of the queue is told as in the audit trail. All of it can be seen from the entries
//! before and after, so that whoever finds a commit whose writer died can tell it, too.

use std::collections::BTreeMap;

use super::{Entry, Status};
use crate::json::{Json, Object};

/// An event of the pseudo-category of the queue: whom or what it names, and what it says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct QueueEvent {
    /// The number of the change, or `queue`.
    pub(crate) model_name: String,
    pub(crate) after: Object,
}

/// The events of one step by a user called `username`, in the order in which they are told.
pub(crate) fn events(
    touched: &[(Option<Entry>, Option<Entry>)],
    username: &str,
) -> Vec<QueueEvent> {
    let mut told = Vec::new();
    let mut moved: BTreeMap<(i64, i64), Vec<i64>> = BTreeMap::new();
    for (before, after) in touched {
        match (before, after) {
            (None, Some(entry)) => told.push((0, enqueued(entry))),
            (Some(entry), None) => told.push((4, purged(entry, username))),
            (Some(old), Some(new)) if old.status != new.status => match new.status {
                Status::Approved if old.status == Status::Pending => told.push((1, approved(new))),
                Status::Rejected => told.push((2, rejected(new))),
                Status::Applied => told.push((3, applied(new))),
                _ => {}
            },
            (Some(old), Some(new)) => {
                if let (Some(from), Some(to)) = (old.batch_id, new.batch_id)
                    && from != to
                {
                    moved.entry((from, to)).or_default().push(new.id);
                }
            }
            (None, None) => {}
        }
    }
    told.sort_by_key(|(order, _)| *order);
    let splits = moved.into_iter().map(|((from, to), ids)| split(from, to, ids));
    told.into_iter().map(|(_, event)| event).chain(splits).collect()
}

fn enqueued(entry: &Entry) -> QueueEvent {
    about(
        entry,
        [
            ("operation", entry.operation.name().into()),
            ("category", entry.category.name().into()),
            ("action", "enqueue".into()),
            ("model", entry.model_name.as_str().into()),
        ],
    )
}

fn approved(entry: &Entry) -> QueueEvent {
    about(
        entry,
        [
            ("batch_id", entry.batch_id.map(Json::Int).into()),
            ("batch_title", entry.batch_title.as_deref().into()),
            ("action", "approve".into()),
        ],
    )
}

fn rejected(entry: &Entry) -> QueueEvent {
    about(
        entry,
        [
            ("batch_id", entry.batch_id.map(Json::Int).into()),
            ("batch_title", entry.batch_title.as_deref().into()),
            ("reason", entry.reject_reason.as_deref().into()),
            ("action", "reject".into()),
        ],
    )
}

fn applied(entry: &Entry) -> QueueEvent {
    about(
        entry,
        [
            ("batch_id", entry.batch_id.map(Json::Int).into()),
            ("job_id", entry.job_id.as_deref().into()),
            ("action", "apply".into()),
        ],
    )
}

fn purged(entry: &Entry, username: &str) -> QueueEvent {
    about(
        entry,
        [
            ("category", entry.category.name().into()),
            ("requested_by", entry.requested.by.as_deref().into()),
            ("purged_by_username", username.into()),
            ("action", "purge".into()),
            ("model", entry.model_name.as_str().into()),
        ],
    )
}

fn split(from: i64, to: i64, ids: Vec<i64>) -> QueueEvent {
    let after = [
        ("original_batch_id", Json::Int(from)),
        ("new_batch_id", Json::Int(to)),
        ("reassigned_change_ids", ids.into()),
        ("reason", "partial_apply".into()),
        ("action", "batch_split".into()),
    ];
    QueueEvent { model_name: "queue".to_owned(), after: members(after) }
}

fn about<const N: usize>(entry: &Entry, says: [(&str, Json); N]) -> QueueEvent {
    let id = [("change_id", Json::Int(entry.id))].into_iter();
    QueueEvent { model_name: entry.id.to_string(), after: members(id.chain(says)) }
}

/// What is not known is not told.
fn members<'a>(members: impl IntoIterator<Item = (&'a str, Json)>) -> Object {
    let known = members.into_iter().filter(|(_, value)| !value.is_null());
    known.map(|(name, value)| (name.to_owned(), value)).collect()
}
