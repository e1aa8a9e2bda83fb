//! T-heal: after the last fault and the last write, every worker answers the content of the file.

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
    }
}
