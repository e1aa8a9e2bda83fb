//! Small invented histories: for every check one that passes and one that is convicted.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::{Findings, Property, Rules, check};
use crate::faults;
use crate::history::{Begun, Content, Ended, Event, Kind, Outcome, Source, Visibility, call};
use crate::past::Past;

const MS: u64 = 1_000_000;

/// Histories of processes `w1`, `w2` and so on, about the document `clip`. Times are milliseconds.
#[derive(Default)]
struct Story {
    events: Vec<(String, Event)>,
    calls: u64,
}

impl Story {
    /// The document begins with the record `base`, as generation 1.
    fn begin() -> Self {
        let mut story = Self::default();
        story.content("fleet", 0, "base", Source::First);
        story.seen("w1", 1, "base");
        story
    }

    fn call(&mut self, by: &str, begun: Begun, from: u64, ended: Option<(u64, Ended)>) {
        self.calls += 1;
        let begun = Begun { call: self.calls, at: from * MS, ..begun };
        self.events.push((by.into(), Event::Begun(begun)));
        if let Some((to, ended)) = ended {
            let ended = Ended { call: self.calls, at: to * MS, ..ended };
            self.events.push((by.into(), Event::Ended(ended)));
        }
    }

    fn write(&mut self, by: &str, kind: Kind, name: &str, time: (u64, u64), generation: u64) {
        let visibility = Some(Visibility::Everywhere);
        let begun = Begun { name: Some(name.into()), visibility, ..call(kind, "clip") };
        self.call(by, begun, time.0, Some((time.1, done(generation, true))));
    }

    fn insert(&mut self, by: &str, name: &str, time: (u64, u64), generation: u64) {
        self.write(by, Kind::Insert, name, time, generation);
    }

    fn insert_locally(&mut self, by: &str, name: &str, time: (u64, u64), generation: u64) {
        let visibility = Some(Visibility::Local);
        let begun = Begun { name: Some(name.into()), visibility, ..call(Kind::Insert, "clip") };
        self.call(by, begun, time.0, Some((time.1, done(generation, true))));
    }

    fn cut_off(&mut self, by: &str, name: &str, from: u64) {
        let begun = Begun { name: Some(name.into()), ..call(Kind::Insert, "clip") };
        self.call(by, begun, from, None);
    }

    fn refused(&mut self, by: &str, name: &str, time: (u64, u64)) {
        let begun = Begun { name: Some(name.into()), ..call(Kind::Insert, "clip") };
        let outcome = Outcome::Refused("no space".into());
        self.call(by, begun, time.0, Some((time.1, Ended { outcome, ..done(0, true) })));
    }

    fn read(&mut self, by: &str, kind: Kind, time: (u64, u64), generation: u64) {
        self.call(by, call(kind, "clip"), time.0, Some((time.1, done(generation, true))));
    }

    /// An edit that put `names` in place, the last of them its own.
    fn edit(&mut self, kind: Kind, time: (u64, u64), names: &str) {
        let own = names.split(' ').next_back().filter(|name| name.starts_with('f'));
        let begun = Begun { name: own.map(str::to_owned), ..call(kind, "clip") };
        let ended = Ended { digest: digest(names), ..done(0, true) };
        self.call("editor", begun, time.0, Some((time.1, ended)));
        self.content("editor", 0, names, Source::Written);
    }

    fn content(&mut self, by: &str, generation: u64, names: &str, source: Source) {
        let content = Content {
            document: "clip".into(),
            at: 900_000 * MS,
            generation,
            digest: digest(names),
            source,
            whole: true,
            removed: Vec::new(),
            added: names.split_whitespace().map(str::to_owned).collect(),
        };
        self.events.push((by.into(), Event::Content(content)));
    }

    fn seen(&mut self, by: &str, generation: u64, names: &str) {
        self.content(by, generation, names, Source::Read);
    }

    fn last(&mut self, names: &str) {
        self.content("fleet", 0, names, Source::Last);
    }

