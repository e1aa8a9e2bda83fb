//! What became of changes, and how long commits took, since the start.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::job::Answer;
use crate::catalogue::Obstacle;
use crate::change::WriteError;
use crate::disk::Flushes;
use crate::measure::{Histogram, Reading, WORK};

/// What a change comes to, in words: the first three are successes.
const RESULTS: [&str; 17] = [
    "changed",
    "unchanged",
    "repeated",
    "invalid",
    "name",
    "not_found",
    "conflict",
    "request_reused",
    "shrinks",
    "wrong_format",
    "source_invalid",
    "busy",
    "storage",
    "unknown",
    "ended",
    "no_answer",
    "refused",
];

#[derive(Debug)]
pub(super) struct Measures {
    /// Changes by result, in the order of [`RESULTS`].
    changes: [AtomicU64; RESULTS.len()],
    commit: Histogram,
    lock_wait: Histogram,
    flush_content: Histogram,
    flush_folder: Histogram,
}

/// What became of changes, and how long commits took, since the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statistics {
    /// Changes that reached the writer, by result.
    pub changes: Vec<(&'static str, u64)>,
    /// From asking for the lock until all that follows from the commit was done.
    pub commit: Reading,
    /// Waiting for other writers of the document, successfully or not.
    pub lock_wait: Reading,
    /// Flushing the content and its name.
    pub flush_content: Reading,
    /// Flushing the folder.
    pub flush_folder: Reading,
}

impl Measures {
    pub(super) fn new() -> Self {
        let histogram = || Histogram::new(WORK);
        Self {
            changes: [const { AtomicU64::new(0) }; RESULTS.len()],
            commit: histogram(),
            lock_wait: histogram(),
            flush_content: histogram(),
            flush_folder: histogram(),
        }
    }

    pub(super) fn answered(&self, answer: &Answer) {
        self.changes[place_of(answer)].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn committed(&self, took: Duration) {
        self.commit.observe(took);
    }

    pub(super) fn flushed(&self, flushes: Flushes) {
        self.flush_content.observe(flushes.content);
        self.flush_folder.observe(flushes.folder);
    }

    pub(super) fn waited_for_lock(&self, took: Duration) {
        self.lock_wait.observe(took);
    }

    pub(super) fn read(&self) -> Statistics {
        let counts = self.changes.iter().map(|count| count.load(Ordering::Relaxed));
        Statistics {
            changes: RESULTS.into_iter().zip(counts).collect(),
            commit: self.commit.read(),
            lock_wait: self.lock_wait.read(),
            flush_content: self.flush_content.read(),
            flush_folder: self.flush_folder.read(),
        }
    }
}

/// The place of an answer in [`RESULTS`].
fn place_of(answer: &Answer) -> usize {
    let error = match answer {
        Ok(committed) if committed.repeated => return 2,
        Ok(committed) if !committed.changed => return 1,
        Ok(_) => return 0,
        Err(error) => error,
    };
    match error {
        WriteError::Invalid(_) | WriteError::Unconvertible { .. } => 3,
        WriteError::Name { .. } => 4,
        WriteError::NotFound { .. } => 5,
        WriteError::Conflict { .. } => 6,
        WriteError::RequestReused { .. } => 7,
        WriteError::Shrinks { .. } => 8,
        WriteError::WrongFormat { .. } => 9,
        WriteError::SourceInvalid(_) => 10,
        WriteError::Busy(_) => 11,
        WriteError::Storage(_) => 12,
        WriteError::Unknown { .. } => 13,
        WriteError::Ended => 14,
        WriteError::NoAnswer { .. } => 15,
        WriteError::Rule(refusal) => match refusal.obstacle() {
            Obstacle::Invalid => 3,
            Obstacle::Missing => 5,
            Obstacle::Conflict => 6,
        },
        WriteError::Refused { .. } => 16,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_counted_under_their_words() {
        let measures = Measures::new();
        measures.answered(&Err(WriteError::Busy(String::new())));
        measures.answered(&Err(WriteError::NoAnswer { seconds: 30 }));
        measures.answered(&Err(WriteError::Invalid(Vec::new())));
        let counted: Vec<_> =
            measures.read().changes.into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(counted, [("invalid", 1), ("busy", 1), ("no_answer", 1)]);
    }
}
