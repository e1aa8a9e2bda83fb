//! Checks the service from outside its own caches, little and always.
//!
//! After each new generation of a document, at three ages of it, the file is read past everything that
//! is remembered here, and compared with what is served from memory; what a shared tier says is compared
//! with it too. What does not agree is counted by age, and told in the log where it should never be.
//! Nothing is done while nothing changes, and nothing waits for this. A document that changes again
//! before a check begins anew: a change costs three reads of its file, and a fourth where one of them is
//! not what memory serves.

mod agenda;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::backend::{Backend, Disagreement, Witness};
use crate::generation::Generation;
use crate::l1::L1;
use crate::{Document, Snapshot};
pub(crate) use agenda::Agenda;
use agenda::{Doubt, Due, Task};

/// How old a generation is when it is checked.
pub const AGES: [Duration; 3] =
    [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(10)];

/// What a document that was just read may take to be served, beyond a lease.
const LOAD_TIME: Duration = Duration::from_millis(100);
/// Within which time a missing file is believed to be gone, and one that was set aside is put back.
const GONE_WITHIN: Duration = Duration::from_millis(1500);

/// What a check came to. One that finds several things counts each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing said anything else than the file.
    Agree,
    /// Memory served an older content for longer than it may.
    L1Old,
    /// The shared record had not heard of the content.
    RecordOld,
    /// A shared copy was written by somebody else, with the same meaning.
    CopyForeign,
    /// A shared copy meant something else.
    CopyStale,
    /// The file could not be read, or makes no sense.
    Unreadable,
}

/// How often checks came to what, by age.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checks([[u64; Verdict::COUNT]; AGES.len()]);

/// Checks until it is dropped.
pub(crate) struct Watcher {
    watch: Arc<Watch>,
    /// Taken when it ends.
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread and others share.
#[derive(Default)]
pub(crate) struct Watch {
    agenda: Agenda,
    counts: [[AtomicU64; Verdict::COUNT]; AGES.len()],
}

impl Verdict {
    const COUNT: usize = 6;
    /// All of them.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Agree,
        Self::L1Old,
        Self::RecordOld,
        Self::CopyForeign,
        Self::CopyStale,
        Self::Unreadable,
    ];

    /// One word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agree => "agree",
            Self::L1Old => "l1_old",
            Self::RecordOld => "record_old",
            Self::CopyForeign => "copy_foreign",
            Self::CopyStale => "copy_stale",
            Self::Unreadable => "unreadable",
        }
    }
}

impl From<Disagreement> for Verdict {
    fn from(disagreement: Disagreement) -> Self {
        match disagreement {
            Disagreement::RecordOld => Self::RecordOld,
            Disagreement::CopyForeign => Self::CopyForeign,
            Disagreement::CopyStale => Self::CopyStale,
        }
    }
}

impl Checks {
    /// How often checks at an age, by its place in [`AGES`], came to a verdict.
    pub fn count(&self, age: usize, verdict: Verdict) -> u64 {
        self.0[age][verdict as usize]
    }

    /// How often checks of any age did.
    pub fn total(&self, verdict: Verdict) -> u64 {
        self.0.iter().map(|counts| counts[verdict as usize]).sum()
    }
}

impl Watch {
    /// The document has a new content, or a new name for the one it had.
    pub(crate) fn note(&self, document: Document, generation: Generation) {
        self.agenda.note(document, generation, Instant::now());
    }

    fn count(&self, age: usize, verdict: Verdict) {
        self.counts[age][verdict as usize].fetch_add(1, Ordering::Relaxed);
    }
}

impl Watcher {
    /// Begins to check what `l1` serves of `backend`, and what that says, when `watch` is told.
    pub(crate) fn start(
        watch: Arc<Watch>,
        backend: Arc<dyn Backend>,
        l1: Arc<L1>,
    ) -> std::io::Result<Self> {
        let check = Check { watch: Arc::clone(&watch), backend, l1 };
        let thread =
            std::thread::Builder::new().name("watcher".into()).spawn(move || check.run())?;
        Ok(Self { watch, thread: Mutex::new(Some(thread)) })
    }

    pub(crate) fn checks(&self) -> Checks {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Checks(self.watch.counts.each_ref().map(|counts| counts.each_ref().map(read)))
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.watch.agenda.end();
        let thread = self.thread.get_mut().ok().and_then(Option::take);
        if let Some(thread) = thread {
            // A panic there was already reported by the panic hook.
            let _ = thread.join();
        }
    }
}

/// What the thread works with.
struct Check {
    watch: Arc<Watch>,
    backend: Arc<dyn Backend>,
    l1: Arc<L1>,
}

impl Check {
    fn run(&self) {
        while let Some(due) = self.watch.agenda.take() {
            match due {
                Due::Task(document, task) => self.check(document, task),
                Due::Doubt(document, doubt) => self.decide(document, &doubt),
            }
        }
    }

    fn check(&self, document: Document, task: Task) {
        // In this order: what memory holds may be newer than what was read, but not by fault older.
        let witness = match self.backend.witness(document) {
            Ok(Some(witness)) => witness,
            Ok(None) => return,
            Err(_) => return self.watch.count(task.age, Verdict::Unreadable),
        };
        let served = Arc::clone(&self.l1.snapshot(document));
        if witness.generation > task.generation {
            self.watch.note(document, witness.generation);
        }
        if !witness.is_of(&served) {
            let due = Instant::now() + self.patience(&witness);
            return self
                .watch
                .agenda
                .doubt(document, Doubt { age: task.age, due, served, witness });
        }
        if witness.generation > task.generation {
            return;
        }
        let disagreements = match witness.generation.is_some() {
            true => self.backend.disagreements(&named(served, witness.generation)),
            false => Vec::new(),
        };
        if disagreements.is_empty() {
            self.watch.count(task.age, Verdict::Agree);
        }
        for disagreement in disagreements {
            self.watch.count(task.age, disagreement.into());
        }
    }

    /// How long memory may go on with another content than the one that was read.
    fn patience(&self, witness: &Witness) -> Duration {
        let bound = self.l1.leases().lease.mul_f64(1.02) + LOAD_TIME;
        if witness.is_present { bound } else { bound.max(GONE_WITHIN) }
    }

    /// Memory held another content than the file, which may just have been put in place. By now it must
    /// have moved on, if the file has stayed as it was.
    fn decide(&self, document: Document, doubt: &Doubt) {
        let served = self.l1.snapshot(document);
        if doubt.witness.is_of(&served) {
            return self.watch.count(doubt.age, Verdict::Agree);
        }
        // What makes no sense is told elsewhere, and the content before it is served on purpose.
        if self.l1.problems().iter().any(|problem| problem.document == document) {
            return self.watch.count(doubt.age, Verdict::Unreadable);
        }
        let is_as_read =
            |now: &Witness| (now.digest, now.stamp) == (doubt.witness.digest, doubt.witness.stamp);
        let is_as_read =
            self.backend.witness(document).ok().flatten().as_ref().is_some_and(is_as_read);
        if !is_as_read || !served.holds_the_same(&doubt.served) {
            return;
        }
        tracing::error!(%document, served = %served.generation, "an older content is served than the file holds");
        self.watch.count(doubt.age, Verdict::L1Old);
    }
}

fn named(snapshot: Arc<Snapshot>, generation: Generation) -> Arc<Snapshot> {
    if snapshot.generation == generation {
        return snapshot;
    }
    Arc::new(snapshot.named(generation))
}
