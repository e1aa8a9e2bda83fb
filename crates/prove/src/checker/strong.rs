//! T-history for strong reads: linearizable for each document. As generations are unique and totally
//! ordered, that is: never smaller than any write acknowledged, foreign commit ended or strong read
//! completed before the start, never larger than what had begun before the end.

use super::floor::Floor;
use super::plain::{check_future, first_begun};
use super::versions::Versions;
use super::{Findings, Property};
use crate::history::Kind;
use crate::past::Document;

pub(super) fn check(findings: &mut Findings, document: &Document, versions: &Versions) {
    let mut floor = Floor::default();
    for call in document.operations.iter().filter(|call| call.is_done()) {
        let generation = match call.kind {
            Kind::Strong => versions.answered(call),
            _ => versions.effect(call),
        };
        if let Some(generation) = generation {
            floor.add(call.end(), generation, call);
        }
    }
    floor.sort();
    let mut written = Floor::default();
    for call in document.operations.iter().filter(|call| call.is_acknowledged()) {
        written.add(call.end(), call.generation, call);
    }
    written.sort();
    let spoiled = document.spoiled();
    let begun = first_begun(document, versions);
    let reads = document.operations.iter().filter(|call| call.kind == Kind::Strong);
    for read in reads.filter(|read| read.is_done()) {
        let Some(generation) = versions.answered(read) else { continue };
        findings.count(Property::Strong, 1);
        let is_spoiled =
            spoiled.iter().any(|(from, until)| read.begun <= *until && *from <= read.end());
        // Of what was never named, whoever did not see it cannot know.
        let before = if is_spoiled { &written } else { &floor }.before(read.begun);
        if let Some((needed, by)) = before.filter(|(needed, _)| *needed > generation) {
            let text = format!("a strong read returned {generation} instead of {needed}");
            findings.violate(Property::Strong, text, [by.to_string(), read.to_string()]);
        }
        check_future(findings, Property::Strong, read, generation, &begun);
    }
}
