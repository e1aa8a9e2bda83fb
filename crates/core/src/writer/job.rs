//! A change that waits to be made, and who waits for its answer.

use tokio::sync::oneshot;

use super::note::Touched;
use super::records::printed_length;
use crate::change::{Change, Committed, WriteError, WriteOptions};
use crate::generation::Digest;
use crate::json::{Json, Style};

/// Longest user or request id, in bytes as JSON prints it.
const LONGEST_ID: usize = 4 * 1024;

pub(super) type Answer = Result<Committed, WriteError>;

pub(super) struct Job {
    pub(super) change: Change,
    pub(super) options: WriteOptions,
    /// The request's id, if it has one, and what tells its change from others.
    pub(super) request: Option<(String, String)>,
    /// What it did to its record in a commit that somebody else displaced; they may have copied it.
    pub(super) displaced: Option<Touched>,
    answer: oneshot::Sender<Answer>,
}

impl Job {
    pub(super) fn new(change: Change, options: WriteOptions) -> (Self, oneshot::Receiver<Answer>) {
        let (answer, answered) = oneshot::channel();
        let request = options.request_id.clone().map(|id| (id, fingerprint(&change, &options)));
        (Self { change, options, request, displaced: None, answer }, answered)
    }

    /// Whether nobody waits for the answer any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    pub(super) fn answer(self, answer: Answer) {
        // Whoever asked may have gone away.
        let _ = self.answer.send(answer);
    }

    /// The record it is about; none of a change of the whole document.
    pub(super) fn name(&self) -> Option<&str> {
        match &self.change {
            Change::Put { name, .. } | Change::Delete { name } => Some(name),
            Change::Whole(_) | Change::Bytes(_) | Change::Queue { .. } | Change::Nothing => None,
        }
    }

    /// Upper bound of what it adds to a note, in bytes. A name is also told as the last one that was
    /// changed, and so by the metadata of both formats.
    pub(super) fn note_length(&self) -> usize {
        let text = |text: Option<&str>| text.map_or(0, printed_length);
        let options = &self.options;
        256 + 4 * text(self.name())
            + text(options.logical_user_id.as_deref())
            + text(options.user_name.as_deref())
            + text(options.request_id.as_deref())
            + text(options.told_as.as_deref())
    }

    /// Whether no other change may be part of its commit.
    pub(super) fn is_alone(&self) -> bool {
        match self.change {
            Change::Whole(_) | Change::Bytes(_) => true,
            Change::Queue { is_alone, .. } => is_alone,
            Change::Put { .. } | Change::Delete { .. } | Change::Nothing => false,
        }
    }

    /// Refuses ids that a note has no room for.
    pub(super) fn check_ids(&self) -> Result<(), WriteError> {
        let options = &self.options;
        let ids =
            [&options.logical_user_id, &options.user_name, &options.request_id, &options.told_as];
        for id in ids.into_iter().flatten() {
            if printed_length(id) > LONGEST_ID {
                let name = id.chars().take(200).collect();
                let reason = "an id of a user or a request must not be longer than 4 KiB";
                return Err(WriteError::Name { name, reason });
            }
        }
        Ok(())
    }
}

/// Tells changes apart that share a request id. What a function does, its caller tells.
fn fingerprint(change: &Change, options: &WriteOptions) -> String {
    let text = match change {
        Change::Put { name, record } => {
            let record = Json::Object(record.clone()).to_text(Style::COMPACT);
            format!("put\n{name}\n{record}")
        }
        Change::Delete { name } => format!("delete\n{name}"),
        Change::Whole(_) => match options.fingerprint {
            Some(digest) => format!("whole\n{digest}"),
            None => "whole".to_owned(),
        },
        Change::Bytes(bytes) => format!("bytes\n{}", Digest::of(bytes)),
        Change::Queue { .. } => "queue".to_owned(),
        Change::Nothing => "nothing".to_owned(),
    };
    Digest::of(text.as_bytes()).to_string()
}
