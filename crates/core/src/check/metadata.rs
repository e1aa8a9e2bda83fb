//! Metadata of categories: counters and times.

use std::path::Path;

use crate::json::{Json, Object};
use crate::shape::Severity;
use crate::{Category, Document};

use super::Report;

const SUFFIX: &str = "_metadata";

/// Members that are integers where they are present.
const INTEGERS: [&str; 8] = [
    "last_updated",
    "total_creates",
    "total_updates",
    "total_deletes",
    "total_models",
    "initialization_time",
    "last_successful_operation",
    "error_count",
];

/// Members that are texts where they are present.
const TEXTS: [&str; 5] = [
    "category",
    "last_operation_type",
    "last_operation_model",
    "metadata_schema_version",
    "backend_type",
];

pub(super) fn is_metadata(path: &Path) -> bool {
    category_of(path).is_some()
}

fn category_of(path: &Path) -> Option<Category> {
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    path.file_stem().filter(|_| is_json)?.to_str()?.strip_suffix(SUFFIX)?.parse().ok()
}

impl Report {
    pub(super) fn metadata(&mut self, path: &Path, bytes: &[u8]) {
        let Some(category) = category_of(path) else { return };
        let members = match object(bytes) {
            Ok(members) => members,
            Err(reason) => return self.error(path, reason),
        };
        let present = |name: &'static str| Some((name, members.get(name)?));
        for (name, value) in INTEGERS.into_iter().filter_map(present) {
            let fits = matches!(value, Json::Int(_) | Json::Null);
            self.expect(path, name, fits, "an integer", value);
        }
        for (name, value) in TEXTS.into_iter().filter_map(present) {
            let fits = matches!(value, Json::String(_) | Json::Null);
            self.expect(path, name, fits, "text", value);
        }
        let claimed = members.get("category").and_then(Json::as_str);
        if claimed.is_some_and(|claimed| claimed != category.name()) {
            let message = format!("the file is about {category} by its name");
            self.add(path, None, "category", Severity::Warning, message);
        }
    }

    fn expect(&mut self, path: &Path, name: &str, fits: bool, expected: &str, value: &Json) {
        if !fits {
            let message = format!("expected {expected}, found {}", value.kind());
            self.add(path, None, name, Severity::Error, message);
        }
    }
}

/// The members of a document that has to be an object, or what it is instead.
pub(super) fn object(bytes: &[u8]) -> Result<Object, String> {
    match Json::parse(bytes) {
        Ok(Json::Object(members)) => Ok(members),
        Ok(other) => Err(format!("expected a JSON object, found {}", other.kind())),
        Err(error) => Err(format!("not JSON: {error}")),
    }
}

/// Whether a document is metadata, which nobody has to have.
pub(super) fn is_document_of_metadata(document: Document) -> bool {
    matches!(document, Document::V2Metadata(_) | Document::LegacyMetadata(_))
}
