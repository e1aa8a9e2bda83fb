//! One document's place in L1: its snapshot, its lease, and what a look last saw of it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, Guard};
use bytes::Bytes;

use super::clock;
use crate::backend::{Backend, LastGood, Loaded, Stamp};
use crate::disk::faults::{self, Rule};
use crate::error::Error;
use crate::generation::{Digest, Generation};
use crate::snapshot::Content;
use crate::{Document, Snapshot};

/// How many looks in a row must find nothing, and for how long, before a held document is believed
/// to be gone: writers of the reference move the file away before they put the new one in place.
const ABSENCE_LOOKS: u32 = 5;
const ABSENCE_TIME: Duration = Duration::from_millis(250);

/// Something is wrong with a document; the last good content, if there is one, is being served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{document}: {error}")]
pub struct Problem {
    /// Which document.
    pub document: Document,
    /// What is wrong, and where.
    pub error: Error,
}

pub(super) struct Slot {
    document: Document,
    snapshot: ArcSwap<Snapshot>,
    /// Clock ticks until which the snapshot may be served.
    lease_end: AtomicU64,
    /// Whether the loader has been asked for this document and has not answered.
    loading: AtomicBool,
    /// Whether what is built from the document could not be built from its present content.
    unbuilt: AtomicBool,
    /// Loads that were begun, and the number of the last one that ended.
    loads_begun: AtomicU64,
    loads_ended: AtomicU64,
    /// The number of the last load that told nothing, or came to nothing.
    doubtful_load: AtomicU64,
    /// The load without which the snapshot must not be served, because this process knows better: it
    /// has just written. 0 when there is none.
    awaited_load: AtomicU64,
    /// Locked by the looker, the loader and health, for a few lines.
    seen: Mutex<Seen>,
}

/// What looks have seen.
struct Seen {
    /// The stamp of the content held, or of the broken content that was refused.
    stamp: Option<Stamp>,
    /// Since when that stamp has been seen.
    since: Instant,
    /// When the content was last read.
    read_at: Instant,
    /// Whether the backend had nothing more to learn about it then.
    is_final: bool,
    /// Whether the stamp was old enough to be trusted when it was first seen.
    is_settled: bool,
    /// Looks in a row that found no file, and the first of them.
    missing: Option<(u32, Instant)>,
    problem: Option<Error>,
    /// Whether the last load read nothing, because somebody had moved the file away.
    is_away: bool,
    /// Whether what makes no sense now replaced something that was never seen here.
    has_missed: bool,
}

impl Seen {
    /// Whether the backend could not tell what the document holds, or nobody here knows what it held
    /// before it made no sense.
    fn is_in_doubt(&self) -> bool {
        self.has_missed
            || matches!(self.problem, Some(Error::Unavailable { .. } | Error::Unsettled { .. }))
    }

    /// Whether enough looks in a row found nothing for the document to be believed gone.
    fn is_gone(&self) -> bool {
        let enough = |(looks, since): (u32, Instant)| {
            looks >= ABSENCE_LOOKS && since.elapsed() >= ABSENCE_TIME
        };
        self.missing.is_some_and(enough)
    }
}

/// What a look says must be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The content held is the document's.
    Same,
    /// Read it; it may have changed.
    Read,
    /// The backend does not answer; what is held may be old.
    Unknown,
}

/// What a load brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reloaded {
    /// All is as it was.
    Nothing,
    /// The content held has another generation now.
    Name,
    /// What depends on the document must be built anew.
    Content,
}

