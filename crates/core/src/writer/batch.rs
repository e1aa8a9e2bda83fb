//! One commit made of several changes to one document, each answered on its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::counters::Done;
use super::follow_ups::{Commit, FollowUps, metadata_after};
use super::job::Job;
use super::measures::Measures;
use super::note::{Note, Touched};
use super::records::of_replaced;
use super::requests::Requests;
use super::round::{Applied, Before, Round};
use crate::backend::Backend;
use crate::backend::files::Files;
use crate::change::{Change, Committed, WriteError};
use crate::disk::{Base, CommitError, Flush, LOCK_WAIT, Locked, Place, Put, Unlockable};
use crate::error::Error;
use crate::queue::Counters;
use crate::shrink::KEPT_GENERATIONS;
use crate::{Document, Snapshot};

/// How long a commit starts over because somebody without a lock writes at the same time.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes commits to one document.
pub(super) struct Committer {
    pub(super) document: Document,
    pub(super) files: Arc<Files>,
    pub(super) follow_ups: Arc<FollowUps>,
    pub(super) knows_baseline: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    pub(super) measures: Arc<Measures>,
    pub(super) requests: Requests,
}

/// What an attempt came to.
enum Attempt {
    /// Everybody was answered, but for these, which are for the next commit.
    Over(Vec<Job>),
    /// Somebody else wrote at the same time; these start over.
    Displaced(Vec<Job>),
}

/// What the changes of a round came to.
enum Outcome {
    /// They are what is stored already.
    Unchanged,
    /// The commit stands, and all that follows from it is done.
    Stands(Put, Arc<Snapshot>),
    /// Somebody else wrote at the same time; what was touched in vain.
    Displaced(Vec<Touched>),
}

