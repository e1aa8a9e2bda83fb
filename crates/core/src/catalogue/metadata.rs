//! Who changed a record or a catalogue, and how often.

use super::members::{Members, integer, integer_from, text};
use super::problem::Reading;
use crate::json::Json;

/// History of one record of a catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordMetadata {
    /// How often the record was written, from 1.
    pub revision: i64,
    /// Unix seconds of its creation.
    pub created_at: Option<i64>,
    /// User who created it.
    pub created_by: Option<String>,
    /// Unix seconds of its last change.
    pub updated_at: Option<i64>,
    /// User who changed it last.
    pub updated_by: Option<String>,
}

impl Default for RecordMetadata {
    fn default() -> Self {
        Self { revision: 1, created_at: None, created_by: None, updated_at: None, updated_by: None }
    }
}

impl RecordMetadata {
    pub(crate) fn read(value: &Json, reading: &mut Reading) -> Option<Self> {
        let mut members = Members::open(value, reading)?;
        let revision = members.or("revision", 1, integer_from(1));
        let created_at = members.optional("created_at", integer);
        let created_by = members.optional("created_by", text);
        let updated_at = members.optional("updated_at", integer);
        let updated_by = members.optional("updated_by", text);
        members.close();
        Some(Self {
            revision: revision?,
            created_at: created_at?,
            created_by: created_by?,
            updated_at: updated_at?,
            updated_by: updated_by?,
        })
    }

    /// All members, nulls included.
    pub fn to_json(&self) -> Json {
        Json::from([
            ("revision", self.revision.into()),
            ("created_at", self.created_at.into()),
            ("created_by", self.created_by.as_deref().into()),
            ("updated_at", self.updated_at.into()),
            ("updated_by", self.updated_by.as_deref().into()),
        ])
    }
}

/// History of a whole catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogueMetadata {
    /// Version of the document's shape.
    pub schema_version: i64,
    /// How often the catalogue was written, from 1.
    pub revision: i64,
    /// Unix seconds of its last change.
    pub updated_at: Option<i64>,
}

impl Default for CatalogueMetadata {
    fn default() -> Self {
        Self { schema_version: 1, revision: 1, updated_at: None }
    }
}

impl CatalogueMetadata {
    pub(crate) fn read(value: &Json, reading: &mut Reading) -> Option<Self> {
        let mut members = Members::open(value, reading)?;
        let metadata = Self::take(&mut members);
        members.close();
        metadata
    }

    /// Reads the three members from among others.
    pub(crate) fn take(members: &mut Members<'_, '_>) -> Option<Self> {
        let schema_version = members.or("schema_version", 1, integer);
        let revision = members.or("revision", 1, integer_from(1));
        let updated_at = members.optional("updated_at", integer);
        Some(Self { schema_version: schema_version?, revision: revision?, updated_at: updated_at? })
    }

    /// All members, nulls included.
    pub fn to_json(&self) -> Json {
        Json::from([
            ("schema_version", self.schema_version.into()),
            ("revision", self.revision.into()),
            ("updated_at", self.updated_at.into()),
        ])
    }
}
