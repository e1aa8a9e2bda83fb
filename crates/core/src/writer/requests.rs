//! Requests that were answered within the last day, so that repeating one writes nothing.
//!
//! One line a request, appended under the document's lock and on the device before the answer.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use super::note::Note;
use crate::change::Operation;
use crate::disk;
use crate::disk::faults::clock_ms;
use crate::error::{Error, Result};
use crate::generation::{Digest, Generation};
use crate::json::{Json, Object, Style};

/// How long an answer is remembered, in milliseconds.
const REMEMBERED_MS: u64 = 24 * 60 * 60 * 1000;
/// A log of this many bytes is written anew without what is forgotten, if that is at least half.
const LARGE: u64 = 1 << 20;

/// What a request led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Digest of what was asked.
    pub(super) change: String,
    pub(super) generation: Generation,
    pub(super) digest: Digest,
    pub(super) operation: Option<Operation>,
    time_ms: u64,
}

/// The log of one document, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Requests {
    /// Bytes read of the file, and its number: somebody may have written it anew.
    read: (u64, u64),
    outcomes: HashMap<String, Outcome>,
}

impl Requests {
    /// What the request led to, if it was answered within the last day.
    pub(super) fn outcome(&mut self, path: &Path, id: &str) -> Result<Option<&Outcome>> {
        self.catch_up(path)?;
        Ok(self.outcomes.get(id).filter(|outcome| outcome.is_remembered()))
    }

    /// Appends the requests of a commit that are not there yet.
    pub(super) fn append(
        &mut self,
        path: &Path,
        note: &Note,
        generation: Generation,
        digest: Digest,
    ) -> Result<()> {
        if note.entries.iter().all(|entry| entry.request.is_none()) {
            return Ok(());
        }
        self.catch_up(path)?;
        let time_ms = clock_ms();
        let mut lines = String::new();
        for entry in &note.entries {
            let Some((id, change)) = &entry.request else { continue };
            let is_logged =
                self.outcomes.get(id).is_some_and(|logged| logged.generation == generation);
            if is_logged {
                continue;
            }
            let (change, operation) = (change.clone(), entry.operation);
            let outcome = Outcome { change, generation, digest, operation, time_ms };
            lines.push_str(&outcome.to_line(id));
            lines.push('\n');
        }
        let appended = match lines.is_empty() {
            // Perhaps appended by somebody who did not live to flush it.
            true => std::fs::File::open(path).and_then(|file| file.sync_all()),
            false => append(path, &lines),
        };
        appended.map_err(|error| Error::io("append to", path, &error))?;
        self.catch_up(path)?;
        self.forget(path)
    }

    fn catch_up(&mut self, path: &Path) -> Result<()> {
        let Some(content) = disk::read(path)? else {
            *self = Self::default();
            return Ok(());
        };
        let (read, inode) = self.read;
        let is_longer = content.stamp.inode == inode && content.stamp.size >= read;
        let begin = if is_longer { usize::try_from(read).unwrap_or(0) } else { 0 };
        if begin == 0 {
            self.outcomes.clear();
        }
        for line in content.bytes[begin..].split(|byte| *byte == b'\n') {
            self.outcomes.extend(Outcome::read(line));
        }
        self.read = (content.stamp.size, content.stamp.inode);
        Ok(())
    }

    fn forget(&mut self, path: &Path) -> Result<()> {
        if self.read.0 < LARGE {
            return Ok(());
        }
        let before = self.outcomes.len();
        let mut kept = String::new();
        for (id, outcome) in self.outcomes.iter().filter(|(_, outcome)| outcome.is_remembered()) {
            kept.push_str(&outcome.to_line(id));
            kept.push('\n');
        }
        if kept.lines().count() * 2 > before {
            return Ok(());
        }
        disk::replace(path, kept.as_bytes())?;
        self.catch_up(path)
    }
}

impl Outcome {
    fn is_remembered(&self) -> bool {
        clock_ms().abs_diff(self.time_ms) < REMEMBERED_MS
    }

    fn to_line(&self, id: &str) -> String {
        let operation = self.operation.map_or(Json::Null, |operation| operation.name().into());
        let members = [
            ("request", id.into()),
            ("change", self.change.as_str().into()),
            ("generation", self.generation.to_json()),
            ("digest", self.digest.to_string().into()),
            ("operation", operation),
            ("time_ms", Json::Int(self.time_ms.cast_signed())),
        ];
        let line: Object = members
            .into_iter()
            .map(|(name, value): (&str, Json)| (name.to_owned(), value))
            .collect();
        Json::Object(line).to_text(Style::COMPACT_ASCII)
    }

    fn read(line: &[u8]) -> Option<(String, Self)> {
        let value = Json::parse(line).ok()?;
        let text = |name| value.get(name).and_then(Json::as_str);
        let outcome = Self {
            change: text("change")?.to_owned(),
            generation: Generation::from_json(value.get("generation")?)?,
            digest: Digest::from_hex(text("digest")?)?,
            operation: text("operation").and_then(Operation::of_name),
            time_ms: value.get("time_ms")?.as_i64()?.try_into().ok()?,
        };
        Some((text("request")?.to_owned(), outcome))
    }
}

fn append(path: &Path, lines: &str) -> std::io::Result<()> {
    let is_new = !path.exists();
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    // Half a line that a crash may have left is ended, so that it spoils nothing but itself.
    file.write_all(format!("\n{lines}").as_bytes())?;
    file.sync_data()?;
    if is_new && let Some(folder) = path.parent() {
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}
