//! Batches have the numbers that the rules give them, as the events tell it one after the other.
//!
//! A change that is being applied counts as approved no more, and that is told by no event. So where
//! somebody asked to apply a change, both are possible.

use std::collections::{BTreeMap, BTreeSet};

use super::tales::{Tales, number, text};
use super::{Findings, Property};
use crate::queue::history::Ask;
use crate::queue::left::QueueEvent;

/// The queue as far as batches go.
#[derive(Default)]
struct Replay {
    /// Batch of each approved change, in the order of the file.
    approved: BTreeMap<i64, i64>,
    /// Batches of which a member was applied.
    begun: BTreeSet<i64>,
    largest: i64,
    /// The batch of each change at its end.
    batches: BTreeMap<i64, i64>,
}

pub(super) fn check(findings: &mut Findings, tales: &Tales<'_>) {
    let asked = asked_to_apply(tales);
    let mut replay = Replay::default();
    let mut titles = BTreeSet::new();
    for event in &tales.queue_events {
        match (event.action.as_str(), event.change) {
            ("approve", Some(id)) => {
                if titles.insert(text(event, "batch_title")) {
                    replay.decided(findings, event, &asked);
                }
                let batch = number(event, "batch_id").unwrap_or(0);
                replay.approved.insert(id, batch);
                replay.batches.insert(id, batch);
            }
            ("apply", Some(id)) => {
                if let Some(batch) = replay.approved.remove(&id) {
                    let said = number(event, "batch_id");
                    findings.check(Property::Batches, said == Some(batch), || {
                        format!("change {id} of batch {batch} is applied as of {said:?}")
                    });
                    replay.begun.insert(batch);
                }
            }
            ("purge", Some(id)) => {
                replay.approved.remove(&id);
                replay.batches.remove(&id);
            }
            ("batch_split", _) => replay.split(findings, event),
            _ => {}
        }
    }
    let last = tales.left.last_batch;
    findings.check(Property::Batches, last >= replay.largest, || {
        format!("the last batch is said to be {last}, but there was {}", replay.largest)
    });
    for (id, batch) in &replay.batches {
        let held = tales.entries.get(id).map(|entry| entry.batch);
        findings.check(Property::Batches, held == Some(Some(*batch)), || {
            format!("change {id} is told as of batch {batch}, and is of {held:?}")
        });
    }
}

impl Replay {
    /// The first approval of a decision.
    fn decided(&mut self, findings: &mut Findings, event: &QueueEvent, asked: &Asked) {
        let batch = number(event, "batch_id").unwrap_or(0);
        let certain = self.approved.iter().position(|(id, batch)| !asked.names(*id, *batch));
        let mut possible = self.approved.values().take(certain.map_or(usize::MAX, |at| at + 1));
        let is_open = possible.any(|open| *open == batch);
        let is_new = batch == self.largest + 1 && certain.is_none();
        findings.check(Property::Batches, is_open || is_new, || {
            format!(
                "a decision got batch {batch}, where {:?} are open and {} is the largest: {event:?}",
                self.approved, self.largest
            )
        });
        self.largest = self.largest.max(batch);
    }

    fn split(&mut self, findings: &mut Findings, event: &QueueEvent) {
        let from = number(event, "original_batch_id").unwrap_or(0);
        let to = number(event, "new_batch_id").unwrap_or(0);
        let ids = event.says["reassigned_change_ids"].as_array().into_iter().flatten();
        let moved: Vec<i64> = ids.filter_map(serde_json::Value::as_i64).collect();
        let of_batch = self.approved.iter().filter(|(_, batch)| **batch == from);
        let members: Vec<i64> = of_batch.map(|(id, _)| *id).collect();
        let is_rest = moved == members && !moved.is_empty() && self.begun.contains(&from);
        findings.check(Property::Batches, is_rest && to == self.largest + 1, || {
            format!(
                "of batch {from} are left {members:?}, the largest is {}: {event:?}",
                self.largest
            )
        });
        self.largest = self.largest.max(to);
        for id in moved {
            self.approved.insert(id, to);
            self.batches.insert(id, to);
        }
    }
}

/// What somebody asked to apply.
struct Asked {
    changes: BTreeSet<i64>,
    batches: BTreeSet<i64>,
}

impl Asked {
    fn names(&self, change: i64, batch: i64) -> bool {
        self.changes.contains(&change) || self.batches.contains(&batch)
    }
}

fn asked_to_apply(tales: &Tales<'_>) -> Asked {
    let mut asked = Asked { changes: BTreeSet::new(), batches: BTreeSet::new() };
    for attempt in tales.calls.values().flatten() {
        match &attempt.ask {
            Ask::Apply { id, .. } => drop(asked.changes.insert(*id)),
            Ask::Bulk { ids, .. } => asked.changes.extend(ids),
            Ask::Batch { batch, .. } => drop(asked.batches.insert(*batch)),
            _ => {}
        }
    }
    asked
}