impl Slot {
    /// Reads the document for the first time. A file that is just being replaced is waited for.
    pub(super) fn load_first(backend: &dyn Backend, document: Document) -> Self {
        let now = Instant::now();
        let mut attempt = backend.load(document);
        while matches!(attempt, Err(Error::Unsettled { .. }))
            && now.elapsed() < Duration::from_millis(1500)
        {
            std::thread::sleep(Duration::from_millis(20));
            attempt = backend.load(document);
        }
        let (loaded, has_missed, problem) = match attempt {
            Ok(loaded) => (loaded, false, None),
            Err(error) => {
                let (loaded, has_missed) = last_known(backend, document);
                (loaded, has_missed, Some(error))
            }
        };
        let Loaded { snapshot, stamp, is_final, is_settled } = loaded;
        if let Some(error) = &problem {
            let is_known = snapshot.is_present();
            tracing::error!(%document, %error, is_known, "document cannot be read; what else is known of it is served, or nothing");
        }
        Self {
            document,
            snapshot: ArcSwap::new(snapshot),
            lease_end: AtomicU64::new(0),
            loading: AtomicBool::new(false),
            unbuilt: AtomicBool::new(false),
            loads_begun: AtomicU64::new(0),
            loads_ended: AtomicU64::new(0),
            doubtful_load: AtomicU64::new(0),
            awaited_load: AtomicU64::new(0),
            seen: Mutex::new(Seen {
                stamp,
                since: now,
                read_at: now,
                is_final,
                is_settled,
                missing: None,
                problem,
                is_away: false,
                has_missed,
            }),
        }
    }

    pub(super) fn document(&self) -> Document {
        self.document
    }

    pub(super) fn snapshot(&self) -> Guard<Arc<Snapshot>> {
        self.snapshot.load()
    }

    pub(super) fn lease_end(&self) -> u64 {
        self.lease_end.load(Ordering::Acquire)
    }

    pub(super) fn is_fresh(&self, at: u64) -> bool {
        at < self.lease_end() && self.awaited_load.load(Ordering::Acquire) == 0
    }

    /// Nothing is fresh until a load that begins after now. Whether something was.
    pub(super) fn await_load(&self) -> bool {
        // Others may have asked for a later one meanwhile.
        self.awaited_load.fetch_max(self.next_load(), Ordering::AcqRel) == 0
    }

    /// Whether the load that has just ended was awaited; no longer, then.
    fn is_awaited(&self) -> bool {
        let begun = self.loads_begun.load(Ordering::Acquire);
        let cleared =
            self.awaited_load.fetch_update(Ordering::AcqRel, Ordering::Acquire, |awaited| {
                (awaited != 0 && awaited <= begun).then_some(0)
            });
        cleared.is_ok()
    }

    pub(super) fn renew(&self, lease_end: u64) {
        // A load that began earlier must not shorten what a later look earned.
        self.lease_end.fetch_max(lease_end, Ordering::AcqRel);
    }

    pub(super) fn expire(&self) {
        self.lease_end.store(0, Ordering::Release);
    }

    /// Whether the loader should be asked; at most once until it has answered.
    pub(super) fn claim_load(&self) -> bool {
        !self.loading.swap(true, Ordering::AcqRel)
    }

    /// A load begins; whoever asked before now is answered by it.
    pub(super) fn begin_load(&self) {
        self.loads_begun.fetch_add(1, Ordering::AcqRel);
    }

    /// The number of the first load that begins after now.
    pub(super) fn next_load(&self) -> u64 {
        self.loads_begun.load(Ordering::Acquire) + 1
    }

    /// Whether load number `load` has ended.
    pub(super) fn has_ended(&self, load: u64) -> bool {
        self.loads_ended.load(Ordering::Acquire) >= load
    }

    /// Whether load number `load`, or one after it, told nothing. A later one may have cleared the
    /// doubt before what follows from it can be read.
    pub(super) fn is_doubtful_since(&self, load: u64) -> bool {
        self.is_in_doubt() || self.doubtful_load.load(Ordering::Acquire) >= load
    }

    /// Ends a load that [`Slot::claim_load`] began. `built` tells whether all that depends on the
    /// document was built; if not, it is read and tried again, and earns no lease until then. Tells
    /// whether the load was awaited.
    pub(super) fn loaded(&self, lease_end: u64, built: bool) -> bool {
        self.unbuilt.store(!built, Ordering::Release);
        let mut was_awaited = false;
        if self.is_in_doubt() {
            self.doubtful_load.store(self.loads_begun.load(Ordering::Acquire), Ordering::Release);
        } else {
            self.renew(lease_end);
            was_awaited = !self.seen().is_away && self.is_awaited();
        }
        self.loading.store(false, Ordering::Release);
        self.loads_ended.store(self.loads_begun.load(Ordering::Acquire), Ordering::Release);
        was_awaited
    }

