//! The machinery bites: right ways of writing lose nothing in any state, and each wrong way is
//! convicted by some state.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use powercut::{Blob, Entry, Plan, Recording, Report, Tree, can_record, record, replay};
use tempfile::TempDir;

const WITHIN: Duration = Duration::from_secs(60);
const WRITES: u64 = 5;

/// What the writer finds: document 0, its label, an empty log, a folder.
fn prepared() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let file = |text: &str| Entry::File(Blob::new(text.as_bytes()));
    let mut tree = Tree::default();
    tree.entries.insert("document".into(), file(&"0000000\n".repeat(3 * 512)));
    tree.entries.insert("labels".into(), file("0000000\n"));
    tree.entries.insert("log".into(), file(""));
    tree.entries.insert("kept".into(), Entry::Folder(Tree::default()));
    tree.write(folder.path()).unwrap();
    folder
}

/// `None` where nothing can be recorded.
fn recorded(way: &str) -> Option<Recording> {
    try_to_record(way).map(Result::unwrap)
}

fn try_to_record(way: &str) -> Option<anyhow::Result<Recording>> {
    if !can_record() {
        return None;
    }
    let folder = prepared();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sample_writer"));
    command.arg(folder.path()).arg(way).arg(WRITES.to_string());
    Some(record(&command, folder.path(), WITHIN))
}

fn replayed(way: &str, check: impl Fn(&Path, &[String]) -> Result<(), String>) -> Option<Report> {
    let recording = recorded(way)?;
    let report = replay(&recording.before, &recording.operations, Plan::default(), check).unwrap();
    eprintln!("{way}: {report}");
    assert!(report.states > 10, "{report}");
    Some(report)
}

fn last(acknowledged: &[String]) -> u64 {
    acknowledged.last().map_or(0, |number| number.parse().unwrap())
}

/// The document is whole, and not older than what was acknowledged.
fn document(folder: &Path, acknowledged: &[String]) -> Result<u64, String> {
    let text = std::fs::read_to_string(folder.join("document")).map_err(|e| e.to_string())?;
    let first = text.lines().next().ok_or("the document is empty")?;
    let number: u64 = first.parse().map_err(|_| "the document is garbage")?;
    if text != format!("{number:07}\n").repeat(3 * 512) {
        return Err("the document is torn".to_owned());
    }
    if number < last(acknowledged) {
        return Err(format!("{} was acknowledged, {number} is there", last(acknowledged)));
    }
    Ok(number)
}

fn whole_document(folder: &Path, acknowledged: &[String]) -> Result<(), String> {
    document(folder, acknowledged).map(|_| ())
}

/// The same, and one of the labels names the document.
fn labelled_document(folder: &Path, acknowledged: &[String]) -> Result<(), String> {
    let number = document(folder, acknowledged)?;
    let labels = std::fs::read(folder.join("labels")).map_err(|error| error.to_string())?;
    let label = format!("{number:07}\n");
    let found = labels.chunks(4096).any(|slot| slot.starts_with(label.as_bytes()));
    if found { Ok(()) } else { Err(format!("{number} has no label")) }
}

/// Every acknowledged document is in its folder, whole.
fn document_in_folder(folder: &Path, acknowledged: &[String]) -> Result<(), String> {
    acknowledged
        .iter()
        .try_for_each(|number| whole_document(&folder.join(number), std::slice::from_ref(number)))
}

/// Every acknowledged line is there, in order; what follows may be anything.
fn acknowledged_lines(folder: &Path, acknowledged: &[String]) -> Result<(), String> {
    let log = std::fs::read(folder.join("log")).map_err(|error| error.to_string())?;
    let lines: String = (1..=last(acknowledged)).map(|number| format!("{number:07}\n")).collect();
    if log.starts_with(lines.as_bytes()) { Ok(()) } else { Err("lines are missing".to_owned()) }
}

