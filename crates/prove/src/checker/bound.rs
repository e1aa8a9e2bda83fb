//! T-bound: how old the answers of plain reads were. Staleness of a read is its start minus the
//! moment from which on a newer generation was known: the acknowledgement of a write, the end of a
//! foreign commit, or the end of another read that returned it.

use std::fmt;
use std::time::Duration;

use super::plain::is_plain;
use super::versions::Versions;
use super::{Findings, Property};
use crate::clock::milliseconds;
use crate::history::{Kind, Visibility};
use crate::past::{Document, Operation};

/// What a read missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Situation {
    /// A write acknowledged as seen everywhere; nothing may miss it.
    Everywhere,
    /// A write acknowledged at once.
    Local,
    /// A foreign commit.
    Foreign,
    /// A content another read had returned, such as the write of a process that died.
    Seen,
}

impl fmt::Display for Situation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Everywhere => "after an acknowledgement «everywhere»",
            Self::Local => "after a local acknowledgement",
            Self::Foreign => "after a foreign commit",
            Self::Seen => "after another read",
        })
    }
}

impl Situation {
    fn of(call: &Operation) -> Self {
        match (call.kind, call.visibility) {
            (Kind::Insert | Kind::Delete, Some(Visibility::Everywhere)) => Self::Everywhere,
            (Kind::Insert | Kind::Delete, _) => Self::Local,
            (Kind::Edit | Kind::Replace, _) => Self::Foreign,
            _ => Self::Seen,
        }
    }
}

pub(super) fn check(
    findings: &mut Findings,
    document: &Document,
    versions: &Versions,
    lease: Duration,
) {
    let known = Known::of(document, versions, |_| true);
    let written = Known::of(document, versions, Operation::is_acknowledged);
    let spoiled = document.spoiled();
    let lease = u64::try_from(lease.as_nanos()).unwrap_or(u64::MAX);
    for read in document.operations.iter().filter(|read| is_plain(read.kind) && read.is_done()) {
        let Some(generation) = versions.answered(read).filter(|_| read.fresh) else { continue };
        findings.count(Property::Bound, 1);
        let is_spoiled = spoiled
            .iter()
            .any(|(from, until)| read.begun <= until.saturating_add(lease) && *from <= read.end());
        // Of what was never named, whoever did not see it cannot know.
        let is_spoiled = is_spoiled || versions.is_restored(read);
        let known = if is_spoiled { &written } else { &known };
        let Some((since, by)) = known.earliest_newer_than(generation) else { continue };
        let Some(age) = read.begun.checked_sub(since).filter(|age| *age > 0) else { continue };
        let situation = Situation::of(by);
        findings.staleness.entry(situation).or_default().samples.push(age);
        let bound = if situation == Situation::Everywhere { 0 } else { lease };
        if age > bound {
            let text = format!("a read was {} old {situation}", milliseconds(age));
            findings.violate(Property::Bound, text, [by.to_string(), read.to_string()]);
        }
    }
}

/// Generations by size, with the earliest time at which one of at least that size was known.
struct Known<'a>(Vec<(u64, u64, &'a Operation)>);

impl<'a> Known<'a> {
    fn of(
        document: &'a Document,
        versions: &Versions,
        counts: impl Fn(&Operation) -> bool,
    ) -> Self {
        let done = document.operations.iter().filter(|call| call.is_done() && counts(call));
        let known = done.filter_map(|call| {
            let is_change = call.kind.is_write() || call.kind.is_foreign();
            let generation =
                if is_change { versions.effect(call) } else { versions.answered(call) };
            Some((generation?, call.end(), call))
        });
        let mut known: Vec<_> = known.collect();
        known.sort_by_key(|(generation, ..)| *generation);
        for index in (1..known.len()).rev() {
            let (_, later, by) = known[index];
            let (_, since, own) = &mut known[index - 1];
            if later < *since {
                (*since, *own) = (later, by);
            }
        }
        Self(known)
    }

    fn earliest_newer_than(&self, generation: u64) -> Option<(u64, &'a Operation)> {
        let index = self.0.partition_point(|(known, ..)| *known <= generation);
        self.0.get(index).map(|(_, since, by)| (*since, *by))
    }
}
