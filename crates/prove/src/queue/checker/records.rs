//! Records are what the changes applied to them make of them, in files and in answers.

use std::collections::BTreeMap;

use super::tales::{Tales, text};
use super::{Findings, Property};
use crate::queue::history::Ask;
use crate::queue::left::RecordEvent;

pub(super) fn check(findings: &mut Findings, tales: &Tales<'_>) {
    let mut events: Vec<&RecordEvent> = tales.left.record_events.iter().collect();
    events.sort_by_key(|event| event.event);
    let mut records: BTreeMap<(String, String), String> = BTreeMap::new();
    for event in events {
        let name = (event.category.clone(), event.model.clone());
        let is_there = records.contains_key(&name);
        findings.check(Property::Records, is_there != (event.operation == "create"), || {
            format!("{name:?} is there: {is_there}, when it is told: {event:?}")
        });
        match (event.operation.as_str(), &event.mark) {
            ("delete", _) => drop(records.remove(&name)),
            (_, Some(mark)) => drop(records.insert(name, mark.clone())),
            (_, None) => {}
        }
    }
    let held = &tales.left.records;
    for name in records.keys().chain(held.keys()) {
        findings.check(Property::Records, records.get(name) == held.get(name), || {
            let (told, held) = (records.get(name), held.get(name));
            format!("{name:?} is told as {told:?}, and is {held:?}")
        });
    }
    marks(findings, tales);
    agreement(findings, tales);
}

/// What was written for a change is what was proposed.
fn marks(findings: &mut Findings, tales: &Tales<'_>) {
    let proposed = tales.asking(|ask| match ask {
        Ask::Propose { operation, model, mark, .. } if operation != "delete" => Some((model, mark)),
        _ => None,
    });
    let mut by_change: BTreeMap<i64, &str> = BTreeMap::new();
    for ((_, mark), attempts) in proposed {
        let bodies = attempts.iter().filter_map(|attempt| attempt.success());
        by_change
            .extend(bodies.filter_map(|body| Some((body["change_id"].as_i64()?, mark.as_str()))));
    }
    for (id, mark) in by_change {
        let [applied] = tales.told(id, "apply")[..] else { continue };
        let enqueued = tales.told(id, "enqueue");
        let model = enqueued.first().map_or("", |event| text(event, "model"));
        let written = tales.written.get(&(text(applied, "job_id"), model));
        let written = written.map_or(&[] as &[&RecordEvent], Vec::as_slice);
        let is_right = written.iter().any(|event| event.mark.as_deref() == Some(mark));
        findings.check(Property::Records, is_right, || {
            format!("change {id} proposes {mark}, and applying it wrote {written:?}")
        });
    }
}

fn agreement(findings: &mut Findings, tales: &Tales<'_>) {
    let statuses: BTreeMap<i64, String> =
        tales.left.entries.iter().map(|entry| (entry.id, entry.status.clone())).collect();
    for served in &tales.left.served {
        let server = served.server;
        findings.check(Property::Agreement, served.records == tales.left.records, || {
            format!("server {server} serves records that the files do not hold")
        });
        findings.check(Property::Agreement, served.statuses == statuses, || {
            format!("server {server} serves changes that the file does not hold")
        });
    }
}