    fn past(&self) -> Past {
        let mut past = Past::default();
        let mut processes: Vec<&String> = self.events.iter().map(|(by, _)| by).collect();
        processes.sort();
        processes.dedup();
        for process in processes {
            let events = self.events.iter().filter(|(by, _)| by == process);
            let events = events.enumerate().map(|(line, (_, event))| (line + 1, event.clone()));
            past.add(process, events.collect());
        }
        past.documents.values_mut().for_each(crate::past::Document::put_requests_together);
        past
    }

    fn findings(&self, data: Option<&Path>) -> Findings {
        let rules = Rules { lease: Duration::from_millis(100) };
        check(&self.past(), data, rules).expect("the files can be read")
    }

    fn passes(&self) {
        let findings = self.findings(None);
        assert!(findings.violations.is_empty(), "{}", told(&findings));
    }

    fn is_convicted(&self, property: Property, text: &str) {
        expect(&self.findings(None), property, text);
    }
}

fn expect(findings: &Findings, property: Property, text: &str) {
    let found = findings
        .violations
        .iter()
        .any(|violation| violation.property == property && violation.text.contains(text));
    assert!(found, "not convicted of {property:?}: {text}\n{}", told(findings));
}

fn told(findings: &Findings) -> String {
    findings.violations.iter().map(|violation| format!("{violation}\n")).collect()
}

fn done(generation: u64, fresh: bool) -> Ended {
    Ended { call: 0, at: 0, outcome: Outcome::Done, generation, digest: String::new(), fresh }
}

fn digest(names: &str) -> String {
    format!("of {names}")
}

#[test]
fn set_of_two_writers_and_a_reader() {
    let mut story = Story::begin();
    story.insert("w1", "a", (10, 120), 2);
    story.insert("w2", "b", (15, 130), 3);
    story.write("w1", Kind::Delete, "a", (200, 310), 4);
    story.seen("w1", 2, "base a");
    story.seen("w2", 3, "base a b");
    story.seen("w2", 4, "base b");
    story.last("base b");
    story.passes();
}

#[test]
fn set_convicts_a_lost_update() {
    let mut story = Story::begin();
    story.insert("w1", "a", (10, 120), 2);
    story.insert("w2", "b", (15, 130), 3);
    story.seen("w2", 3, "base b");
    story.last("base b");
    story.is_convicted(Property::Set, "an acknowledged record is missing: `a`");
}

#[test]
fn set_convicts_a_loss_in_a_later_version() {
    let mut story = Story::begin();
    story.insert("w1", "a", (10, 120), 2);
    story.seen("w1", 2, "base a");
    story.seen("w1", 3, "base");
    story.last("base");
    story.is_convicted(Property::Set, "lost that nobody deleted: `a`");
}

#[test]
fn set_convicts_a_deletion_that_does_not_stand() {
    let mut story = Story::begin();
    story.insert("w1", "a", (10, 120), 2);
    story.write("w1", Kind::Delete, "a", (200, 310), 3);
    story.seen("w1", 2, "base a");
    story.seen("w1", 4, "base a");
    story.last("base a");
    story.is_convicted(Property::Set, "after its acknowledged deletion");
}

#[test]
fn set_convicts_one_generation_with_two_contents() {
    let mut story = Story::begin();
    story.insert("w1", "a", (10, 120), 2);
    story.seen("w1", 2, "base a");
    story.seen("w2", 2, "base b");
    story.is_convicted(Property::Set, "generation 2 names two contents");
}

#[test]
fn set_convicts_an_answer_with_another_digest() {
    let mut story = Story::begin();
    story.insert("w1", "a", (10, 120), 2);
    story.seen("w1", 2, "base a");
    let ended = Ended { digest: "other".into(), ..done(2, true) };
    story.call("w2", call(Kind::Plain, "clip"), 200, Some((201, ended)));
    story.is_convicted(Property::Set, "generation 2 names two contents");
}

#[test]
fn set_convicts_an_order_that_is_not_that_of_generations() {
    let mut story = Story::begin();
    story.insert("w1", "a", (10, 120), 2);
    story.insert("w1", "b", (130, 240), 3);
    story.seen("w1", 3, "base b a");
    story.is_convicted(Property::Set, "stands before");
}

