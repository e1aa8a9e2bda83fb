//! What the catalogues keep: documents of a fixed shape, and in them records under their own keys.

use std::ops::{Deref, DerefMut};

use indexmap::IndexMap;

use crate::json::Json;
use crate::shape::{Field, Issue, Print, Reader, Unknown};

/// A document or record of a catalogue.
pub trait Stored: Field {
    /// Reads the whole of it, or tells everything that is wrong with it.
    fn parse(value: &Json) -> Result<Self, Vec<Issue>> {
        let mut reader = Reader::new(Unknown::Reject);
        let read = Self::read(value, &mut reader);
        reader.conclude(read).map(|(read, _)| read)
    }

    /// All members, nulls included.
    fn to_json(&self) -> Json {
        self.write(Print::COMPLETE)
    }
}

impl<T: Field> Stored for T {}

/// A record that is kept under a name of its own.
pub trait Keyed: Field {
    /// The member, or members, that say under which key the record belongs.
    const KEY: &'static str;

    /// The key.
    fn key(&self) -> String;
}

/// Records under their keys, in the order of their file.
#[derive(Debug, Clone, PartialEq)]
pub struct Records<T>(pub IndexMap<String, T>);

impl<T> Default for Records<T> {
    fn default() -> Self {
        Self(IndexMap::new())
    }
}

impl<T> Deref for Records<T> {
    type Target = IndexMap<String, T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T> DerefMut for Records<T> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<T: Keyed> Field for Records<T> {
    fn read(value: &Json, reader: &mut Reader) -> Option<Self> {
        let read_one = |key: &str, value: &Json, reader: &mut Reader| {
            let record = T::read(value, reader)?;
            if record.key() != key {
                let reason = format!("the key {key:?} is not that of its record's {}", T::KEY);
                return reader.refuse_value(reason, value);
            }
            Some((key.to_owned(), record))
        };
        reader.entries(value, read_one).map(Self)
    }

    fn write(&self, print: Print) -> Json {
        self.0.write(print)
    }
}
