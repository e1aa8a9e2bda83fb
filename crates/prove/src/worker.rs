//! A worker: a process that writes and reads at random, and writes down what it did.
//!
//! It is led by lines on its standard input (`settle`, `finish`; the end of it ends the worker) and
//! answers each on standard output when it has done so.

use std::io::{BufRead, Write};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use fastrand::Rng;
use horde_model_reference::Category;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::clock;
use crate::faults::{Armed, Mutation};
use crate::history::{
    self, Begun, Ended, Event, Kind, Outcome, Recorder, Source, Visibility, call,
};
use crate::online::Acknowledged;
use crate::subject::{Answer, Change, Failure, Setup, Subject, Written};

/// How long any call may take. What takes longer is an outcome nobody knows.
const PATIENCE: Duration = Duration::from_secs(20);

/// Plain reads without a log between two looks at what was acknowledged.
const READS_PER_LOOK: u64 = 32;

/// What a worker is told on its command line.
#[derive(Debug, Clone, Args)]
pub struct Task {
    /// The data directory.
    #[arg(long)]
    pub root: PathBuf,
    /// The folder of histories.
    #[arg(long)]
    pub histories: PathBuf,
    /// Number of this process in the run; its history is `w<NUMBER>`.
    #[arg(long)]
    pub number: u32,
    /// Its place among the workers that run at a time.
    #[arg(long)]
    pub slot: usize,
    /// Seed of its choices.
    #[arg(long)]
    pub seed: u64,
    /// The documents, as names of categories.
    #[arg(long, value_delimiter = ',', required = true)]
    pub documents: Vec<Category>,
    /// How many calls it makes at a time.
    #[arg(long, default_value_t = 3)]
    pub clients: u32,
    /// Only reads, as fast as it can, without a log.
    #[arg(long)]
    pub online: bool,
    /// Keeps its runtime busy.
    #[arg(long)]
    pub starve: bool,
    /// What it does to itself: `POINT=kill|stop|eio|enospc@PASS`.
    #[arg(long)]
    pub armed: Option<Armed>,
    /// The rule that is left out, to see the checker convict it.
    #[arg(long, value_enum)]
    pub mutation: Option<Mutation>,
    /// The legacy format is canonical.
    #[arg(long)]
    pub legacy: bool,
    /// Gives requests names and repeats some, among them what this earlier worker left open.
    #[arg(long)]
    pub repeats: bool,
    /// The worker whose place it takes.
    #[arg(long)]
    pub follows: Option<u32>,
    /// By how many milliseconds its wall clock is wrong.
    #[arg(long, default_value_t = 0, allow_hyphen_values = true)]
    pub clock_offset_ms: i64,
    /// Port at which Redis is reached, if it is used.
    #[arg(long)]
    pub redis: Option<NonZeroU16>,
}

/// What the fleet wants a worker to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Work,
    Settle,
    Finish,
    End,
}

/// Runs a worker until its standard input ends.
pub fn run(task: Task) -> Result<()> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build()?;
    let (orders, ordered) = watch::channel(Order::Work);
    // The thread ends with the standard input, and the process with it.
    std::thread::Builder::new().name("orders".into()).spawn(move || take_orders(&orders))?;
    runtime.block_on(work(task, ordered))
}

fn take_orders(orders: &watch::Sender<Order>) {
    for line in std::io::stdin().lock().lines() {
        match line.as_deref() {
            Ok("settle") => orders.send_replace(Order::Settle),
            Ok("finish") => orders.send_replace(Order::Finish),
            _ => break,
        };
    }
    orders.send_replace(Order::End);
}

async fn work(task: Task, mut ordered: watch::Receiver<Order>) -> Result<()> {
    let path = task.histories.join(format!("w{}.jsonl", task.number));
    let recorder = Recorder::create(&path)?;
    let process = std::process::id();
    recorder.record(&Event::Started { at: clock::now(), process, seed: task.seed })?;
    let setup = Setup {
        root: task.root.clone(),
        legacy: task.legacy,
        mutation: task.mutation,
        armed: task.armed.clone(),
        clock_offset_ms: task.clock_offset_ms,
        redis: task.redis,
    };
    let worker = Arc::new(Worker {
        subject: Subject::open(&setup)?,
        recorder,
        acknowledged: Acknowledged::open(&task.histories.join("acknowledged"))?,
        raising: Mutex::new(()),
        names: AtomicU32::new(1),
        reads: AtomicU64::new(0),
        task,
    });
    if worker.task.redis.is_some() && !worker.subject.has_redis() {
        std::fs::write(alone_path(&worker.task.histories, worker.task.number), "")?;
    }
    answer("ready")?;
    let mut tasks = worker.start(&ordered);
    while let Some(ended) = tasks.join_next().await {
        ended.context("a client panicked")??;
    }
    if !worker.task.online {
        worker.close().await?;
    }
    answer("settled")?;
    let finish = ordered.wait_for(|order| matches!(order, Order::Finish | Order::End)).await?;
    if *finish == Order::End {
        return Ok(());
    }
    drop(finish);
    worker.finish().await?;
    answer("finished")?;
    ordered.wait_for(|order| *order == Order::End).await?;
    Ok(())
}