#[test]
fn set_lets_a_cut_off_write_happen_or_not_but_not_twice_or_for_a_while() {
    for last in ["base", "base a"] {
        let mut story = Story::begin();
        story.cut_off("w1", "a", 10);
        story.seen("w2", 2, last);
        story.last(last);
        story.passes();
    }
    let mut story = Story::begin();
    story.cut_off("w1", "a", 10);
    story.seen("w2", 2, "base a");
    story.seen("w2", 3, "base");
    story.is_convicted(Property::Set, "lost");
    story.seen("w2", 4, "base a");
    story.is_convicted(Property::Set, "came back");
    story.seen("w2", 5, "base a a");
    story.is_convicted(Property::Set, "twice");
}

#[test]
fn set_convicts_what_was_refused_and_what_nobody_wrote() {
    let mut story = Story::begin();
    story.refused("w1", "a", (10, 20));
    story.seen("w2", 1, "base");
    story.passes();
    story.seen("w2", 2, "base a");
    story.is_convicted(Property::Set, "was refused: `a`");
    story.seen("w2", 3, "base a x");
    story.is_convicted(Property::Set, "nobody wrote");
}

#[test]
fn set_convicts_a_file_older_than_the_last_version() {
    let mut story = Story::begin();
    story.insert("w1", "a", (10, 120), 2);
    story.last("base");
    story.is_convicted(Property::Set, "older than an acknowledged write");
    story.seen("w1", 2, "base a");
    story.is_convicted(Property::Set, "not the last version");
}

#[test]
fn set_keeps_foreign_commits() {
    let mut story = Story::begin();
    story.edit(Kind::Edit, (10, 11), "base f1");
    story.insert("w1", "a", (20, 130), 3);
    story.seen("w1", 3, "base f1 a");
    story.last("base f1 a");
    story.passes();

    let mut story = Story::begin();
    story.edit(Kind::Edit, (10, 11), "base f1");
    story.insert("w1", "a", (20, 130), 3);
    story.seen("w1", 3, "base a");
    story.last("base a");
    story.is_convicted(Property::Set, "a foreign commit was dropped: `f1`");
}

#[test]
fn set_and_kept_know_what_an_edit_may_take_away() {
    // Read before the insertion, put in place after it.
    let mut story = Story::begin();
    story.edit(Kind::Edit, (5, 150), "base f1");
    story.insert("w1", "a", (10, 120), 2);
    story.seen("w1", 2, "base a");
    story.seen("w2", 3, "base f1");
    story.last("base f1");
    story.is_convicted(Property::Kept, "`a` was overwritten and not kept");
    story.content("fleet", 2, "base a", Source::Kept);
    story.passes();

    // Read after it: an edit keeps what it read.
    let mut story = Story::begin();
    story.edit(Kind::Edit, (130, 150), "base f1");
    story.insert("w1", "a", (10, 120), 2);
    story.seen("w1", 2, "base a");
    story.seen("w2", 3, "base f1");
    story.is_convicted(Property::Set, "lost that nobody deleted: `a`");
}

#[test]
fn set_and_kept_know_that_an_older_copy_was_put_back() {
    let mut story = Story::begin();
    story.insert("w1", "a", (10, 120), 2);
    story.seen("w1", 2, "base a");
    story.edit(Kind::Replace, (200, 201), "base");
    story.seen("w2", 3, "base");
    story.last("base");
    story.is_convicted(Property::Kept, "`a`");
    let fault = faults::FORGET.to_owned();
    let forget = Event::Fault { at: 300 * MS, fault, target: String::new() };
    story.events.push(("fleet".into(), forget));
    story.passes();
}

#[test]
fn plain_reads_see_what_was_acknowledged_everywhere() {
    let mut story = Story::begin();
    story.insert("w1", "a", (10, 120), 2);
    story.read("w2", Kind::Plain, (119, 125), 1);
    story.read("w2", Kind::Plain, (121, 125), 2);
    story.passes();
    story.read("w3", Kind::Plain, (121, 125), 1);
    story.is_convicted(Property::Plain, "acknowledged as seen everywhere: 1 instead of 2");
    story.is_convicted(Property::Bound, "after an acknowledgement");
}

