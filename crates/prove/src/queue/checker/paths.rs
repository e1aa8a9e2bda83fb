//! What is told of a change, in the order in which it is told, is a way that a change can go.

use super::tales::Tales;
use super::{Findings, Property};

pub(super) fn check(findings: &mut Findings, tales: &Tales<'_>) {
    for (id, events) in &tales.changes {
        let actions: Vec<&str> = events.iter().map(|event| event.action.as_str()).collect();
        let end = end_of(&actions);
        findings.check(Property::Paths, end.is_some(), || {
            format!("change {id} went a way that there is not: {events:?}")
        });
        let status = tales.entries.get(id).map(|entry| entry.status.as_str());
        let fits = match end {
            Some("approved") => matches!(status, Some("approved" | "applying")),
            Some("gone") => status.is_none(),
            Some(end) => status == Some(end),
            None => true,
        };
        findings.check(Property::Paths, fits, || {
            format!("change {id} is told as {end:?}, and is {status:?}")
        });
    }
    for entry in &tales.left.entries {
        findings.check(Property::Settled, entry.status != "applying", || {
            format!("change {} is still being applied: {entry:?}", entry.id)
        });
    }
}

/// Where a change is after these events; `None` if no change can go so.
fn end_of(actions: &[&str]) -> Option<&'static str> {
    let step = |status: Option<&'static str>, action: &&str| match (status?, *action) {
        ("none", "enqueue") => Some("pending"),
        ("pending", "approve") => Some("approved"),
        ("pending", "reject") => Some("rejected"),
        ("approved", "apply") => Some("applied"),
        ("pending" | "approved" | "rejected" | "applied", "purge") => Some("gone"),
        _ => None,
    };
    actions.iter().fold(Some("none"), step)
}

#[test]
fn ways() {
    assert_eq!(end_of(&["enqueue", "approve", "apply", "purge"]), Some("gone"));
    assert_eq!(end_of(&["enqueue", "reject"]), Some("rejected"));
    for wrong in [
        &["enqueue", "approve", "reject"][..],
        &["enqueue", "apply"],
        &["enqueue", "approve", "apply", "apply"],
        &["approve"],
        &["enqueue", "purge", "approve"],
    ] {
        assert_eq!(end_of(wrong), None);
    }
}
