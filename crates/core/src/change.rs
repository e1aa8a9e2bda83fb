//! What is asked of a document, and what became of it.

use std::time::Instant;

use bytes::Bytes;

use crate::catalogue::Refusal;
use crate::generation::{Digest, Generation};
use crate::json::Object;
use crate::queue::QueueChange;
use crate::shape::Issue;
use crate::{Category, Document, Error, Json};

/// What is done to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the words of the contract")]
pub enum Operation {
    Create,
    Update,
    Delete,
}

/// When a write is acknowledged, once it is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Visibility {
    /// When every plain read that starts later, on any process over the same files, sees it: one
    /// lease later.
    #[default]
    Everywhere,
    /// When every plain read that starts later in this process sees it.
    Local,
}

/// What must be true for a write to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precondition {
    /// Nothing.
    #[default]
    None,
    /// The category is at this generation.
    Generation(Generation),
    /// There is no record of this name.
    Absent,
    /// There is a record of this name.
    Present,
}

/// How strictly a record is read before it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Validation {
    /// It must be a valid record of its category.
    #[default]
    Full,
    /// Any object is stored, as the reference's backend does.
    Shape,
}

/// How a change is made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WriteOptions {
    /// Who changes it. A change is written to the audit trail only if that is known.
    pub logical_user_id: Option<String>,
    /// The name of that user, where an event has a place for it.
    pub user_name: Option<String>,
    /// Names the request: repeating it within a day returns the first outcome and writes nothing.
    pub request_id: Option<String>,
    /// What tells the change from others under the same request id, where it is a function.
    pub fingerprint: Option<Digest>,
    /// How the audit trail names the request, if not by its id.
    pub told_as: Option<String>,
    /// What must be true for it to happen.
    pub precondition: Precondition,
    /// When it is acknowledged.
    pub visibility: Visibility,
    /// How strictly the record is read.
    pub validation: Validation,
    /// Whether more than a fifth of the records, and more than five, may go.
    pub may_shrink: bool,
}

/// A change that is durable, and seen as widely as was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The document that was written.
    pub document: Document,
    /// Its generation with the change in it: nobody who reads at least this one misses the change.
    pub generation: Generation,
    /// Digest of the document's bytes at that generation.
    pub digest: Digest,
    /// What was done to the record; `None` for a change of the whole document.
    pub operation: Option<Operation>,
    /// Whether the document is other than it was before. Storing what is stored changes nothing.
    pub changed: bool,
    /// Whether this is the outcome of an earlier request of the same id.
    pub repeated: bool,
    /// When all of it could be seen, for whoever waits for leases; an earlier request's long ago.
    pub(crate) at: Option<Instant>,
}

