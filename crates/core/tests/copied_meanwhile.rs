//! Somebody without a lock copies a commit of ours while it is being made, and puts the copy in place
//! with a change of their own: our change is there then, and must be told.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use horde_model_reference::audit::{Filter, Tail, Trail};
use horde_model_reference::backend::files::Files;
use horde_model_reference::backend::files::layout::Layout;
use horde_model_reference::change::{Operation, WriteOptions};
use horde_model_reference::disk::faults::{Action, Plan, Point, install};
use horde_model_reference::json::{Object, Style, object_to_text};
use horde_model_reference::{Category, Json, Options, blocking::Primary};
use testkit::eventually;

const FOLDER: &str = "HMR_TEST_FOLDER";
const SOON: Duration = Duration::from_secs(10);

fn object(text: &str) -> Object {
    Json::parse(text.as_bytes()).unwrap().as_object().cloned().unwrap()
}

/// Creates a record, and is stopped once the new content is in place and nobody has looked yet whether
/// it stayed.
#[test]
#[ignore = "is started by the test below, and stopped"]
#[expect(clippy::disallowed_methods, reason = "it is told by the environment what to do")]
fn creates_and_is_stopped() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let trail = Trail::new(folder.join("audit"), 1 << 20);
    let files = Arc::new(Files::new(Layout::below(&folder)));
    let options = Options { compress: false, ..Options::default() };
    let primary = Primary::open(files, options, Some(trail)).unwrap();
    install(Plan { at: vec![(Point::Check, 1, Action::Stop)], left_out: None });
    let options = WriteOptions::by("7").local();
    let committed = primary.update(Category::Clip, "ours", object(r#"{"name":"ours"}"#), options);
    assert_eq!(committed.unwrap().operation, Some(Operation::Create));
}

#[test]
fn a_change_that_was_copied_into_place_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.json");
    std::fs::write(&clip, r#"{"one":{"name":"one"}}"#).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "creates_and_is_stopped", "--ignored", "--nocapture"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let copied = eventually(SOON, || {
        let records = object(&std::fs::read_to_string(&clip).unwrap());
        if records.contains_key("ours") { Ok(records) } else { Err("it is not in place yet") }
    });
    let mut records = copied.unwrap();
    records.insert("theirs".into(), Json::Object(object(r#"{"name":"theirs"}"#)));
    let edited = folder.path().join("edited");
    std::fs::write(&edited, object_to_text(&records, Style::INDENT_2)).unwrap();
    std::fs::rename(&edited, &clip).unwrap();
    // It may be stopped a moment after its content was seen.
    let pid = rustix::process::Pid::from_child(&child);
    let ended = eventually(SOON, || {
        rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
        child.try_wait().unwrap().ok_or("it is still there")
    });
    assert!(ended.unwrap().success());
    assert!(object(&std::fs::read_to_string(&clip).unwrap()).contains_key("theirs"));
    assert_eq!(told(folder.path()), [("ours".to_owned(), Operation::Create)]);
}

fn told(root: &Path) -> Vec<(String, Operation)> {
    let events = Tail::new(root.join("audit"), Filter::default()).read_on().unwrap();
    events.into_iter().map(|event| (event.model_name, event.operation)).collect()
}
