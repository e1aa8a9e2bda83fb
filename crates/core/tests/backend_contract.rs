//! What every backend owes, run on each of them.

use std::sync::Arc;

use horde_model_reference::backend::Backend;
use horde_model_reference::backend::files::Files;
use horde_model_reference::backend::files::layout::Layout;
use horde_model_reference::backend::memory::Memory;
use horde_model_reference::{Category, Document, Snapshot, TopLevel};

const DOCUMENT: Document = Document::V2(Category::Clip);

/// A backend, and a hand that changes its documents from outside.
trait Subject {
    fn backend(&self) -> &dyn Backend;
    fn put(&self, document: Document, text: &str);
    fn remove(&self, document: Document);
}

impl Subject for Memory {
    fn backend(&self) -> &dyn Backend {
        self
    }

    fn put(&self, document: Document, text: &str) {
        Self::put(self, document, text).unwrap();
    }

    fn remove(&self, document: Document) {
        Self::remove(self, document);
    }
}

struct FilesInFolder {
    files: Files,
    _folder: tempfile::TempDir,
}

impl FilesInFolder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::new(Layout::below(folder.path()));
        Self { files, _folder: folder }
    }
}

impl Subject for FilesInFolder {
    fn backend(&self) -> &dyn Backend {
        &self.files
    }

    fn put(&self, document: Document, text: &str) {
        let path = self.files.layout().path(document);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn remove(&self, document: Document) {
        std::fs::remove_file(self.files.layout().path(document)).unwrap();
    }
}

/// What a document holds once nothing more is to be learnt of it.
fn load(subject: &impl Subject) -> Arc<Snapshot> {
    for _ in 0..10 {
        let loaded = subject.backend().load(DOCUMENT).unwrap();
        if loaded.is_final {
            return loaded.snapshot;
        }
    }
    panic!("the content of {DOCUMENT} is never settled");
}

macro_rules! contract {
    ($($promise:ident),+ $(,)?) => {
        mod memory {
            $(#[test] fn $promise() { super::$promise(&super::Memory::default()); })+
        }
        mod files {
            $(#[test] fn $promise() { super::$promise(&super::FilesInFolder::new()); })+
        }
    };
}

contract!(
    an_absent_document_is_a_snapshot,
    equal_bytes_keep_their_snapshot,
    other_bytes_get_a_larger_generation,
    the_stamp_of_a_load_is_what_a_look_sees,
    a_removed_document_is_absent_again_and_later,
    documents_do_not_touch_one_another,
);

fn an_absent_document_is_a_snapshot(subject: &impl Subject) {
    let loaded = subject.backend().load(DOCUMENT).unwrap();
    assert!(!loaded.snapshot.is_present());
    assert_eq!(loaded.stamp, None);
    assert_eq!(subject.backend().look(DOCUMENT).unwrap(), None);
}

fn equal_bytes_keep_their_snapshot(subject: &impl Subject) {
    subject.put(DOCUMENT, r#"{"a":{}}"#);
    let first = load(subject);
    subject.put(DOCUMENT, r#"{"a":{}}"#);
    let second = load(subject);
    assert_eq!((second.generation, second.digest), (first.generation, first.digest));
    let third = load(subject);
    assert!(Arc::ptr_eq(&second, &third));
}

fn other_bytes_get_a_larger_generation(subject: &impl Subject) {
    let mut before = load(subject);
    for text in [r#"{"a":{}}"#, r#"{"b":{}}"#, r#"{"a":{}}"#, "{}"] {
        subject.put(DOCUMENT, text);
        let now = load(subject);
        assert_eq!(now.bytes, text);
        assert!(now.generation > before.generation, "{text}");
        assert!(now.is_present());
        before = now;
    }
}

fn the_stamp_of_a_load_is_what_a_look_sees(subject: &impl Subject) {
    subject.put(DOCUMENT, "{}");
    let loaded = subject.backend().load(DOCUMENT).unwrap();
    assert!(loaded.stamp.is_some());
    assert_eq!(subject.backend().look(DOCUMENT).unwrap(), loaded.stamp);
}

fn a_removed_document_is_absent_again_and_later(subject: &impl Subject) {
    subject.put(DOCUMENT, "{}");
    let there = load(subject);
    subject.remove(DOCUMENT);
    let gone = load(subject);
    assert!(!gone.is_present());
    assert!(gone.generation > there.generation);
}

fn documents_do_not_touch_one_another(subject: &impl Subject) {
    for (index, document) in Document::all().enumerate() {
        if document != Document::Legacy(Category::TextGeneration) {
            subject.put(document, &text_for(document, index));
        }
    }
    for (index, document) in Document::all().enumerate() {
        if document != Document::Legacy(Category::TextGeneration) {
            let snapshot = subject.backend().load(document).unwrap().snapshot;
            assert_eq!(snapshot.document, document);
            assert_eq!(snapshot.bytes, text_for(document, index));
        }
    }
}

/// A content for the document that holds the number.
fn text_for(document: Document, number: usize) -> String {
    match document.top_level() {
        TopLevel::Object => format!(r#"{{"n":{number}}}"#),
        TopLevel::Array => format!("[{number}]"),
    }
}