/// Fails unless some state was convicted in these words.
fn assert_convicted(report: &Report, words: &str) {
    let said = report.convictions.iter().any(|conviction| conviction.verdict.contains(words));
    assert!(said, "nothing says {words:?}: {report}");
    assert!(report.acquitted().is_err());
}

fn assert_acquitted(report: Option<Report>) {
    if let Some(report) = report {
        report.acquitted().unwrap();
    }
}

#[test]
fn calls_of_every_kind_are_understood() {
    // A recording is compared with what is really in the folder at its end.
    let Some(recording) = recorded("medley") else { return };
    let said = recording.operations.iter().filter_map(|operation| match operation {
        powercut::Operation::Acknowledge(number) => Some(number.as_str()),
        _ => None,
    });
    assert_eq!(
        said.collect::<Vec<_>>(),
        ["child", "1", "child", "2", "child", "3", "child", "4", "child", "5"]
    );
}

#[test]
fn what_cannot_be_followed_is_refused() {
    let Some(recording) = try_to_record("copied") else { return };
    let refused = format!("{:#}", recording.unwrap_err());
    assert!(refused.contains("is not understood"), "{refused}");
}

#[test]
fn flush_rename_flush_loses_nothing() {
    assert_acquitted(replayed("renamed", whole_document));
}

#[test]
fn exchanging_labelled_documents_loses_nothing() {
    assert_acquitted(replayed("exchanged", labelled_document));
}

#[test]
fn appending_and_flushing_loses_nothing() {
    assert_acquitted(replayed("appended", acknowledged_lines));
}

#[test]
fn a_new_folder_needs_its_name_flushed() {
    assert_acquitted(replayed("in-new-folder", document_in_folder));
    let Some(report) = replayed("in-new-folder-without-its-name", document_in_folder) else {
        return;
    };
    assert_convicted(&report, "No such file");
}

#[test]
fn without_a_flush_of_the_file_it_is_torn_or_empty() {
    let Some(report) = replayed("without-file-flush", whole_document) else { return };
    assert_convicted(&report, "the document is empty");
    assert_convicted(&report, "the document is torn");
}

#[test]
fn without_a_flush_of_the_folder_an_acknowledged_write_is_lost() {
    let Some(report) = replayed("without-folder-flush", whole_document) else { return };
    assert_convicted(&report, "was acknowledged");
}

#[test]
fn a_rename_before_the_flush_shows_an_empty_file() {
    let Some(report) = replayed("flushed-after-rename", whole_document) else { return };
    assert_convicted(&report, "the document is empty");
}

#[test]
fn writing_in_place_tears() {
    let Some(report) = replayed("in-place", whole_document) else { return };
    assert_convicted(&report, "the document is torn");
}

#[test]
fn without_a_flush_of_the_label_a_document_has_none() {
    let Some(report) = replayed("exchanged-without-label-flush", labelled_document) else { return };
    assert_convicted(&report, "has no label");
}

#[test]
fn without_a_flush_of_the_log_acknowledged_lines_are_missing() {
    let Some(report) = replayed("appended-without-flush", acknowledged_lines) else { return };
    assert_convicted(&report, "lines are missing");
}

#[test]
fn the_choice_among_many_states_still_convicts() {
    // Nothing is tried exhaustively, and nothing is left to chance.
    let plan = Plan { exhaustive: 1, samples: 0, ..Plan::default() };
    for (way, check) in [
        ("without-file-flush", whole_document as fn(&Path, &[String]) -> Result<(), String>),
        ("without-folder-flush", whole_document),
        ("flushed-after-rename", whole_document),
        ("in-place", whole_document),
        ("exchanged-without-label-flush", labelled_document),
        ("appended-without-flush", acknowledged_lines),
        ("in-new-folder-without-its-name", document_in_folder),
    ] {
        let Some(recording) = recorded(way) else { return };
        let report = replay(&recording.before, &recording.operations, plan, check).unwrap();
        assert!(report.acquitted().is_err(), "{way}: {report}");
    }
}
