//! The log of licensing edits: one line for each record that was written, beside the files it tells
//! of. It is not part of the audit trail, and its lines are the contract's.

use std::path::PathBuf;

use super::note::{Note, Touched};
use crate::Document;
use crate::backend::files::Files;
use crate::disk::{self, LOCK_WAIT, Lock, Place, lines};
use crate::error::{Error, Result};
use crate::json::{Json, Style};

const FILE: &str = "audit.jsonl";

/// The log, as writers of one of the two documents append to it.
pub(super) struct EditLog {
    path: PathBuf,
    record_kind: &'static str,
}

impl EditLog {
    /// The log that tells of the edits of a document, if one does.
    pub(super) fn of(files: &Files, document: Document) -> Option<Self> {
        let record_kind = match document {
            Document::Licenses => "license_definition",
            Document::LicensedAssets => "licensed_asset",
            _ => return None,
        };
        Some(Self { path: files.layout().path(document).with_file_name(FILE), record_kind })
    }

    /// What a commit adds to it. As in the audit trail, edits by nobody in particular are not told.
    pub(super) fn lines(&self, note: &Note, touched: &[Touched]) -> Vec<String> {
        let line = |touched: &Touched| {
            let editor = note.entries.get(touched.entry)?.user.as_deref()?;
            let line = Json::from([
                ("timestamp", Json::Int(note.time)),
                ("editor_id", editor.into()),
                ("operation", touched.operation()?.name().into()),
                ("record_kind", self.record_kind.into()),
                ("record_key", touched.name.as_str().into()),
                ("before", touched.old.clone().into()),
                ("after", touched.new.clone().into()),
            ]);
            Some(line.to_text(Style::COMPACT))
        };
        touched.iter().filter_map(line).collect()
    }

    /// Appends the lines of one commit; they are on the device when this returns.
    pub(super) fn append(&self, new: &[String]) -> Result<()> {
        if new.is_empty() {
            return Ok(());
        }
        // Two documents share the file, and the lock of each is another one.
        let _lock = self.lock()?;
        self.append_locked(new)
    }

    /// Appends those lines of one commit that are not there yet.
    pub(super) fn append_missing(&self, of_commit: &[String]) -> Result<()> {
        if of_commit.is_empty() {
            return Ok(());
        }
        let _lock = self.lock()?;
        let there = self.last_lines(of_commit.len())?;
        let missing = &of_commit[repeated(&there, of_commit)..];
        if !missing.is_empty() {
            return self.append_locked(missing);
        }
        // What is there was perhaps appended by somebody who did not live to flush it.
        disk::flush(&self.path)
    }

    fn lock(&self) -> Result<Lock> {
        let control = Place::of(&self.path).control;
        Ok(Lock::take(&control, LOCK_WAIT)?)
    }

    fn append_locked(&self, new: &[String]) -> Result<()> {
        let text: String = new.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        lines::append(&self.path, &text).map_err(|error| Error::io("append to", &self.path, &error))
    }

    /// The last whole lines about records of this kind.
    fn last_lines(&self, most: usize) -> Result<Vec<String>> {
        let text = match lines::read_from(&self.path, 0) {
            Ok(text) => text,
            Err(error) if disk::is_absence(&error) => return Ok(Vec::new()),
            Err(error) => return Err(Error::io("read", &self.path, &error)),
        };
        let is_ours = |line: &&[u8]| {
            let kind = Json::parse(line).ok().and_then(|line| line.get("record_kind").cloned());
            kind.is_some_and(|kind| kind.as_str() == Some(self.record_kind))
        };
        let lines = text.split(|byte| *byte == b'\n').rev().filter(is_ours).take(most);
        let mut lines: Vec<String> =
            lines.map(|line| String::from_utf8_lossy(line).into_owned()).collect();
        lines.reverse();
        Ok(lines)
    }
}

/// With how many of its lines a commit stands at the end of what is there. Only the last commit can:
/// an earlier one left each record as the next found it, and no line leads to what it comes from.
fn repeated(there: &[String], of_commit: &[String]) -> usize {
    let fits = |count: &usize| there.ends_with(&of_commit[..*count]);
    (0..=of_commit.len()).rev().find(fits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(folder: &std::path::Path) -> EditLog {
        EditLog { path: folder.join(FILE), record_kind: "licensed_asset" }
    }

    fn line(kind: &str, text: &str) -> String {
        format!(r#"{{"record_kind":"{kind}","after":"{text}"}}"#)
    }

    #[test]
    fn a_commit_is_told_once_however_far_its_writer_came() {
        let folder = tempfile::tempdir().unwrap();
        let log = log(folder.path());
        let earlier = line("licensed_asset", "é");
        let commit = ["a", "b", "c"].map(|text| line("licensed_asset", text));
        let other = line("license_definition", "a");
        let whole = |lines: &[&String]| -> String {
            lines.iter().map(|line| format!("{line}\n")).collect()
        };
        let [a, b, c] = &commit;
        for (there, after) in [
            (String::new(), whole(&[a, b, c])),
            (whole(&[&earlier]), whole(&[&earlier, a, b, c])),
            (whole(&[&earlier, a]), whole(&[&earlier, a, b, c])),
            // The other document's writer went on meanwhile, and a power cut left half a line.
            (
                whole(&[a, b, &other]) + &c[..9],
                whole(&[a, b, &other]) + &c[..9] + "\n" + &whole(&[c]),
            ),
            (whole(&[a, b, c, &other]), whole(&[a, b, c, &other])),
            // The same was done before, and undone.
            (whole(&[a, b, c, &earlier]), whole(&[a, b, c, &earlier, a, b, c])),
        ] {
            std::fs::write(&log.path, &there).unwrap();
            log.append_missing(&commit).unwrap();
            assert_eq!(std::fs::read_to_string(&log.path).unwrap(), after);
        }
    }
}
