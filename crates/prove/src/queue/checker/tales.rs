//! Attempts and events, sorted by what they are about.

use std::collections::BTreeMap;

use crate::queue::history::{Ask, Attempt};
use crate::queue::left::{Entry, Left, QueueEvent, RecordEvent};

/// Everything about a round, found quickly.
pub(super) struct Tales<'a> {
    pub(super) left: &'a Left,
    /// Attempts by their key, in the order in which they were made.
    pub(super) calls: BTreeMap<&'a str, Vec<&'a Attempt>>,
    pub(super) entries: BTreeMap<i64, &'a Entry>,
    /// Events of each change by their numbers.
    pub(super) changes: BTreeMap<i64, Vec<&'a QueueEvent>>,
    /// All events of the queue by their numbers.
    pub(super) queue_events: Vec<&'a QueueEvent>,
    /// Events of records by the job they belong to and the name of the record.
    pub(super) written: BTreeMap<(&'a str, &'a str), Vec<&'a RecordEvent>>,
}

impl<'a> Tales<'a> {
    pub(super) fn of(attempts: &'a [Attempt], left: &'a Left) -> Self {
        let mut calls: BTreeMap<&str, Vec<&Attempt>> = BTreeMap::new();
        for attempt in attempts {
            calls.entry(&attempt.key).or_default().push(attempt);
        }
        calls.values_mut().for_each(|attempts| attempts.sort_by_key(|attempt| attempt.begun));
        let mut queue_events: Vec<_> = left.queue_events.iter().collect();
        queue_events.sort_by_key(|event| event.event);
        let mut changes: BTreeMap<i64, Vec<&QueueEvent>> = BTreeMap::new();
        for event in &queue_events {
            if let Some(change) = event.change {
                changes.entry(change).or_default().push(event);
            }
        }
        let mut written: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for event in &left.record_events {
            let job = event.job.as_deref().unwrap_or_default();
            written.entry((job, event.model.as_str())).or_default().push(event);
        }
        let entries = left.entries.iter().map(|entry| (entry.id, entry)).collect();
        Self { left, calls, entries, changes, queue_events, written }
    }

    /// Events of a change that say `action`.
    pub(super) fn told(&self, change: i64, action: &str) -> Vec<&'a QueueEvent> {
        let events = self.changes.get(&change).into_iter().flatten();
        events.filter(|event| event.action == action).copied().collect()
    }

    pub(super) fn was_purged(&self, change: i64) -> bool {
        !self.told(change, "purge").is_empty()
    }

    /// Calls that ask for what `wanted` picks, with all their attempts.
    pub(super) fn asking<T>(
        &self,
        wanted: impl Fn(&'a Ask) -> Option<T>,
    ) -> Vec<(T, &[&'a Attempt])> {
        let picked = self.calls.values().filter_map(|attempts| {
            let asked = wanted(&attempts.first()?.ask)?;
            Some((asked, attempts.as_slice()))
        });
        picked.collect()
    }
}

/// Whether what a call asks for may have been done without anybody having been told.
pub(super) fn is_unknown(attempts: &[&Attempt]) -> bool {
    attempts.iter().any(|attempt| attempt.is_unknown())
}

/// What an event says under a name.
pub(super) fn text<'a>(event: &'a QueueEvent, name: &str) -> &'a str {
    event.says[name].as_str().unwrap_or_default()
}

pub(super) fn number(event: &QueueEvent, name: &str) -> Option<i64> {
    event.says[name].as_i64()
}
