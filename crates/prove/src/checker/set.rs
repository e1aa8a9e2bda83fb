//! T-set: nothing that was acknowledged is lost, nothing comes from nowhere or comes back, the order
//! in the document is the order of generations, and the file at the end is the last version.

use std::collections::HashSet;

use super::versions::{Version, Versions};
use super::{Findings, Property};
use crate::history::{Kind, Source};
use crate::past::{Document, Name, Operation, Seen};

pub(super) fn check(findings: &mut Findings, name: &str, document: &Document, versions: &Versions) {
    let changes = Changes::of(document, versions);
    let mut check = Check { findings, document, versions, changes };
    check.walk();
    check.insertions();
    check.deletions();
    check.edits();
    check.end(name);
}

/// The calls that add and remove each record, and those of foreigners.
pub(super) struct Changes<'a> {
    pub(super) added: Vec<Option<&'a Operation>>,
    pub(super) removed: Vec<Vec<&'a Operation>>,
    foreign: Vec<&'a Operation>,
    initial: HashSet<Name>,
    versions: &'a Versions,
}

impl<'a> Changes<'a> {
    pub(super) fn of(document: &'a Document, versions: &'a Versions) -> Self {
        let mut added = vec![None; document.names.len()];
        let mut removed = vec![Vec::new(); document.names.len()];
        for operation in &document.operations {
            match (operation.kind, operation.name) {
                (Kind::Delete, Some(name)) => removed[name].push(operation),
                (Kind::Insert | Kind::Edit | Kind::Replace, Some(name)) => {
                    added[name] = Some(operation);
                }
                _ => {}
            }
            if let Some(name) = operation.replaces {
                removed[name].push(operation);
            }
        }
        let foreign = document.operations.iter().filter(|call| call.kind.is_foreign());
        let first = document.contents.iter().filter(|seen| seen.source == Source::First);
        Self {
            added,
            removed,
            foreign: foreign.filter(|call| call.is_possible()).collect(),
            initial: first.flat_map(|seen| seen.names.iter().copied()).collect(),
            versions,
        }
    }

    /// Whether a deletion explains that `name` is missing in a version.
    pub(super) fn is_deleted(&self, name: Name, missing_in: &Version) -> bool {
        self.removed[name].iter().any(|call| {
            let in_time = !call.is_acknowledged() || call.generation <= missing_in.generation;
            call.is_possible() && in_time && call.begun <= missing_in.seen.at
        })
    }

    /// Whether a foreign commit explains it: one that landed after the record was written and does
    /// not contain it. An edit keeps what it read, so it explains only what was being written
    /// while it was made.
    pub(super) fn is_overwritten(&self, name: Name, until: u64) -> bool {
        let (begun, end) = self.added[name].map_or((0, 0), |call| (call.begun, call.end()));
        self.foreign.iter().any(|foreign| {
            let lacks = self.versions.written(foreign).is_none_or(|names| !names.contains(&name));
            let is_cause = foreign.kind == Kind::Replace || foreign.begun <= end;
            lacks && is_cause && foreign.begun <= until && foreign.end() >= begun
        })
    }

    /// Whether the record may have been seen before it was acknowledged, and gone again: a foreign
    /// commit landed at the same time as ours, which made way for it and started over.
    fn is_undone(&self, name: Name) -> bool {
        let call = self.added[name].filter(|call| call.kind.is_write());
        let Some((begun, end)) = call.map(|call| (call.begun, call.end())) else { return false };
        self.foreign.iter().any(|foreign| foreign.begun <= end && foreign.end() >= begun)
    }

    /// Whether a foreign commit explains that a record is there again.
    fn is_put_back(&self, name: Name, until: u64) -> bool {
        self.foreign.iter().any(|foreign| {
            let has = self.versions.written(foreign).is_none_or(|names| names.contains(&name));
            has && foreign.begun <= until
        })
    }
}

struct Check<'a> {
    findings: &'a mut Findings,
    document: &'a Document,
    versions: &'a Versions,
    changes: Changes<'a>,
}

