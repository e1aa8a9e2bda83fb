//! Who changed a record or a catalogue, and how often.

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
