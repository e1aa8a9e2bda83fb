//! The versions of one document, in the order of their generations, and the generation each call
//! belongs to.

use std::collections::{HashMap, HashSet};

use super::{Findings, Property};
use crate::history::Kind;
use crate::past::{Document, Name, Operation, Seen};

/// One content with its generation.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) generation: u64,
    /// Who saw it first.
    pub(super) seen: Seen,
}

/// What became of a record in the versions that were seen.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Life {
    /// Index of the first version with it.
    pub(super) first: Option<usize>,
    /// Index of the last version with it.
    pub(super) last: Option<usize>,
}

#[derive(Debug)]
pub(super) struct Versions {
    /// By generation, rising. Only those that somebody saw with their content.
    pub(super) all: Vec<Version>,
    pub(super) lives: Vec<Life>,
    /// The generation of each content; none of one that came back and so has several.
    by_digest: HashMap<String, Option<u64>>,
    /// Contents that somebody put back, and when they began to.
    restored: Vec<(String, u64)>,
    /// Contents by digest, whether they ever had a generation or not.
    contents: HashMap<String, HashSet<Name>>,
}

impl Versions {
    /// Orders what was seen. Two contents under one generation are a violation.
    pub(super) fn of(document: &Document, findings: &mut Findings) -> Self {
        let mut labelled: Vec<&Seen> =
            document.contents.iter().filter(|seen| seen.generation > 0).collect();
        labelled.sort_by_key(|seen| (seen.generation, seen.at));
        let mut all: Vec<Version> = Vec::new();
        for seen in labelled {
            match all.last() {
                Some(last) if last.generation == seen.generation => {
                    conflict(findings, &last.seen, seen);
                }
                _ => all.push(Version { generation: seen.generation, seen: seen.clone() }),
            }
        }
        findings.count(Property::Set, all.len());
        let mut versions = Self {
            lives: lives(document, &all),
            by_digest: HashMap::new(),
            restored: Vec::new(),
            contents: HashMap::new(),
            all,
        };
        for version in &versions.all {
            let known = versions.by_digest.entry(version.seen.digest.clone());
            known.and_modify(|known| *known = None).or_insert(Some(version.generation));
        }
        // A content that somebody put back may have had no other number than its old one.
        let is_restored = |call: &&Operation| {
            call.kind == Kind::Replace && call.name.is_none() && !call.digest.is_empty()
        };
        for restored in document.operations.iter().filter(is_restored) {
            versions.by_digest.insert(restored.digest.clone(), None);
            versions.restored.push((restored.digest.clone(), restored.begun));
        }
        for seen in &document.contents {
            let names = || seen.names.iter().copied().collect();
            versions.contents.entry(seen.digest.clone()).or_insert_with(names);
        }
        check_answers(document, &versions, findings);
        versions
    }

    /// The generation of an answer. One that was given without a number has that of its content, if
    /// this was numbered once.
    pub(super) fn answered(&self, operation: &Operation) -> Option<u64> {
        match operation.generation {
            0 => self.by_digest.get(&operation.digest).copied().flatten(),
            generation => Some(generation),
        }
    }

    /// The generation from which on a change is in the document: what was told, or else the first
    /// version that shows it.
    pub(super) fn effect(&self, operation: &Operation) -> Option<u64> {
        let is_repeat = operation.kind == Kind::Repeat;
        if operation.is_acknowledged() || is_repeat {
            return Some(operation.generation).filter(|generation| *generation > 0);
        }
        if !operation.is_possible() || operation.kind == Kind::Delete {
            return None;
        }
        let name = operation.name?;
        let first = &self.all[self.lives[name].first?];
        // It may have come and gone before anybody saw it, and be seen when it is put back.
        let is_restored = |(digest, begun): &(String, u64)| {
            let has_it = self.contents.get(digest).is_some_and(|names| names.contains(&name));
            has_it && *begun <= first.seen.at && operation.begun < *begun
        };
        let is_own = !self.restored.iter().any(is_restored);
        is_own.then_some(first.generation)
    }

    /// Whether the answer is a content that somebody had put back by then. Until the commit it
    /// replaced is over, it goes by its old name.
    pub(super) fn is_restored(&self, read: &Operation) -> bool {
        self.restored.iter().any(|(digest, begun)| *digest == read.digest && *begun <= read.end())
    }

    /// Index of the first version seen that is not older than `generation`.
    pub(super) fn at_or_after(&self, generation: u64) -> Option<usize> {
        let index = self.all.partition_point(|version| version.generation < generation);
        (index < self.all.len()).then_some(index)
    }

    /// What an edit put in place contained.
    pub(super) fn written(&self, edit: &Operation) -> Option<&HashSet<Name>> {
        self.contents.get(&edit.digest)
    }
}

fn lives(document: &Document, all: &[Version]) -> Vec<Life> {
    let mut lives = vec![Life::default(); document.names.len()];
    for (index, version) in all.iter().enumerate() {
        for name in &version.seen.names {
            lives[*name].first.get_or_insert(index);
            lives[*name].last = Some(index);
        }
    }
    lives
}

fn conflict(findings: &mut Findings, first: &Seen, second: &Seen) {
    if first.digest != second.digest {
        let text = format!("generation {} names two contents", first.generation);
        findings.violate(Property::Set, text, [first.to_string(), second.to_string()]);
    } else if first.names != second.names {
        let text = format!("one digest under generation {} has two contents", first.generation);
        findings.violate(Property::Set, text, [first.to_string(), second.to_string()]);
    }
}

/// Generation and digest of every answer against each other, also where no content was seen.
fn check_answers(document: &Document, versions: &Versions, findings: &mut Findings) {
    let mut digests: HashMap<u64, (&str, String)> = HashMap::new();
    for version in &versions.all {
        digests.insert(version.generation, (&version.seen.digest, version.seen.to_string()));
    }
    for operation in &document.operations {
        if !operation.is_done() || operation.generation == 0 || operation.digest.is_empty() {
            continue;
        }
        let known = digests
            .entry(operation.generation)
            .or_insert_with(|| (&operation.digest, operation.to_string()));
        if known.0 != operation.digest {
            let text = format!("generation {} names two contents", operation.generation);
            findings.violate(Property::Set, text, [known.1.clone(), operation.to_string()]);
        }
    }
}
