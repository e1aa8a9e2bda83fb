//! A change is applied exactly once: one event of its record, and none for changes that are not.

use std::collections::BTreeMap;

use super::tales::{Tales, is_unknown, text};
use super::{Findings, Property};
use crate::queue::history::{Ask, Attempt};

/// What an apply names.
enum Meant<'a> {
    Changes(Vec<i64>, &'a Option<String>),
    Batch(&'a Option<String>),
}

pub(super) fn check(findings: &mut Findings, tales: &Tales<'_>) {
    let applies = tales.asking(|ask| match ask {
        Ask::Apply { id, job } => Some(Meant::Changes(vec![*id], job)),
        Ask::Bulk { ids, job } => Some(Meant::Changes(ids.clone(), job)),
        Ask::Batch { job, .. } => Some(Meant::Batch(job)),
        _ => None,
    });
    // Who was told that he applied it.
    let mut winners: BTreeMap<i64, &str> = BTreeMap::new();
    let mut may_apply_anything = false;
    let mut may_be_applied: Vec<i64> = Vec::new();
    for (meant, attempts) in &applies {
        for entry in attempts.iter().flat_map(|attempt| attempt.applied()) {
            let id = entry["change_id"].as_i64().unwrap_or(0);
            let key = attempts[0].key.as_str();
            let other = winners.insert(id, key).filter(|other| *other != key);
            findings.check(Property::Applies, other.is_none(), || {
                format!("change {id} was applied by {other:?} and by {key}")
            });
            answered(findings, tales, id, entry["applied_job_id"].as_str().unwrap_or_default());
        }
        let (Meant::Changes(_, job) | Meant::Batch(job)) = meant;
        if let (Some(job), false) = (job, is_unknown(attempts)) {
            certain(findings, tales, job, attempts);
        }
        match meant {
            Meant::Changes(ids, _) if is_unknown(attempts) => may_be_applied.extend(ids),
            Meant::Batch(_) if is_unknown(attempts) => may_apply_anything = true,
            _ => {}
        }
    }
    for (&id, events) in &tales.changes {
        let told = events.iter().filter(|event| event.action == "apply").count();
        let was_asked =
            winners.contains_key(&id) || may_apply_anything || may_be_applied.contains(&id);
        findings.check(Property::Applies, told == 0 || (told == 1 && was_asked), || {
            format!("change {id} is told as applied {told} times, asked for: {was_asked}")
        });
    }
    records_match(findings, tales);
}

/// A change that somebody was told is applied.
fn answered(findings: &mut Findings, tales: &Tales<'_>, id: i64, job: &str) {
    let told = tales.told(id, "apply");
    let is_told = told.len() == 1 && text(told[0], "job_id") == job;
    findings.check(Property::Applies, is_told, || {
        format!("change {id} was answered to be applied by {job}, and is told as {told:?}")
    });
    let entry = tales.entries.get(&id);
    let is_applied = entry.map_or_else(
        || tales.was_purged(id),
        |entry| entry.status == "applied" && entry.job.as_deref() == Some(job),
    );
    findings.check(Property::Applies, is_applied, || {
        format!("change {id} was answered to be applied by {job}, and is {entry:?}")
    });
}

/// A job of which everything is known applied what its answers say, and nothing else.
fn certain(findings: &mut Findings, tales: &Tales<'_>, job: &str, attempts: &[&Attempt]) {
    let said = |id: i64| {
        let mut entries = attempts.iter().flat_map(|attempt| attempt.applied());
        entries.any(|entry| entry["change_id"].as_i64() == Some(id))
    };
    let applied = tales.queue_events.iter().filter(|event| text(event, "job_id") == job);
    let unsaid: Vec<_> = applied.filter(|event| !event.change.is_some_and(said)).collect();
    findings.check(Property::Applies, unsaid.is_empty(), || {
        format!("job {job} applied more than it said: {unsaid:?}")
    });
}

/// Each change applied has its one event of a record, and each event of a record its change.
fn records_match(findings: &mut Findings, tales: &Tales<'_>) {
    let mut wanted: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for (id, events) in &tales.changes {
        let enqueued = events.iter().find(|event| event.action == "enqueue");
        let Some(enqueued) = enqueued else { continue };
        for event in events.iter().filter(|event| event.action == "apply") {
            let (job, model) = (text(event, "job_id"), text(enqueued, "model"));
            wanted.entry((job, model)).or_default().push(text(enqueued, "operation"));
            let written = tales.written.get(&(job, model)).map_or(0, Vec::len);
            findings.check(Property::Applies, written > 0, || {
                format!("change {id} is applied by {job}, and {model} was not written by it")
            });
        }
    }
    for (&(job, model), written) in &tales.written {
        let wanted = wanted.get(&(job, model)).map_or(&[] as &[&str], Vec::as_slice);
        // Creating what is there is an update, and the other way round.
        let deletes = |operations: &mut dyn Iterator<Item = &str>| {
            operations.filter(|operation| *operation == "delete").count()
        };
        let fits = wanted.len() == written.len()
            && deletes(&mut wanted.iter().copied())
                == deletes(&mut written.iter().map(|event| event.operation.as_str()));
        findings.check(Property::Applies, fits, || {
            format!("job `{job}` is to {wanted:?} {model}, and did {written:?}")
        });
    }
}
