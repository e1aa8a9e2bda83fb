//! How JSON is read into types and printed back, for records, legacy records and catalogues alike.
//!
//! `members!` declares an object with fixed names, `words!` a list of words; both make a [`Field`],
//! as all that can stand in a document is. A [`Reader`] goes through a document and notes every
//! [`Issue`] in it, under the contract's words for them. What the documents mean is left to others.

pub mod field;
mod integer;
mod issue;
pub(crate) mod members;
mod reader;
mod text_value;
mod value_map;
pub(crate) mod word;

pub use field::{AtLeastOne, Field, Nulls, Print, word_to_bool};
pub use integer::{AtLeast, Integer, Number};
pub use issue::{Issue, LocItem, Severity};
pub use reader::{Reader, Unknown};
pub use text_value::{Date, HttpUrl, NonEmpty, Trimmed};
pub use value_map::{ValueMap, is_plain_value};
pub use word::{UnknownWord, Word, list_of_words};

pub(crate) use integer::joined_digits;
pub(crate) use members::members;
pub(crate) use text_value::text_value;
pub(crate) use word::words;
