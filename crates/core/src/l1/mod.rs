//! The in-process tier: the current snapshot of every document, read without a lock.
//!
//! Readers answer from memory only while a *lease* lasts that was earned by looking at the files
//! (`looker.rs`). One thread looks at every document three times per lease and renews it; another
//! loads what changed, so that a large file never delays the looks. A reader that finds its lease
//! run out (the process was stopped, the machine slept, the disk hangs) asks for a look and waits a
//! bounded time for it; then it is served the last known content, marked stale.
//!
//! What is built from snapshots is refreshed through one callback that runs between the swap of the
//! snapshot and the renewal of its lease: whoever reads under a lease sees both or neither.

mod clock;
mod looker;
mod slot;
mod swaps;
mod wanted;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::Guard;
use tokio::sync::watch;

use crate::backend::{Backend, News};
use crate::disk::faults::{self, Rule};
use crate::measure::{Histogram, Reading, WORK};
use crate::{Document, Snapshot};
use looker::Looker;
pub use slot::Problem;
use slot::{Reloaded, Slot};
pub use swaps::{Propagation, REMEMBERED_SWAPS, Swap};
use swaps::{Swapped, Swaps};
use wanted::Wanted;

/// How long a read may be answered from memory after a look, and how often to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leases {
    /// Length of a lease: the bound on staleness.
    pub lease: Duration,
    /// Time between two looks; a third of the lease is right.
    pub look_every: Duration,
    /// How long a stamp must have been seen unchanged before it is trusted.
    pub young_stamp: Duration,
    /// How often everything is read again whatever the stamps say.
    pub deep_look: Duration,
}

impl Default for Leases {
    fn default() -> Self {
        Self {
            lease: Duration::from_millis(100),
            look_every: Duration::from_millis(33),
            young_stamp: Duration::from_secs(2),
            deep_look: Duration::from_secs(60),
        }
    }
}

impl Leases {
    /// The same habits for a lease of another length.
    #[must_use]
    pub fn of(self, lease: Duration) -> Self {
        if lease == self.lease {
            return self;
        }
        Self { lease, look_every: lease / 3, ..self }
    }
}

/// How long a reader waits for a look, and the load it may begin, when its lease has run out.
const READ_BUDGET: Duration = Duration::from_millis(250);

/// How long a reader who wants to know what the files hold now waits for it.
pub const STRONG_BUDGET: Duration = Duration::from_secs(1);

/// Called with what changed and all current snapshots, on a thread of L1's.
pub type OnChange = Box<dyn Fn(&Changed, Snapshots<'_>) + Send + Sync>;

/// What changed in one go.
#[derive(Debug, Default)]
pub struct Changed {
    /// Documents with other content.
    pub contents: Vec<Document>,
    /// Documents with the content they had, under another generation.
    pub names: Vec<Document>,
}

/// The current snapshot of every document.
#[derive(Clone, Copy)]
pub struct Snapshots<'a>(&'a [Slot]);

impl Snapshots<'_> {
    /// The current snapshot of `document`.
    pub fn get(&self, document: Document) -> Arc<Snapshot> {
        Guard::into_inner(self.0[document.index()].snapshot())
    }
}

/// Current snapshots, kept current by two threads. Dropping it ends them.
pub struct L1 {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    backend: Arc<dyn Backend>,
    slots: Vec<Slot>,
    leases: Leases,
    /// Until when (clock ticks) every document's lease lasts; the one word a read looks at.
    all_fresh_until: AtomicU64,
    /// How many documents must be loaded before anything of them is served: while there are any, the
    /// word above says nothing.
    awaited: AtomicU64,
    /// The progress that a reader saw when it began to wait in vain. As long as there has been none
    /// since, the looker hangs in a system call, and nobody else waits for it.
    in_vain_at: AtomicU64,
    /// What the loader has been asked for.
    wanted: Wanted,
    /// Counts passes and loads, so that waiting readers wake.
    progress: watch::Sender<u64>,
    stopping: AtomicBool,
    looks: AtomicU64,
    loads: AtomicU64,
    stale_answers: AtomicU64,
    /// When everything was loaded for the first time, in clock ticks.
    opened: u64,
    load_times: Histogram,
    swaps: Swaps,
}

