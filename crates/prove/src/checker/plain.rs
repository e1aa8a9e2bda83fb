//! T-history for plain reads, with and without a lower bound.

use std::collections::HashMap;
use std::sync::Arc;

use super::floor::Floor;
use super::versions::Versions;
use super::{Findings, Property};
use crate::history::{Kind, Visibility};
use crate::past::{Document, Operation};

/// Whether the call is answered from memory.
pub(super) fn is_plain(kind: Kind) -> bool {
    matches!(kind, Kind::Plain | Kind::AtLeast | Kind::Final)
}

pub(super) fn check(findings: &mut Findings, document: &Document, versions: &Versions) {
    let mut everywhere = Floor::default();
    let mut own: HashMap<Arc<str>, Floor<'_>> = HashMap::new();
    let mut read: HashMap<Arc<str>, Floor<'_>> = HashMap::new();
    for call in document.operations.iter().filter(|call| call.is_done()) {
        let process = Arc::clone(&call.place.process);
        if call.kind == Kind::Barrier {
            everywhere.add(call.end(), call.at_least.unwrap_or(0), call);
        } else if call.kind.is_write() || call.kind == Kind::Repeat {
            own.entry(process).or_default().add(call.end(), call.generation, call);
            if call.visibility == Some(Visibility::Everywhere) {
                everywhere.add(call.end(), call.generation, call);
            }
        } else if is_plain(call.kind)
            && let Some(generation) = versions.answered(call)
        {
            read.entry(process).or_default().add(call.end(), generation, call);
        }
    }
    everywhere.sort();
    own.values_mut().chain(read.values_mut()).for_each(Floor::sort);
    let begun = first_begun(document, versions);

    for call in document.operations.iter().filter(|call| is_plain(call.kind) && call.is_done()) {
        let Some(generation) = versions.answered(call) else { continue };
        findings.count(Property::Plain, 1);
        let mut demand = |floor: Option<&Floor<'_>>, text: &str| {
            let before = floor.and_then(|floor| floor.before(call.begun));
            if let Some((needed, by)) = before.filter(|(needed, _)| *needed > generation) {
                let text = format!("{text}: {generation} instead of {needed}");
                findings.violate(Property::Plain, text, [by.to_string(), call.to_string()]);
            }
        };
        let process = &call.place.process;
        if call.fresh {
            demand(Some(&everywhere), "a read misses a write acknowledged as seen everywhere");
            // The mark tells of own writes, too, that they could not be read back in time.
            demand(own.get(process), "a read misses a write its own process acknowledged");
        }
        demand(read.get(process), "reads of one process went back");
        check_future(findings, Property::Plain, call, generation, &begun);
        check_bound(findings, call);
    }
}

fn check_bound(findings: &mut Findings, call: &Operation) {
    // A content without a number is newer than all that have one; it is judged by the other rules.
    let Some(bound) = call.at_least.filter(|_| call.generation > 0) else { return };
    findings.count(Property::AtLeast, 1);
    if call.generation < bound {
        let text = format!("{} was returned for at least {bound}", call.generation);
        findings.violate(Property::AtLeast, text, [call.to_string()]);
    }
}

/// For each generation, the first call that may have made it.
pub(super) fn first_begun<'a>(
    document: &'a Document,
    versions: &Versions,
) -> HashMap<u64, &'a Operation> {
    let mut begun: HashMap<u64, &Operation> = HashMap::new();
    for call in &document.operations {
        if let Some(generation) = versions.effect(call) {
            let first = begun.entry(generation).or_insert(call);
            if call.begun < first.begun {
                *first = call;
            }
        }
    }
    begun
}

/// An answer shows nothing that had not begun when it was given.
pub(super) fn check_future(
    findings: &mut Findings,
    property: Property,
    read: &Operation,
    generation: u64,
    begun: &HashMap<u64, &Operation>,
) {
    if let Some(write) = begun.get(&generation).filter(|write| write.begun > read.end()) {
        let text = format!("generation {generation} was read before it was written");
        findings.violate(property, text, [read.to_string(), write.to_string()]);
    }
}
