//! What the change sets of both catalogues have: a title, who applies them and when, and two states
//! of the catalogue for a diff.

use std::path::PathBuf;

use super::Stored;
use crate::change::WriteError;
use crate::json::{Json, Object};
use crate::shape::{Field, Issue, Reader, text_value};
use crate::{Document, Error};

text_value! {
    /// What a change set is about: 1 to 160 characters.
    pub struct Title by title;
}

fn title(value: &Json, reader: &mut Reader) -> Option<String> {
    const MOST: usize = 160;
    let text = String::read(value, reader)?;
    match text.chars().count() {
        0 => {
            const MESSAGE: &str = "String should have at least 1 character";
            reader.refuse_with("string_too_short", MESSAGE, value, [("min_length", Json::Int(1))])
        }
        1..=MOST => Some(text),
        _ => {
            let message = format!("String should have at most {MOST} characters");
            let facts = [("max_length", Json::count(MOST))];
            reader.refuse_with("string_too_long", message, value, facts)
        }
    }
}

/// Who writes, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp<'a> {
    /// The user; unknown as long as nobody applies the change.
    pub editor: Option<&'a str>,
    /// Unix seconds.
    pub at: i64,
}

/// What a diff of a change set compares.
#[derive(Debug, Clone, PartialEq)]
pub struct States {
    /// The catalogue without the changes.
    pub current: Json,
    /// The catalogue with the changes.
    pub proposed: Json,
}

/// A change set as the queue keeps it.
pub(super) fn read_payload<T: Stored>(payload: &Object) -> Result<T, WriteError> {
    T::parse(&Json::Object(payload.clone())).map_err(WriteError::Invalid)
}

/// The catalogue in a document; where there is none, the packaged one.
pub(super) fn stored_or<T: Stored>(
    stored: &Json,
    document: Document,
    packaged: impl FnOnce() -> T,
) -> Result<T, WriteError> {
    if stored.is_null() { Ok(packaged()) } else { parse_stored(stored, document) }
}

/// The catalogue in a document.
pub(crate) fn parse_stored<T: Stored>(stored: &Json, document: Document) -> Result<T, WriteError> {
    T::parse(stored).map_err(|issues| {
        let reasons: Vec<String> = issues.iter().map(Issue::to_string).collect();
        let (path, reason) = (PathBuf::from(document.to_string()), reasons.join("; "));
        WriteError::SourceInvalid(Error::Corrupt { path, reason })
    })
}
