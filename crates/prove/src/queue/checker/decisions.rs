//! Decisions are made wholly or not at all, and one decision is made about each change.

use std::collections::{BTreeMap, BTreeSet};

use super::tales::{Tales, is_unknown, number, text};
use super::{Findings, Property};
use crate::queue::history::{Ask, Attempt};
use crate::queue::left::QueueEvent;

pub(super) fn check(findings: &mut Findings, tales: &Tales<'_>) {
    let mut told: BTreeMap<&str, Vec<&QueueEvent>> = BTreeMap::new();
    for event in &tales.queue_events {
        if matches!(event.action.as_str(), "approve" | "reject") {
            told.entry(text(event, "batch_title")).or_default().push(event);
        }
    }
    let decisions = tales.asking(|ask| match ask {
        Ask::Decide { title, approved, rejected } => Some((title, approved, rejected)),
        _ => None,
    });
    for ((title, approved, rejected), attempts) in decisions {
        let events = told.remove(title.as_str()).unwrap_or_default();
        whole(findings, title, approved, rejected, &events, attempts);
        for attempt in attempts {
            refused(findings, tales, title, &[approved.as_slice(), rejected].concat(), attempt);
        }
    }
    for (title, events) in told {
        findings
            .check(Property::Decisions, false, || format!("nobody decided `{title}`: {events:?}"));
    }
}

fn whole(
    findings: &mut Findings,
    title: &str,
    approved: &[i64],
    rejected: &[i64],
    events: &[&QueueEvent],
    attempts: &[&Attempt],
) {
    let of = |action: &str| -> Vec<i64> {
        let events = events.iter().filter(|event| event.action == action);
        let mut ids: Vec<i64> = events.filter_map(|event| event.change).collect();
        ids.sort_unstable();
        ids
    };
    let is_whole = of("approve") == sorted(approved) && of("reject") == sorted(rejected);
    let successes: Vec<_> = attempts.iter().filter_map(|attempt| attempt.success()).collect();
    let holds = if !successes.is_empty() {
        is_whole
    } else if is_unknown(attempts) {
        is_whole || events.is_empty()
    } else {
        events.is_empty()
    };
    findings.check(Property::Decisions, holds, || {
        format!(
            "`{title}` of {approved:?} and {rejected:?} was answered {attempts:?}, and is told as \
             {events:?}"
        )
    });
    let batches: BTreeSet<_> = events.iter().map(|event| number(event, "batch_id")).collect();
    findings.check(Property::Decisions, batches.len() <= 1, || {
        format!("one decision `{title}` has several batches: {batches:?}")
    });
    for success in &successes {
        let said = success["batch_id"].as_i64();
        findings.check(Property::Decisions, batches.iter().all(|batch| *batch == said), || {
            format!("`{title}` was answered batch {said:?}, and is told as {batches:?}")
        });
    }
    findings.check(Property::Conflicts, successes.len() <= 1, || {
        format!("`{title}` succeeded {} times", successes.len())
    });
}

/// Who was refused was told of one of his changes what was true of it.
fn refused(
    findings: &mut Findings,
    tales: &Tales<'_>,
    title: &str,
    ids: &[i64],
    attempt: &Attempt,
) {
    let detail = attempt.detail();
    let Some(rest) = detail.strip_prefix("Change ") else { return };
    let (id, what) = rest.split_once(' ').unwrap_or_default();
    let id: i64 = id.parse().unwrap_or(0);
    let status = what.strip_prefix("is not pending (status=");
    let status = status.and_then(|rest| rest.strip_suffix(")."));
    let has = |action: &str| !tales.told(id, action).is_empty();
    let is_true = match status {
        // A server may have died while it applied it, or it may be left as it is.
        Some("approved" | "applying") => has("approve"),
        Some("applied") => has("apply"),
        Some("rejected") => has("reject"),
        None if what == "does not exist." => tales.was_purged(id),
        _ => false,
    };
    findings.check(Property::Conflicts, ids.contains(&id) && is_true, || {
        format!("`{title}` of {ids:?} was refused with «{detail}»: {:?}", tales.changes.get(&id))
    });
}

fn sorted(ids: &[i64]) -> Vec<i64> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids
}
