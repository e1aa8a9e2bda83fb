//! Decides from the histories of one run whether every promise was kept. Each check is linear after
//! sorting, names the property it is about, and shows the lines that contradict each other.
//!
//! Generations are totally ordered and unique, so an order of all writes need not be searched for:
//! it is given, and only has to fit what everybody saw.

mod agreement;
mod audit;
mod bound;
mod floor;
mod kept;
mod metadata;
mod plain;
mod repeat;
mod set;
mod strong;
mod versions;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::past::Past;

pub use bound::Situation;

#[cfg(test)]
mod invented;

/// A promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Property {
    /// Every acknowledged insertion is in the final document and in every later version; order in
    /// the document is the order of generations; one generation is one content.
    Set,
    /// What a foreign overwrite took away is kept for restoring.
    Kept,
    /// Plain reads see what was acknowledged everywhere, and what their own process acknowledged;
    /// they never fall and never see what was not begun.
    Plain,
    /// A read with a lower bound keeps it.
    AtLeast,
    /// Strong reads are linearizable.
    Strong,
    /// Answers are not older than the lease.
    Bound,
    /// The same as [`Property::Plain`], by readers without a log.
    Online,
    /// A request that is repeated is answered by its first outcome, and made once.
    Repeat,
    /// At the end all workers hold the content of the file.
    Agreement,
    /// At the end Redis holds what the files hold, and all are told of changes.
    Shared,
    /// One audit event for each committed change.
    Audit,
    /// Counters count each committed change once.
    Metadata,
    /// Workers run until they are stopped or killed, and always answer.
    Alive,
}

impl Property {
    /// The name used in specifications and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Set => "T-set",
            Self::Kept => "T-kept",
            Self::Plain => "T-history plain",
            Self::AtLeast => "T-history at least",
            Self::Strong => "T-history strong",
            Self::Bound => "T-bound",
            Self::Online => "T-online",
            Self::Repeat => "T-repeat",
            Self::Agreement => "T-heal",
            Self::Shared => "T-heal redis",
            Self::Audit => "T-audit",
            Self::Metadata => "T-metadata",
            Self::Alive => "T-alive",
        }
    }
}

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub property: Property,
    /// How.
    pub text: String,
    /// The lines that contradict each other.
    pub lines: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.property.name(), self.text)?;
        self.lines.iter().try_for_each(|line| write!(f, "\n    {line}"))
    }
}

/// Staleness of the answers of one situation, in nanoseconds.
#[derive(Debug, Clone, Default)]
pub struct Staleness {
    /// One for each read that was older than something known.
    pub samples: Vec<u64>,
}

/// What a check of one run came to.
#[derive(Debug, Default)]
pub struct Findings {
    /// How many things each property was checked on.
    pub checked: BTreeMap<Property, u64>,
    /// Everything that is wrong.
    pub violations: Vec<Violation>,
    /// How stale plain reads were, by what they missed.
    pub staleness: BTreeMap<Situation, Staleness>,
    /// Answers marked stale, which no bound holds for.
    pub marked: u64,
    /// Answers without a generation.
    pub provisional: u64,
    /// Calls of each kind, in words.
    pub calls: BTreeMap<String, u64>,
}

impl Findings {
    /// Notes that a property was looked at `count` more times.
    pub fn count(&mut self, property: Property, count: usize) {
        *self.checked.entry(property).or_default() += count as u64;
    }

    /// Notes a broken promise.
    pub fn violate(
        &mut self,
        property: Property,
        text: impl Into<String>,
        lines: impl IntoIterator<Item = String>,
    ) {
        let violation =
            Violation { property, text: text.into(), lines: lines.into_iter().collect() };
        self.violations.push(violation);
    }

    /// Takes in what another run came to.
    pub fn merge(&mut self, other: Self) {
        for (property, count) in other.checked {
            *self.checked.entry(property).or_default() += count;
        }
        for (call, count) in other.calls {
            *self.calls.entry(call).or_default() += count;
        }
        for (situation, staleness) in other.staleness {
            self.staleness.entry(situation).or_default().samples.extend(staleness.samples);
        }
        self.violations.extend(other.violations);
        self.marked += other.marked;
        self.provisional += other.provisional;
    }
}

/// What the checker has to know beside the histories.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// The lease of the directory.
    pub lease: Duration,
}

/// Checks a run: its histories, and the directory it left, if that is still there.
pub fn check(past: &Past, data: Option<&Path>, rules: Rules) -> Result<Findings> {
    let mut findings = Findings::default();
    for (name, document) in &past.documents {
        count_calls(&mut findings, document);
        let versions = versions::Versions::of(document, &mut findings);
        set::check(&mut findings, name, document, &versions);
        kept::check(&mut findings, past, document, &versions);
        plain::check(&mut findings, document, &versions);
        strong::check(&mut findings, document, &versions);
        bound::check(&mut findings, document, &versions, rules.lease);
        repeat::check(&mut findings, past, document);
        agreement::check(&mut findings, name, document);
        if let Some(data) = data {
            audit::check(&mut findings, data, name, past, document, &versions)?;
            metadata::check(&mut findings, data, name, past, document, &versions)?;
        }
    }
    if let Some(data) = data {
        audit::check_numbers(&mut findings, data)?;
    }
    findings.count(Property::Online, usize::try_from(past.counted).unwrap_or(usize::MAX));
    for made in past.faults.iter().filter(|made| made.fault == crate::faults::REFUSED_AT_THE_END) {
        let text = format!("a write to {} was not acknowledged after all faults", made.target);
        findings.violate(Property::Agreement, text, []);
    }
    for made in past.faults.iter().filter(|made| made.fault == crate::faults::NOT_LIVE_AT_THE_END) {
        let text = format!("{} was not subscribed again after all faults", made.target);
        findings.violate(Property::Shared, text, []);
    }
    for text in &past.online {
        findings.violate(Property::Online, text.clone(), []);
    }
    Ok(findings)
}

fn count_calls(findings: &mut Findings, document: &crate::past::Document) {
    for operation in &document.operations {
        let outcome = match &operation.outcome {
            crate::history::Outcome::Done => "done",
            crate::history::Outcome::Refused(_) => "refused",
            crate::history::Outcome::Unknown(_) => "unknown",
        };
        let call = format!("{:?} {outcome}", operation.kind).to_lowercase();
        *findings.calls.entry(call).or_default() += 1;
        if operation.kind.is_read() && operation.is_done() {
            findings.marked += u64::from(!operation.fresh);
            findings.provisional += u64::from(operation.generation == 0);
        }
    }
}
