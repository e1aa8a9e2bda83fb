//! T-kept: an acknowledged record that a foreign commit overwrote is among the kept contents.

use std::collections::HashSet;

use super::set::Changes;
use super::versions::Versions;
use super::{Findings, Property};
use crate::faults;
use crate::history::{Kind, Source};
use crate::past::{Document, Operation, Past};

/// How soon after an acknowledgement its process may die so that nobody is left who remembers the
/// version: others have read it by then.
const REMEMBERED_BY_OTHERS: u64 = 1_000_000_000;

pub(super) fn check(
    findings: &mut Findings,
    past: &Past,
    document: &Document,
    versions: &Versions,
) {
    let Some(last) = versions.all.last() else { return };
    if past.faults.iter().any(|made| made.fault == faults::FORGET) {
        return;
    }
    let changes = Changes::of(document, versions);
    let present: HashSet<usize> = last.seen.names.iter().copied().collect();
    let kept = document.contents.iter().filter(|seen| seen.source == Source::Kept);
    let kept: HashSet<usize> = kept.flat_map(|seen| seen.names.iter().copied()).collect();
    let calls = document.operations.iter().filter(|call| call.kind == Kind::Insert);
    for call in calls.filter(|call| call.is_acknowledged() && !died_with(past, document, call)) {
        let Some(name) = call.name.filter(|name| !present.contains(name)) else { continue };
        let is_overwritten =
            !changes.is_deleted(name, last) && changes.is_overwritten(name, last.seen.at);
        if !is_overwritten {
            continue;
        }
        findings.count(Property::Kept, 1);
        if !kept.contains(&name) {
            let text = format!("`{}` was overwritten and not kept", document.names[name]);
            findings.violate(Property::Kept, text, [call.to_string(), last.seen.to_string()]);
        }
    }
}

/// Whether the process that wrote it died before others can be expected to know it. Whoever repeats
/// its request is told what became of it, and need not have seen it.
fn died_with(past: &Past, document: &Document, call: &Operation) -> bool {
    let of_request = |other: &&Operation| call.request.is_some() && other.request == call.request;
    let repeated = document.repeated.iter().flat_map(|repeated| &repeated.calls);
    let mut authors = repeated.filter(of_request).chain([call]);
    authors.any(|author| {
        past.faults.iter().any(|made| {
            made.fault == faults::DEATH
                && *made.target == *author.place.process
                && made.at < call.end().saturating_add(REMEMBERED_BY_OTHERS)
        })
    })
}