impl Check<'_> {
    /// Compares each version with the one before.
    fn walk(&mut self) {
        let mut before: Option<(&Version, HashSet<Name>)> = None;
        for (index, version) in self.versions.all.iter().enumerate() {
            let current: HashSet<Name> = version.seen.names.iter().copied().collect();
            if current.len() < version.seen.names.len() {
                self.violate("a record is there twice", None, &[&version.seen]);
            }
            if let Some((previous, names)) = &before {
                for name in names.difference(&current) {
                    self.vanished(*name, previous, version);
                }
            }
            for name in &version.seen.names {
                let is_new = before.as_ref().is_none_or(|(_, names)| !names.contains(name));
                if is_new {
                    self.appeared(*name, index, version);
                }
            }
            self.order(version);
            before = Some((version, current));
        }
    }

    fn vanished(&mut self, name: Name, previous: &Version, version: &Version) {
        let changes = &self.changes;
        if changes.is_deleted(name, version) || changes.is_overwritten(name, version.seen.at) {
            return;
        }
        let text = "a record is lost that nobody deleted";
        self.violate(text, Some(name), &[&previous.seen, &version.seen]);
    }

    fn appeared(&mut self, name: Name, index: usize, version: &Version) {
        let until = version.seen.at;
        let is_first = self.versions.lives[name].first == Some(index);
        let is_known = match self.changes.added[name] {
            _ if self.changes.initial.contains(&name) => true,
            Some(call) => call.is_possible() && call.begun <= until,
            None => false,
        };
        if is_first && !is_known {
            self.violate(
                "a record nobody wrote, or that was refused",
                Some(name),
                &[&version.seen],
            );
        } else if !is_first
            && !self.changes.is_put_back(name, until)
            && !self.changes.is_undone(name)
        {
            self.violate("a record came back", Some(name), &[&version.seen]);
        }
    }

    /// Insertions append, so generations rise along the document.
    fn order(&mut self, version: &Version) {
        let mut before: Option<(u64, Name)> = None;
        for name in &version.seen.names {
            let Some(call) = self.changes.added[*name].filter(|call| call.is_acknowledged()) else {
                continue;
            };
            // What was overtaken and made again has its place from the first time.
            let is_repeated = self.document.is_repeated(&self.document.names[*name]);
            if is_repeated && self.changes.is_undone(*name) {
                continue;
            }
            if let Some((generation, earlier)) = before
                && call.generation < generation
            {
                let text = format!(
                    "`{}` stands before `{}`, which has the smaller generation",
                    self.document.names[earlier], self.document.names[*name]
                );
                let other = self.changes.added[earlier].map(ToString::to_string);
                let lines = [Some(call.to_string()), other, Some(version.seen.to_string())];
                self.findings.violate(Property::Set, text, lines.into_iter().flatten());
                return;
            }
            before = Some((call.generation, *name));
        }
    }

    /// An acknowledged insertion is in the first version seen from its generation on, and in none
    /// before; that it stays is seen on the walk.
    fn insertions(&mut self) {
        let calls = self.document.operations.iter();
        for call in calls.filter(|call| call.kind == Kind::Insert && call.is_acknowledged()) {
            self.findings.count(Property::Set, 1);
            let Some(name) = call.name else { continue };
            let first = self.versions.lives[name].first;
            let expected = self.versions.at_or_after(call.generation);
            if let Some(early) = first.map(|index| &self.versions.all[index])
                && early.generation < call.generation
                && !self.changes.is_undone(name)
            {
                let text = "a record is in a version older than its acknowledged generation";
                self.violate(text, Some(name), &[&early.seen]);
                continue;
            }
            let Some(version) = expected.map(|index| &self.versions.all[index]) else { continue };
            if version.seen.names.contains(&name) {
                continue;
            }
            let is_gone = self.changes.is_deleted(name, version)
                || self.changes.is_overwritten(name, version.seen.at);
            if !is_gone {
                let text = "an acknowledged record is missing";
                self.violate(text, Some(name), &[&version.seen]);
            }
        }
    }

    /// An acknowledged deletion stands.
    fn deletions(&mut self) {
        let calls = self.document.operations.iter();
        for call in calls.filter(|call| call.kind == Kind::Delete && call.is_acknowledged()) {
            self.findings.count(Property::Set, 1);
            let Some(name) = call.name else { continue };
            let Some(last) = self.versions.lives[name].last else { continue };
            let version = &self.versions.all[last];
            let is_back = version.generation >= call.generation;
            if is_back && !self.changes.is_put_back(name, version.seen.at) {
                let text = "a record is there after its acknowledged deletion";
                let lines = [call.to_string(), version.seen.to_string()];
                self.findings.violate(Property::Set, text, lines);
            }
        }
    }

    /// What a foreigner wrote is a version or part of one, unless another foreigner wrote over it.
    fn edits(&mut self) {
        let calls = self.document.operations.iter();
        for call in calls.filter(|call| call.kind.is_foreign() && call.is_done()) {
            let Some(name) = call.name else { continue };
            self.findings.count(Property::Set, 1);
            let was_seen = self.versions.lives[name].first.is_some();
            let is_replaced = self.changes.removed[name].iter().any(|other| other.is_possible());
            if !was_seen && !is_replaced && !self.changes.is_overwritten(name, u64::MAX) {
                self.violate("a foreign commit was dropped", Some(name), &[]);
            }
        }
    }

    /// The file at the end is the last version, and that is not older than any acknowledgement.
    fn end(&mut self, name: &str) {
        let mut last = self.document.contents.iter().filter(|seen| seen.source == Source::Last);
        let Some(last) = last.next() else { return };
        self.findings.count(Property::Set, 1);
        let Some(version) = self.versions.all.last() else {
            let text = format!("nobody ever saw a version of {name}");
            self.findings.violate(Property::Set, text, [last.to_string()]);
            return;
        };
        if version.seen.digest != last.digest {
            let text = "the file at the end is not the last version";
            self.violate(text, None, &[&version.seen, last]);
        }
        let acknowledged = self.document.operations.iter().filter(|call| call.is_acknowledged());
        if let Some(newest) = acknowledged.max_by_key(|call| call.generation)
            && newest.generation > version.generation
        {
            let text = "the file at the end is older than an acknowledged write";
            self.violate(text, newest.name, &[&version.seen, last]);
        }
    }

    fn violate(&mut self, text: &str, name: Option<Name>, seen: &[&Seen]) {
        let text = match name {
            Some(name) => format!("{text}: `{}`", self.document.names[name]),
            None => text.to_owned(),
        };
        let call = name.and_then(|name| self.changes.added[name]).map(ToString::to_string);
        let lines = call.into_iter().chain(seen.iter().map(ToString::to_string));
        self.findings.violate(Property::Set, text, lines);
    }
}
