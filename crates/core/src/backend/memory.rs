//! The contract at its smallest: documents in a map, for tests and examples.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::{Backend, Loaded, Stamp};
use crate::error::{Error, Result};
use crate::generation::{Digest, Generation};
use crate::snapshot::Content;
use crate::{Document, Json, Snapshot};

/// A backend without a disk.
#[derive(Debug, Default)]
pub struct Memory {
    /// Held for a few lines and never across a call to the outside.
    documents: Mutex<HashMap<Document, Loaded>>,
}

impl Memory {
    /// Replaces a document's content by `text`, which must be JSON with the document's top level.
    pub fn put(&self, document: Document, text: &str) -> Result<()> {
        let value = Json::parse(text.as_bytes()).map_err(|error| error.to_string());
        let value = value.and_then(|value| document.top_level().check(value));
        let value = value.map_err(|reason| corrupt(document, reason))?;
        let bytes = Bytes::copy_from_slice(text.as_bytes());
        self.install(document, bytes, Content::Json(value));
        Ok(())
    }

    /// Removes a document.
    pub fn remove(&self, document: Document) {
        self.install(document, Bytes::new(), Content::Absent);
    }

    fn install(&self, document: Document, bytes: Bytes, content: Content) {
        let mut documents = self.lock();
        let digest = Digest::of(&bytes);
        let before = documents.get(&document).map(|loaded| Arc::clone(&loaded.snapshot));
        let generation = match &before {
            Some(held) if held.digest == digest => held.generation,
            Some(held) => held.generation.next(),
            None => Generation::default().next(),
        };
        let stamp = matches!(content, Content::Json(_)).then(|| Stamp {
            device: 0,
            inode: generation.get(),
            size: bytes.len() as u64,
            modified_ns: 0,
            changed_ns: 0,
        });
        let content = Arc::new(content);
        let snapshot = Arc::new(Snapshot { document, generation, digest, bytes, content });
        documents.insert(document, Loaded { snapshot, stamp, is_final: true, is_settled: false });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Document, Loaded>> {
        self.documents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backend for Memory {
    fn look(&self, document: Document) -> Result<Option<Stamp>> {
        Ok(self.lock().get(&document).and_then(|loaded| loaded.stamp))
    }

    fn load(&self, document: Document) -> Result<Loaded> {
        if !self.lock().contains_key(&document) {
            self.remove(document);
        }
        self.lock().get(&document).cloned().ok_or_else(|| corrupt(document, "vanished".into()))
    }
}

fn corrupt(document: Document, reason: String) -> Error {
    Error::Corrupt { path: PathBuf::from(document.to_string()), reason }
}
