//! From a document's bytes to its parsed form.

use std::path::Path;

use crate::error::{Error, Result};
use crate::legacy::Table;
use crate::snapshot::Content;
use crate::{Document, Json};

/// Parses the bytes of the file at `path`, or tells what is wrong with them.
pub(crate) fn parse(document: Document, path: &Path, bytes: &[u8]) -> Result<Content> {
    let corrupt = |reason: String| Error::Corrupt { path: path.to_owned(), reason };
    if is_table(path) {
        // Writers of the reference fill this file in place: what is left of it in between is no table.
        return match Table::parse(bytes) {
            Ok(table) if table.columns().iter().any(|column| column == "name") => Ok(Content::Csv),
            Ok(_) => Err(corrupt("expected a first line with a column `name`".into())),
            Err(error) => Err(corrupt(error.to_string())),
        };
    }
    let value = Json::parse(bytes).map_err(|error| format!("not JSON: {error}"));
    let value = value.and_then(|value| document.top_level().check(value));
    value.map(Content::Json).map_err(corrupt)
}

/// Whether the file holds a table rather than JSON.
pub(super) fn is_table(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "csv")
}
