//! T-audit: one event for each committed change, none for a refused one, and numbers used once.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::versions::Versions;
use super::{Findings, Property};
use crate::faults;
use crate::history::Kind;
use crate::past::{Document, Operation, Past};

/// Where the trails of both formats are.
const DOMAINS: [&str; 2] = ["audit/v2", "audit/legacy"];

/// The members of an event that matter here.
#[derive(Debug, Deserialize)]
struct AuditEvent {
    event_id: u64,
    model_name: String,
    operation: String,
    #[serde(default)]
    generation: Option<u64>,
}

/// Whether a change is in the document although nobody told its caller.
pub(super) fn is_committed(call: &Operation, versions: &Versions) -> bool {
    call.is_acknowledged() || (call.kind == Kind::Insert && versions.effect(call).is_some())
}

/// Whether a committed change must be counted even if its writer died. Where a foreign commit or an
/// error came between, or a record of the commit was taken away, it may be told or not.
pub(super) fn is_exact(past: &Past, document: &Document) -> bool {
    let is_forgotten = past.faults.iter().any(|made| made.fault == faults::FORGET);
    !is_forgotten && !document.operations.iter().any(|call| call.kind.is_foreign())
}

pub(super) fn check(
    findings: &mut Findings,
    data: &Path,
    name: &str,
    past: &Past,
    document: &Document,
    versions: &Versions,
) -> Result<()> {
    let mut events: HashMap<(String, String), Vec<(PathBuf, AuditEvent)>> = HashMap::new();
    let folders = DOMAINS.map(|domain| data.join(domain).join(name));
    let found = folders.iter().map(|folder| read(folder)).collect::<Result<Vec<_>>>()?;
    for (path, event) in found.into_iter().flatten() {
        let key = (event.model_name.clone(), event.operation.clone());
        events.entry(key).or_default().push((path, event));
    }
    let exact = is_exact(past, document);
    for call in document.operations.iter().filter(|call| call.kind.is_write()) {
        let Some(name) = call.name.map(|name| document.names[name].clone()) else { continue };
        let word = if call.kind == Kind::Insert { "create" } else { "delete" };
        let found = events.remove(&(name.clone(), word.to_owned())).unwrap_or_default();
        findings.count(Property::Audit, 1);
        let is_needed = call.is_acknowledged() || (exact && is_committed(call, versions));
        let most = if exact { usize::from(call.is_possible()) } else { document.times(call) };
        let least = usize::from(is_needed);
        if found.len() < least || found.len() > most {
            let text = format!("{} events of {word} `{name}`", found.len());
            let numbers = found
                .iter()
                .map(|(path, event)| format!("{}: event {}", path.display(), event.event_id));
            findings.violate(Property::Audit, text, [call.to_string()].into_iter().chain(numbers));
        }
        // One that was overtaken is told under its own generation, too.
        let told = found.last().and_then(|(_, event)| event.generation);
        let told = told.filter(|_| exact || !document.is_repeated(&name));
        if let Some(told) = told.filter(|told| call.is_done() && *told != call.generation) {
            let text = format!("the event of {word} `{name}` tells generation {told}");
            findings.violate(Property::Audit, text, [call.to_string()]);
        }
    }
    for ((name, word), found) in events {
        if word == "update" && !exact && document.is_repeated(&name) {
            continue;
        }
        let numbers = found
            .iter()
            .map(|(path, event)| format!("{}: event {}", path.display(), event.event_id));
        let text = format!("an event of {word} `{name}` that nobody asked for");
        findings.violate(Property::Audit, text, numbers.collect::<Vec<_>>());
    }
    Ok(())
}

/// No number is used twice in the whole trail.
pub(super) fn check_numbers(findings: &mut Findings, data: &Path) -> Result<()> {
    let mut seen = HashSet::new();
    let folders = DOMAINS.map(|domain| data.join(domain));
    for entry in folders.iter().flat_map(std::fs::read_dir).flatten() {
        for (path, event) in read(&entry?.path())? {
            findings.count(Property::Audit, 1);
            if !seen.insert(event.event_id) {
                let text = format!("event number {} is used twice", event.event_id);
                findings.violate(Property::Audit, text, [path.display().to_string()]);
            }
        }
    }
    Ok(())
}

/// The events of a folder. A line that is no event is passed over, as readers of the trail do: it is
/// the torn end of an append whose writer was killed.
fn read(folder: &Path) -> Result<Vec<(PathBuf, AuditEvent)>> {
    let mut events = Vec::new();
    if !folder.is_dir() {
        return Ok(events);
    }
    let entries = std::fs::read_dir(folder)?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
    paths.sort();
    for path in paths {
        let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
        let text = String::from_utf8_lossy(&bytes);
        let parsed = text.lines().filter_map(|line| serde_json::from_str(line).ok());
        events.extend(parsed.map(|event| (path.clone(), event)));
    }
    Ok(events)
}
