//! One commit made of several changes to one document, each answered on its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::counters::Done;
use super::follow_ups::{Commit, FollowUps, metadata_after};
use super::note::{Entry, Note, Touched};
use super::records::{Records, Rules, of_replaced, printed_length};
use super::requests::Requests;
use crate::backend::Backend;
use crate::backend::files::{Files, parse};
use crate::change::{Change, Committed, Operation, Precondition, WriteError, WriteOptions};
use crate::disk::faults;
use crate::disk::{
    Base, CommitError, ContentId, Flush, LARGEST_NOTE, LOCK_WAIT, Locked, Place, Put, Unlockable,
};
use crate::error::Error;
use crate::generation::{Digest, Generation};
use crate::json::{Json, Style};
use crate::shrink::{KEPT_GENERATIONS, has_shrunk};
use crate::{Category, Document, Snapshot};

/// How long a commit starts over because somebody without a lock writes at the same time.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest user or request id, in bytes as JSON prints it.
const LONGEST_ID: usize = 4 * 1024;
/// What a note has to spare for what is not the changes' own: two metadata documents.
const NOTE_RESERVE: usize = 8 * 1024;

/// A change that waits to be made.
pub(super) struct Job {
    pub(super) change: Change,
    pub(super) options: WriteOptions,
    pub(super) answer: oneshot::Sender<Result<Committed, WriteError>>,
}

/// Makes commits to one document.
pub(super) struct Committer {
    pub(super) document: Document,
    pub(super) files: Arc<Files>,
    pub(super) follow_ups: Arc<FollowUps>,
    pub(super) knows_baseline: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    pub(super) requests: Requests,
}

/// A job that was applied.
struct Applied {
    job: Job,
    entry: Entry,
}

/// What a job did: to which record, where it was one.
struct Made {
    operation: Option<Operation>,
    touched: Vec<Touched>,
}

/// Where a commit stands while its jobs are applied.
struct Round<'a> {
    snapshot: &'a Snapshot,
    v2: Option<Arc<Snapshot>>,
    records: Records,
    /// The exact bytes of the next content, where a change brought them.
    bytes: Option<Bytes>,
    applied: Vec<Applied>,
    touched: Vec<Touched>,
    /// Jobs for the next commit.
    deferred: Vec<Job>,
    note_length: usize,
    now: i64,
}

