//! A power cut takes nothing that was acknowledged from a model reference, leaves nothing half
//! written, and leaves nothing that the next start does not set right. Without any one of the flushes
//! it would: each is shown to be needed, or named here as one that is not.
//!
//! What is tried is a small part, by chance; with POWERCUT_LONG in the environment it is nearly all.

mod check;
mod scenario;
mod writer;

use std::collections::BTreeSet;
use std::path::{Component, Path};

use check::Judge;
use powercut::{Known, Plan, Recording, Report, replay_beyond, states};
use scenario::Way;
use writer::{recorded, runtime};

/// Flushes, by way and kind, without which nothing that is promised is lost, and why.
const NOT_NEEDED: &[(Way, &str, &str)] = &[
    (Way::New, "audit/.index.json.staged", "a start finds the last number in the segments"),
    (Way::New, "clip.json", "it was there before, and the present content is flushed once"),
    (Way::Legacy, "audit/.index.json.staged", "a start finds the last number in the segments"),
    (Way::Legacy, ".coherence", "nothing new is in it"),
    (Way::Legacy, ".coherence/*.ctl", "what is derived may be named anew"),
];
/// Folders in which nothing is written here; that all in them is flushed once proves nothing.
const UNTOUCHED: [&str; 3] = ["baselines", "licensing", "text_guidance"];

fn judged(way: Way, count: usize, known: &Known, recording: &Recording, plan: Plan) -> Report {
    let judge = Judge { way, steps: way.steps(count), runtime: runtime() };
    let check = |folder: &Path, acknowledged: &[String]| judge.check(folder, acknowledged);
    replay_beyond(known, &recording.before, &recording.operations, plan, check).unwrap()
}

/// How much is tried: all of it takes many minutes.
#[expect(clippy::disallowed_methods, reason = "no setting of the program under test")]
fn is_long() -> bool {
    std::env::var_os("POWERCUT_LONG").is_some()
}

fn acquits(way: Way, count: usize, one_in: usize) {
    let (count, one_in) = if is_long() { (20, 1) } else { (count, one_in) };
    let Some(recording) = recorded(way, count, "nothing") else { return };
    let plan = Plan { exhaustive: 8, samples: 4, most: 8, one_in, ..Plan::default() };
    let plan =
        if is_long() { Plan { exhaustive: 64, most: 64, samples: 32, ..plan } } else { plan };
    let report = judged(way, count, &Known::default(), &recording, plan);
    eprintln!("{}: {report}", way.name());
    assert!(report.states > 40, "{report}");
    report.acquitted().unwrap();
}

#[test]
fn a_folder_written_for_the_first_time() {
    acquits(Way::New, 4, 25);
}

#[test]
fn two_v2_documents() {
    acquits(Way::V2, 20, 100);
}

#[test]
fn legacy_documents_and_what_follows_from_them() {
    acquits(Way::Legacy, 20, 144);
}

#[test]
fn a_document_that_others_write_too() {
    acquits(Way::Shared, 20, 100);
}

/// What a flush is of, whichever category and time.
fn kind(path: &Path) -> String {
    let named = |component: Component<'_>| {
        let name = component.as_os_str().to_string_lossy().into_owned();
        let endings = [".new", ".ctl", ".requests", ".jsonl", "_metadata.json"];
        match endings.iter().find(|ending| name.ends_with(*ending)) {
            Some(ending) => format!("*{ending}"),
            _ if name.contains("directory") => "directory".to_owned(),
            _ => name,
        }
    };
    let names: Vec<String> = path.components().map(named).collect();
    let names = names.join("/");
    ["/clip", "/blip", "/image_generation", "/text_generation"]
        .iter()
        .fold(names, |names, category| names.replace(category, "/CATEGORY"))
}

/// Each of these kinds of flush, left out, is convicted by some state that could not be there with
/// it; in the long run each kind there is.
fn convicts(way: Way, count: usize, kinds: &[&str]) {
    let Some(recording) = recorded(way, count, "nothing") else { return };
    let plan = Plan { exhaustive: 8, samples: 4, most: 8, enough: 1, ..Plan::default() };
    let known = states(&recording.before, &recording.operations, plan).unwrap();
    let all: BTreeSet<String> = recording.flushed().iter().map(|path| kind(path)).collect();
    for kind in kinds {
        assert!(all.contains(*kind), "nothing flushes {kind:?}: {all:?}");
    }
    let mut wrong = Vec::new();
    let is_untouched = |kind: &str| UNTOUCHED.iter().any(|folder| kind.starts_with(folder));
    let is_due = |kind: &&String| match is_long() {
        true => !is_untouched(kind),
        false => kinds.contains(&kind.as_str()),
    };
    for left_out in all.iter().filter(is_due) {
        let without = recording.without_flushes_of(|path| kind(path) == *left_out);
        let report = judged(way, count, &known, &without, plan);
        let verdict = report.convictions.first().map(|one| one.verdict.clone());
        eprintln!("{} without {left_out:?}: {} states: {verdict:?}", way.name(), report.states);
        let is_needed = NOT_NEEDED.iter().all(|(of, kind, _)| (*of, *kind) != (way, left_out));
        if verdict.is_some() != is_needed {
            wrong.push(left_out);
        }
    }
    assert!(wrong.is_empty(), "{}: {wrong:?}", way.name());
}

#[test]
fn each_flush_of_a_new_folder_is_needed() {
    let kinds = [
        "",
        "*.new",
        ".coherence",
        ".coherence/*.ctl",
        "audit",
        "audit/v2",
        "audit/v2/CATEGORY",
        "audit/v2/CATEGORY/*.jsonl",
    ];
    convicts(Way::New, 3, &kinds);
}

#[test]
fn each_flush_of_legacy_documents_is_needed() {
    convicts(Way::Legacy, 4, &["legacy", "legacy/*.new", "legacy/.coherence/*.ctl"]);
}

#[test]
fn what_others_wrote_is_flushed_before_it_is_built_upon() {
    convicts(Way::Shared, 3, &["clip.json"]);
}

#[test]
fn the_rule_to_flush_the_folder_is_needed() {
    let Some(recording) = recorded(Way::V2, 8, "folder-flush") else { return };
    let plan = Plan { exhaustive: 8, samples: 4, most: 4, one_in: 16, ..Plan::default() };
    let report = judged(Way::V2, 8, &Known::default(), &recording, plan);
    let says = |words: &str| report.convictions.iter().any(|one| one.verdict.contains(words));
    assert!(says("lacks what was acknowledged"), "{report}");
}
