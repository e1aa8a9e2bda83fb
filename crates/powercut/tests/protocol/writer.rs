//! The process that is traced: this same test program, started once more to do nothing but write.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use horde_model_reference::audit::Trail;
use horde_model_reference::backend::files::Files;
use horde_model_reference::backend::files::layout::Layout;
use horde_model_reference::disk::faults::{Plan, Rule, install};
use horde_model_reference::json::Style;
use horde_model_reference::{Options, Primary};
use powercut::{Blob, Entry, Recording, Tree, can_record, record};

use crate::scenario::{Step, Way};

const WITHIN: Duration = Duration::from_secs(120);
/// So small that the trail gets several segments.
const LARGEST_SEGMENT: u64 = 4000;
const CATALOGUES: [&str; 4] = [
    "baselines/catalog.json",
    "text_guidance/catalog.json",
    "licensing/licenses.json",
    "licensing/assets.json",
];

/// What the writer does and leaves out; `None` where nothing can be recorded.
pub(crate) fn recorded(way: Way, count: usize, left_out: &str) -> Option<Recording> {
    if !can_record() {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    before(way).write(folder.path()).unwrap();
    if way.is_prepared() {
        drop(open(folder.path(), way, true).unwrap());
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "writer::writes_as_it_is_told", "--ignored", "--nocapture"]);
    command.env("POWERCUT_WRITER_FOLDER", folder.path());
    command.env("POWERCUT_WRITER_TASK", format!("{} {count} {left_out}", way.name()));
    Some(record(&command, folder.path(), WITHIN).unwrap())
}

fn before(way: Way) -> Tree {
    let mut tree = Tree::default();
    // The catalogues that a start would create are much larger than all that is looked at here.
    for path in CATALOGUES {
        put(&mut tree, Path::new(path), "{}");
    }
    for category in way.categories() {
        let records = way.before(*category);
        if !records.is_empty() {
            let text = way.to_json(*category, &records).to_text(Style::INDENT_2);
            put(&mut tree, Path::new(way.document(*category)), &text);
        }
    }
    tree
}

fn put(tree: &mut Tree, path: &Path, text: &str) {
    let mut folder = tree;
    for part in path.parent().unwrap() {
        let below = folder.entries.entry(part.into());
        let below = below.or_insert_with(|| Entry::Folder(Tree::default()));
        let Entry::Folder(next) = below else { panic!("{path:?}") };
        folder = next;
    }
    let name = path.file_name().unwrap();
    folder.entries.insert(name.into(), Entry::File(Blob::new(text.as_bytes())));
}

/// Opens the folder for writing, as a start does.
pub(crate) fn open(folder: &Path, way: Way, prepared: bool) -> Result<Primary, String> {
    let files = Arc::new(Files::new(Layout::below(folder)));
    let trail = || Some(Trail::new(folder.join("audit"), LARGEST_SEGMENT));
    let options = Options { canonical: way.canonical(), compress: false, ..Options::default() };
    if prepared && let Some(failure) = Primary::prepare(&files, way.canonical(), trail()).pop() {
        return Err(format!("the start failed: {failure}"));
    }
    Primary::open(files, options, trail()).map_err(|error| error.to_string())
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

/// Replaces the document as other programs do: in one step, but without lock or flush.
fn write_as_others_do(folder: &Path, way: Way, step: &Step) {
    let path = folder.join(way.document(step.category));
    let read = horde_model_reference::Json::parse(&std::fs::read(&path).unwrap()).unwrap();
    let mut records = read.as_object().cloned().unwrap();
    let own = [(step.name.clone(), step.text.clone())].into();
    records.extend(way.to_json(step.category, &own).as_object().cloned().unwrap());
    let text = horde_model_reference::Json::Object(records).to_text(Style::INDENT_4_ASCII);
    let staged = folder.join("other.tmp");
    std::fs::write(&staged, text).unwrap();
    std::fs::rename(&staged, &path).unwrap();
}

#[test]
#[ignore = "is started by the other tests"]
#[expect(clippy::disallowed_methods, reason = "it is told by the environment what to do")]
fn writes_as_it_is_told() {
    let Some(folder) = std::env::var_os("POWERCUT_WRITER_FOLDER").map(PathBuf::from) else {
        return;
    };
    let task = std::env::var("POWERCUT_WRITER_TASK").unwrap();
    let words: Vec<&str> = task.split(' ').collect();
    let way = Way::of_name(words[0]);
    let left_out = match words[2] {
        "folder-flush" => Some(Rule::FolderFlush),
        _ => None,
    };
    install(Plan { left_out, ..Plan::default() });
    let primary = open(&folder, way, false).unwrap();
    let runtime = runtime();
    // The test harness has begun a line.
    println!();
    for step in way.steps(words[1].parse().unwrap()) {
        let (category, operation, name) = (step.category, step.operation.name(), &step.name);
        if step.is_foreign {
            write_as_others_do(&folder, way, &step);
            println!("ack {category} {operation} {name} 0");
            continue;
        }
        let done = runtime.block_on(step.make(&primary, step.options())).unwrap();
        println!("ack {category} {operation} {name} {}", done.generation);
    }
}
