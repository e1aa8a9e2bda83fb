//! What is asked of the queue, and what it answers.

use super::{Entry, Status};
use crate::Category;
use crate::change::Operation;

/// Approves some changes and rejects others, all or none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decision {
    /// What the batch is called.
    pub title: String,
    /// Changes to approve, ascending.
    pub approved: Vec<i64>,
    /// Changes to reject, ascending.
    pub rejected: Vec<i64>,
    /// Why those are rejected.
    pub reason: Option<String>,
}

/// What came of a decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// The batch of what was approved; `None` where nothing was.
    pub batch_id: Option<i64>,
    /// Entries that were approved, ascending.
    pub approved: Vec<Entry>,
    /// Entries that were rejected, ascending.
    pub rejected: Vec<Entry>,
}

/// What was left of a batch became a batch of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The batch it was.
    pub original: i64,
    /// The batch it is.
    pub new: i64,
    /// The changes that moved.
    pub reassigned: Vec<i64>,
}

/// Which entries are meant: those that fit all that is said. Nothing said means all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// With one of these statuses.
    pub statuses: Vec<Status>,
    /// In one of these categories.
    pub categories: Vec<Category>,
    /// In this batch.
    pub batch_id: Option<i64>,
    /// With this in the model's name, in whatever case.
    pub model_name: Option<String>,
    /// Proposed by one of these users, by number.
    pub requested_by: Vec<String>,
}

/// Why the queue stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such change.
    #[error("Change {0} not found.")]
    NotFound(i64),
    /// Only pending changes are decided.
    #[error("Change {id} is not pending (status={}).", .status.name())]
    NotPending {
        /// The change.
        id: i64,
        /// What it is.
        status: Status,
    },
    /// Only approved changes are applied.
    #[error("Change {id} is not approved (status={}).", .status.name())]
    NotApproved {
        /// The change.
        id: i64,
        /// What it is.
        status: Status,
    },
    /// Somebody else has reserved it.
    #[error("Change {id} is already reserved for apply (job_id={job}).")]
    Reserved {
        /// The change.
        id: i64,
        /// Who.
        job: String,
    },
    /// There is no record in it to store.
    #[error("Change {id} ({}) is missing payload data.", .operation.name())]
    NoPayload {
        /// The change.
        id: i64,
        /// What it would do.
        operation: Operation,
    },
    /// The request id was used for something else.
    #[error("The request id was used for another proposal, change {0}.")]
    RequestReused(i64),
    /// No number is left to give away.
    #[error("There is no number after the last one.")]
    NoNumber,
}

impl Filter {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the entry is meant.
    pub fn fits(&self, entry: &Entry) -> bool {
        let of = |wanted: bool, is_any: bool| is_any || wanted;
        let name = self.model_name.as_deref().map(str::to_lowercase);
        let by = entry.requested.by.as_ref();
        of(self.statuses.contains(&entry.status), self.statuses.is_empty())
            && of(self.categories.contains(&entry.category), self.categories.is_empty())
            && self.batch_id.is_none_or(|batch| entry.batch_id == Some(batch))
            && name.is_none_or(|part| entry.model_name.to_lowercase().contains(&part))
            && of(by.is_some_and(|by| self.requested_by.contains(by)), self.requested_by.is_empty())
    }
}