/// The file that tells that a worker could not use Redis: its folder could not be written when it
/// started.
pub fn alone_path(histories: &Path, number: u32) -> PathBuf {
    histories.join(format!("w{number}.alone"))
}

fn answer(word: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{word}")?;
    Ok(out.flush()?)
}

struct Worker {
    task: Task,
    subject: Subject,
    recorder: Recorder,
    acknowledged: Acknowledged,
    /// Held while this worker's cells are raised, which have one writer at a time.
    raising: Mutex<()>,
    names: AtomicU32,
    reads: AtomicU64,
}

impl Worker {
    fn start(self: &Arc<Self>, ordered: &watch::Receiver<Order>) -> JoinSet<Result<()>> {
        let mut tasks = JoinSet::new();
        let mut random = Rng::with_seed(self.task.seed);
        for _ in 0..self.task.clients {
            let (worker, ordered) = (Arc::clone(self), ordered.clone());
            let random = random.fork();
            if self.task.online {
                tasks.spawn(async move { worker.read_online(random, ordered).await });
            } else {
                tasks.spawn(async move { worker.be_client(random, ordered).await });
            }
        }
        if self.task.repeats && self.task.follows.is_some() {
            let (worker, random) = (Arc::clone(self), random.fork());
            tasks.spawn(async move { worker.repeat_what_was_left(random).await });
        }
        if self.task.starve {
            for _ in 0..2 {
                tasks.spawn(spin(random.fork(), ordered.clone()));
            }
        }
        tasks
    }

    /// Makes calls at random until told to settle.
    async fn be_client(&self, mut random: Rng, ordered: watch::Receiver<Order>) -> Result<()> {
        let mut own: Vec<(usize, String)> = Vec::new();
        while *ordered.borrow() == Order::Work {
            let document = random.usize(..self.task.documents.len());
            match random.u32(..100) {
                0..8 => self.insert(&mut random, document, &mut own).await?,
                8..10 => self.delete(&mut random, &mut own).await?,
                10 => self.wait_for_all(document).await?,
                11..20 => self.read(Kind::Strong, document).await?,
                20..30 => self.read(Kind::AtLeast, document).await?,
                _ => self.read(Kind::Plain, document).await?,
            }
            tokio::time::sleep(Duration::from_micros(random.u64(..4_000))).await;
        }
        Ok(())
    }

    async fn insert(
        &self,
        random: &mut Rng,
        document: usize,
        own: &mut Vec<(usize, String)>,
    ) -> Result<()> {
        let name = self.new_name();
        let change = self.some_change(random, document, &name, false);
        if self.make(random, &change).await? {
            own.push((document, name));
        }
        Ok(())
    }

    async fn delete(&self, random: &mut Rng, own: &mut Vec<(usize, String)>) -> Result<()> {
        if own.is_empty() {
            return Ok(());
        }
        let (document, name) = own.swap_remove(random.usize(..own.len()));
        let change = self.some_change(random, document, &name, true);
        self.make(random, &change).await?;
        Ok(())
    }

    fn some_change(&self, random: &mut Rng, document: usize, name: &str, deletes: bool) -> Change {
        let visibility =
            if random.u32(..3) == 0 { Visibility::Local } else { Visibility::Everywhere };
        let word = if deletes { "delete" } else { "insert" };
        let is_named = self.task.repeats && random.bool();
        let request = is_named.then(|| format!("{word}-{name}"));
        let category = self.task.documents[document];
        Change { category, name: name.to_owned(), deletes, visibility, request }
    }

    /// Makes a change, and repeats it if nobody knows its outcome, and now and then for no reason.
    /// Whether it was acknowledged.
    async fn make(&self, random: &mut Rng, change: &Change) -> Result<bool> {
        let outcome = self.write(change).await?;
        if change.request.is_none() {
            return Ok(outcome == Outcome::Done);
        }
        match outcome {
            Outcome::Refused(_) => Ok(false),
            Outcome::Done if random.u32(..8) > 0 => Ok(true),
            Outcome::Done => self.write(change).await.map(|_| true),
            Outcome::Unknown(_) => Ok(self.write(change).await? == Outcome::Done),
        }
    }

