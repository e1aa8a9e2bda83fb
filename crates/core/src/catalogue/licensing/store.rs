//! One file of the licensing folder: records under their keys, with a revision of its own.

use indexmap::IndexMap;

use crate::catalogue::members::{Members, map};
use crate::catalogue::problem::Reading;
use crate::catalogue::{CatalogueMetadata, Problem};
use crate::json::{Json, Object};

/// A kind of record that has a file of its own.
pub trait Stored: Sized {
    /// The key under which the record is kept.
    fn key(&self) -> String;

    /// All members, nulls included.
    fn to_json(&self) -> Json;

    /// Reads one record, or every problem in it.
    fn parse(value: &Json) -> Result<Self, Vec<Problem>>;
}

/// The content of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store<T> {
    /// History of the file.
    pub metadata: CatalogueMetadata,
    /// The records by key, in the order of the file.
    pub records: IndexMap<String, T>,
}

impl<T: Stored> Store<T> {
    /// Reads the file.
    pub fn parse(document: &Json) -> Result<Self, Vec<Problem>> {
        Reading::document(|reading| Self::read(document, reading))
    }

    fn read(document: &Json, reading: &mut Reading) -> Option<Self> {
        let mut members = Members::open(document, reading)?;
        let metadata = CatalogueMetadata::take(&mut members);
        let records = members.or("records", IndexMap::new(), map(read_under_its_key));
        members.close();
        Some(Self { metadata: metadata?, records: records? })
    }

    /// The content as the file has it.
    pub fn to_file(&self) -> Json {
        let records = self.records.iter().map(|(key, record)| (key.clone(), record.to_json()));
        let records: Object = records.collect();
        let mut file = match self.metadata.to_json() {
            Json::Object(members) => members,
            _ => Object::new(),
        };
        file.insert("records".to_owned(), records.into());
        file.into()
    }
}

fn read_under_its_key<T: Stored>(key: &str, value: &Json, reading: &mut Reading) -> Option<T> {
    let record = match T::parse(value) {
        Ok(record) => record,
        Err(problems) => return reading.adopt(problems),
    };
    if record.key() != key {
        return reading.refuse("value_error", "the record belongs under another key");
    }
    Some(record)
}