/// Why there is no change.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum WriteError {
    /// The record does not have the form it should; everything that is wrong with it.
    #[error("{}", listed(.0))]
    Invalid(Vec<Issue>),
    /// The legacy record has no v2 form, which would have to follow; everything that is wrong with it.
    #[error("the record has no v2 form in {category}: {}", listed(.issues))]
    Unconvertible {
        /// The category.
        category: Category,
        /// What is wrong.
        issues: Vec<Issue>,
    },
    /// No record may have this name.
    #[error("the name {name:?} cannot be used: {reason}")]
    Name {
        /// The name.
        name: String,
        /// The rule it breaks.
        reason: &'static str,
    },
    /// There is no record of this name to delete.
    #[error("there is no record `{name}` in {document}")]
    NotFound {
        /// The document.
        document: Document,
        /// The name.
        name: String,
    },
    /// The precondition does not hold.
    #[error("what was expected does not hold: {document} is at generation {generation}, and the record {}", if .record.is_some() { "exists" } else { "does not exist" })]
    Conflict {
        /// The document.
        document: Document,
        /// Where it is.
        generation: Generation,
        /// The record as it is now, if there is one of the name.
        record: Option<Json>,
    },
    /// The request id was used for another change within the last day.
    #[error("the request id was used for another change, at generation {generation}")]
    RequestReused {
        /// What that one led to.
        generation: Generation,
    },
    /// Whoever asked for the change refuses it, having seen what there is.
    #[error("refused: {reason}")]
    Refused {
        /// Why.
        reason: String,
    },
    /// Too many records would go at once.
    #[error(
        "{removed} of {before} records of {document} would go; ask for it explicitly if that is meant"
    )]
    Shrinks {
        /// The document.
        document: Document,
        /// How many records would go.
        removed: usize,
        /// How many there are.
        before: usize,
    },
    /// A rule of a catalogue forbids it.
    #[error("{0}")]
    Rule(Refusal),
    /// The other format is the source of truth, or the category does not exist in this one.
    #[error("{category} cannot be written in this format: {reason}")]
    WrongFormat {
        /// The category.
        category: Category,
        /// Why.
        reason: &'static str,
    },
    /// What is stored cannot be read, so nothing can be based on it.
    #[error("what is stored cannot be changed: {0}")]
    SourceInvalid(Error),
    /// More changes are waiting than are held, or somebody else writes all the time.
    #[error("busy: {0}; try again")]
    Busy(String),
    /// The files cannot be written; nothing has changed.
    #[error("nothing was written: {0}")]
    Storage(Error),
    /// The change is in place, but it is not known whether it would survive a power cut, or what
    /// follows from it is not done. Repeat it with the same request id.
    #[error("the outcome is not known: generation {generation} is in place, but {error}")]
    Unknown {
        /// The generation it has if it stays.
        generation: Generation,
        /// What failed.
        error: Error,
    },
    /// The writer ended before it answered; the change may have been made.
    #[error("the outcome is not known: the writer ended")]
    Ended,
    /// The writer did not answer in time; the change may still happen.
    #[error("the outcome is not known: no answer within {seconds} s")]
    NoAnswer {
        /// How long it was waited for.
        seconds: u64,
    },
}

/// A function from the present content of a document to the next. It may be called more than once,
/// if somebody else writes meanwhile. It is called under the document's lock, and must not wait for
/// anything, least of all for another change of the document.
pub type WholeChange = Box<dyn FnMut(&Json) -> Result<Json, WriteError> + Send>;

/// What is to be done.
pub(crate) enum Change {
    /// The record gets this content.
    Put { name: String, record: Object },
    /// The record goes.
    Delete { name: String },
    /// The whole document becomes what the function says.
    Whole(WholeChange),
    /// The whole document becomes these bytes.
    Bytes(Bytes),
    /// A step of the queue of proposed changes.
    Queue {
        /// Whether it shares its commit with no other.
        is_alone: bool,
        change: QueueChange,
    },
    /// Nothing: whoever asks wants to know whether a request of the same id was answered. If it was
    /// not, it never will be: a write that is still on its way is refused.
    Nothing,
}

impl Operation {
    /// The word of the contract.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    /// Reads the word.
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Create, Self::Update, Self::Delete].into_iter().find(|known| known.name() == name)
    }
}

impl WriteOptions {
    /// A change by a user.
    pub fn by(user: impl Into<String>) -> Self {
        Self { logical_user_id: Some(user.into()), ..Self::default() }
    }

    /// The same change under a request id.
    #[must_use]
    pub fn with_request(mut self, id: impl Into<String>) -> Self {
        self.request_id = Some(id.into());
        self
    }

    /// The same change, acknowledged as soon as this process shows it.
    #[must_use]
    pub fn local(mut self) -> Self {
        self.visibility = Visibility::Local;
        self
    }

    /// The same change under a precondition.
    #[must_use]
    pub fn only_if(mut self, precondition: Precondition) -> Self {
        self.precondition = precondition;
        self
    }
}

impl From<Refusal> for WriteError {
    fn from(refusal: Refusal) -> Self {
        Self::Rule(refusal)
    }
}

fn listed(issues: &[Issue]) -> String {
    let texts: Vec<String> = issues.iter().map(ToString::to_string).collect();
    texts.join("; ")
}