    /// Repeats what the worker before left open, and the last of what it was told.
    async fn repeat_what_was_left(&self, mut random: Rng) -> Result<()> {
        let Some(before) = self.task.follows else { return Ok(()) };
        let path = self.task.histories.join(format!("w{before}.jsonl"));
        let mut open: Vec<(Begun, bool)> = Vec::new();
        // It may have died before it wrote anything.
        let events = if path.exists() { history::read(&path)? } else { Vec::new() };
        for (_, event) in events {
            match event {
                Event::Begun(begun) if begun.request.is_some() => open.push((begun, false)),
                Event::Ended(ended) => {
                    let is_over = !matches!(ended.outcome, Outcome::Unknown(_));
                    let of_it = |(begun, _): &&mut (Begun, bool)| begun.call == ended.call;
                    if let Some((_, over)) = open.iter_mut().rev().find(of_it) {
                        *over = is_over;
                    }
                }
                _ => {}
            }
        }
        let count = open.len();
        let left = open.into_iter().enumerate();
        let left = left.filter(|(index, (_, is_over))| !is_over || index + 3 >= count);
        for (_, (begun, _)) in left {
            let Some(category) =
                self.task.documents.iter().find(|category| category.name() == begun.document)
            else {
                continue;
            };
            let change = Change {
                category: *category,
                name: begun.name.unwrap_or_default(),
                deletes: begun.kind == Kind::Delete,
                visibility: begun.visibility.unwrap_or(Visibility::Everywhere),
                request: begun.request,
            };
            self.make(&mut random, &change).await?;
        }
        Ok(())
    }

    fn new_name(&self) -> String {
        format!("w{}-{}", self.task.number, self.names.fetch_add(1, Ordering::Relaxed))
    }

    async fn write(&self, change: &Change) -> Result<Outcome> {
        let Change { category, name, visibility, request, .. } = change;
        let kind = if change.deletes { Kind::Delete } else { Kind::Insert };
        let begun = Begun {
            name: Some(name.clone()),
            visibility: Some(*visibility),
            request: request.clone(),
            ..call(kind, category.name())
        };
        let number = self.recorder.begin(begun)?;
        let written = in_time(self.subject.change(change)).await;
        let at = clock::now();
        if let Ok(written) = &written {
            self.acknowledge(*category, written.generation, *visibility)?;
        }
        let (outcome, Written { generation, digest }) = match written {
            Ok(written) => (Outcome::Done, written),
            Err(failure) => (outcome_of(failure), Written { generation: 0, digest: String::new() }),
        };
        let told = outcome.clone();
        self.recorder.end(Ended { call: number, at, outcome, generation, digest, fresh: true })?;
        Ok(told)
    }

    fn acknowledge(
        &self,
        category: Category,
        generation: u64,
        visibility: Visibility,
    ) -> Result<()> {
        let document = self.task.documents.iter().position(|known| *known == category);
        let document = document.context("no document of this run")?;
        let _alone = self.raising.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = self.task.slot;
        self.acknowledged.raise(self.heard_of(document), slot, generation)?;
        if visibility == Visibility::Everywhere {
            self.acknowledged.raise(document, slot, generation)?;
        }
        Ok(())
    }

    /// Waits until what anybody was told before is seen everywhere.
    async fn wait_for_all(&self, document: usize) -> Result<()> {
        let category = self.task.documents[document];
        let heard = self.acknowledged.largest(self.heard_of(document))?;
        let begun = Begun { at_least: Some(heard), ..call(Kind::Barrier, category.name()) };
        let number = self.recorder.begin(begun)?;
        self.subject.barrier().await;
        let at = clock::now();
        self.acknowledge(category, heard, Visibility::Everywhere)?;
        let (outcome, digest) = (Outcome::Done, String::new());
        self.recorder.end(Ended { call: number, at, outcome, generation: 0, digest, fresh: true })
    }

    async fn read(&self, kind: Kind, document: usize) -> Result<()> {
        let category = self.task.documents[document];
        let bound = match kind {
            Kind::AtLeast => Some(self.acknowledged.largest(self.heard_of(document))?),
            _ => None,
        };
        let begun = Begun { at_least: bound, ..call(kind, category.name()) };
        let number = self.recorder.begin(begun)?;
        let read = async {
            match kind {
                Kind::Strong => self.subject.strong(category).await,
                Kind::AtLeast => self.subject.at_least(category, bound.unwrap_or(0)).await,
                _ => Ok(self.subject.plain(category).await),
            }
        };
        let answered = in_time(read).await;
        let at = clock::now();
        let ended = |outcome| Ended {
            call: number,
            at,
            outcome,
            generation: 0,
            digest: String::new(),
            fresh: false,
        };
        match answered {
            Ok(answer) => {
                self.note(category, &answer)?;
                let Answer { generation, digest, fresh, .. } = answer;
                let ended = ended(Outcome::Done);
                self.recorder.end(Ended { generation, digest, fresh, ..ended })
            }
            Err(failure) => self.recorder.end(ended(outcome_of(failure))),
        }
    }