/// Counters of this tier since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statistics {
    /// Passes of looks over all documents.
    pub looks: u64,
    /// Documents read from the backend.
    pub loads: u64,
    /// Reads answered with the mark *stale*.
    pub stale_answers: u64,
}

/// Documents loaded once, before any thread runs.
pub struct Loaded {
    shared: Shared,
}

impl L1 {
    /// Reads every document once. What cannot be read is absent and a [`Problem`].
    pub fn load(backend: Arc<dyn Backend>, leases: Leases) -> Loaded {
        let slots = std::thread::scope(|scope| {
            // Two halves: reading and parsing is what a start spends its time on.
            let all: Vec<Document> = Document::all().collect();
            let (even, odd): (Vec<_>, Vec<_>) =
                all.iter().partition(|document| document.index() % 2 == 0);
            let load_all = |documents: Vec<Document>| -> Vec<Slot> {
                documents
                    .into_iter()
                    .map(|document| Slot::load_first(&*backend, document))
                    .collect()
            };
            let other = scope.spawn(move || load_all(odd));
            let mut slots = load_all(even);
            slots.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            slots.sort_by_key(|slot| slot.document().index());
            slots
        });
        let loads = AtomicU64::new(slots.len() as u64);
        Loaded {
            shared: Shared {
                backend,
                slots,
                leases,
                all_fresh_until: AtomicU64::new(0),
                awaited: AtomicU64::new(0),
                in_vain_at: AtomicU64::new(u64::MAX),
                wanted: Wanted::default(),
                progress: watch::Sender::new(0),
                stopping: AtomicBool::new(false),
                looks: AtomicU64::new(0),
                loads,
                stale_answers: AtomicU64::new(0),
                opened: clock::now(),
                load_times: Histogram::new(WORK),
                swaps: Swaps::new(),
            },
        }
    }

    /// The current snapshot of `document`, whatever its lease.
    pub fn snapshot(&self, document: Document) -> Guard<Arc<Snapshot>> {
        self.shared.slots[document.index()].snapshot()
    }

    /// Whether what is in memory of `documents` may be served without another look.
    #[inline]
    pub fn is_fresh(&self, documents: impl IntoIterator<Item = Document>) -> bool {
        if faults::is_left_out(Rule::Lease) {
            return true;
        }
        let latest = clock::now_coarse() + clock::COARSE_LAG;
        if self.shared.awaited.load(Ordering::Acquire) == 0
            && latest < self.shared.all_fresh_until.load(Ordering::Acquire)
        {
            return true;
        }
        documents.into_iter().all(|document| self.shared.slots[document.index()].is_fresh(latest))
    }

    /// Asks for looks until `documents` are fresh, within the budget of a read. `false` means that
    /// what is in memory must be marked stale.
    pub async fn freshen<I>(&self, documents: I) -> bool
    where
        I: IntoIterator<Item = Document> + Clone,
    {
        let before = self.progress();
        let wait = async {
            let mut progress = self.shared.progress.subscribe();
            self.look_now();
            while !self.is_fresh(documents.clone()) && !self.is_no_use_to_wait(documents.clone()) {
                if progress.changed().await.is_err() {
                    return;
                }
            }
        };
        let in_time = tokio::time::timeout(READ_BUDGET, wait).await.is_ok();
        self.verdict(documents.clone(), in_time, before)
    }

    /// [`L1::freshen`] for threads without a runtime.
    pub fn freshen_blocking<I>(&self, documents: I) -> bool
    where
        I: IntoIterator<Item = Document> + Clone,
    {
        let deadline = std::time::Instant::now() + READ_BUDGET;
        let before = self.progress();
        let mut in_time = true;
        self.look_now();
        while in_time
            && !self.is_fresh(documents.clone())
            && !self.is_no_use_to_wait(documents.clone())
        {
            std::thread::sleep(Duration::from_millis(1));
            in_time = std::time::Instant::now() < deadline;
        }
        self.verdict(documents, in_time, before)
    }

