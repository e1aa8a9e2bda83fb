//! What the change sets of both catalogues have: a title, who applies them and when, and two states
//! of the catalogue for a diff.

use std::path::PathBuf;

use super::Stored;
use crate::change::{Operation, WriteError};
use crate::generation::Digest;
use crate::json::{Json, Object};
use crate::queue::{Draft, ResourceKind, unique};
use crate::shape::{Field, Issue, Reader, text_value};
use crate::{Category, Document, Error};

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

/// Names a change set by a UUID: the same for one request, however often it comes; else a new one.
pub fn set_id(request: Option<&str>) -> String {
    let other = || format!("{}\n{}", std::process::id(), unique());
    let seed = request.map_or_else(other, str::to_owned);
    let digits = Digest::of(seed.as_bytes()).to_string();
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    // Version 8 is for whoever makes them in a way of his own.
    let (version, variant) = (format!("8{}", part(13, 16)), format!("8{}", part(17, 20)));
    [part(0, 8), part(8, 12), &version, &variant, part(20, 32)].join("-")
}

/// What all drafts of change sets have, about these names.
pub(super) struct Proposal<'a> {
    pub(super) kind: ResourceKind,
    pub(super) category: Category,
    /// What stands before the id in the label.
    pub(super) label: &'a str,
    pub(super) route: &'a str,
    /// What the names are called in the metadata.
    pub(super) affected: &'a str,
    pub(super) names: Vec<String>,
    pub(super) title: &'a str,
    pub(super) payload: Object,
}

impl Proposal<'_> {
    pub(super) fn draft(self, id: &str) -> Draft {
        let request_metadata = [
            ("route".to_owned(), self.route.into()),
            ("title".to_owned(), self.title.into()),
            (self.affected.to_owned(), self.names.clone().into()),
        ];
        Draft {
            kind: self.kind,
            resource_id: Some(id.to_owned()),
            category: self.category,
            model_name: format!("{}:{id}", self.label),
            operation: Operation::Update,
            payload: Some(self.payload),
            notes: Some(self.title.to_owned()),
            request_metadata: Object::from_iter(request_metadata),
            related_models: Some(self.names),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::set_id;

    #[test]
    fn sets_are_named_by_uuids() {
        let id = set_id(Some("request"));
        assert_eq!(id, set_id(Some("request")));
        assert_ne!(id, set_id(Some("another")));
        assert_ne!(set_id(None), set_id(None));
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert!(id[14..].starts_with('8') && id[19..].starts_with('8'), "{id}");
    }
}
