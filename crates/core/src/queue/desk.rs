//! Where changes are proposed, decided, and carried out: each step is one commit of the queue's
//! document, made by whichever worker was asked.
//!
//! Applying takes three steps: the entry is reserved, the record is written, the entry says so. The
//! record's write has a name that follows from the reservation, so that it happens once, whoever
//! finishes. One apply is under way at a time in all processes, under a lock of its own: whoever
//! holds it and finds an entry being applied knows that its worker died or was cut off, and settles
//! it. A write that was not made by then is refused if it comes later.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;

use super::{
    Actor, Decided, Decision, Draft, Entry, Filter, QueueChange, Refusal, ResourceKind, Split,
    State, Status,
};
use crate::catalogue::baselines::{self, BaselinesInUse};
use crate::catalogue::{Stamp, guidance};
use crate::change::{
    Change, Committed, Operation, Validation, Visibility, WholeChange, WriteError, WriteOptions,
};
use crate::disk::faults::clock_ms;
use crate::disk::{LOCK_WAIT, Lock, Unlockable};
use crate::generation::Digest;
use crate::json::Object;
use crate::{Category, CategoryView, Document, Error, Primary, Published};

/// How long an apply waits for others of this process: they may be many.
const TURN_WAIT: Duration = Duration::from_secs(20);

/// The queue of a PRIMARY. Cheap to clone.
#[derive(Clone)]
pub struct Queue {
    primary: Primary,
    turn: Arc<tokio::sync::Mutex<()>>,
    lock: PathBuf,
}

/// What came of applying changes one after the other.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Applied {
    /// Entries that are applied now.
    pub entries: Vec<Entry>,
    /// The first that could not be, and why; those after it were not tried.
    pub failed: Option<(i64, QueueError)>,
    /// The last batch of which a part is left, which is a batch of its own now.
    pub split: Option<Split>,
}

/// Why something is not as it was asked for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum QueueError {
    /// The queue does not allow it. Nothing has changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The queue cannot be written.
    #[error("the queue cannot be written: {0}")]
    Queue(WriteError),
    /// The record, or the catalogue, cannot be written.
    #[error(transparent)]
    Store(WriteError),
}

/// Held while changes are applied; nobody else applies any meanwhile.
struct Turn {
    _lock: Lock,
    _here: OwnedMutexGuard<()>,
}

impl Queue {
    pub(crate) fn of(primary: &Primary, turn: Arc<tokio::sync::Mutex<()>>, lock: PathBuf) -> Self {
        Self { primary: primary.clone(), turn, lock }
    }

    /// Proposes a change. It is durable, and everybody sees it, when this returns. Repeating a
    /// request of the same user and id returns the first entry as it is now.
    pub async fn propose(
        &self,
        draft: Draft,
        by: &Actor,
        request_id: Option<String>,
    ) -> Result<Entry, QueueError> {
        let actor = by.clone();
        let propose = move |state: &mut State, now: i64| {
            state.propose(draft.clone(), &actor, request_id.as_deref(), now)
        };
        self.step(by, Alone::No, Visibility::Everywhere, propose).await
    }

    /// Decides about pending changes, all or none. Of two decisions about one change, one is refused.
    pub async fn decide(&self, decision: Decision, by: &Actor) -> Result<Decided, QueueError> {
        let actor = by.clone();
        let decide = move |state: &mut State, now: i64| state.decide(&decision, &actor, now);
        self.step(by, Alone::Yes, Visibility::Everywhere, decide).await
    }

    /// Removes entries, but for those being applied; with `dry_run`, tells only which. Returns their numbers, ascending.
    pub async fn purge(
        &self,
        filter: Filter,
        dry_run: bool,
        by: &Actor,
    ) -> Result<Vec<i64>, QueueError> {
        let purge = move |state: &mut State, _: i64| {
            if !dry_run {
                return Ok(state.purge(&filter));
            }
            let mut meant: Vec<i64> = state.purgeable(&filter).map(|entry| entry.id).collect();
            meant.sort_unstable();
            Ok(meant)
        };
        self.step(by, Alone::Yes, Visibility::Everywhere, purge).await
    }

