//! The changes that go into one commit, applied one after the other to the present records.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::job::Job;
use super::note::{Entry, Touched};
use super::records::{Records, Rules};
use crate::backend::files::parse;
use crate::change::{Change, Operation, Precondition, WriteError};
use crate::disk::LARGEST_NOTE;
use crate::disk::faults::clock_ms;
use crate::generation::{Digest, Generation};
use crate::queue::Counters;
use crate::shrink::has_shrunk;
use crate::{Category, Snapshot};

/// What a note has to spare for what is not the changes' own: two metadata documents.
const NOTE_RESERVE: usize = 8 * 1024;

/// What changes are made to, and checked against.
pub(super) struct Before<'a> {
    pub(super) snapshot: &'a Snapshot,
    /// Where the document is.
    pub(super) path: &'a Path,
    /// The v2 document, where a legacy one is written.
    pub(super) v2: Option<&'a Snapshot>,
    /// Numbers that were given away, where the document is the queue.
    pub(super) counters: Counters,
    pub(super) knows_baseline: &'a dyn Fn(&str) -> bool,
}

pub(super) struct Round<'a> {
    pub(super) before: Before<'a>,
    pub(super) records: Records,
    /// The exact bytes of the next content, where a change brought them.
    pub(super) bytes: Option<Bytes>,
    pub(super) applied: Vec<Applied>,
    pub(super) touched: Vec<Touched>,
    /// Jobs for the next commit.
    pub(super) deferred: Vec<Job>,
    note_length: usize,
    /// Seconds since 1970.
    pub(super) now: i64,
}

/// A job that was applied.
pub(super) struct Applied {
    pub(super) job: Job,
    pub(super) entry: Entry,
}

/// What a job did: to which record, where it was one.
struct Made {
    operation: Option<Operation>,
    touched: Vec<Touched>,
}

impl Made {
    /// Where the record is what the displaced commit made of it, whoever displaced it took it over: the
    /// change is ours nevertheless, from what was there before.
    fn count_from(&mut self, displaced: &Touched) {
        if let [touched] = self.touched.as_mut_slice()
            && touched.old == displaced.new
        {
            touched.old.clone_from(&displaced.old);
            self.operation = touched.operation();
        }
    }
}

impl<'a> Round<'a> {
    pub(super) fn begin(before: Before<'a>) -> Self {
        let mut records = Records::of(before.snapshot);
        if let Records::Queue(state) = &mut records {
            state.go_on_from(before.counters);
        }
        Self {
            records,
            before,
            bytes: None,
            applied: Vec::new(),
            touched: Vec::new(),
            deferred: Vec::new(),
            note_length: 0,
            now: i64::try_from(clock_ms() / 1000).unwrap_or(i64::MAX),
        }
    }

    /// Whether the job cannot be part of this commit. Once one waits, all that came after it do.
    pub(super) fn must_wait(&self, job: &Job) -> bool {
        if !self.deferred.is_empty() {
            return true;
        }
        if self.applied.is_empty() {
            return false;
        }
        let request = |job: &Job| job.options.request_id.clone();
        let clashes = |Applied { job: other, .. }: &Applied| {
            other.is_alone()
                || job.name().is_some_and(|name| other.name() == Some(name))
                || request(job).is_some() && request(other) == request(job)
        };
        job.is_alone()
            || self.applied.iter().any(clashes)
            || self.note_length + job.note_length() > LARGEST_NOTE - NOTE_RESERVE
            || matches!(job.options.precondition, Precondition::Generation(_))
    }

    /// Applies the job, or answers why not.
    pub(super) fn apply(&mut self, mut job: Job) {
        let mut made = match self.make(&mut job) {
            Ok(made) => made,
            Err(error) => return job.answer(Err(error)),
        };
        if let Some(displaced) = &job.displaced {
            made.count_from(displaced);
        }
        let Made { operation, touched } = made;
        let entry = self.applied.len();
        // A proposal has its name only now; one that was there already names nothing. Without a name it
        // would be told, by whoever finds the commit, as all that differs.
        let shares = matches!(job.change, Change::Queue { is_alone: false, .. });
        let proposed =
            shares.then(|| touched.first().map(|it| it.name.clone()).unwrap_or_default());
        self.touched.extend(touched.into_iter().map(|it| Touched { entry, ..it }));
        self.note_length += job.note_length();
        let entry = Entry {
            name: job.name().map(str::to_owned).or(proposed),
            operation,
            user: job.options.logical_user_id.clone(),
            user_name: job.options.user_name.clone(),
            told_as: job.options.told_as.clone(),
            request: job.request.clone(),
        };
        self.applied.push(Applied { job, entry });
    }