    /// Whether the loader has been asked and has not answered.
    pub(super) fn is_loading(&self) -> bool {
        self.loading.load(Ordering::Acquire)
    }

    /// Whether a load is yet to end that knows more than what is held: this process has just written.
    pub(super) fn awaits_load(&self) -> bool {
        let awaited = self.awaited_load.load(Ordering::Acquire);
        awaited != 0 && !self.has_ended(awaited)
    }

    /// Whether the last look or read told nothing, or came to nothing: waiting for the next is no
    /// use to a reader.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.unbuilt.load(Ordering::Acquire) || self.seen().is_in_doubt()
    }

    /// Compares what a look found with what was seen before.
    pub(super) fn judge(
        &self,
        look: Result<Option<Stamp>, Error>,
        now: Instant,
        young_stamp: Duration,
        deep_look: Duration,
    ) -> Verdict {
        let mut seen = self.seen();
        let stamp = match look {
            Ok(stamp) => stamp,
            Err(error) => {
                self.note(&mut seen, Some(error));
                return Verdict::Unknown;
            }
        };
        if stamp.is_none() && seen.stamp.is_some() {
            let (looks, since) = seen.missing.unwrap_or((0, now));
            seen.missing = Some((looks + 1, since));
            return if seen.is_gone() { Verdict::Read } else { Verdict::Same };
        }
        seen.missing = None;
        if stamp != seen.stamp {
            return Verdict::Read;
        }
        // What is held was not read from what is there now, or nobody knows.
        let in_doubt = seen.is_in_doubt() || self.unbuilt.load(Ordering::Acquire);
        // The absence of a file has no clock that could stand still.
        let is_old = seen.is_settled
            || now.saturating_duration_since(seen.since) >= young_stamp
            || faults::is_left_out(Rule::YoungStamp);
        let settled = seen.is_final && (stamp.is_none() || is_old);
        let due = now.saturating_duration_since(seen.read_at) >= deep_look;
        if settled && !due && !in_doubt { Verdict::Same } else { Verdict::Read }
    }

    /// Reads the document again.
    pub(super) fn reload(&self, backend: &dyn Backend) -> Reloaded {
        let unchanged = match self.unbuilt.load(Ordering::Acquire) {
            true => Reloaded::Content,
            false => Reloaded::Nothing,
        };
        let before = backend.look(self.document).ok().flatten();
        let loaded = backend.load(self.document);
        let mut seen = self.seen();
        let found_nothing = loaded.as_ref().is_ok_and(|loaded| !loaded.snapshot.is_present());
        // What was held is served on while a writer has set the file aside; nothing was read then.
        let is_set_aside = loaded
            .as_ref()
            .is_ok_and(|loaded| loaded.snapshot.is_present() && loaded.stamp.is_none());
        // It was moved away between the look that asked for this and the read.
        seen.is_away = is_set_aside || found_nothing && seen.stamp.is_some() && !seen.is_gone();
        if seen.is_away {
            return unchanged;
        }
        let now = Instant::now();
        seen.read_at = now;
        seen.missing = None;
        let (stamp, problem) = match &loaded {
            Ok(loaded) => (loaded.stamp, None),
            Err(error) => (before, Some(error.clone())),
        };
        if stamp != seen.stamp {
            seen.stamp = stamp;
            seen.since = now;
            seen.is_settled = loaded.as_ref().is_ok_and(|loaded| loaded.is_settled);
        }
        self.note(&mut seen, problem);
        let held = self.snapshot.load();
        let (snapshot, is_final) = match loaded {
            Ok(Loaded { snapshot, is_final, .. }) => (snapshot, is_final),
            Err(_) => {
                // What was written here may have been replaced before it was ever read.
                let Some(last) = backend.last_good(self.document) else { return unchanged };
                // What is held may be a copy from elsewhere that is gone or older there by now.
                let generation = last.snapshot.generation;
                let is_older = generation.is_some() && generation < held.generation;
                seen.has_missed = !last.is_newest || is_older;
                if is_older || last.snapshot.holds_the_same(&held) {
                    return unchanged;
                }
                // The lease is one of what is held. What may be old must not be served under it; it
                // is not renewed, and this is loaded again at every look.
                if seen.has_missed && clock::now_coarse() < self.lease_end() {
                    return unchanged;
                }
                self.snapshot.store(last.snapshot);
                return Reloaded::Content;
            }
        };
        seen.is_final = is_final;
        seen.has_missed = false;
        if snapshot.holds_the_same(&held) {
            let is_named = snapshot.generation.is_some();
            if is_named && snapshot.generation <= held.generation
                || !is_named && !held.generation.is_some()
            {
                return unchanged;
            }
            if !is_named {
                // It was replaced, and came back: its old name is another content's past.
                self.snapshot.store(snapshot);
                return Reloaded::Content;
            }
            self.snapshot.store(snapshot);
            return unchanged.max(Reloaded::Name);
        }
        let generation = snapshot.generation;
        if snapshot.is_present() {
            tracing::info!(document = %self.document, %generation, "document changed");
        } else {
            tracing::warn!(document = %self.document, %generation, "document is gone");
        }
        self.snapshot.store(snapshot);
        Reloaded::Content
    }

    /// When the file system says that the content was put in place, in milliseconds since 1970.
    pub(super) fn placed_ms(&self) -> Option<u64> {
        let changed = self.seen().stamp?.changed_ns;
        u64::try_from(changed / 1_000_000).ok()
    }

    pub(super) fn problem(&self) -> Option<Problem> {
        let error = self.seen().problem.clone()?;
        Some(Problem { document: self.document, error })
    }

    /// Keeps the problem, and tells it once.
    fn note(&self, seen: &mut Seen, problem: Option<Error>) {
        if seen.problem == problem {
            return;
        }
        match &problem {
            Some(error) => {
                tracing::error!(document = %self.document, %error, "document cannot be read; the last good content is served");
            }
            None => tracing::info!(document = %self.document, "document is readable again"),
        }
        seen.problem = problem;
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a backend knows of a document it cannot read, and whether there may have been something
/// newer; nothing, if it knows nothing.
fn last_known(backend: &dyn Backend, document: Document) -> (Loaded, bool) {
    let nothing = absent(document);
    match backend.last_good(document) {
        Some(LastGood { snapshot, is_newest }) => (Loaded { snapshot, ..nothing }, !is_newest),
        None => (nothing, false),
    }
}

fn absent(document: Document) -> Loaded {
    let snapshot = Snapshot {
        document,
        generation: Generation::default(),
        digest: Digest::of(b""),
        bytes: Bytes::new(),
        content: Arc::new(Content::Absent),
    };
    Loaded { snapshot: Arc::new(snapshot), stamp: None, is_final: true, is_settled: false }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::{Category, Json};

    /// Loads what it was told to, one after the other.
    struct Told(Mutex<VecDeque<Loaded>>);

    impl Backend for Told {
        fn look(&self, _: Document) -> Result<Option<Stamp>, Error> {
            Ok(None)
        }

        fn load(&self, _: Document) -> Result<Loaded, Error> {
            Ok(self.0.lock().unwrap().pop_front().unwrap())
        }
    }

    #[test]
    fn a_file_seen_set_aside_is_not_sooner_believed_to_be_gone() {
        let document = Document::V2(Category::Clip);
        let content = Arc::new(Content::Json(Json::Object(crate::json::Object::new())));
        let snapshot = Arc::new(Snapshot {
            content,
            ..(*absent(document).snapshot).named(Generation::default())
        });
        let stamp = Stamp { device: 1, inode: 1, size: 0, modified_ns: 0, changed_ns: 0 };
        let read = Loaded { snapshot, stamp: Some(stamp), is_final: true, is_settled: false };
        let set_aside = Loaded { stamp: None, is_final: false, ..read.clone() };
        let told = Told(Mutex::new([read, set_aside, absent(document)].into()));
        let slot = Slot::load_first(&told, document);
        for _ in 0..2 {
            assert_eq!(slot.reload(&told), Reloaded::Nothing);
            assert!(slot.snapshot().is_present());
        }
    }
}
