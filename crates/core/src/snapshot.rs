//! One document at one generation: immutable, whole, shared by all readers.

use std::sync::Arc;

use bytes::Bytes;

use crate::generation::{Digest, Generation};
use crate::json::Object;
use crate::{Document, Json};

/// What a document held when it was read.
#[derive(Debug)]
pub struct Snapshot {
    /// Which document.
    pub document: Document,
    /// The content's place in the document's history; none where it could not be recorded.
    pub generation: Generation,
    /// Digest of the exact bytes; of no bytes where the document is absent.
    pub digest: Digest,
    /// The exact bytes.
    pub bytes: Bytes,
    /// The parsed form.
    pub content: Arc<Content>,
}

/// The parsed form of a document.
#[derive(Debug)]
pub enum Content {
    /// There is no such document.
    Absent,
    /// JSON with the document's top level: an object, whose members are records where the document is a
    /// category, or the array of queued changes.
    Json(Json),
    /// CSV text, UTF-8.
    Csv,
}

impl Snapshot {
    /// Whether there is a document at all.
    pub fn is_present(&self) -> bool {
        !matches!(*self.content, Content::Absent)
    }

    /// Whether both hold the same bytes, or both none.
    pub fn holds_the_same(&self, other: &Self) -> bool {
        self.digest == other.digest && self.is_present() == other.is_present()
    }

    /// The same content under another name.
    pub(crate) fn named(&self, generation: Generation) -> Self {
        Self { generation, bytes: self.bytes.clone(), content: Arc::clone(&self.content), ..*self }
    }

    /// The members of a JSON document.
    pub fn object(&self) -> Option<&Object> {
        self.json()?.as_object()
    }

    /// The value of a JSON document.
    pub fn json(&self) -> Option<&Json> {
        if let Content::Json(value) = &*self.content { Some(value) } else { None }
    }

    /// One record of a category.
    pub fn record(&self, name: &str) -> Option<&Json> {
        self.object()?.get(name)
    }
}
