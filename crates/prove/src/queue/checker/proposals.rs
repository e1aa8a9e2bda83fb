//! Every proposal that was answered is there once, or was purged, and nothing was invented.

use std::collections::{BTreeMap, BTreeSet};

use super::tales::{Tales, is_unknown, text};
use super::{Findings, Property};
use crate::queue::history::Ask;

pub(super) fn check(findings: &mut Findings, tales: &Tales<'_>) {
    numbers(findings, tales);
    let proposals = tales.asking(|ask| match ask {
        Ask::Propose { operation, model, mark, .. } => Some((operation, model, mark)),
        _ => None,
    });
    let mut owners: BTreeMap<i64, &str> = BTreeMap::new();
    // Proposals of which nobody knows, by what the event of one would say.
    let mut unknown: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for ((operation, model, mark), attempts) in proposals {
        let key = attempts[0].key.as_str();
        let bodies = attempts.iter().filter_map(|attempt| attempt.success());
        let ids: BTreeSet<i64> = bodies.filter_map(|body| body["change_id"].as_i64()).collect();
        // A request that is repeated after its change was purged is a new one.
        let others = ids.iter().rev().skip(1);
        findings.check(Property::Ids, others.clone().all(|id| tales.was_purged(*id)), || {
            format!("one request {key} became several changes: {ids:?}")
        });
        for &id in &ids {
            let other = owners.insert(id, key);
            findings.check(Property::Ids, other.is_none(), || {
                format!("change {id} was given to two requests: {other:?}, {key}")
            });
            kept(findings, tales, id, operation, model, mark);
        }
        if is_unknown(attempts) {
            *unknown.entry((operation, model)).or_default() += 1;
        }
    }
    invented(findings, tales, &owners, unknown);
}

fn numbers(findings: &mut Findings, tales: &Tales<'_>) {
    let left = tales.left;
    let mut seen = BTreeSet::new();
    let queue = left.queue_events.iter().map(|event| event.event);
    for event in queue.chain(left.record_events.iter().map(|event| event.event)) {
        findings
            .check(Property::Ids, seen.insert(event), || format!("two events have number {event}"));
    }
    let mut seen = BTreeSet::new();
    for entry in &left.entries {
        findings.check(Property::Ids, seen.insert(entry.id), || {
            format!("two entries have number {}", entry.id)
        });
    }
    let largest = tales.changes.keys().max().copied().unwrap_or(0);
    let last = left.last_change;
    findings.check(Property::Ids, last >= largest, || {
        format!("the last number is said to be {last}, but there was {largest}")
    });
}

/// An answered proposal.
fn kept(
    findings: &mut Findings,
    tales: &Tales<'_>,
    id: i64,
    operation: &str,
    model: &str,
    mark: &str,
) {
    let told = tales.told(id, "enqueue");
    let is_told_once = told.len() == 1
        && text(told[0], "model") == model
        && text(told[0], "operation") == operation;
    findings.check(Property::Proposals, is_told_once, || {
        format!("change {id} ({operation} {model}) is told as {told:?}")
    });
    let entry = tales.entries.get(&id);
    let is_there = match entry {
        None => tales.was_purged(id),
        Some(entry) => {
            let says_so = entry.operation == operation && entry.model == model;
            says_so && (operation == "delete" || entry.mark == mark)
        }
    };
    findings.check(Property::Proposals, is_there, || {
        format!("change {id} ({operation} {model}, {mark}) was answered, and is {entry:?}")
    });
}

/// Whatever is told as proposed but was answered to nobody was asked for by somebody.
fn invented<'a>(
    findings: &mut Findings,
    tales: &Tales<'a>,
    owners: &BTreeMap<i64, &str>,
    mut unknown: BTreeMap<(&'a str, &'a str), usize>,
) {
    for (&id, events) in &tales.changes {
        if owners.contains_key(&id) {
            continue;
        }
        let enqueued = events.iter().find(|event| event.action == "enqueue");
        let asked = enqueued.and_then(|event| {
            let left = unknown.get_mut(&(text(event, "operation"), text(event, "model")))?;
            *left = left.checked_sub(1)?;
            Some(())
        });
        findings.check(Property::Proposals, asked.is_some(), || {
            format!("nobody proposed change {id}: {events:?}")
        });
    }
    for id in tales.entries.keys() {
        findings.check(Property::Proposals, tales.changes.contains_key(id), || {
            format!("change {id} is told nowhere")
        });
    }
}