    /// The row of what was acknowledged to anybody, seen everywhere or not: one may ask for it.
    fn heard_of(&self, document: usize) -> usize {
        self.task.documents.len() + document
    }

    fn note(&self, category: Category, answer: &Answer) -> Result<()> {
        let (generation, digest) = (answer.generation, &answer.digest);
        let names = || answer.names();
        self.recorder.content(category.name(), generation, digest, Source::Read, names)
    }

    /// Plain reads without a log, each held against what was acknowledged before it.
    async fn read_online(&self, mut random: Rng, ordered: watch::Receiver<Order>) -> Result<()> {
        let mut last = vec![0; self.task.documents.len()];
        while *ordered.borrow() == Order::Work {
            let document = random.usize(..last.len());
            let category = self.task.documents[document];
            let acknowledged = self.acknowledged.largest(document)?;
            for _ in 0..READS_PER_LOOK {
                let at = clock::now();
                let (got, fresh) = self.subject.plain_generation(category).await;
                // What has no number yet is newer than all that have one.
                if got == 0 {
                    continue;
                }
                let needed = if fresh { acknowledged.max(last[document]) } else { last[document] };
                if got < needed {
                    let document = category.name().to_owned();
                    self.recorder.record(&Event::Online { at, document, needed, got })?;
                }
                last[document] = last[document].max(got);
            }
            let reads = self.reads.fetch_add(READS_PER_LOOK, Ordering::Relaxed) + READS_PER_LOOK;
            if reads.is_multiple_of(READS_PER_LOOK * 1024) {
                self.recorder.record(&Event::Counted { reads })?;
            }
            tokio::task::yield_now().await;
        }
        self.recorder.record(&Event::Counted { reads: self.reads.load(Ordering::Relaxed) })
    }

    /// One more write to each document, after the last fault: it must succeed, and it makes good
    /// what dead writers left.
    async fn close(&self) -> Result<()> {
        for document in 0..self.task.documents.len() {
            let name = self.new_name();
            let category = self.task.documents[document];
            let (visibility, request) = (Visibility::Everywhere, None);
            let change = Change { category, name, deletes: false, visibility, request };
            let outcome = self.write(&change).await?;
            if outcome != Outcome::Done {
                let (at, fault) = (clock::now(), crate::faults::REFUSED_AT_THE_END.to_owned());
                let target = format!("{}: {outcome:?}", category.name());
                self.recorder.record(&Event::Fault { at, fault, target })?;
            }
        }
        Ok(())
    }

    /// Waits until Redis is in use again, and notes if it is not for long.
    async fn become_live(&self) -> Result<()> {
        let live = async {
            while !self.subject.is_live() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, live).await.is_err() {
            let (at, fault) = (clock::now(), crate::faults::NOT_LIVE_AT_THE_END.to_owned());
            let target = format!("w{}", self.task.number);
            self.recorder.record(&Event::Fault { at, fault, target })?;
        }
        Ok(())
    }

    /// What this worker holds at the end.
    async fn finish(&self) -> Result<()> {
        self.become_live().await?;
        for document in 0..self.task.documents.len() {
            self.read(Kind::Strong, document).await?;
            self.read(Kind::Final, document).await?;
        }
        Ok(())
    }
}

fn outcome_of(failure: Failure) -> Outcome {
    match failure {
        Failure::Refused(reason) => Outcome::Refused(reason),
        Failure::Unknown(reason) => Outcome::Unknown(reason),
    }
}

async fn in_time<T>(call: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    match tokio::time::timeout(PATIENCE, call).await {
        Ok(ended) => ended,
        Err(_) => Err(Failure::Unknown("no answer".into())),
    }
}

/// Holds a thread of the runtime most of the time.
async fn spin(mut random: Rng, ordered: watch::Receiver<Order>) -> Result<()> {
    while *ordered.borrow() == Order::Work {
        let until = Instant::now() + Duration::from_millis(random.u64(1..300));
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        tokio::time::sleep(Duration::from_millis(random.u64(1..30))).await;
    }
    Ok(())
}

/// The documents a run is about: the first `count` of some, of which the last is not there yet when
/// it begins.
pub fn documents(count: usize, legacy: bool) -> Result<Vec<Category>> {
    const SIMPLE: [Category; 5] =
        [Category::Clip, Category::Blip, Category::Esrgan, Category::Gfpgan, Category::Codeformer];
    const LEGACY: [Category; 2] = [Category::Clip, Category::TextGeneration];
    let known: &[Category] = if legacy { &LEGACY } else { &SIMPLE };
    if count == 0 || count > known.len() {
        bail!("between 1 and {} documents", known.len());
    }
    Ok(known[..count].to_vec())
}
