//! One file of the licensing folder: records under their keys, with a revision of its own.

use crate::catalogue::{CatalogueMetadata, Keyed, Records};
use crate::json::{Json, Object};
use crate::shape::field::Members;
use crate::shape::members::put;
use crate::shape::{Field, Print, Reader, Unknown};

/// The content of one file. Unlike in other catalogues, its history stands beside the records.
#[derive(Debug, Clone, PartialEq)]
pub struct Store<T> {
    /// History of the file.
    pub metadata: CatalogueMetadata,
    /// The records by key, in the order of the file.
    pub records: Records<T>,
}

impl<T: Keyed> Field for Store<T> {
    fn read(value: &Json, reader: &mut Reader) -> Option<Self> {
        let members = reader.object(value)?;
        let metadata = CatalogueMetadata::read_members(members, reader);
        let records = reader.optional(members, "records", Records::default);
        reader.others(members, &[CatalogueMetadata::NAMES, &["records"]], Unknown::Reject);
        let (metadata, records) = metadata.zip(records)?;
        Some(Self { metadata, records })
    }

    fn write(&self, print: Print) -> Json {
        let mut out = Object::new();
        self.metadata.write_members(&mut out, print);
        put(&mut out, "records", &self.records, print, false);
        out.into()
    }
}
