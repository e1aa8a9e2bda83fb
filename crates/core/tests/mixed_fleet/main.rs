//! Workers of the reference write the same files at the same time, without a lock. We never drop what
//! they wrote; what they put back over ours is kept for restoring.

#![expect(clippy::disallowed_methods, reason = "which Python to use is said in the environment")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use horde_model_reference::backend::files::Files;
use horde_model_reference::backend::files::layout::Layout;
use horde_model_reference::change::WriteOptions;
use horde_model_reference::{Category, Json, Options, blocking::Primary};
use testkit::eventually;

const WRITES: usize = 150;
const SOON: Duration = Duration::from_secs(5);

struct Peer(Child);

impl Peer {
    /// `None`, with a word, where the released client cannot be run.
    fn start(folder: &Path) -> Option<Self> {
        let python = python();
        let version = "import importlib.metadata as m; print(m.version('horde_model_reference'))";
        let version = Command::new(&python).args(["-c", version]).output();
        let version = version.ok().filter(|ran| ran.status.success());
        let version = version.map(|ran| String::from_utf8_lossy(&ran.stdout).trim().to_owned());
        if !version.as_deref().is_some_and(|version| version.starts_with("8.")) {
            eprintln!("skipped: {} has no horde_model_reference 8: {version:?}", python.display());
            return None;
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mixed_fleet/peer.py");
        let child = Command::new(python)
            .arg(script)
            .arg(folder)
            .arg(WRITES.to_string())
            .env("AIWORKER_CACHE_HOME", folder)
            .env("HORDE_MODEL_REFERENCE_REPLICATE_MODE", "PRIMARY")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Some(Self(child))
    }

    fn line(&mut self) -> String {
        // What it prints before the words we wait for is not ours.
        let lines = BufReader::new(self.0.stdout.as_mut().unwrap()).lines();
        let words = |line: &String| line == "ready" || line.starts_with("done");
        lines.map_while(Result::ok).find(words).expect("the peer ended early")
    }

    fn go(&mut self) {
        self.0.stdin.as_mut().unwrap().write_all(b"go\n").unwrap();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn python() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let given = std::env::var_os("HMR_PYTHON").map(PathBuf::from);
    given.unwrap_or_else(|| workspace.join(".venv/bin/python"))
}

fn names_in(path: &Path) -> Option<BTreeSet<String>> {
    let value = Json::parse(&std::fs::read(path).ok()?).ok()?;
    Some(value.as_object()?.keys().cloned().collect())
}

/// Names of the document; while it is moved away, it is waited for.
fn names(folder: &Path) -> BTreeSet<String> {
    let found = eventually(SOON, || names_in(&folder.join("clip.json")).ok_or("no document"));
    found.unwrap()
}

fn is_kept(folder: &Path, name: &str) -> bool {
    let kept = std::fs::read_dir(folder.join(".coherence/kept/clip.json")).unwrap();
    let contents = kept.flatten().filter_map(|entry| names_in(&entry.path()));
    contents.into_iter().any(|names| names.contains(name))
}

fn open(folder: &Path) -> Primary {
    let options = Options { compress: false, ..Options::default() };
    Primary::open(Arc::new(Files::new(Layout::below(folder))), options, None).unwrap()
}

#[test]
fn nothing_of_theirs_is_dropped_and_what_they_undo_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("clip.json"), "{}").unwrap();
    let Some(mut peer) = Peer::start(folder) else { return };
    assert_eq!(peer.line(), "ready");
    let (ours, reader) = (open(folder), open(folder));
    peer.go();
    let mut lost = BTreeSet::new();
    let mut acknowledged = BTreeSet::new();
    let record = Json::parse(br#"{"name":"m"}"#).unwrap().as_object().cloned().unwrap();
    for number in 0..WRITES {
        let name = format!("rs-{number}");
        ours.update(Category::Clip, &name, record.clone(), WriteOptions::default().local())
            .unwrap();
        acknowledged.insert(name);
        let there = names(folder);
        for name in acknowledged.difference(&there).filter(|name| !lost.contains(*name)) {
            assert!(is_kept(folder, name), "{name} was undone and is not kept");
        }
        lost.extend(acknowledged.difference(&there).cloned());
    }
    assert_eq!(peer.line(), format!("done {WRITES}"));
    // One more write of ours is made from whatever they left.
    ours.update(Category::Clip, "last", record, WriteOptions::default().local()).unwrap();
    let there = names(folder);
    let theirs: Vec<String> = (0..WRITES).map(|number| format!("py-{number}")).collect();
    let dropped: Vec<&String> = theirs.iter().filter(|name| !there.contains(*name)).collect();
    assert!(dropped.is_empty(), "dropped: {dropped:?}");
    assert!(there.contains("last"));
    let seen = eventually(SOON, || {
        let read = reader.category_blocking(Category::Clip);
        let seen: BTreeSet<String> =
            read.view.records().into_iter().flatten().map(|(name, _)| name.clone()).collect();
        if read.fresh && seen == there { Ok(()) } else { Err(seen.len()) }
    });
    seen.unwrap();
    println!(
        "{WRITES} of theirs, {WRITES} of ours: none of theirs dropped, {} of ours undone by them \
         and kept",
        lost.len()
    );
}