impl Committer {
    /// Makes one commit of as many jobs as go into one and answers them. Returns those that do not,
    /// in their order.
    pub(super) fn commit(&mut self, mut jobs: Vec<Job>) -> Vec<Job> {
        jobs.retain(|job| !job.answer.is_closed());
        if jobs.is_empty() {
            return jobs;
        }
        let place = self.files.place(self.document);
        let mut deferred = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let mut locked = match self.lock(&place) {
                Ok(locked) => locked,
                Err(error) => {
                    answer_all(jobs, &error);
                    return deferred;
                }
            };
            match self.attempt(&mut locked, &place, jobs, &mut deferred) {
                Attempt::Over => return deferred,
                Attempt::Again(same) => jobs = same,
            }
        }
        let busy =
            WriteError::Busy(format!("somebody else keeps writing {}", place.path.display()));
        answer_all(jobs, &busy);
        deferred
    }

    /// Takes the lock and sets right what a dead writer left.
    fn lock(&self, place: &Place) -> Result<Locked, WriteError> {
        let mut locked =
            Locked::take(place.clone(), LOCK_WAIT).map_err(|unlockable| match unlockable {
                Unlockable::Busy(path) => WriteError::Busy(Error::Busy { path }.to_string()),
                Unlockable::Failed(error) => WriteError::Storage(error),
            })?;
        let recovered =
            locked.recover(&mut |unfinished| self.files.follow_up(self.document, unfinished));
        recovered.map_err(WriteError::Storage)?;
        Ok(locked)
    }

    /// The v2 document, where a legacy one is written.
    fn v2_beside(&self) -> Option<Arc<Snapshot>> {
        let Document::Legacy(category) = self.document else { return None };
        Some(self.files.load(Document::V2(category)).ok()?.snapshot)
    }

    /// Records in the other file that is read where the document's own is missing: a new file would
    /// hide all of them.
    fn held_elsewhere(&self, base: &Base) -> Option<Error> {
        let path = self.files.layout().fallback(self.document)?;
        let is_there = base.bytes.is_none() && path.try_exists().unwrap_or(true);
        let reason = "the records are in this file, which is only read; import it first".to_owned();
        is_there.then_some(Error::Unavailable { action: "change", path, reason })
    }

    fn attempt(
        &mut self,
        locked: &mut Locked,
        place: &Place,
        jobs: Vec<Job>,
        deferred: &mut Vec<Job>,
    ) -> Attempt {
        let base = match locked.read(self.files.floor(self.document)) {
            Ok(base) => base,
            Err(error) => return over(answer_all(jobs, &WriteError::Storage(error))),
        };
        if let Some(other) = self.held_elsewhere(&base) {
            return over(answer_all(jobs, &WriteError::SourceInvalid(other)));
        }
        let read = base.bytes.as_ref().map(|bytes| (place.path.as_path(), bytes.clone()));
        let is_bytes = |job: &Job| matches!(job.change, Change::Bytes(_));
        let snapshot = if jobs.iter().all(is_bytes) {
            of_replaced(&self.files, self.document, base.generation, read)
        } else {
            self.files.snapshot(self.document, base.generation, read)
        };
        let snapshot = match snapshot {
            Ok(snapshot) => snapshot,
            Err(error) => return over(answer_all(jobs, &WriteError::SourceInvalid(error))),
        };
        let mut round = Round::begin(&snapshot, self.v2_beside());
        for job in jobs {
            self.apply(job, &mut round, place);
        }
        // What an earlier attempt put off comes after.
        round.deferred.append(deferred);
        *deferred = std::mem::take(&mut round.deferred);
        if round.applied.is_empty() {
            return Attempt::Over;
        }
        let Round { records, bytes, applied, touched, now, .. } = round;
        let text = match bytes.map_or_else(|| records.to_text(self.document).map(Bytes::from), Ok) {
            Ok(text) => text,
            Err(error) => {
                return over(answer_all(
                    applied.into_iter().map(|done| done.job).collect(),
                    &error,
                ));
            }
        };
        let entries = applied.iter().map(|done| done.entry.clone()).collect();
        let done = Done::to(&touched);
        let mut note = Note { time: now, entries, done, metadata: Vec::new() };
        if base.bytes.as_ref() == Some(&text) {
            match self.settle_unchanged(locked, place, &note, &snapshot) {
                Ok(()) => answer_unchanged(applied, self.document, &snapshot),
                Err(error) => {
                    let jobs = applied.into_iter().map(|done| done.job).collect();
                    answer_all(jobs, &WriteError::Storage(error));
                }
            }
            return Attempt::Over;
        }
        let noted = locked.note(&base).and_then(Note::read);
        match metadata_after(&self.files, self.document, &note, noted.as_ref(), records.len()) {
            Ok(metadata) => note.metadata = metadata,
            Err(error) => {
                let jobs = applied.into_iter().map(|done| done.job).collect();
                return over(answer_all(jobs, &WriteError::Storage(error)));
            }
        }
        let jobs = |applied: Vec<Applied>| applied.into_iter().map(|done| done.job).collect();
        match locked.commit(&base, &text, note.to_json(), Flush::Now, true) {
            Ok(put) => {
                let committed = Stood { base: &base, put, note: &note, text, touched };
                self.conclude(locked, committed, records, applied);
                Attempt::Over
            }
            Err(CommitError::Displaced) => Attempt::Again(jobs(applied)),
            Err(CommitError::Before(error)) => {
                over(answer_all(jobs(applied), &WriteError::Storage(error)))
            }
            Err(CommitError::Unknown(generation, error)) => {
                over(answer_all(jobs(applied), &WriteError::Unknown { generation, error }))
            }
        }
    }

    /// Nothing is to be written, but what is stored must last, and the requests be remembered.
    fn settle_unchanged(
        &mut self,
        locked: &Locked,
        place: &Place,
        note: &Note,
        snapshot: &Snapshot,
    ) -> Result<(), Error> {
        // Whoever wrote it may not have flushed it.
        place.step("flush", locked.flush_present())?;
        self.requests.append(&place.requests, note, snapshot.generation, snapshot.digest)
    }

    /// The commit stands: does what follows from it, and answers.
    fn conclude(
        &mut self,
        locked: &mut Locked,
        stood: Stood<'_>,
        records: Records,
        applied: Vec<Applied>,
    ) {
        let Stood { base, put, note, text, touched } = stood;
        let ContentId::Bytes(digest) = put.content else { return };
        let generation = put.generation;
        let after = Snapshot {
            document: self.document,
            generation,
            digest,
            bytes: text,
            content: Arc::new(records.into_content()),
        };
        let after = Arc::new(after);
        self.files.keep(&after);
        let commit = Commit { document: self.document, generation, digest, note, after: &after };
        let followed = self.follow_ups.run(&self.files, &commit, &touched, &mut self.requests);
        if let Err(error) = followed {
            tracing::error!(document = %self.document, %generation, %error, "a commit stands, but what follows from it could not be done");
            answer_all(
                applied.into_iter().map(|done| done.job).collect(),
                &WriteError::Unknown { generation, error },
            );
            return;
        }
        let at = Some(locked.mark_done(&put));
        for Applied { job, entry } in applied {
            let committed = Committed {
                document: self.document,
                generation,
                digest,
                operation: entry.operation,
                changed: true,
                repeated: false,
                at,
            };
            let _ = job.answer.send(Ok(committed));
        }
        // What is left is for later commits and for people; whoever waits need not wait for it.
        locked.finish(base, &put, &after.bytes, KEPT_GENERATIONS);
    }

    /// Applies a job, answers it, or puts it off.
    fn apply(&mut self, mut job: Job, round: &mut Round<'_>, place: &Place) {
        if round.must_wait(&job) {
            round.deferred.push(job);
            return;
        }
        let fingerprint = job.options.request_id.is_some().then(|| job.change.fingerprint());
        if let (Some(id), Some(change)) = (&job.options.request_id, &fingerprint) {
            match self.repeated(place, id, change) {
                Ok(None) => {}
                Ok(Some(answer)) => {
                    let _ = job.answer.send(answer);
                    return;
                }
                Err(error) => {
                    let _ = job.answer.send(Err(WriteError::Storage(error)));
                    return;
                }
            }
        }
        match self.make(&mut job, round) {
            Ok(Made { operation, touched }) => {
                let entry = round.applied.len();
                round.touched.extend(touched.into_iter().map(|it| Touched { entry, ..it }));
                let request = job.options.request_id.clone().zip(fingerprint);
                let entry = Entry {
                    name: job.change.name().map(str::to_owned),
                    operation,
                    user: job.options.logical_user_id.clone(),
                    request,
                };
                round.note_length += note_length(&job);
                round.applied.push(Applied { job, entry });
            }
            Err(error) => {
                let _ = job.answer.send(Err(error));
            }
        }
    }

    /// The answer to a request that was answered before.
    fn repeated(
        &mut self,
        place: &Place,
        id: &str,
        change: &str,
    ) -> Result<Option<Result<Committed, WriteError>>, Error> {
        let Some(outcome) = self.requests.outcome(&place.requests, id)? else { return Ok(None) };
        let generation = outcome.generation;
        if outcome.change != change {
            return Ok(Some(Err(WriteError::RequestReused { generation })));
        }
        Ok(Some(Ok(Committed {
            document: self.document,
            generation,
            digest: outcome.digest,
            operation: outcome.operation,
            changed: true,
            repeated: true,
            at: None,
        })))
    }

    fn make(&self, job: &mut Job, round: &mut Round<'_>) -> Result<Made, WriteError> {
        check_ids(&job.options)?;
        round.check(&job.change, job.options.precondition)?;
        let category = self.document.category().unwrap_or(Category::Miscellaneous);
        let rules = Rules {
            category,
            validation: job.options.validation,
            knows_baseline: &*self.knows_baseline,
            now: round.now,
            v2: round.v2.as_deref(),
        };
        let records = &mut round.records;
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
                Err(WriteError::NotFound { document: self.document, name: name.clone() })
            }
            Change::Whole(change) => {
                let before = records.clone();
                let changed = records.replace_whole(self.document, change);
                round.settle(before, changed, job.options.may_shrink)
            }
            Change::Bytes(bytes) => {
                let path = self.files.layout().path(self.document);
                let content =
                    parse(self.document, &path, bytes).map_err(WriteError::SourceInvalid)?;
                let after = Snapshot {
                    document: self.document,
                    generation: Generation::default(),
                    digest: Digest::of(bytes),
                    bytes: bytes.clone(),
                    content: Arc::new(content),
                };
                let before = std::mem::replace(records, Records::of(&after));
                round.bytes = Some(bytes.clone());
                round.settle(before, Ok(()), job.options.may_shrink)
            }
        }
    }
}