impl Committer {
    /// Makes one commit of as many jobs as go into one and answers them. Returns those that do not,
    /// in their order.
    pub(super) fn commit(&mut self, mut jobs: Vec<Job>) -> Vec<Job> {
        jobs.retain(|job| !job.is_abandoned());
        let place = self.files.place(self.document);
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            match self.attempt(&place, jobs) {
                Attempt::Over(deferred) => return deferred,
                Attempt::Displaced(same) => jobs = same,
            }
        }
        let busy =
            WriteError::Busy(format!("somebody else keeps writing {}", place.path.display()));
        answer_all(jobs, &busy);
        Vec::new()
    }

    fn attempt(&mut self, place: &Place, jobs: Vec<Job>) -> Attempt {
        if jobs.is_empty() {
            return Attempt::Over(jobs);
        }
        let begun = Instant::now();
        let (mut locked, base, snapshot) = match self.begin(place, &jobs) {
            Ok(begun) => begun,
            Err(error) => {
                answer_all(jobs, &error);
                return Attempt::Over(Vec::new());
            }
        };
        let counters = match self.counters(place) {
            Ok(counters) => counters,
            Err(error) => {
                answer_all(jobs, &WriteError::Storage(error));
                return Attempt::Over(Vec::new());
            }
        };
        let (v2, knows_baseline) = (self.v2_beside(), Arc::clone(&self.knows_baseline));
        let mut round = Round::begin(Before {
            snapshot: &snapshot,
            path: &place.path,
            v2: v2.as_deref(),
            counters,
            knows_baseline: &*knows_baseline,
        });
        for job in jobs {
            if round.must_wait(&job) {
                round.deferred.push(job);
                continue;
            }
            match self.repeated(place, &job) {
                Ok(None) if matches!(job.change, Change::Nothing) => {
                    let Snapshot { generation, digest, .. } = *snapshot;
                    let voided = self.requests.void(&place.requests, &job, generation, digest);
                    job.answer(voided.map_err(WriteError::Storage).and(Err(
                        WriteError::NotFound { document: self.document, name: String::new() },
                    )));
                }
                Ok(None) => round.apply(job),
                Ok(Some(committed)) => job.answer(Ok(committed)),
                Err(error) => job.answer(Err(error)),
            }
        }
        let deferred = std::mem::take(&mut round.deferred);
        let applied = std::mem::take(&mut round.applied);
        if applied.is_empty() {
            return Attempt::Over(deferred);
        }
        match self.put(&mut locked, place, &base, round, &applied) {
            Ok(Outcome::Unchanged) => answer_made(applied, &snapshot, None),
            Ok(Outcome::Stands(put, after)) => {
                let at = locked.mark_done(&put);
                self.measures.committed(begun.elapsed());
                self.measures.flushed(put.flushes);
                answer_made(applied, &after, Some(at));
                // What is left is for later commits and for people; whoever waits need not wait for it.
                locked.finish(&base, &put, &after.bytes, KEPT_GENERATIONS);
            }
            Ok(Outcome::Displaced(touched)) => {
                let again = displaced(applied, touched).into_iter();
                return Attempt::Displaced(again.chain(deferred).collect());
            }
            Err(error) => answer_all(jobs_of(applied), &error),
        }
        Attempt::Over(deferred)
    }

    /// Takes the lock, sets right what a dead writer left, and reads what is there.
    fn begin(
        &self,
        place: &Place,
        jobs: &[Job],
    ) -> Result<(Locked, Base, Arc<Snapshot>), WriteError> {
        let begun = Instant::now();
        let locked = Locked::take(place.clone(), LOCK_WAIT);
        self.measures.waited_for_lock(begun.elapsed());
        let mut locked = locked.map_err(|unlockable| match unlockable {
            Unlockable::Busy(path) => WriteError::Busy(Error::Busy { path }.to_string()),
            Unlockable::Failed(error) => WriteError::Storage(error),
        })?;
        locked
            .recover(&mut |unfinished| self.files.follow_up(self.document, unfinished))
            .map_err(WriteError::Storage)?;
        let base = locked.read(self.files.floor(self.document)).map_err(WriteError::Storage)?;
        self.files.note_adopted(self.document, &locked, &base);
        if let Some(other) = self.held_elsewhere(&base) {
            return Err(WriteError::SourceInvalid(other));
        }
        let read = base.bytes.as_ref().map(|bytes| (place.path.as_path(), bytes.clone()));
        let replaces_all = jobs.iter().all(|job| matches!(job.change, Change::Bytes(_)));
        let snapshot = if replaces_all {
            of_replaced(&self.files, self.document, base.generation, read)
        } else {
            self.files.snapshot(self.document, base.generation, read)
        };
        Ok((locked, base, snapshot.map_err(WriteError::SourceInvalid)?))
    }

    /// The v2 document, where a legacy one is written.
    fn v2_beside(&self) -> Option<Arc<Snapshot>> {
        let Document::Legacy(category) = self.document else { return None };
        Some(self.files.load(Document::V2(category)).ok()?.snapshot)
    }

    /// Numbers that were given away, where the document is the queue.
    fn counters(&self, place: &Place) -> Result<Counters, Error> {
        match self.document {
            Document::PendingChanges => Counters::beside(&place.path),
            _ => Ok(Counters::default()),
        }
    }

    /// Records in the other file that is read where the document's own is missing: a new file would
    /// hide all of them.
    fn held_elsewhere(&self, base: &Base) -> Option<Error> {
        let path = self.files.layout().fallback(self.document)?;
        let is_there = base.bytes.is_none() && path.try_exists().unwrap_or(true);
        let reason = "the records are in this file, which is only read; import it first".to_owned();
        is_there.then_some(Error::Unavailable { action: "change", path, reason })
    }

    /// The outcome of a request that was answered before.
    fn repeated(&mut self, place: &Place, job: &Job) -> Result<Option<Committed>, WriteError> {
        let Some((id, change)) = &job.request else { return Ok(None) };
        let is_asked = matches!(job.change, Change::Nothing);
        let path = &place.requests;
        let outcome = match is_asked {
            true => self.requests.outcome_ever(path, id),
            false => self.requests.outcome(path, id),
        };
        let Some(outcome) = outcome.map_err(WriteError::Storage)? else { return Ok(None) };
        let generation = outcome.generation;
        match outcome.change == *change {
            // Somebody asked before, and it had not been answered then.
            true if is_asked => return Ok(None),
            false if !is_asked => return Err(WriteError::RequestReused { generation }),
            _ => {}
        }
        Ok(Some(Committed {
            document: self.document,
            generation,
            digest: outcome.digest,
            operation: outcome.operation,
            changed: true,
            repeated: true,
            at: None,
        }))
    }

    /// Writes what a round came to, and all that follows from it.
    fn put(
        &mut self,
        locked: &mut Locked,
        place: &Place,
        base: &Base,
        round: Round<'_>,
        applied: &[Applied],
    ) -> Result<Outcome, WriteError> {
        let Round { before, records, bytes, touched, now, .. } = round;
        let text = bytes.map_or_else(|| records.to_text(self.document).map(Bytes::from), Ok)?;
        let entries = applied.iter().map(|applied| applied.entry.clone()).collect();
        let done = Done::to(&touched);
        let mut note =
            Note { time: now, entries, done, metadata: Vec::new(), counters: records.counters() };
        if base.bytes.as_ref() == Some(&text) {
            let Snapshot { generation, digest, .. } = *before.snapshot;
            // Nothing is to be written. But whoever wrote it may not have flushed it.
            place
                .step("flush", locked.flush_present())
                .and_then(|()| self.follow_ups.tell(self.document, generation, &note, &touched))
                .and_then(|()| self.requests.append(&place.requests, &note, generation, digest))
                .map_err(WriteError::Storage)?;
            return Ok(Outcome::Unchanged);
        }
        let noted = locked.note(base).and_then(Note::read);
        note.metadata =
            metadata_after(&self.files, self.document, &note, noted.as_ref(), records.len())
                .map_err(WriteError::Storage)?;
        let put = match locked.commit(base, &text, note.to_json(), Flush::Now, true) {
            Ok(put) => put,
            Err(CommitError::Displaced) => return Ok(Outcome::Displaced(touched)),
            Err(CommitError::Before(error)) => return Err(WriteError::Storage(error)),
            Err(CommitError::Unknown(generation, error)) => {
                return Err(WriteError::Unknown { generation, error });
            }
        };
        let generation = put.generation;
        let after = Arc::new(Snapshot {
            document: self.document,
            generation,
            digest: put.digest,
            bytes: text,
            content: Arc::new(records.into_content()),
        });
        self.files.keep(&after);
        let commit = Commit { note: &note, after: &after };
        match self.follow_ups.run(&self.files, &commit, &touched, &mut self.requests) {
            Ok(()) => Ok(Outcome::Stands(put, after)),
            Err(error) => {
                tracing::error!(document = %self.document, %generation, %error, "a commit stands, but what follows from it could not be done");
                Err(WriteError::Unknown { generation, error })
            }
        }
    }
}

/// The jobs of a commit that somebody displaced, each with what it did to its record.
fn displaced(applied: Vec<Applied>, touched: Vec<Touched>) -> Vec<Job> {
    let mut jobs: Vec<Job> = jobs_of(applied).collect();
    for touched in touched {
        if let Some(job) = jobs.get_mut(touched.entry)
            && job.name().is_some()
        {
            job.displaced = Some(touched);
        }
    }
    jobs
}

fn jobs_of(applied: Vec<Applied>) -> impl Iterator<Item = Job> {
    applied.into_iter().map(|applied| applied.job)
}

fn answer_all(jobs: impl IntoIterator<Item = Job>, error: &WriteError) {
    for job in jobs {
        job.answer(Err(error.clone()));
    }
}

/// Answers changes that led to `after`: at that time, if it was not there before.
fn answer_made(applied: Vec<Applied>, after: &Snapshot, at: Option<Instant>) {
    for Applied { job, entry } in applied {
        job.answer(Ok(Committed {
            document: after.document,
            generation: after.generation,
            digest: after.digest,
            operation: entry.operation,
            changed: at.is_some(),
            repeated: false,
            at,
        }));
    }
}
