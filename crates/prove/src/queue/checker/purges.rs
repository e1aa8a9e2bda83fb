//! What was purged is gone, was purged by somebody, and once.

use std::collections::BTreeMap;

use super::tales::{Tales, is_unknown};
use super::{Findings, Property};
use crate::queue::history::Ask;

pub(super) fn check(findings: &mut Findings, tales: &Tales<'_>) {
    let purges = tales.asking(|ask| if let Ask::Purge { .. } = ask { Some(()) } else { None });
    let mut removed: BTreeMap<i64, &str> = BTreeMap::new();
    let mut is_any_unknown = false;
    for ((), attempts) in purges {
        is_any_unknown |= is_unknown(attempts);
        for body in attempts.iter().filter_map(|attempt| attempt.success()) {
            let ids = body["removed_change_ids"].as_array().into_iter().flatten();
            for id in ids.filter_map(serde_json::Value::as_i64) {
                let other = removed.insert(id, &attempts[0].key);
                findings.check(Property::Purges, other.is_none(), || {
                    format!("change {id} was removed twice")
                });
                findings.check(Property::Purges, tales.was_purged(id), || {
                    format!("change {id} was answered to be removed, and is told nowhere as such")
                });
            }
        }
    }
    for &id in tales.changes.keys() {
        let told = tales.told(id, "purge").len();
        let was_asked = removed.contains_key(&id) || is_any_unknown;
        let is_there = tales.entries.contains_key(&id);
        let holds = told == 0 || (told == 1 && was_asked && !is_there);
        findings.check(Property::Purges, holds, || {
            format!(
                "change {id} is told as purged {told} times; asked: {was_asked}, there: {is_there}"
            )
        });
    }
}
