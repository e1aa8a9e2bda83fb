//! T-repeat: a request that is made again, by whomever, is answered by its first outcome, or made then
//! if it was not before.

use super::{Findings, Property};
use crate::faults;
use crate::history::{Kind, Outcome};
use crate::past::{Document, Past};

pub(super) fn check(findings: &mut Findings, past: &Past, document: &Document) {
    // The log of requests is among what was deleted then.
    if past.faults.iter().any(|made| made.fault == faults::FORGET) {
        return;
    }
    let is_ours_alone = !document.operations.iter().any(|call| call.kind.is_foreign());
    for repeated in &document.repeated {
        findings.count(Property::Repeat, repeated.calls.len() - 1);
        let lines = || repeated.calls.iter().map(ToString::to_string);
        let mut done = repeated.calls.iter().filter(|call| call.is_done());
        if let Some(first) = done.next()
            && done.any(|call| (call.generation, &call.digest) != (first.generation, &first.digest))
        {
            findings.violate(Property::Repeat, "a request has two outcomes", lines());
        }
        // Nobody else deletes it, so it was this request that did.
        let forgot = repeated.calls.iter().any(|call| {
            let Outcome::Refused(reason) = &call.outcome else { return false };
            call.kind == Kind::Delete && reason.contains("there is no record")
        });
        if forgot && is_ours_alone {
            findings.violate(Property::Repeat, "the outcome of a request was forgotten", lines());
        }
    }
}
