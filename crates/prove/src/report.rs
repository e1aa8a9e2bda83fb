//! The verdict of a run as a table.

use std::fmt::Write;

use crate::checker::{Findings, Property};
use crate::clock::milliseconds;
use crate::fleet::Tally;

/// How many violations of one property are told in full.
const TOLD: usize = 3;

const PROPERTIES: [Property; 13] = [
    Property::Set,
    Property::Kept,
    Property::Plain,
    Property::AtLeast,
    Property::Strong,
    Property::Bound,
    Property::Online,
    Property::Repeat,
    Property::Agreement,
    Property::Shared,
    Property::Audit,
    Property::Metadata,
    Property::Alive,
];

/// The table, then the faults and calls there were, then what is wrong.
pub fn table(tally: &Tally) -> String {
    let findings = &tally.findings;
    let mut out = String::new();
    let _ = writeln!(out, "{:<20} {:>14} {:>11}", "property", "checked", "violations");
    for property in PROPERTIES {
        let checked = findings.checked.get(&property).copied().unwrap_or(0);
        let violations = of(findings, property).count();
        let verdict = match (checked, violations) {
            (_, 1..) => "VIOLATED",
            (0, 0) => "not tried",
            _ => "holds",
        };
        let _ = writeln!(out, "{:<20} {checked:>14} {violations:>11}  {verdict}", property.name());
    }
    staleness(&mut out, findings);
    repairs(&mut out, tally);
    let words = |counts: &std::collections::BTreeMap<String, u64>| {
        counts.iter().map(|(word, count)| format!("{word} {count}")).collect::<Vec<_>>().join(", ")
    };
    let _ = writeln!(out, "calls: {}", words(&findings.calls));
    let (marked, provisional) = (findings.marked, findings.provisional);
    let _ = writeln!(out, "answers marked stale {marked}, without a generation {provisional}");
    let _ = writeln!(out, "faults in {} rounds: {}", tally.rounds, words(&tally.made));
    for property in PROPERTIES {
        let mut violations = of(findings, property);
        for violation in violations.by_ref().take(TOLD) {
            let _ = writeln!(out, "{violation}");
        }
        let more = violations.count();
        if more > 0 {
            let _ = writeln!(out, "{}: and {more} more", property.name());
        }
    }
    out
}

fn repairs(out: &mut String, tally: &Tally) {
    let mut times = tally.repairs.clone();
    times.sort_unstable();
    let (Some(longest), Some(half)) = (times.last(), times.get(times.len().saturating_sub(1) / 2))
    else {
        return;
    };
    let (count, half, longest) = (times.len(), half.as_millis(), longest.as_millis());
    let _ = writeln!(out, "redis as the files: {count} times, p50 {half} ms, max {longest} ms");
}

fn of(findings: &Findings, property: Property) -> impl Iterator<Item = &crate::checker::Violation> {
    findings.violations.iter().filter(move |violation| violation.property == property)
}

fn staleness(out: &mut String, findings: &Findings) {
    for (situation, staleness) in &findings.staleness {
        let mut samples = staleness.samples.clone();
        samples.sort_unstable();
        let at = |share: usize| {
            let index = (samples.len() * share / 100).min(samples.len().saturating_sub(1));
            samples.get(index).map_or_else(String::new, |sample| milliseconds(*sample))
        };
        let (count, half, most, max) = (samples.len(), at(50), at(99), at(100));
        let _ =
            writeln!(out, "stale {situation}: {count} reads, p50 {half}, p99 {most}, max {max}");
    }
}