#[test]
fn plain_reads_see_what_their_own_process_acknowledged() {
    let mut story = Story::begin();
    story.insert_locally("w1", "a", (10, 20), 2);
    story.read("w1", Kind::Plain, (21, 22), 2);
    story.read("w2", Kind::Plain, (21, 22), 1);
    story.passes();
    story.read("w1", Kind::Plain, (21, 22), 1);
    story.is_convicted(Property::Plain, "its own process acknowledged");
}

#[test]
fn plain_reads_of_one_process_never_go_back() {
    let mut story = Story::begin();
    story.insert_locally("w1", "a", (10, 20), 2);
    story.read("w2", Kind::Plain, (21, 25), 2);
    story.read("w2", Kind::Plain, (22, 26), 1);
    story.read("w3", Kind::Plain, (28, 29), 1);
    story.passes();
    story.read("w2", Kind::Plain, (27, 28), 1);
    story.is_convicted(Property::Plain, "went back");
}

#[test]
fn reads_do_not_see_what_was_not_begun() {
    for (kind, property) in [(Kind::Plain, Property::Plain), (Kind::Strong, Property::Strong)] {
        let mut story = Story::begin();
        story.insert("w1", "a", (10, 120), 2);
        story.read("w2", kind, (5, 11), 2);
        story.passes();
        story.read("w2", kind, (5, 9), 2);
        story.is_convicted(property, "before it was written");
    }
}

#[test]
fn a_lower_bound_is_kept() {
    let mut story = Story::begin();
    story.insert_locally("w1", "a", (10, 20), 2);
    let at_least = |bound| Begun { at_least: Some(bound), ..call(Kind::AtLeast, "clip") };
    story.call("w2", at_least(2), 30, Some((31, done(2, true))));
    story.passes();
    story.call("w3", at_least(2), 30, Some((31, done(1, true))));
    story.is_convicted(Property::AtLeast, "1 was returned for at least 2");
}

#[test]
fn strong_reads_see_every_write_and_every_earlier_strong_read() {
    let mut story = Story::begin();
    story.insert_locally("w1", "a", (10, 20), 2);
    story.read("w2", Kind::Strong, (15, 18), 2);
    story.read("w3", Kind::Strong, (17, 19), 1);
    story.read("w3", Kind::Strong, (21, 22), 2);
    story.passes();
    story.read("w2", Kind::Strong, (21, 22), 1);
    story.is_convicted(Property::Strong, "returned 1 instead of 2");

    let mut story = Story::begin();
    story.cut_off("w1", "a", 10);
    story.seen("w1", 2, "base a");
    story.read("w2", Kind::Strong, (15, 18), 2);
    story.read("w3", Kind::Strong, (19, 20), 1);
    story.is_convicted(Property::Strong, "returned 1 instead of 2");
}

#[test]
fn staleness_is_bounded_by_the_lease_and_marked_answers_are_not() {
    let mut story = Story::begin();
    story.insert_locally("w1", "a", (10, 20), 2);
    story.read("w2", Kind::Plain, (120, 121), 1);
    let marked = done(1, false);
    story.call("w3", call(Kind::Plain, "clip"), 500, Some((501, marked)));
    story.passes();
    let findings = story.findings(None);
    assert_eq!(findings.marked, 1);
    story.read("w2", Kind::Plain, (121, 122), 1);
    story.is_convicted(Property::Bound, "was 101.0 ms old after a local acknowledgement");
}

