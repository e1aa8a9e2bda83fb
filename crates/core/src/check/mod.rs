//! What is wrong with data: every file, every record, every field, told at once.
//!
//! An *error* is what keeps something from being served or converted. A *note* is what someone
//! should look at: the data works as it is.

mod agreement;
mod catalogues;
mod folder;
mod legacy;
mod metadata;
mod queue;
mod table;
mod v2;

use std::path::{Path, PathBuf};

use crate::catalogue::{Baselines, Stored};
use crate::category_file::{CategoryFile, Form, NoCategory};
use crate::json::Json;
use crate::shape::{Issue, LocItem, Severity};

pub use catalogues::{catalogue_at, problems as catalogue_problems};
pub use folder::{check_data, check_folder};

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub path: PathBuf,
    /// Its line, where lines tell something: in tables.
    pub line: Option<u64>,
    /// The record.
    pub record: Option<String>,
    /// The way to the field, with dots; empty for the whole.
    pub field: String,
    /// How bad it is; a warning is called a note.
    pub severity: Severity,
    /// A sentence for people.
    pub message: String,
}

/// Everything that was found, and how much was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// How many files were read.
    pub files: usize,
    /// How many records were in them.
    pub records: usize,
    /// In the order of files, and of records in them.
    pub findings: Vec<Finding>,
}

/// Which baselines count as known: the built-in ones and those of a catalogue.
#[derive(Debug, Clone)]
pub struct Known {
    baselines: Baselines,
}

/// Checks one file of whatever kind.
pub fn check_file(path: &Path) -> crate::Result<Report> {
    let bytes = std::fs::read(path).map_err(|error| crate::Error::io("read", path, &error))?;
    let mut report = Report::default();
    report.file(path, &bytes, &Known::beside(path));
    Ok(report)
}

impl Known {
    /// What the catalogue says, if it can be read.
    fn from_catalogue(path: &Path) -> Option<Self> {
        let document = Json::parse(&std::fs::read(path).ok()?).ok()?;
        Some(Self { baselines: Baselines::parse(&document).ok()? })
    }

    /// The catalogue of the data folder that `path` is in.
    fn beside(path: &Path) -> Self {
        let folders = path.ancestors().skip(1).take(2);
        let found = folders
            .map(|folder| folder.join("baselines").join("catalog.json"))
            .find_map(|path| Self::from_catalogue(&path));
        found.unwrap_or_default()
    }

    fn baseline(&self, name: &str) -> bool {
        self.baselines.get(name).is_some()
            || self
                .baselines
                .baselines
                .values()
                .any(|baseline| baseline.alternative_names.iter().any(|other| other == name))
    }
}

impl Default for Known {
    fn default() -> Self {
        Self { baselines: Baselines::packaged() }
    }
}

impl Report {
    /// How many findings are errors.
    pub fn errors(&self) -> usize {
        self.findings.iter().filter(|finding| finding.severity == Severity::Error).count()
    }

    /// How many findings are notes.
    pub fn notes(&self) -> usize {
        self.findings.len() - self.errors()
    }

    /// For programs.
    pub fn to_json(&self) -> Json {
        let findings: Vec<Json> = self.findings.iter().map(Finding::to_json).collect();
        Json::from([
            ("files", Json::count(self.files)),
            ("records", Json::count(self.records)),
            ("errors", Json::count(self.errors())),
            ("notes", Json::count(self.notes())),
            ("findings", findings.into()),
        ])
    }

    fn file(&mut self, path: &Path, bytes: &[u8], known: &Known) {
        self.files += 1;
        if let Some(document) = catalogue_at(path) {
            return self.catalogue(path, document, bytes);
        }
        if queue::is_queue(path) {
            return self.queue(path, bytes);
        }
        if metadata::is_metadata(path) {
            return self.metadata(path, bytes);
        }
        match CategoryFile::read(path, bytes.to_vec()) {
            Ok(file) => self.category(path, &file, known),
            Err(NoCategory::Unknown) => {
                self.note(path, "is no file of a model reference, by its name and its records");
            }
            Err(error) => self.error(path, error.to_string()),
        }
    }

    fn category(&mut self, path: &Path, file: &CategoryFile, known: &Known) {
        self.records += file.len();
        match &file.form {
            Form::V2(records) => self.v2(path, file.category, records, known),
            Form::Legacy(records) => self.legacy(path, file.category, records, known),
            Form::TextEntries(entries) => self.text_entries(path, entries),
            Form::TextTable(table) => self.table(path, table, &file.bytes),
        }
    }

    fn error(&mut self, path: &Path, message: impl Into<String>) {
        self.add(path, None, "", Severity::Error, message);
    }

    fn note(&mut self, path: &Path, message: impl Into<String>) {
        self.add(path, None, "", Severity::Warning, message);
    }

    fn add(
        &mut self,
        path: &Path,
        record: Option<&str>,
        field: impl Into<String>,
        severity: Severity,
        message: impl Into<String>,
    ) {
        self.findings.push(Finding {
            path: path.to_owned(),
            line: None,
            record: record.map(str::to_owned),
            field: field.into(),
            severity,
            message: message.into(),
        });
    }

    /// An unknown baseline is a mere warning where a record is submitted, since the catalogue may
    /// follow. In stored data nothing follows.
    fn issues(&mut self, path: &Path, record: &str, issues: Vec<Issue>) {
        for issue in issues {
            let is_baseline = issue.loc.first() == Some(&LocItem::from("baseline"));
            let severity = if is_baseline { Severity::Error } else { issue.severity };
            self.add(path, Some(record), field(&issue), severity, sentence(&issue.message));
        }
    }
}

impl Finding {
    /// `error` or `note`.
    pub fn word(&self) -> &'static str {
        match self.severity {
            Severity::Error => "error",
            Severity::Warning => "note",
        }
    }

    fn to_json(&self) -> Json {
        Json::from([
            ("path", self.path.to_string_lossy().as_ref().into()),
            ("line", self.line.into()),
            ("record", self.record.clone().into()),
            ("field", self.field.as_str().into()),
            ("severity", self.word().into()),
            ("message", self.message.as_str().into()),
        ])
    }
}

/// The way to the field. The contract tells of a wrong style as if it were about the whole record.
fn field(issue: &Issue) -> String {
    if issue.loc.is_empty() && issue.message.contains("is not a style") {
        return "style".to_owned();
    }
    let steps: Vec<String> = issue.loc.iter().map(LocItem::to_string).collect();
    steps.join(".")
}

/// The message without what the contract puts around it.
fn sentence(message: &str) -> String {
    let message = message.strip_prefix("Value error, ").unwrap_or(message);
    message.strip_suffix('.').unwrap_or(message).to_owned()
}
