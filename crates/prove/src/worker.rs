//! A worker: a process that writes and reads at random, and writes down what it did.
//!
//! It is led by lines on its standard input (`settle`, `finish`; the end of it ends the worker) and
//! answers each on standard output when it has done so.

use std::io::{BufRead, Write};
use std::path::PathBuf;
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
use crate::faults::Armed;
use crate::history::{Begun, Ended, Event, Kind, Outcome, Recorder, Source, Visibility, call};
use crate::online::Acknowledged;
use crate::subject::{Answer, Failure, Setup, Subject, Written};

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
    /// What it does to itself: `POINT=kill|eio|enospc@PASS`.
    #[arg(long)]
    pub armed: Option<Armed>,
    /// Name of the rule that is left out, to see the checker convict it.
    #[arg(long)]
    pub mutation: Option<String>,
    /// By how many milliseconds its wall clock is wrong.
    #[arg(long, default_value_t = 0, allow_hyphen_values = true)]
    pub clock_offset_ms: i64,
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
        mutation: task.mutation.clone(),
        armed: task.armed.clone(),
        clock_offset_ms: task.clock_offset_ms,
    };
    let worker = Arc::new(Worker {
        subject: Subject::open(setup)?,
        recorder,
        acknowledged: Acknowledged::open(&task.histories.join("acknowledged"))?,
        raising: Mutex::new(()),
        names: AtomicU32::new(1),
        reads: AtomicU64::new(0),
        task,
    });
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
                10..20 => self.read(Kind::Strong, document).await?,
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
        let visibility = some_visibility(random);
        if self.write(Kind::Insert, document, &name, visibility).await? {
            own.push((document, name));
        }
        Ok(())
    }

    async fn delete(&self, random: &mut Rng, own: &mut Vec<(usize, String)>) -> Result<()> {
        if own.is_empty() {
            return Ok(());
        }
        let (document, name) = own.swap_remove(random.usize(..own.len()));
        self.write(Kind::Delete, document, &name, some_visibility(random)).await?;
        Ok(())
    }

    fn new_name(&self) -> String {
        format!("w{}-{}", self.task.number, self.names.fetch_add(1, Ordering::Relaxed))
    }

    /// Whether it was acknowledged.
    async fn write(
        &self,
        kind: Kind,
        document: usize,
        name: &str,
        visibility: Visibility,
    ) -> Result<bool> {
        let category = self.task.documents[document];
        let (own, visible) = (Some(name.to_owned()), Some(visibility));
        let begun = Begun { name: own, visibility: visible, ..call(kind, category.name()) };
        let number = self.recorder.begin(begun)?;
        let write = async {
            match kind {
                Kind::Delete => self.subject.delete(category, name, visibility).await,
                _ => self.subject.insert(category, name, visibility).await,
            }
        };
        let written = in_time(write).await;
        let at = clock::now();
        if let Ok(written) = &written {
            let _alone = self.raising.lock().unwrap_or_else(PoisonError::into_inner);
            let (slot, generation) = (self.task.slot, written.generation);
            self.acknowledged.raise(self.heard_of(document), slot, generation)?;
            if visibility == Visibility::Everywhere {
                self.acknowledged.raise(document, slot, generation)?;
            }
        }
        let (outcome, Written { generation, digest }) = match written {
            Ok(written) => (Outcome::Done, written),
            Err(failure) => (outcome_of(failure), Written { generation: 0, digest: String::new() }),
        };
        let is_done = outcome == Outcome::Done;
        self.recorder.end(Ended { call: number, at, outcome, generation, digest, fresh: true })?;
        Ok(is_done)
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
                _ => self.subject.plain(category).await,
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
                let Ok(answer) = self.subject.plain(category).await else { continue };
                let got = answer.generation;
                // What has no number yet is newer than all that have one.
                if got == 0 {
                    continue;
                }
                let needed =
                    if answer.fresh { acknowledged.max(last[document]) } else { last[document] };
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
            if !self.write(Kind::Insert, document, &name, Visibility::Everywhere).await? {
                let document = self.task.documents[document].name().to_owned();
                let (at, fault) = (clock::now(), crate::faults::REFUSED_AT_THE_END.to_owned());
                self.recorder.record(&Event::Fault { at, fault, target: document })?;
            }
        }
        Ok(())
    }

    /// What this worker holds at the end.
    async fn finish(&self) -> Result<()> {
        for document in 0..self.task.documents.len() {
            self.read(Kind::Strong, document).await?;
            self.read(Kind::Final, document).await?;
        }
        Ok(())
    }
}

fn some_visibility(random: &mut Rng) -> Visibility {
    if random.u32(..3) == 0 { Visibility::Local } else { Visibility::Everywhere }
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

/// Names of the documents a run is about: the first `count` of the simple categories.
pub fn documents(count: usize) -> Result<Vec<Category>> {
    const SIMPLE: [Category; 5] =
        [Category::Clip, Category::Blip, Category::Esrgan, Category::Gfpgan, Category::Codeformer];
    if count == 0 || count > SIMPLE.len() {
        bail!("between 1 and {} documents", SIMPLE.len());
    }
    Ok(SIMPLE[..count].to_vec())
}
