//! T-metadata: the counters of a category count each committed change once.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::audit::{is_committed, is_exact};
use super::versions::Versions;
use super::{Findings, Property};
use crate::history::Kind;
use crate::past::{Document, Past};

#[derive(Debug, Default, Deserialize)]
struct Counters {
    total_creates: u64,
    total_updates: u64,
    total_deletes: u64,
}

pub(super) fn check(
    findings: &mut Findings,
    data: &Path,
    name: &str,
    past: &Past,
    document: &Document,
    versions: &Versions,
) -> Result<()> {
    let path = data.join("meta/v2").join(format!("{name}_metadata.json"));
    let counters: Counters = match std::fs::read(&path) {
        Ok(bytes) => match serde_json::from_slice(&bytes) {
            Ok(counters) => counters,
            Err(error) => {
                let text = format!("the counters of {name} cannot be read: {error}");
                findings.violate(Property::Metadata, text, [path.display().to_string()]);
                return Ok(());
            }
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Counters::default(),
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    };
    let exact = is_exact(past, document);
    for (kind, counted) in
        [(Kind::Insert, counters.total_creates), (Kind::Delete, counters.total_deletes)]
    {
        findings.count(Property::Metadata, 1);
        let calls = || document.operations.iter().filter(move |call| call.kind == kind);
        let certain = calls()
            .filter(|call| call.is_acknowledged() || (exact && is_committed(call, versions)));
        let least = certain.count();
        let most: usize = match exact {
            true => calls().filter(|call| call.is_possible()).count(),
            false => calls().map(|call| document.times(call)).sum(),
        };
        if !(least as u64..=most as u64).contains(&counted) {
            let text = format!(
                "{counted} counted in {name} of {kind:?}, between {least} and {most} committed"
            );
            findings.violate(Property::Metadata, text, [path.display().to_string()]);
        }
    }
    if counters.total_updates > 0 && (exact || document.repeated.is_empty()) {
        let text = format!("{} updates counted in {name}, none made", counters.total_updates);
        findings.violate(Property::Metadata, text, [path.display().to_string()]);
    }
    Ok(())
}
