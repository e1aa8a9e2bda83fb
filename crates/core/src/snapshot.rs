//! One document at one generation: immutable, whole, shared by all readers.

use bytes::Bytes;

use crate::generation::{Digest, Generation};
use crate::json::Object;
use crate::{Document, Json};

/// What a document held when it was read.
#[derive(Debug)]
pub struct Snapshot {
    /// Which document.
    pub document: Document,
    /// The content's place in the document's history.
    pub generation: Generation,
    /// Digest of the exact bytes; of no bytes where the document is absent.
    pub digest: Digest,
    /// The exact bytes.
    pub bytes: Bytes,
    /// The parsed form.
    pub content: Content,
}

/// The parsed form of a document.
#[derive(Debug)]
pub enum Content {
    /// There is no such document.
    Absent,
    /// JSON of the document's shape: an object, whose members are records where the document is a
    /// category, or the array of queued changes.
    Json(Json),
    /// CSV text, UTF-8.
    Csv,
}

impl Snapshot {
    /// Whether there is a document at all.
    pub fn is_present(&self) -> bool {
        !matches!(self.content, Content::Absent)
    }

    /// The members of a JSON document.
    pub fn object(&self) -> Option<&Object> {
        self.json()?.as_object()
    }

    /// The value of a JSON document.
    pub fn json(&self) -> Option<&Json> {
        if let Content::Json(value) = &self.content { Some(value) } else { None }
    }

    /// One record of a category.
    pub fn record(&self, name: &str) -> Option<&Json> {
        self.object()?.get(name)
    }
}