    /// What is in memory of `documents` is older than what this process knows to be in the files. It is
    /// not served as fresh until it has been read anew, which begins at once.
    pub fn outdate(&self, documents: &[Document]) {
        for document in documents {
            // Counted first: between the two, reads look at each document.
            self.shared.awaited.fetch_add(1, Ordering::AcqRel);
            if !self.shared.slots[document.index()].await_load() {
                self.shared.awaited.fetch_sub(1, Ordering::AcqRel);
            }
            self.shared.wanted.ask(*document);
        }
    }

    /// Reads `documents` now, whatever is known of them. `false` means that they could not be read in
    /// time, and that what is in memory must be marked stale.
    pub async fn load_now(&self, documents: &[Document]) -> bool {
        let slots = || documents.iter().map(|document| &self.shared.slots[document.index()]);
        let mut progress = self.shared.progress.subscribe();
        let loads: Vec<u64> = slots().map(Slot::next_load).collect();
        documents.iter().for_each(|document| self.shared.wanted.ask(*document));
        let has_ended = || slots().zip(&loads).all(|(slot, load)| slot.has_ended(*load));
        let wait = async {
            while !has_ended() {
                if progress.changed().await.is_err() {
                    return;
                }
            }
        };
        let in_time = tokio::time::timeout(STRONG_BUDGET, wait).await.is_ok();
        let told = |(slot, load): (&Slot, &u64)| !slot.is_doubtful_since(*load);
        let fresh = in_time && slots().zip(&loads).all(told);
        if !fresh {
            self.shared.stale_answers.fetch_add(1, Ordering::Relaxed);
        }
        fresh
    }

    /// What a wait came to that began at progress `before`.
    fn verdict(
        &self,
        documents: impl IntoIterator<Item = Document>,
        in_time: bool,
        before: u64,
    ) -> bool {
        let fresh = self.is_fresh(documents);
        if !fresh {
            self.shared.stale_answers.fetch_add(1, Ordering::Relaxed);
            if !in_time {
                self.shared.in_vain_at.store(before, Ordering::Relaxed);
            }
        }
        fresh
    }

    /// The looker hangs, or it was told nothing about one of the documents.
    fn is_no_use_to_wait(&self, documents: impl IntoIterator<Item = Document>) -> bool {
        let in_doubt = |document: Document| {
            let slot = &self.shared.slots[document.index()];
            slot.is_in_doubt() && !slot.awaits_load()
        };
        self.shared.in_vain_at.load(Ordering::Relaxed) == self.progress()
            || documents.into_iter().any(in_doubt)
    }

    fn progress(&self) -> u64 {
        *self.shared.progress.borrow()
    }

    /// Wakes the looker before its time.
    pub fn look_now(&self) {
        for thread in &self.threads {
            thread.thread().unpark();
        }
    }

    /// What is wrong with documents at present.
    pub fn problems(&self) -> Vec<Problem> {
        self.shared.slots.iter().filter_map(Slot::problem).collect()
    }

    /// Counters since the start.
    pub fn statistics(&self) -> Statistics {
        Statistics {
            looks: self.shared.looks.load(Ordering::Relaxed),
            loads: self.shared.loads.load(Ordering::Relaxed),
            stale_answers: self.shared.stale_answers.load(Ordering::Relaxed),
        }
    }

    /// How long it takes to read a document again and to compare it.
    pub fn load_times(&self) -> Reading {
        self.shared.load_times.read()
    }

    /// The last contents that took the place of others, the oldest first.
    pub fn last_swaps(&self) -> Vec<Swap> {
        self.shared.swaps.last()
    }

    /// How long contents took to get here.
    pub fn propagation(&self) -> Propagation {
        self.shared.swaps.propagation()
    }

    /// How long ago the least lately looked at of `documents` was; since everything was loaded, where
    /// no look told anything yet.
    pub fn lease_age(&self, documents: impl IntoIterator<Item = Document>) -> Duration {
        let lease = clock::after(0, self.shared.leases.lease);
        let earned = |document: Document| {
            self.shared.slots[document.index()].lease_end().saturating_sub(lease)
        };
        let oldest = documents.into_iter().map(earned).min().unwrap_or(0);
        Duration::from_nanos(clock::now().saturating_sub(oldest.max(self.shared.opened)))
    }