#[test]
fn staleness_counts_from_the_end_of_a_foreign_commit_and_from_other_reads() {
    let mut story = Story::begin();
    story.edit(Kind::Edit, (10, 11), "base f1");
    story.seen("w1", 2, "base f1");
    story.read("w2", Kind::Plain, (111, 112), 1);
    story.passes();
    story.read("w2", Kind::Plain, (112, 113), 1);
    story.is_convicted(Property::Bound, "after a foreign commit");

    let mut story = Story::begin();
    story.cut_off("w1", "a", 10);
    story.seen("w2", 2, "base a");
    story.read("w2", Kind::Plain, (20, 21), 2);
    story.read("w3", Kind::Plain, (121, 122), 1);
    story.passes();
    story.read("w3", Kind::Plain, (122, 123), 1);
    story.is_convicted(Property::Bound, "after another read");
}

#[test]
fn an_answer_without_a_number_is_judged_by_its_content() {
    let mut story = Story::begin();
    story.insert("w1", "a", (10, 120), 2);
    story.seen("w1", 2, "base a");
    let of = |names: &str| Ended { digest: digest(names), ..done(0, true) };
    story.call("w2", call(Kind::Plain, "clip"), 200, Some((201, of("base a"))));
    story.call("w2", call(Kind::Plain, "clip"), 202, Some((203, of("never numbered"))));
    story.passes();
    story.call("w3", call(Kind::Plain, "clip"), 200, Some((201, of("base"))));
    story.is_convicted(Property::Plain, "1 instead of 2");
}

#[test]
fn at_the_end_all_hold_the_file() {
    let mut story = Story::begin();
    let read = |names| Ended { digest: digest(names), ..done(1, true) };
    story.call("w1", call(Kind::Final, "clip"), 10, Some((11, read("base"))));
    story.last("base");
    story.passes();
    story.call(
        "w2",
        call(Kind::Final, "clip"),
        10,
        Some((11, Ended { fresh: false, ..read("base") })),
    );
    story.is_convicted(Property::Agreement, "does not hold the clip");
}

#[test]
fn at_the_end_redis_says_what_all_hold() {
    let story = |names: &str, generation| {
        let mut story = Story::begin();
        let read = Ended { digest: digest("base"), ..done(1, true) };
        story.call("w1", call(Kind::Final, "clip"), 10, Some((11, read)));
        story.last("base");
        story.content("fleet", generation, names, Source::Shared);
        story
    };
    story("base", 1).passes();
    story("base", 2).is_convicted(Property::Shared, "does not say of the clip");
    story("base a", 3).is_convicted(Property::Shared, "does not say of the clip");
    let mut silent = story("base", 1);
    let (at, fault) = (MS, crate::faults::NOT_LIVE_AT_THE_END.to_owned());
    silent.events.push(("w1".into(), Event::Fault { at, fault, target: "w1".into() }));
    silent.is_convicted(Property::Shared, "w1 was not subscribed again");
}

#[test]
fn what_readers_without_a_log_found_is_told() {
    let mut story = Story::begin();
    story.events.push(("w2".into(), Event::Counted { reads: 5 }));
    assert_eq!(story.findings(None).checked[&Property::Online], 5);
    story.passes();
    let document = "clip".to_owned();
    story.events.push(("w2".into(), Event::Online { at: MS, document, needed: 3, got: 2 }));
    story.is_convicted(Property::Online, "returned generation 2 after 3");
}

/// A data directory with the given events and counters.
fn directory(events: &[&str], creates: u64, deletes: u64) -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    let audit = folder.path().join("audit/v2/clip");
    std::fs::create_dir_all(&audit)?;
    std::fs::write(audit.join("audit-000001.jsonl"), events.join("\n"))?;
    let meta = folder.path().join("meta/v2");
    std::fs::create_dir_all(&meta)?;
    let counters =
        format!(r#"{{"total_creates":{creates},"total_updates":0,"total_deletes":{deletes}}}"#);
    std::fs::write(meta.join("clip_metadata.json"), counters)?;
    Ok(folder)
}

const CREATED: &str = r#"{"event_id":1,"model_name":"a","operation":"create","generation":2}"#;
const CREATED_AGAIN: &str =
    r#"{"event_id":2,"model_name":"a","operation":"create","generation":2}"#;
const DELETED: &str = r#"{"event_id":3,"model_name":"a","operation":"delete"}"#;

