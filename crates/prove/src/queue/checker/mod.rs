//! Decides from the attempts of the clients and from what is left whether every promise of the queue
//! was kept. Each check names the property it is about, and shows what contradicts itself.

mod applies;
mod batches;
mod decisions;
mod paths;
mod proposals;
mod purges;
mod records;
mod tales;

use std::collections::BTreeMap;
use std::fmt;

use super::history::Attempt;
use super::left::Left;
use tales::Tales;

#[cfg(test)]
mod invented;

/// A promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Property {
    /// Numbers of changes and of events are given away once.
    Ids,
    /// What was proposed is in the queue, or was purged; it is told once; nothing else is there.
    Proposals,
    /// A decision is made wholly or not at all, and told once for each change.
    Decisions,
    /// Of two who decide about one change, one is refused, and told truly why.
    Conflicts,
    /// A change that is said to be applied is, once: one event of its record, none for others.
    Applies,
    /// What was purged is gone, and told once.
    Purges,
    /// What is told of each change is a way that a change can go, and leads to where it is.
    Paths,
    /// Batches have the numbers that the rules give them.
    Batches,
    /// Records are what the changes applied to them make of them.
    Records,
    /// Files can be read after every kill.
    Readable,
    /// Nothing stays half applied.
    Settled,
    /// All servers say at the end what the files say.
    Agreement,
    /// Servers always answer, start again, and never fail.
    Alive,
}

/// All of them, in the order of reports.
pub const PROPERTIES: [Property; 13] = [
    Property::Ids,
    Property::Proposals,
    Property::Decisions,
    Property::Conflicts,
    Property::Applies,
    Property::Purges,
    Property::Paths,
    Property::Batches,
    Property::Records,
    Property::Readable,
    Property::Settled,
    Property::Agreement,
    Property::Alive,
];

/// What a check came to.
#[derive(Debug, Default)]
pub struct Findings {
    /// How many things each property was checked on.
    pub checked: BTreeMap<Property, u64>,
    /// Everything that is wrong.
    pub violations: Vec<(Property, String)>,
    /// Attempts of each kind by what came of them, in words.
    pub calls: BTreeMap<String, u64>,
}

impl Findings {
    /// Notes that a property was looked at once more, and whether it holds.
    pub fn check(&mut self, property: Property, holds: bool, told: impl FnOnce() -> String) {
        *self.checked.entry(property).or_default() += 1;
        if !holds {
            self.violations.push((property, told()));
        }
    }

    /// Takes in what another round came to.
    pub fn merge(&mut self, other: Self) {
        for (property, count) in other.checked {
            *self.checked.entry(property).or_default() += count;
        }
        for (call, count) in other.calls {
            *self.calls.entry(call).or_default() += count;
        }
        self.violations.extend(other.violations);
    }
}

impl fmt::Display for Findings {
    /// How many violations of one property are told in full.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const TOLD: usize = 5;
        writeln!(f, "{:<12} {:>10} {:>11}", "property", "checked", "violations")?;
        for property in PROPERTIES {
            let checked = self.checked.get(&property).copied().unwrap_or(0);
            let of_it = self.violations.iter().filter(|(violated, _)| *violated == property);
            let violations = of_it.count();
            let verdict = match (checked, violations) {
                (_, 1..) => "VIOLATED",
                (0, 0) => "not tried",
                _ => "holds",
            };
            let name = format!("{property:?}").to_lowercase();
            writeln!(f, "{name:<12} {checked:>10} {violations:>11}  {verdict}")?;
        }
        for (call, count) in &self.calls {
            writeln!(f, "{count:>7} {call}")?;
        }
        for property in PROPERTIES {
            let of_it = self.violations.iter().filter(|(violated, _)| *violated == property);
            for (_, text) in of_it.take(TOLD) {
                writeln!(f, "{property:?}: {text}")?;
            }
        }
        Ok(())
    }
}

/// Checks a round.
pub fn check(attempts: &[Attempt], left: &Left) -> Findings {
    let mut findings = Findings::default();
    let tales = Tales::of(attempts, left);
    count(&mut findings, attempts);
    proposals::check(&mut findings, &tales);
    decisions::check(&mut findings, &tales);
    applies::check(&mut findings, &tales);
    purges::check(&mut findings, &tales);
    paths::check(&mut findings, &tales);
    batches::check(&mut findings, &tales);
    records::check(&mut findings, &tales);
    findings
}

fn count(findings: &mut Findings, attempts: &[Attempt]) {
    use super::history::{Answer, Ask};
    for attempt in attempts {
        let what = match &attempt.ask {
            Ask::Propose { operation, .. } => format!("propose {operation}"),
            Ask::Decide { .. } => "decide".to_owned(),
            Ask::Apply { .. } => "apply one".to_owned(),
            Ask::Bulk { .. } => "apply several".to_owned(),
            Ask::Batch { .. } => "apply a batch".to_owned(),
            Ask::Purge { .. } => "purge".to_owned(),
        };
        let came_of_it = match &attempt.answer {
            Answer::Answered { status, .. } => status.to_string(),
            Answer::Nothing { .. } => "nothing".to_owned(),
        };
        *findings.calls.entry(format!("{what}: {came_of_it}")).or_default() += 1;
        let failed = matches!(attempt.answer, Answer::Answered { status: 500 | 502, .. });
        findings.check(Property::Alive, !failed, || format!("a server failed: {attempt:?}"));
    }
}
