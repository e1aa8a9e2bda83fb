//! The watcher against real files: what memory serves although the file holds something else is found,
//! and what is well is not accused.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use horde_model_reference::backend::files::Files;
use horde_model_reference::backend::files::layout::Layout;
use horde_model_reference::backend::{Backend, Loaded, Origin, Stamp, Witness};
use horde_model_reference::generation::Generation;
use horde_model_reference::watcher::{Checks, Verdict};
use horde_model_reference::{Category, Document, ModelReference, Options, Result};
use testkit::eventually;

const SOON: Duration = Duration::from_secs(30);

/// Files, whose reader can be made to see nothing new.
struct Blind {
    files: Files,
    is_blind: AtomicBool,
    loaded: Mutex<HashMap<Document, Loaded>>,
}

impl Blind {
    fn below(folder: &Path) -> Arc<Self> {
        let files = Files::new(Layout::below(folder));
        Arc::new(Self { files, is_blind: AtomicBool::new(false), loaded: Mutex::default() })
    }
}

impl Backend for Blind {
    fn look(&self, document: Document) -> Result<Option<Stamp>> {
        match self.loaded.lock().unwrap().get(&document) {
            Some(loaded) if self.is_blind.load(Ordering::SeqCst) => Ok(loaded.stamp),
            _ => self.files.look(document),
        }
    }

    fn load(&self, document: Document) -> Result<Loaded> {
        let mut all = self.loaded.lock().unwrap();
        if self.is_blind.load(Ordering::SeqCst)
            && let Some(loaded) = all.get(&document)
        {
            return Ok(loaded.clone());
        }
        let loaded = self.files.load(document)?;
        all.insert(document, loaded.clone());
        Ok(loaded)
    }

    fn witness(&self, document: Document) -> Result<Option<Witness>> {
        self.files.witness(document)
    }

    fn origin(&self, document: Document, generation: Generation) -> Origin {
        self.files.origin(document, generation)
    }
}

fn text(name: &str) -> String {
    format!(r#"{{"{name}": {{"name": "{name}"}}}}"#)
}

fn open(backend: Arc<dyn Backend>) -> ModelReference {
    let options = Options { compress: false, watch: true, ..Options::default() };
    ModelReference::open(backend, options).unwrap()
}

fn shows(reference: &ModelReference, name: &str) -> bool {
    let read = reference.category_blocking(Category::Clip);
    read.view.records().is_some_and(|records| records.contains_key(name))
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    eventually(SOON, || if is_so() { Ok(()) } else { Err(what.to_owned()) }).unwrap();
}

fn total(reference: &ModelReference, verdict: Verdict) -> u64 {
    reference.checks().unwrap().total(verdict)
}

#[test]
fn an_older_content_in_memory_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clip.json");
    std::fs::write(&file, text("first")).unwrap();
    let backend = Blind::below(folder.path());
    let reference = open(Arc::clone(&backend) as _);
    std::fs::write(&file, text("second")).unwrap();
    until("the change is served", || shows(&reference, "second"));
    backend.is_blind.store(true, Ordering::SeqCst);
    std::fs::write(&file, text("third")).unwrap();
    until("it is found", || total(&reference, Verdict::L1Old) > 0);
    assert!(shows(&reference, "second"));
    backend.is_blind.store(false, Ordering::SeqCst);
    until("the last change is served", || shows(&reference, "third"));
}

#[test]
fn nothing_is_found_where_all_is_well() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clip.json");
    std::fs::write(&file, text("first")).unwrap();
    let reference = open(Arc::new(Files::new(Layout::below(folder.path()))));
    assert_eq!(reference.checks(), Some(Checks::default()));
    std::fs::write(&file, text("second")).unwrap();
    // A check that finds the file just changed again must not take that for a fault.
    until("two ages are checked", || {
        let third = text(if fastrand::bool() { "third" } else { "fourth" });
        if reference.checks().unwrap().count(0, Verdict::Agree) < 3 {
            std::fs::write(&file, third).unwrap();
        }
        reference.checks().unwrap().count(1, Verdict::Agree) > 0
    });
    let others = Verdict::ALL.into_iter().filter(|verdict| *verdict != Verdict::Agree);
    assert_eq!(others.map(|verdict| total(&reference, verdict)).sum::<u64>(), 0);
}

#[test]
fn a_file_that_makes_no_sense_is_no_fault_of_memory() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clip.json");
    std::fs::write(&file, text("first")).unwrap();
    let reference = open(Arc::new(Files::new(Layout::below(folder.path()))));
    std::fs::write(&file, text("second")).unwrap();
    until("the change is served", || shows(&reference, "second"));
    std::fs::write(&file, "{").unwrap();
    until("it is found", || total(&reference, Verdict::Unreadable) > 0);
    assert!(shows(&reference, "second"));
    assert_eq!(total(&reference, Verdict::L1Old), 0);
}

#[test]
fn nobody_watches_who_is_not_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let files = Arc::new(Files::new(Layout::below(folder.path())));
    let reference = ModelReference::open(files, Options::default()).unwrap();
    assert_eq!(reference.checks(), None);
}