    /// Applies approved changes one after the other, until one fails. `job_id` names the job they
    /// belong to. Whoever repeats this with the same `request_id` and no job finds what is done.
    pub async fn apply(
        &self,
        ids: &[i64],
        job_id: Option<String>,
        by: &Actor,
        request_id: Option<&str>,
    ) -> Result<Applied, QueueError> {
        let turn = self.take_turn().await?;
        // Asked of the files, not of memory: what was left a moment ago counts, also for what is left of
        // its batch.
        self.settle_those_left(by).await?;
        let mut applied = Applied::default();
        let mut batches = Vec::new();
        for &id in ids {
            let reservation = job_id.clone().unwrap_or_else(|| reservation(id, by, request_id));
            match self.apply_one(id, &reservation, by, request_id.is_some()).await {
                Ok(entry) => {
                    batches.extend(entry.batch_id);
                    applied.entries.push(entry);
                }
                Err(error) => {
                    applied.failed = Some((id, error));
                    break;
                }
            }
        }
        batches.sort_unstable();
        batches.dedup();
        applied.split = self.split(batches, by).await;
        // Others need not wait until everybody sees it.
        drop(turn);
        self.primary.barrier().await;
        Ok(applied)
    }

    /// Finishes what workers that died were applying: an entry whose record was written becomes
    /// applied, any other is approved again. Does nothing while somebody applies.
    pub async fn settle(&self) -> Result<(), QueueError> {
        let by = Actor { id: String::new(), name: String::new() };
        let _turn = self.take_turn().await?;
        self.settle_those_left(&by).await
    }

    /// Whether an entry is being applied, as far as this process knows.
    pub async fn is_applying(&self) -> bool {
        let read = self.primary.pending_queue().await;
        read.view.entries().iter().any(|entry| entry.status == Status::Applying)
    }

    /// Whether the entry was applied by this order, which is repeated.
    pub fn was_applied_by(
        &self,
        entry: &Entry,
        job_id: Option<&str>,
        by: &Actor,
        request_id: &str,
    ) -> bool {
        let job = job_id.map(str::to_owned);
        let job = job.unwrap_or_else(|| reservation(entry.id, by, Some(request_id)));
        entry.status == Status::Applied && entry.job_id == Some(job)
    }

    async fn apply_one(
        &self,
        id: i64,
        reservation: &str,
        by: &Actor,
        is_repeatable: bool,
    ) -> Result<Entry, QueueError> {
        let (job, actor) = (reservation.to_owned(), by.clone());
        let reserve = move |state: &mut State, now: i64| {
            let known = state.get(id).filter(|entry| {
                is_repeatable
                    && entry.status == Status::Applied
                    && entry.job_id.as_ref() == Some(&job)
            });
            match known {
                Some(done) => Ok(done.clone()),
                None => state.reserve(id, &job, &actor, now),
            }
        };
        let entry = self.step(by, Alone::Yes, Visibility::Local, reserve).await?;
        if entry.status == Status::Applied {
            return Ok(entry);
        }
        match self.write(&entry, reservation, by).await {
            Ok(_) => {
                let applied = move |state: &mut State, now: i64| {
                    state.applied(&entry, now).ok_or(Refusal::NotFound(id))
                };
                let applied = self.step(by, Alone::Yes, Visibility::Local, applied).await;
                // The record is written; whether the entry says so shows when it is settled.
                applied.map_err(|error| {
                    tracing::warn!(change = id, %error, "a change is applied, and not marked yet");
                    QueueError::Store(WriteError::Ended)
                })
            }
            Err(error) => {
                if !is_unknown(&error) {
                    self.release(entry, by).await?;
                }
                Err(error)
            }
        }
    }

    async fn release(&self, reserved: Entry, by: &Actor) -> Result<(), QueueError> {
        let release = move |state: &mut State, now: i64| {
            state.release(&reserved, now);
            Ok(())
        };
        self.step(by, Alone::Yes, Visibility::Local, release).await
    }

    /// Writes what the change says, once, however often it is called for one reservation.
    async fn write(
        &self,
        entry: &Entry,
        reservation: &str,
        by: &Actor,
    ) -> Result<Committed, QueueError> {
        let document = self.document(entry);
        let change = self.change_of(entry, by).await?;
        let options = WriteOptions {
            request_id: Some(write_id(entry)),
            told_as: Some(reservation.to_owned()),
            validation: Validation::Shape,
            ..WriteOptions::by(&by.id).local()
        };
        self.primary.change(document, change, options).await.map_err(QueueError::Store)
    }

