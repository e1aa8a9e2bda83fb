//! Requests that were answered within the last day, so that repeating one writes nothing.
//!
//! One line a request, appended under the document's lock and on the device before the answer.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::job::Job;
use super::note::{Entry, Note};
use crate::change::Operation;
use crate::disk::faults::clock_ms;
use crate::disk::{self, lines};
use crate::error::{Error, Result};
use crate::generation::{Digest, Generation};
use crate::json::{Json, Style};

/// How long an answer is remembered, in milliseconds.
const REMEMBERED_MS: u64 = 24 * 60 * 60 * 1000;
/// A log of fewer bytes is never written anew.
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
    /// Number of the file: somebody may have written it anew.
    file: u64,
    /// How many bytes of it were read.
    read: u64,
    /// How large it was when it was last written anew.
    size_without_forgotten: u64,
    outcomes: HashMap<String, Outcome>,
}

impl Requests {
    /// What the request led to, if it was answered within the last day.
    pub(super) fn outcome(&mut self, path: &Path, id: &str) -> Result<Option<&Outcome>> {
        Ok(self.outcome_ever(path, id)?.filter(|outcome| outcome.is_remembered()))
    }

    /// What the request led to, as long as the log has it.
    pub(super) fn outcome_ever(&mut self, path: &Path, id: &str) -> Result<Option<&Outcome>> {
        self.catch_up(path)?;
        Ok(self.outcomes.get(id))
    }

    /// Notes that the request of this id led to nothing, so that it never does.
    pub(super) fn void(
        &mut self,
        path: &Path,
        job: &Job,
        generation: Generation,
        digest: Digest,
    ) -> Result<()> {
        let entry = Entry { request: job.request.clone(), ..Entry::default() };
        let note = Note { entries: vec![entry], ..Note::default() };
        self.append(path, &note, generation, digest)
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
        let mut appended = String::new();
        for entry in &note.entries {
            let Some((id, change)) = &entry.request else { continue };
            let is_logged =
                self.outcomes.get(id).is_some_and(|logged| logged.generation == generation);
            if is_logged {
                continue;
            }
            let (change, operation) = (change.clone(), entry.operation);
            let outcome = Outcome { change, generation, digest, operation, time_ms };
            appended.push_str(&outcome.to_line(id));
            appended.push('\n');
        }
        let done = match appended.is_empty() {
            // Perhaps appended by somebody who did not live to flush it.
            true => std::fs::File::open(path).and_then(|file| file.sync_all()),
            false => lines::append(path, &appended),
        };
        done.map_err(|error| Error::io("append to", path, &error))?;
        self.catch_up(path)?;
        self.forget(path)
    }

    /// Reads what was appended since the last time; all of it, if the file was written anew.
    fn catch_up(&mut self, path: &Path) -> Result<()> {
        let failed = |error: &_| Error::io("read", path, error);
        let metadata = match path.metadata() {
            Ok(metadata) => metadata,
            Err(error) if disk::is_absence(&error) => {
                *self = Self::default();
                return Ok(());
            }
            Err(error) => return Err(failed(&error)),
        };
        if metadata.ino() != self.file || metadata.len() < self.read {
            *self = Self { file: metadata.ino(), ..Self::default() };
        }
        let text = lines::read_from(path, self.read).map_err(|error| failed(&error))?;
        for line in text.split(|byte| *byte == b'\n') {
            self.outcomes.extend(Outcome::read(line));
        }
        self.read += text.len() as u64;
        Ok(())
    }

    /// Writes a log anew that has grown to twice its size, without what is forgotten.
    fn forget(&mut self, path: &Path) -> Result<()> {
        if self.read < LARGE.max(2 * self.size_without_forgotten) {
            return Ok(());
        }
        self.outcomes.retain(|_, outcome| outcome.is_remembered());
        let lines: String =
            self.outcomes.iter().map(|(id, outcome)| outcome.to_line(id) + "\n").collect();
        disk::replace(path, lines.as_bytes())?;
        self.catch_up(path)?;
        self.size_without_forgotten = self.read;
        Ok(())
    }
}

impl Outcome {
    fn is_remembered(&self) -> bool {
        clock_ms().abs_diff(self.time_ms) < REMEMBERED_MS
    }

    fn to_line(&self, id: &str) -> String {
        let operation = self.operation.map_or(Json::Null, |operation| operation.name().into());
        let line = Json::from([
            ("request", id.into()),
            ("change", self.change.as_str().into()),
            ("generation", self.generation.to_json()),
            ("digest", self.digest.to_string().into()),
            ("operation", operation),
            ("time_ms", Json::Int(self.time_ms.cast_signed())),
        ]);
        line.to_text(Style::COMPACT_ASCII)
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