    fn make(&mut self, job: &mut Job) -> Result<Made, WriteError> {
        job.check_ids()?;
        self.check(job)?;
        let document = self.before.snapshot.document;
        let rules = Rules {
            category: document.category().unwrap_or(Category::Miscellaneous),
            validation: job.options.validation,
            knows_baseline: self.before.knows_baseline,
            now: self.now,
            user: job.options.logical_user_id.as_deref(),
            v2: self.before.v2,
        };
        let records = &mut self.records;
        let made = |operation, name: &str, old, new| {
            let touched = vec![Touched { entry: 0, name: name.to_owned(), old, new }];
            Ok(Made { operation: Some(operation), touched })
        };
        match &mut job.change {
            Change::Put { name, record } => {
                let old = records.get(name);
                let operation = records.put(name, record.clone(), &rules)?;
                made(operation, name, old, records.get(name))
            }
            Change::Delete { name } => {
                let old = records.get(name);
                if records.remove(name) {
                    return made(Operation::Delete, name, old, None);
                }
                Err(WriteError::NotFound { document, name: name.clone() })
            }
            Change::Whole(change) => {
                let before = records.clone();
                let changed = records.replace_whole(document, change);
                self.settle(before, changed, job.options.may_shrink)
            }
            Change::Queue { change, .. } => {
                let Records::Queue(state) = records else {
                    return Err(WriteError::Refused { reason: "this is not the queue".into() });
                };
                let changed = change(state, self.now);
                let touched = state.take_touched().into_iter().map(Touched::of_queue).collect();
                changed.map(|()| Made { operation: None, touched })
            }
            Change::Nothing => Err(WriteError::NotFound { document, name: String::new() }),
            Change::Bytes(bytes) => {
                let after = self.read(bytes)?;
                let before = std::mem::replace(&mut self.records, after);
                self.bytes = Some(bytes.clone());
                self.settle(before, Ok(()), job.options.may_shrink)
            }
        }
    }

    /// Whether what the caller expects of the records is so.
    fn check(&self, job: &Job) -> Result<(), WriteError> {
        let Snapshot { document, generation, .. } = *self.before.snapshot;
        let exists = job.name().is_some_and(|name| self.records.contains(name));
        let holds = match job.options.precondition {
            Precondition::None => true,
            Precondition::Generation(expected) => expected == generation,
            Precondition::Absent => !exists,
            Precondition::Present => exists,
        };
        if holds {
            return Ok(());
        }
        let record = job.name().and_then(|name| self.records.get(name));
        Err(WriteError::Conflict { document, generation, record })
    }

    /// The records in the bytes that are to replace all that is there.
    fn read(&self, bytes: &Bytes) -> Result<Records, WriteError> {
        let document = self.before.snapshot.document;
        let content = parse(document, self.before.path, bytes);
        Ok(Records::of(&Snapshot {
            document,
            generation: Generation::default(),
            digest: Digest::of(bytes),
            bytes: bytes.clone(),
            content: Arc::new(content.map_err(WriteError::SourceInvalid)?),
        }))
    }

    /// Takes a change of the whole document back if it failed, or if too much would go.
    fn settle(
        &mut self,
        before: Records,
        changed: Result<(), WriteError>,
        may_shrink: bool,
    ) -> Result<Made, WriteError> {
        let removed = before.removed_in(&self.records);
        let shrinks = !may_shrink && has_shrunk(before.len(), removed);
        let refused = match changed {
            Err(error) => error,
            Ok(()) if shrinks => WriteError::Shrinks {
                document: self.before.snapshot.document,
                removed,
                before: before.len(),
            },
            Ok(()) => {
                let touched = Touched::between(&before, &self.records, 0);
                return Ok(Made { operation: None, touched });
            }
        };
        (self.records, self.bytes) = (before, None);
        Err(refused)
    }
}
