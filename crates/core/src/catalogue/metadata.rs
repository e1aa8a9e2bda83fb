//! Who changed a record or a catalogue, and how often.

use super::Stamp;
use crate::shape::{AtLeast, members};

/// How often something was written, from 1.
pub type Revision = AtLeast<1, i64>;

members! {
    /// History of one record of a catalogue.
    #[derive(Eq)]
    pub struct RecordMetadata(reject) {
        /// How often the record was written.
        revision: Revision => or(AtLeast(1)),
        /// Unix seconds of its creation.
        created_at: Option<i64> => absent,
        /// User who created it.
        created_by: Option<String> => absent,
        /// Unix seconds of its last change.
        updated_at: Option<i64> => absent,
        /// User who changed it last.
        updated_by: Option<String> => absent,
    }
}

impl Default for RecordMetadata {
    fn default() -> Self {
        Self {
            revision: AtLeast(1),
            created_at: None,
            created_by: None,
            updated_at: None,
            updated_by: None,
        }
    }
}

impl RecordMetadata {
    /// Of a record that is new.
    pub fn created(stamp: Stamp<'_>) -> Self {
        let by = stamp.editor.map(str::to_owned);
        Self {
            revision: AtLeast(1),
            created_at: Some(stamp.at),
            created_by: by.clone(),
            updated_at: Some(stamp.at),
            updated_by: by,
        }
    }

    /// The same record, replaced.
    #[must_use]
    pub fn replaced(&self, stamp: Stamp<'_>) -> Self {
        Self {
            revision: next(self.revision),
            created_at: self.created_at,
            created_by: self.created_by.clone(),
            ..Self::created(stamp)
        }
    }

    /// Of a record that a change set writes over what was there `before`. What nobody knows of its
    /// creation is filled in.
    pub(super) fn reviewed(before: Option<&Self>, stamp: Stamp<'_>) -> Self {
        let created = Self::created(stamp);
        let Some(before) = before else { return created };
        let replaced = before.replaced(stamp);
        Self {
            created_at: replaced.created_at.or(created.created_at),
            created_by: replaced.created_by.or(created.created_by),
            ..replaced
        }
    }
}

fn next(revision: Revision) -> Revision {
    AtLeast(revision.0.saturating_add(1))
}

members! {
    /// History of a whole catalogue.
    #[derive(Eq)]
    pub struct CatalogueMetadata(reject) {
        /// Version of the document's shape.
        schema_version: i64 => or(1),
        /// How often the catalogue was written.
        revision: Revision => or(AtLeast(1)),
        /// Unix seconds of its last change.
        updated_at: Option<i64> => absent,
    }
}

impl Default for CatalogueMetadata {
    fn default() -> Self {
        Self { schema_version: 1, revision: AtLeast(1), updated_at: None }
    }
}

impl CatalogueMetadata {
    /// The same catalogue, written once more.
    #[must_use]
    pub fn written(&self, at: i64) -> Self {
        Self { revision: next(self.revision), updated_at: Some(at), ..self.clone() }
    }
}