/// What an attempt came to.
enum Attempt {
    /// Everybody was answered, or put off.
    Over,
    /// Somebody else wrote at the same time; these start over.
    Again(Vec<Job>),
}

/// A commit that is in place.
struct Stood<'a> {
    base: &'a Base,
    put: Put,
    note: &'a Note,
    text: Bytes,
    touched: Vec<Touched>,
}

impl<'a> Round<'a> {
    fn begin(snapshot: &'a Snapshot, v2: Option<Arc<Snapshot>>) -> Self {
        Self {
            snapshot,
            v2,
            records: Records::of(snapshot),
            bytes: None,
            applied: Vec::new(),
            touched: Vec::new(),
            deferred: Vec::new(),
            note_length: 0,
            now: i64::try_from(faults::clock_ms() / 1000).unwrap_or(i64::MAX),
        }
    }

    /// Whether the job cannot be part of this commit. Once one waits, all that came after it do.
    fn must_wait(&self, job: &Job) -> bool {
        let is_first = self.applied.is_empty();
        let is_alone = |change: &Change| matches!(change, Change::Whole(_) | Change::Bytes(_));
        let same_name = |applied: &Applied| applied.entry.name.as_deref() == job.change.name();
        let same_request = |applied: &Applied| {
            let request = applied.entry.request.as_ref().map(|(id, _)| id);
            request.is_some() && request == job.options.request_id.as_ref()
        };
        let is_full = self.note_length + note_length(job) > LARGEST_NOTE - NOTE_RESERVE;
        let wants_generation = matches!(job.options.precondition, Precondition::Generation(_));
        !self.deferred.is_empty()
            || !is_first
                && (is_alone(&job.change)
                    || self.applied.iter().any(|applied| is_alone(&applied.job.change))
                    || self
                        .applied
                        .iter()
                        .any(|applied| same_name(applied) || same_request(applied))
                    || is_full
                    || wants_generation)
    }