#[test]
fn audit_and_counters_tell_each_change_once() -> Result<()> {
    let mut story = Story::begin();
    story.insert("w1", "a", (10, 120), 2);
    story.write("w1", Kind::Delete, "a", (200, 310), 3);
    story.refused("w1", "b", (400, 401));
    let judge = |events: &[&str], creates, deletes| -> Result<Findings> {
        Ok(story.findings(Some(directory(events, creates, deletes)?.path())))
    };
    let good = judge(&[CREATED, DELETED, "{torn"], 1, 1)?;
    assert!(good.violations.is_empty(), "{}", told(&good));

    expect(&judge(&[CREATED], 1, 1)?, Property::Audit, "0 events of delete `a`");
    let twice = [CREATED, CREATED_AGAIN, DELETED];
    expect(&judge(&twice, 1, 1)?, Property::Audit, "2 events of create `a`");
    let same_number = [CREATED, CREATED, DELETED];
    expect(&judge(&same_number, 1, 1)?, Property::Audit, "number 1 is used twice");
    let wrong = CREATED.replace(":2}", ":7}");
    expect(&judge(&[&wrong, DELETED], 1, 1)?, Property::Audit, "tells generation 7");
    let refused = CREATED.replace("\"a\"", "\"b\"");
    expect(&judge(&[&refused], 1, 1)?, Property::Audit, "1 events of create `b`");
    let unknown = CREATED.replace("\"a\"", "\"x\"");
    expect(&judge(&[&unknown], 1, 1)?, Property::Audit, "that nobody asked for");

    expect(&judge(&[CREATED, DELETED], 2, 1)?, Property::Metadata, "2 counted in clip of Insert");
    expect(&judge(&[CREATED, DELETED], 1, 0)?, Property::Metadata, "0 counted in clip of Delete");
    Ok(())
}

#[test]
fn a_cut_off_change_is_told_if_it_is_there_and_may_be_told_if_a_foreigner_came_between()
-> Result<()> {
    let mut story = Story::begin();
    story.cut_off("w1", "a", 10);
    for (events, creates) in [(&[][..], 0), (&[CREATED][..], 1)] {
        let folder = directory(events, creates, 0)?;
        let findings = story.findings(Some(folder.path()));
        assert!(findings.violations.is_empty(), "{}", told(&findings));
    }
    story.seen("w2", 2, "base a");
    let folder = directory(&[], 0, 0)?;
    let findings = story.findings(Some(folder.path()));
    expect(&findings, Property::Audit, "0 events of create `a`");
    expect(&findings, Property::Metadata, "between 1 and 1");
    story.edit(Kind::Edit, (500, 501), "base a f1");
    story.seen("w2", 3, "base a f1");
    let findings = story.findings(Some(folder.path()));
    assert!(findings.violations.is_empty(), "{}", told(&findings));
    Ok(())
}

/// A change asked for under one request, whose calls end as told.
fn request(story: &mut Story, by: &str, kind: Kind, time: (u64, u64), ended: Ended) {
    let (name, request) = (Some("a".into()), Some("r".into()));
    let visibility = Some(Visibility::Everywhere);
    let begun = Begun { name, request, visibility, ..call(kind, "clip") };
    story.call(by, begun, time.0, Some((time.1, ended)));
}

#[test]
fn a_repeated_request_has_one_outcome() {
    let told = |second: u64| {
        let mut story = Story::begin();
        request(&mut story, "w1", Kind::Insert, (10, 120), done(2, true));
        request(&mut story, "w2", Kind::Insert, (200, 310), done(second, true));
        story.seen("w1", 2, "base a");
        story.last("base a");
        story
    };
    told(2).passes();
    told(3).is_convicted(Property::Repeat, "a request has two outcomes");
}

