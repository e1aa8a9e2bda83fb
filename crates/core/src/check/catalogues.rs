//! The catalogues beside the categories, which are read strictly.

use std::path::Path;

use crate::Document;
use crate::catalogue::licensing::{Assets, Definitions};
use crate::catalogue::{Baselines, Guidance, Stored};
use crate::json::Json;
use crate::shape::Issue;

use super::metadata::object;
use super::{Report, field, sentence};

/// The catalogue that a file of that name in that folder is.
pub fn catalogue_at(path: &Path) -> Option<Document> {
    let folder = path.parent().and_then(Path::file_name)?.to_str()?;
    match (folder, path.file_name()?.to_str()?) {
        ("baselines", "catalog.json") => Some(Document::Baselines),
        ("text_guidance", "catalog.json") => Some(Document::Guidance),
        ("licensing", "licenses.json") => Some(Document::Licenses),
        ("licensing", "assets.json") => Some(Document::LicensedAssets),
        _ => None,
    }
}

/// What is wrong with a catalogue; nothing for documents that are none.
pub fn problems(document: Document, value: &Json) -> Vec<Issue> {
    let problems = match document {
        Document::Baselines => Baselines::parse(value).err(),
        Document::Guidance => Guidance::parse(value).err(),
        Document::Licenses => Definitions::parse(value).err(),
        Document::LicensedAssets => Assets::parse(value).err(),
        _ => None,
    };
    problems.unwrap_or_default()
}

impl Report {
    pub(super) fn catalogue(&mut self, path: &Path, document: Document, bytes: &[u8]) {
        let value = match object(bytes) {
            Ok(members) => Json::Object(members),
            Err(reason) => return self.error(path, reason),
        };
        for issue in problems(document, &value) {
            self.add(path, None, field(&issue), issue.severity, sentence(&issue.message));
        }
    }
}