    /// The document that the change goes to.
    fn document(&self, entry: &Entry) -> Document {
        match entry.kind {
            ResourceKind::Model => Document::source_of(entry.category, self.primary.canonical()),
            ResourceKind::Baseline => Document::Baselines,
            ResourceKind::Guidance => Document::Guidance,
        }
    }

    async fn change_of(&self, entry: &Entry, by: &Actor) -> Result<Change, QueueError> {
        let (id, operation, name) = (entry.id, entry.operation, entry.model_name.clone());
        let payload = || -> Result<Object, QueueError> {
            entry.payload.clone().ok_or(Refusal::NoPayload { id, operation }.into())
        };
        Ok(match (entry.kind, operation) {
            (ResourceKind::Model, Operation::Delete) => Change::Delete { name },
            (ResourceKind::Model, _) => Change::Put { name, record: payload()? },
            // What others have just applied counts, although not everybody sees it yet.
            (ResourceKind::Baseline, _) => {
                self.primary.category_strong(Category::ImageGeneration).await;
                let in_use = self.primary.baselines_in_use().await;
                Change::Whole(baseline_changes(in_use, payload()?, by))
            }
            (ResourceKind::Guidance, _) => {
                let models = self.primary.category_strong(Category::TextGeneration).await;
                Change::Whole(guidance_changes(models.view, payload()?, by))
            }
        })
    }

    /// Numbers anew what is left of these batches, of which some was applied.
    async fn split(&self, batches: Vec<i64>, by: &Actor) -> Option<Split> {
        if batches.is_empty() {
            return None;
        }
        let split = move |state: &mut State, now: i64| {
            let mut last = None;
            for &batch in &batches {
                let is_begun = |entry: &Entry| {
                    entry.batch_id == Some(batch) && entry.status == Status::Applied
                };
                let begun = state.entries().any(is_begun);
                if begun {
                    last = state.split(batch, now)?.or(last);
                }
            }
            Ok(last)
        };
        self.step(by, Alone::Yes, Visibility::Local, split).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "what is left of a batch keeps its number");
            None
        })
    }

    /// Called under the turn, so that nobody is applying what is found being applied.
    async fn settle_those_left(&self, by: &Actor) -> Result<(), QueueError> {
        let find = |state: &mut State, _: i64| {
            let left = state.entries().filter(|entry| entry.status == Status::Applying);
            Ok(left.cloned().collect::<Vec<_>>())
        };
        let mut batches = Vec::new();
        for entry in self.step(by, Alone::Yes, Visibility::Local, find).await? {
            let document = self.document(&entry);
            let was_written = match self.primary.was_answered(document, write_id(&entry)).await {
                Ok(was_written) => was_written,
                Err(error) => {
                    // One document that cannot be read keeps no other from being settled.
                    tracing::error!(change = entry.id, %error, "a change that was being applied cannot be settled");
                    continue;
                }
            };
            tracing::warn!(
                change = entry.id,
                was_written,
                "a worker died while it applied a change; that is settled"
            );
            let who = Actor {
                id: entry.applied.by.clone().unwrap_or_else(|| by.id.clone()),
                name: entry.applied.username.clone().unwrap_or_else(|| by.name.clone()),
            };
            batches.extend(entry.batch_id);
            let settle = move |state: &mut State, now: i64| {
                match was_written {
                    true => drop(state.applied(&entry, now)),
                    false => state.release(&entry, now),
                }
                Ok(())
            };
            self.step(&who, Alone::Yes, Visibility::Local, settle).await?;
        }
        // Once all are settled: what is being applied moves with nobody.
        self.split(batches, by).await;
        Ok(())
    }

    async fn take_turn(&self) -> Result<Turn, QueueError> {
        let busy = || QueueError::Queue(WriteError::Busy("other changes are being applied".into()));
        let waiting = tokio::time::timeout(TURN_WAIT, Arc::clone(&self.turn).lock_owned());
        let here = waiting.await.map_err(|_| busy())?;
        let path = self.lock.clone();
        let taken = tokio::task::spawn_blocking(move || Lock::take(&path, LOCK_WAIT)).await;
        match taken {
            Ok(Ok(lock)) => Ok(Turn { _lock: lock, _here: here }),
            Ok(Err(Unlockable::Busy(path))) => {
                Err(QueueError::Queue(WriteError::Busy(Error::Busy { path }.to_string())))
            }
            Ok(Err(Unlockable::Failed(error))) => {
                Err(QueueError::Queue(WriteError::Storage(error)))
            }
            Err(_) => Err(QueueError::Queue(WriteError::Ended)),
        }
    }

    /// Makes one step of the queue durable. What it came to is what it came to the last time it was
    /// made, if it was made more than once.
    async fn step<T: Send + 'static>(
        &self,
        by: &Actor,
        alone: Alone,
        visibility: Visibility,
        mut step: impl FnMut(&mut State, i64) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, QueueError> {
        let result: Arc<Mutex<Option<Result<T, Refusal>>>> = Arc::default();
        let told = Arc::clone(&result);
        let change: QueueChange = Box::new(move |state, now| {
            let came_to = step(state, now);
            let refused = came_to.as_ref().err().map(ToString::to_string);
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(came_to);
            refused.map_or(Ok(()), |reason| Err(WriteError::Refused { reason }))
        });
        let options = WriteOptions {
            user_name: Some(by.name.clone()),
            visibility,
            ..WriteOptions::by(&by.id)
        };
        let change = Change::Queue { is_alone: alone == Alone::Yes, change };
        let committed = self.primary.change(Document::PendingChanges, change, options).await;
        let came_to = result.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (committed, came_to) {
            (Ok(_), Some(Ok(value))) => Ok(value),
            (Err(WriteError::Refused { .. }), Some(Err(refusal))) => Err(refusal.into()),
            (Err(error), _) => Err(QueueError::Queue(error)),
            (Ok(_), _) => Err(QueueError::Queue(WriteError::Ended)),
        }
    }
}