#[test]
fn a_request_cut_off_is_made_once_or_remembered() -> Result<()> {
    let refused =
        Ended { outcome: Outcome::Refused("there is no record `a`".into()), ..done(0, true) };
    let unknown = Ended { outcome: Outcome::Unknown("no answer".into()), ..done(0, true) };
    let mut story = Story::begin();
    request(&mut story, "w1", Kind::Delete, (10, 120), unknown.clone());
    request(&mut story, "w2", Kind::Delete, (200, 310), refused);
    story.is_convicted(Property::Repeat, "the outcome of a request was forgotten");

    let mut story = Story::begin();
    request(&mut story, "w1", Kind::Insert, (10, 120), unknown);
    request(&mut story, "w2", Kind::Insert, (200, 310), done(2, true));
    story.seen("w1", 2, "base a");
    story.last("base a");
    let create = r#"{"event_id":1,"model_name":"a","operation":"create","generation":2}"#;
    let once = directory(&[create], 1, 0)?;
    assert!(story.findings(Some(once.path())).violations.is_empty());
    let again = r#"{"event_id":2,"model_name":"a","operation":"update","generation":3}"#;
    let twice = directory(&[create, again], 1, 0)?;
    let findings = story.findings(Some(twice.path()));
    expect(&findings, Property::Audit, "an event of update `a` that nobody asked for");
    Ok(())
}

#[test]
fn after_a_barrier_all_that_was_acknowledged_is_seen_everywhere() {
    let mut story = Story::begin();
    story.insert_locally("w1", "a", (10, 20), 2);
    story.seen("w1", 2, "base a");
    let barrier = Begun { at_least: Some(2), ..call(Kind::Barrier, "clip") };
    story.call("w1", barrier, 21, Some((60, done(0, true))));
    story.read("w2", Kind::Plain, (59, 62), 1);
    story.passes();
    story.read("w3", Kind::Plain, (61, 62), 1);
    story.is_convicted(Property::Plain, "seen everywhere");
}

#[test]
fn an_attempt_may_make_way_for_a_foreign_commit_of_that_time_only() {
    let told = |edited: (u64, u64)| {
        let mut story = Story::begin();
        story.edit(Kind::Edit, edited, "base f1");
        story.insert("w1", "a", (10, 120), 4);
        story.seen("w2", 2, "base a");
        story.seen("w2", 3, "base f1");
        story.seen("w2", 4, "base f1 a");
        story.last("base f1 a");
        story
    };
    told((12, 14)).passes();
    told((1, 2)).is_convicted(Property::Set, "a record came back: `a`");
}

#[test]
fn of_what_was_made_garbage_before_it_had_a_name_nobody_need_know() {
    let told = |read: (u64, u64)| {
        let mut story = Story::begin();
        story.edit(Kind::Edit, (10, 11), "base f1");
        let garbage = Ended { outcome: Outcome::Unknown("no document".into()), ..done(0, true) };
        story.call("editor", call(Kind::Replace, "clip"), 20, Some((21, garbage)));
        story.edit(Kind::Replace, (300, 301), "base f1 f2");
        story.read("w1", Kind::Strong, read, 1);
        story.read("w1", Kind::Plain, read, 1);
        story.seen("w2", 5, "base f1 f2");
        story.last("base f1 f2");
        story
    };
    told((150, 151)).passes();
    told((500, 501)).is_convicted(Property::Strong, "instead of 5");
    told((500, 501)).is_convicted(Property::Bound, "after a foreign commit");
}

#[test]
fn what_nobody_saw_before_it_was_put_back_has_no_time_of_its_own() {
    let told = |is_put_back: bool| {
        let mut story = Story::begin();
        story.edit(Kind::Edit, (10, 11), "base f1");
        story.insert("w1", "a", (20, 130), 2);
        story.read("w1", Kind::Strong, (300, 301), 2);
        if is_put_back {
            story.edit(Kind::Replace, (700, 701), "base");
            story.edit(Kind::Edit, (20, 21), "base f2 a");
            let back = Ended { digest: digest("base f1"), ..done(0, true) };
            story.call("editor", call(Kind::Replace, "clip"), 800, Some((801, back)));
        }
        story.seen("w2", 5, "base f1");
        story
    };
    let strong = |story: &Story| {
        let findings = story.findings(None);
        findings.violations.iter().any(|found| found.property == Property::Strong)
    };
    assert!(!strong(&told(true)));
    assert!(strong(&told(false)));
}
