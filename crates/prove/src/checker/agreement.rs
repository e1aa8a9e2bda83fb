//! T-heal: after the last fault and the last write, every worker answers the content of the file, and
//! Redis, where it is used, says the same by the same name.

use super::{Findings, Property};
use crate::history::{Kind, Source};
use crate::past::Document;

pub(super) fn check(findings: &mut Findings, name: &str, document: &Document) {
    let mut last = document.contents.iter().filter(|seen| seen.source == Source::Last);
    let Some(last) = last.next() else { return };
    for read in document.operations.iter().filter(|call| call.kind == Kind::Final) {
        findings.count(Property::Agreement, 1);
        let agrees = read.is_done() && read.fresh && read.digest == last.digest;
        if !agrees {
            let text = format!("a worker does not hold the {name} of the file at the end");
            findings.violate(Property::Agreement, text, [read.to_string(), last.to_string()]);
        }
        for shared in document.contents.iter().filter(|seen| seen.source == Source::Shared) {
            findings.count(Property::Shared, 1);
            if (shared.generation, &shared.digest) != (read.generation, &read.digest) {
                let text = format!("Redis does not say of the {name} what a worker holds");
                findings.violate(Property::Shared, text, [read.to_string(), shared.to_string()]);
            }
        }
    }
}