    /// The bounds in force.
    pub fn leases(&self) -> Leases {
        self.shared.leases
    }
}

impl Loaded {
    /// What was loaded.
    pub fn snapshots(&self) -> Snapshots<'_> {
        Snapshots(&self.shared.slots)
    }

    /// Starts looking. `on_change` is called after a snapshot was swapped and before it is served
    /// under a lease.
    pub fn start(self, on_change: OnChange) -> std::io::Result<L1> {
        let shared = Arc::new(self.shared);
        let for_loads = Arc::clone(&shared);
        let loader = std::thread::Builder::new()
            .name("loader".into())
            .spawn(move || for_loads.load_wanted(&on_change))?;
        let told = Arc::downgrade(&shared);
        shared.backend.listen(Box::new(move |news| {
            if let Some(shared) = told.upgrade() {
                shared.hear(news);
            }
        }));
        let for_looks = Arc::clone(&shared);
        let looker = std::thread::Builder::new()
            .name("looker".into())
            .spawn(move || Looker::new(for_looks).run())?;
        Ok(L1 { shared, threads: vec![looker, loader] })
    }
}

impl Drop for L1 {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        self.shared.wanted.end();
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            // A panic there was already reported by the panic hook.
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// Somebody says that something may have changed: it is read, whatever its stamp. A load under way
    /// may have begun before the change; then another one follows it.
    fn hear(&self, news: News) {
        match news {
            News::Of(document) => self.wanted.ask(document),
            News::Unknown => Document::all().for_each(|document| self.wanted.ask(document)),
        }
    }

    /// Body of the loader thread: loads documents as they are wanted, all that are waiting at once,
    /// so that what is built from several of them is built once.
    fn load_wanted(&self, on_change: &OnChange) {
        while let Some(batch) = self.wanted.take() {
            let begun = clock::now();
            // A bug in what is built from odd data must not end the loading of all other data. The
            // panic hook has told of it; the last views are served, marked, while it is tried again.
            let built = std::panic::catch_unwind(AssertUnwindSafe(|| {
                self.load_batch(&batch, on_change);
            }));
            let lease_end = clock::after(begun, self.leases.lease);
            for document in batch {
                if self.slots[document.index()].loaded(lease_end, built.is_ok()) {
                    self.awaited.fetch_sub(1, Ordering::AcqRel);
                }
            }
            self.announce_progress();
        }
    }

    fn load_batch(&self, batch: &[Document], on_change: &OnChange) {
        let mut changed = Changed::default();
        for &document in batch {
            self.loads.fetch_add(1, Ordering::Relaxed);
            let slot = &self.slots[document.index()];
            slot.begin_load();
            let begun = Instant::now();
            let reloaded = slot.reload(&*self.backend);
            self.load_times.observe(begun.elapsed());
            match reloaded {
                Reloaded::Nothing => {}
                Reloaded::Name => changed.names.push(document),
                Reloaded::Content => changed.contents.push(document),
            }
        }
        if !(changed.contents.is_empty() && changed.names.is_empty()) {
            on_change(&changed, Snapshots(&self.slots));
            self.note_swaps(&changed.contents, true);
            self.note_swaps(&changed.names, false);
        }
    }

    fn note_swaps(&self, documents: &[Document], is_content: bool) {
        for &document in documents {
            let slot = &self.slots[document.index()];
            let generation = slot.snapshot().generation;
            let origin = self.backend.origin(document, generation);
            let placed_ms = slot.placed_ms();
            self.swaps.note(&Swapped { document, generation, origin, placed_ms, is_content });
        }
    }

    fn announce_progress(&self) {
        let earliest = self.slots.iter().map(Slot::lease_end).min().unwrap_or(0);
        self.all_fresh_until.store(earliest, Ordering::Release);
        self.progress.send_modify(|count| *count += 1);
    }
}