/// What a set of changes makes of the image baselines.
fn baseline_changes(in_use: BaselinesInUse, set: Object, by: &Actor) -> WholeChange {
    let editor = by.id.clone();
    Box::new(move |stored| {
        let stamp = Stamp { editor: Some(&editor), at: now() };
        baselines::apply_change_set(stored, &set, &in_use, stamp)
    })
}

/// What a set of changes makes of the text guidance, for these text models.
fn guidance_changes(models: Arc<Published<CategoryView>>, set: Object, by: &Actor) -> WholeChange {
    let editor = by.id.clone();
    Box::new(move |stored| {
        let is_model = |name: &str| models.records().is_some_and(|all| all.contains_key(name));
        let stamp = Stamp { editor: Some(&editor), at: now() };
        guidance::apply_change_set(stored, &set, &is_model, stamp)
    })
}

/// Seconds since 1970.
fn now() -> i64 {
    i64::try_from(clock_ms() / 1000).unwrap_or(i64::MAX)
}

/// Whether a step shares a commit with others: proposals do not know of one another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Alone {
    Yes,
    No,
}

/// Whether the record may have been written nevertheless.
fn is_unknown(error: &QueueError) -> bool {
    matches!(
        error,
        QueueError::Store(
            WriteError::Unknown { .. } | WriteError::Ended | WriteError::NoAnswer { .. }
        )
    )
}

/// The name of the record's write, in its document's log of requests: another for each reservation,
/// because one that was given up is never answered any more.
fn write_id(reserved: &Entry) -> String {
    let (id, at) = (reserved.id, reserved.updated_at.unwrap_or(0));
    format!("queue change {id}, {} at {at}", reserved.job_id.as_deref().unwrap_or_default())
}

/// Names a reservation that nobody named: the same for a request that is repeated.
fn reservation(id: i64, by: &Actor, request_id: Option<&str>) -> String {
    let seed = match request_id {
        Some(request) => format!("{id}\n{}\n{request}", by.id),
        None => format!("{id}\n{}\n{}", std::process::id(), unique()),
    };
    let digits = Digest::of(seed.as_bytes()).to_string();
    format!("apply-{id}-{}", &digits[..32])
}

/// A number that this process has not used before, and another hardly will.
pub(crate) fn unique() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    format!("{}\n{}", since.unwrap_or_default().as_nanos(), COUNT.fetch_add(1, Ordering::Relaxed))
}
