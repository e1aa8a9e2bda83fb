//! One step of an import: the files of a category, or of a catalogue.

use std::path::PathBuf;

use crate::diff::Diff;
use crate::disk;
use crate::error::Result;
use crate::json::Json;
use crate::legacy::Rejected;

use super::Refusal;

/// A file that is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Where.
    pub path: PathBuf,
    /// What.
    pub bytes: Vec<u8>,
}

/// What is to be done about a category or a catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// Where the data is from.
    pub origins: Vec<String>,
    /// What changes: records of v2, or members of the catalogue.
    pub diff: Diff,
    /// Records that are not valid.
    pub rejected: Vec<Rejected>,
    /// Why nothing is done.
    pub refusal: Option<Refusal>,
    /// What is written, in that order; nothing where nothing changes.
    pub writes: Vec<Write>,
}

impl Step {
    /// Whether nothing is to be done although something was given.
    pub fn is_refused(&self) -> bool {
        self.refusal.is_some()
    }

    /// One word for what is to be done.
    pub fn word(&self) -> &'static str {
        match (&self.refusal, self.writes.is_empty()) {
            (Some(_), _) => "refused",
            (None, true) => "unchanged",
            (None, false) => "changed",
        }
    }

    /// Writes the files, each in one step. After a failure the later files are as they were.
    pub fn carry_out(&self) -> Result<()> {
        for write in &self.writes {
            if let Some(folder) = write.path.parent() {
                disk::make_folder(folder)?;
            }
            disk::replace(&write.path, &write.bytes)?;
        }
        Ok(())
    }

    /// For programs.
    pub fn to_json(&self) -> Json {
        let rejected: Vec<Json> = self.rejected.iter().map(rejected_to_json).collect();
        let path = |write: &Write| write.path.to_string_lossy().into_owned();
        let files: Vec<String> = self.writes.iter().map(path).collect();
        Json::from([
            ("name", self.name.as_str().into()),
            ("from", self.origins.clone().into()),
            ("outcome", self.word().into()),
            ("reason", self.refusal.as_ref().map(ToString::to_string).into()),
            ("diff", self.diff.to_json()),
            ("invalid", rejected.into()),
            ("files", files.into()),
        ])
    }
}

fn rejected_to_json(rejected: &Rejected) -> Json {
    let issues: Vec<String> = rejected.issues.iter().map(ToString::to_string).collect();
    Json::from([("name", rejected.name.as_str().into()), ("issues", issues.into())])
}