    fn check(&self, change: &Change, precondition: Precondition) -> Result<(), WriteError> {
        let exists = change.name().is_some_and(|name| self.records.contains(name));
        let holds = match precondition {
            Precondition::None => true,
            Precondition::Generation(generation) => generation == self.snapshot.generation,
            Precondition::Absent => !exists,
            Precondition::Present => exists,
        };
        if holds {
            return Ok(());
        }
        Err(WriteError::Conflict {
            document: self.snapshot.document,
            generation: self.snapshot.generation,
            record: change.name().and_then(|name| self.records.get(name)),
        })
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
                document: self.snapshot.document,
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

impl Change {
    /// The record it is about; none of a change of the whole document.
    fn name(&self) -> Option<&str> {
        match self {
            Self::Put { name, .. } | Self::Delete { name } => Some(name),
            Self::Whole(_) | Self::Bytes(_) => None,
        }
    }

    /// Tells changes apart that share a request id. What a function does cannot be told.
    fn fingerprint(&self) -> String {
        let text = match self {
            Self::Put { name, record } => {
                let record = Json::Object(record.clone()).to_text(Style::COMPACT);
                format!("put\n{name}\n{record}")
            }
            Self::Delete { name } => format!("delete\n{name}"),
            Self::Whole(_) => "whole".to_owned(),
            Self::Bytes(bytes) => format!("bytes\n{}", Digest::of(bytes)),
        };
        Digest::of(text.as_bytes()).to_string()
    }
}

/// Upper bound of what a job adds to a note, in bytes. A name is also told as the last one that was
/// changed, and so by the metadata of both formats.
fn note_length(job: &Job) -> usize {
    let text = |text: Option<&str>| text.map_or(0, printed_length);
    let options = &job.options;
    256 + 4 * text(job.change.name())
        + text(options.logical_user_id.as_deref())
        + text(options.request_id.as_deref())
}

fn check_ids(options: &WriteOptions) -> Result<(), WriteError> {
    for id in [&options.logical_user_id, &options.request_id].into_iter().flatten() {
        if printed_length(id) > LONGEST_ID {
            let name = id.chars().take(200).collect();
            let reason = "an id of a user or a request must not be longer than 4 KiB";
            return Err(WriteError::Name { name, reason });
        }
    }
    Ok(())
}

fn answer_all(jobs: Vec<Job>, error: &WriteError) -> Vec<Job> {
    for job in jobs {
        let _ = job.answer.send(Err(error.clone()));
    }
    Vec::new()
}

fn over(_: Vec<Job>) -> Attempt {
    Attempt::Over
}

fn answer_unchanged(applied: Vec<Applied>, document: Document, snapshot: &Snapshot) {
    for Applied { job, entry } in applied {
        let committed = Committed {
            document,
            generation: snapshot.generation,
            digest: snapshot.digest,
            operation: entry.operation,
            changed: false,
            repeated: false,
            at: None,
        };
        let _ = job.answer.send(Ok(committed));
    }
}
