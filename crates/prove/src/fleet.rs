//! A run: rounds of real workers on a fresh directory each, faults made to them by a seed, then peace,
//! and the verdict of the checker over what everybody wrote down.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use clap::ValueEnum;
use fastrand::Rng;
use horde_model_reference::Category;
use horde_model_reference::generation::Digest;
use serde_json::{Map, Value};

use crate::cache::Cache;
use crate::checker::{Findings, Property, Rules, check};
use crate::clock;
use crate::disk::{Disk, Medium};
use crate::editor::Editor;
use crate::faults::{self, Armed, Effect, Fault, Mutation};
use crate::history::{Event, Recorder, Source};
use crate::online::Acknowledged;
use crate::past::Past;
use crate::process::{Launch, Process};
use crate::subject::{document_path, legacy_record, names_in, record};
use crate::worker::{alone_path, documents};

/// How long a worker may take to answer an order when nothing is wrong any more.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at the workers.
const TICK: Duration = Duration::from_millis(5);

/// How often kept contents are noted; they are replaced after twenty more commits.
const KEEPER_TICK: Duration = Duration::from_millis(100);

/// How a run is made.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The executable with the worker in it.
    pub executable: PathBuf,
    /// Where the rounds' folders are made.
    pub folder: PathBuf,
    /// Decides everything that is decided by chance.
    pub seed: u64,
    /// How long faults are made in each round.
    pub round: Duration,
    /// How many workers run at a time.
    pub workers: usize,
    /// How many readers without a log run beside them.
    pub readers: usize,
    /// The documents.
    pub documents: Vec<Category>,
    /// The faults.
    pub faults: Vec<Fault>,
    /// The rule that is left out.
    pub mutation: Option<Mutation>,
    /// Whether the legacy format is canonical.
    pub legacy: bool,
    /// What the directory lies on.
    pub medium: Medium,
    /// Whether workers share a Redis.
    pub redis: bool,
    /// The lease answers are judged by.
    pub lease: Duration,
}

/// What rounds came to.
#[derive(Debug, Default)]
pub struct Tally {
    /// What the checker found.
    pub findings: Findings,
    /// Faults made, by their words.
    pub made: BTreeMap<String, u64>,
    /// Rounds that are over.
    pub rounds: u64,
    /// How long it took until Redis said what the files say, each time.
    pub repairs: Vec<Duration>,
}

impl Tally {
    /// Takes in another tally.
    pub fn merge(&mut self, other: Self) {
        self.findings.merge(other.findings);
        for (fault, count) in other.made {
            *self.made.entry(fault).or_default() += count;
        }
        self.rounds += other.rounds;
        self.repairs.extend(other.repairs);
    }
}

impl Plan {
    /// The same plan with the faults, the medium and the format that are round `number`'s by chance.
    pub fn mixed(&self, number: u64) -> Self {
        let mut random = Rng::with_seed(self.seed.wrapping_mul(31).wrapping_add(number));
        let is_drawn = |_: &Fault| random.u32(..3) == 0;
        let possible = Fault::value_variants().iter().copied();
        let possible = possible.filter(|fault| self.redis || !fault.is_of_redis());
        let mut faults: Vec<Fault> = possible.filter(is_drawn).collect();
        if faults.contains(&Fault::Forget) {
            // Numbers go on rising by what is written down or by the clock, and that a content was
            // missed is told by its name: with both gone nothing can be known. Poison may put the
            // numbers ahead of the clock.
            faults.retain(|fault| {
                !matches!(fault, Fault::Clock | Fault::Garbage | Fault::RedisPoison)
            });
        }
        let mut medium = Medium::Plain;
        if faults.iter().any(|fault| matches!(fault, Fault::Full | Fault::ReadOnly)) {
            medium = Medium::Tmpfs;
        } else if faults.contains(&Fault::Bursts) && random.bool() {
            medium = Medium::Ramfs;
        }
        if !medium.can_be_had(&self.folder) {
            medium = Medium::Plain;
            faults.retain(|fault| !matches!(fault, Fault::Full | Fault::ReadOnly));
        }
        let legacy = random.u32(..4) == 0;
        let count = if legacy { self.documents.len().min(2) } else { self.documents.len() };
        let documents = documents(count, legacy).unwrap_or_else(|_| self.documents.clone());
        Self { faults, medium, legacy, documents, ..self.clone() }
    }
}

/// Makes one round and judges it. Its folder stays: the caller removes it if all is well.
pub fn round(plan: &Plan, number: u64) -> Result<(PathBuf, Tally)> {
    let folder = plan.folder.join(format!("round-{number:04}"));
    let histories = folder.join("histories");
    std::fs::create_dir_all(&histories)?;
    let data = folder.join("data");
    let disk = Disk::prepare(&data, plan.medium)?;
    let mut round = Round::begin(plan, number, &data, &histories, &disk)?;
    round.disturb()?;
    round.heal()?;
    round.finish()?;
    let mut tally = Tally { made: std::mem::take(&mut round.made), rounds: 1, ..Tally::default() };
    let alive = std::mem::take(&mut round.alive);
    let started = round.started;
    let healed = std::mem::take(&mut round.healed);
    drop(round);
    let past = Past::read(&histories)?;
    tally.findings = check(&past, Some(&data), Rules { lease: plan.lease })?;
    tally.findings.count(Property::Alive, usize::try_from(started)?);
    for text in alive {
        tally.findings.violate(Property::Alive, text, []);
    }
    tally.findings.count(Property::Shared, healed.len());
    for healed in healed {
        match healed {
            Ok(time) => tally.repairs.push(time),
            Err(text) => tally.findings.violate(Property::Shared, text, []),
        }
    }
    Ok((folder, tally))
}

struct Round<'a> {
    plan: &'a Plan,
    data: &'a Path,
    histories: &'a Path,
    disk: &'a Disk,
    cache: Option<Cache>,
    random: Rng,
    recorder: Recorder,
    /// Workers, then readers, each at its slot.
    processes: Vec<Process>,
    started: u32,
    /// How many workers were started with a fault of their own.
    armed: usize,
    made: BTreeMap<String, u64>,
    alive: Vec<String>,
    /// How long it took each time until Redis said what the files say, or how it differed.
    healed: Vec<Result<Duration, String>>,
    keeper: Option<Companion>,
    editor: Option<Companion>,
    /// When the disk is to be usable again.
    disk_broken_until: Option<Instant>,
    peaceful: bool,
}

impl<'a> Round<'a> {
    fn begin(
        plan: &'a Plan,
        number: u64,
        data: &'a Path,
        histories: &'a Path,
        disk: &'a Disk,
    ) -> Result<Self> {
        let mut random = Rng::with_seed(plan.seed.wrapping_add(number));
        let recorder = Recorder::create(&histories.join("fleet.jsonl"))?;
        // A row for what is seen everywhere and one for what was acknowledged at all.
        Acknowledged::create(&histories.join("acknowledged"), plan.documents.len() * 2)?;
        write_first(plan, data, &recorder)?;
        let editor = start_editor(plan, data, histories, random.fork())?;
        let mut round = Self {
            plan,
            data,
            histories,
            disk,
            cache: start_cache(plan, &mut random)?,
            random,
            recorder,
            processes: Vec::new(),
            started: 0,
            // Rounds are short, and begin at different steps.
            armed: usize::try_from(number).unwrap_or(0) * 5,
            made: BTreeMap::new(),
            alive: Vec::new(),
            healed: Vec::new(),
            keeper: Some(start_keeper(plan, data, histories)?),
            editor,
            disk_broken_until: None,
            peaceful: false,
        };
        for slot in 0..plan.workers + plan.readers {
            let process = round.start(slot, None)?;
            round.processes.push(process);
        }
        Ok(round)
    }

    fn has(&self, fault: Fault) -> bool {
        !self.peaceful && self.plan.faults.contains(&fault)
    }

    /// Starts another in the place of the one that is there.
    fn replace(&mut self, slot: usize) -> Result<()> {
        let before = self.processes[slot].number;
        self.processes[slot] = self.start(slot, Some(before))?;
        Ok(())
    }

    fn start(&mut self, slot: usize, follows: Option<u32>) -> Result<Process> {
        self.started += 1;
        let number = self.started;
        let names: Vec<&str> = self.plan.documents.iter().map(|category| category.name()).collect();
        let is_reader = slot >= self.plan.workers;
        let mut arguments: Vec<String> = [
            ("root", self.data.display().to_string()),
            ("histories", self.histories.display().to_string()),
            ("number", number.to_string()),
            ("slot", slot.to_string()),
            ("seed", self.random.u64(..).to_string()),
            ("documents", names.join(",")),
        ]
        .into_iter()
        .map(|(name, value)| format!("--{name}={value}"))
        .collect();
        if let Some(mutation) = &self.plan.mutation {
            arguments.push(format!("--mutation={mutation}"));
        }
        let armed = if is_reader { None } else { self.arm() };
        if let Some(armed) = &armed {
            arguments.push(format!("--armed={armed}"));
        }
        if let Some(cache) = &self.cache {
            arguments.push(format!("--redis={}", cache.port(slot)?));
        }
        if self.plan.legacy {
            arguments.push("--legacy".to_owned());
        }
        if let Some(before) = follows {
            arguments.push(format!("--follows={before}"));
        }
        // The log of requests goes with `.coherence`, and its day is one of the wall clock.
        if ![Fault::Forget, Fault::Clock].iter().any(|fault| self.plan.faults.contains(fault)) {
            arguments.push("--repeats".to_owned());
        }
        if is_reader {
            arguments.extend(["--online".to_owned(), "--clients=1".to_owned()]);
        } else {
            arguments.extend(self.odds());
        }
        let log = self.histories.join(format!("w{number}.log"));
        let launch = Launch { executable: &self.plan.executable, arguments, log: &log };
        let mut process = Process::start(number, &launch)?;
        process.armed = armed.map(|armed| armed.to_string());
        Ok(process)
    }

    fn arm(&mut self) -> Option<Armed> {
        let effects = [
            (Fault::Points, Effect::Kill),
            (Fault::Pauses, Effect::Stop),
            (Fault::Errors, Effect::Io),
            (Fault::Errors, Effect::NoSpace),
        ];
        let effects: Vec<Effect> =
            effects.into_iter().filter(|(fault, _)| self.has(*fault)).map(|(_, e)| e).collect();
        let armed = Armed::any(&mut self.random, &effects, self.armed)?;
        self.armed += 1;
        if matches!(armed.effect, Effect::Io | Effect::NoSpace) {
            self.count("workers that meet an error");
        }
        Some(armed)
    }

    /// What some workers have to live with.
    fn odds(&mut self) -> Vec<String> {
        const HOUR_MS: i64 = 3_600_000;
        const DECADE_MS: i64 = 10 * 365 * 24 * HOUR_MS;
        let mut odds = Vec::new();
        if self.has(Fault::Starve) && self.random.u32(..3) == 0 {
            odds.push("--starve".to_owned());
            self.count("starved workers");
        }
        if self.has(Fault::Clock) && self.random.bool() {
            let offset = [-DECADE_MS, -HOUR_MS, HOUR_MS, DECADE_MS][self.random.usize(..4)];
            odds.push(format!("--clock-offset-ms={offset}"));
            self.count("workers with a wrong clock");
        }
        odds
    }

    /// Makes faults until the time is over.
    fn disturb(&mut self) -> Result<()> {
        let end = Instant::now() + self.plan.round;
        let mut next = self.later(50..400);
        while Instant::now() < end {
            std::thread::sleep(TICK);
            self.attend()?;
            if Instant::now() >= next {
                self.make_one()?;
                next = self.later(50..400);
            }
        }
        Ok(())
    }

    fn later(&mut self, milliseconds: std::ops::Range<u64>) -> Instant {
        Instant::now() + Duration::from_millis(self.random.u64(milliseconds))
    }

    /// Replaces the dead, wakes the stopped and repairs the disk when it is time.
    fn attend(&mut self) -> Result<()> {
        if self.disk_broken_until.is_some_and(|until| Instant::now() >= until) {
            self.repair_disk()?;
        }
        if let Some(cache) = &mut self.cache {
            cache.attend()?;
        }
        for slot in 0..self.processes.len() {
            if self.processes[slot].stopped_until.is_some_and(|until| Instant::now() >= until) {
                self.processes[slot].resume()?;
            }
            if let Some(status) = self.processes[slot].ended()? {
                self.bury(slot, status)?;
                self.replace(slot)?;
            }
            let process = &mut self.processes[slot];
            if process.stopped_until.is_none() && process.has_stopped_itself() {
                let armed = process.armed.clone().unwrap_or_default();
                let time = Duration::from_millis(10 + self.random.u64(..70).pow(2));
                self.processes[slot].stopped_until = Some(Instant::now() + time);
                let point = armed.split('=').next().unwrap_or_default();
                self.count(&format!("stops at {point}"));
            }
        }
        Ok(())
    }

    fn bury(&mut self, slot: usize, status: std::process::ExitStatus) -> Result<()> {
        let (number, armed) = (self.processes[slot].number, self.processes[slot].armed.clone());
        self.note(faults::DEATH, &format!("w{number}"))?;
        let was_meant = status.signal() == Some(9);
        match armed.filter(|armed| was_meant && armed.contains("=kill")) {
            Some(armed) => {
                let point = armed.split('=').next().unwrap_or_default();
                self.count(&format!("kills at {point}"));
            }
            None if was_meant => self.count("kills"),
            None if self
                .plan
                .faults
                .iter()
                .any(|fault| matches!(fault, Fault::Full | Fault::ReadOnly | Fault::Errors)) =>
            {
                self.count("workers that could not start");
            }
            None => {
                let log = self.histories.join(format!("w{number}.log"));
                let log = std::fs::read_to_string(log).unwrap_or_default();
                let tail: Vec<&str> = log.lines().rev().take(5).collect();
                let tail = tail.into_iter().rev().collect::<Vec<_>>().join(" | ");
                self.alive.push(format!("w{number} ended by itself with {status}: {tail}"));
            }
        }
        Ok(())
    }

    fn make_one(&mut self) -> Result<()> {
        let possible = [Fault::Kill, Fault::Stop, Fault::Forget, Fault::Full, Fault::ReadOnly];
        let of_redis = Fault::value_variants().iter().copied().filter(|fault| fault.is_of_redis());
        let possible = possible.into_iter().chain(of_redis);
        let possible: Vec<Fault> = possible.filter(|fault| self.has(*fault)).collect();
        let Some(fault) = self.random.choice(possible) else { return Ok(()) };
        let slot = self.random.usize(..self.processes.len());
        match fault {
            Fault::Kill => {
                let status = self.processes[slot].kill()?;
                self.processes[slot].armed = None;
                self.bury(slot, status)?;
                self.replace(slot)?;
            }
            Fault::Stop if self.processes[slot].stopped_until.is_none() => {
                let time = Duration::from_millis(10 + self.random.u64(..70).pow(2));
                self.processes[slot].stop(time)?;
                self.count("stops");
            }
            Fault::Forget if self.random.u32(..4) == 0 => self.forget()?,
            fault if fault.is_of_redis() => self.break_redis(fault)?,
            Fault::Full | Fault::ReadOnly if self.disk.is_small() => self.break_disk(fault)?,
            _ => {}
        }
        Ok(())
    }

    fn forget(&mut self) -> Result<()> {
        self.note(faults::FORGET, "")?;
        let folders = [".coherence", "legacy/.coherence"];
        for folder in folders.into_iter().chain(["meta/v2/.coherence", "meta/legacy/.coherence"]) {
            let folder = self.data.join(folder);
            if folder.exists() {
                // Somebody may be writing into it; then the rest stays, as with any `rm -r`.
                let _ = std::fs::remove_dir_all(folder);
            }
        }
        self.count("deletions of .coherence");
        Ok(())
    }

    fn break_disk(&mut self, fault: Fault) -> Result<()> {
        if self.disk_broken_until.is_some() {
            return Ok(());
        }
        match fault {
            Fault::Full => {
                self.disk.fill(self.random.u64(..16_384))?;
                self.count("full disks");
            }
            _ if self.disk.make_read_only() => self.count("read-only remounts"),
            _ => return Ok(()),
        }
        self.note(&fault.to_string(), "")?;
        self.disk_broken_until = Some(self.later(50..1_500));
        Ok(())
    }

    fn break_redis(&mut self, fault: Fault) -> Result<()> {
        let Some(cache) = &mut self.cache else { return Ok(()) };
        if let Some(word) = cache.make(fault)? {
            self.note(&fault.to_string(), &word)?;
            self.count(&word);
        }
        Ok(())
    }

    fn repair_disk(&mut self) -> Result<()> {
        self.disk_broken_until = None;
        if self.disk.is_small() {
            self.disk.make_writable()?;
            self.disk.free();
        }
        Ok(())
    }

    /// Ends all faults. Workers that would make some to themselves are replaced.
    fn heal(&mut self) -> Result<()> {
        self.peaceful = true;
        self.repair_disk()?;
        if let Some(editor) = self.editor.take() {
            for (fault, count) in editor.end()? {
                *self.made.entry(fault).or_default() += count;
            }
        }
        for slot in 0..self.processes.len() {
            if self.processes[slot].stopped_until.is_some() {
                self.processes[slot].resume()?;
            }
            // Whose directory it is, is forgotten with `.coherence`; those who know it from before go.
            let is_stranger = self.cache.is_some() && self.plan.faults.contains(&Fault::Forget);
            // Nor is Redis ever used by one that could not write to its folder when it started.
            let is_alone = alone_path(self.histories, self.processes[slot].number).exists();
            if is_alone {
                self.count("workers that started without redis");
            }
            if self.processes[slot].armed.is_some() || is_stranger || is_alone {
                let status = self.processes[slot].kill()?;
                self.processes[slot].armed = None;
                self.bury(slot, status)?;
                self.replace(slot)?;
            }
        }
        if let Some(cache) = &mut self.cache {
            cache.heal()?;
            if self.plan.faults.contains(&Fault::Forget) {
                cache.disown()?;
            }
        }
        self.attend()
    }

    /// Lets all come to rest, and notes what everybody holds, and what the files hold.
    fn finish(&mut self) -> Result<()> {
        let wait = |round: &mut Self, word: &str| {
            for process in &mut round.processes {
                if let Err(error) = process.wait_for(word, PATIENCE) {
                    round.alive.push(format!("{error:#}"));
                }
            }
        };
        wait(self, "ready");
        self.order("settle");
        wait(self, "settled");
        if let Some(cache) = &self.cache {
            self.healed.push(cache.agree(self.data, &self.recorder)?);
            cache.empty()?;
            self.healed.push(cache.agree(self.data, &self.recorder)?);
        }
        self.order("finish");
        wait(self, "finished");
        self.note_last()?;
        for process in &mut self.processes {
            match process.end(PATIENCE) {
                Ok(status) if status.success() => {}
                Ok(status) => self.alive.push(format!("w{} ended with {status}", process.number)),
                Err(error) => self.alive.push(format!("{error:#}")),
            }
        }
        if let Some(keeper) = self.keeper.take() {
            keeper.end()?;
        }
        Ok(())
    }

    fn order(&mut self, word: &str) {
        for process in &mut self.processes {
            if let Err(error) = process.order(word) {
                self.alive.push(format!("w{} takes no orders: {error:#}", process.number));
            }
        }
    }

    fn note_last(&self) -> Result<()> {
        for category in &self.plan.documents {
            let path = document_path(self.data, *category, self.plan.legacy);
            let Ok(bytes) = std::fs::read(path) else { continue };
            note_content(&self.recorder, *category, self.plan.legacy, &bytes, Source::Last)?;
        }
        Ok(())
    }

    fn note(&self, fault: &str, target: &str) -> Result<()> {
        let (fault, target) = (fault.to_owned(), target.to_owned());
        self.recorder.record(&Event::Fault { at: clock::now(), fault, target })
    }

    fn count(&mut self, word: &str) {
        *self.made.entry(word.to_owned()).or_default() += 1;
    }
}

fn start_cache(plan: &Plan, random: &mut Rng) -> Result<Option<Cache>> {
    if !plan.redis {
        return Ok(None);
    }
    let slots = plan.workers + plan.readers;
    Cache::start(slots, &plan.documents, plan.legacy, plan.round, random.fork()).map(Some)
}

/// The documents at the beginning: all but the last, which the first write makes.
fn write_first(plan: &Plan, data: &Path, recorder: &Recorder) -> Result<()> {
    let (_, filled) = plan.documents.split_last().context("no document")?;
    for category in filled {
        let names = (0..8).map(|number| format!("base-{number}"));
        let record = if plan.legacy { legacy_record } else { record };
        let records: Map<String, Value> =
            names.map(|name| (name.clone(), record(*category, &name))).collect();
        let bytes = serde_json::to_vec_pretty(&records)?;
        let path = document_path(data, *category, plan.legacy);
        std::fs::create_dir_all(path.parent().context("no folder")?)?;
        std::fs::write(path, &bytes)?;
        note_content(recorder, *category, plan.legacy, &bytes, Source::First)?;
    }
    Ok(())
}

/// Notes a content, if it is one.
fn note_content(
    recorder: &Recorder,
    category: Category,
    legacy: bool,
    bytes: &[u8],
    source: Source,
) -> Result<()> {
    let Some(names) = names_in(category, legacy, bytes) else { return Ok(()) };
    let digest = Digest::of(bytes).to_string();
    recorder.content(category.name(), 0, &digest, source, || names)
}

/// A thread beside the fleet, stopped and joined by it.
struct Companion {
    stopping: Arc<AtomicBool>,
    thread: JoinHandle<Result<BTreeMap<String, u64>>>,
}

impl Companion {
    fn start(
        name: &str,
        body: impl FnOnce(&AtomicBool) -> Result<BTreeMap<String, u64>> + Send + 'static,
    ) -> Result<Self> {
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopping);
        let thread = std::thread::Builder::new().name(name.to_owned());
        Ok(Self { stopping, thread: thread.spawn(move || body(&stop))? })
    }

    fn end(self) -> Result<BTreeMap<String, u64>> {
        self.stopping.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow!("a thread of the fleet panicked"))?
    }
}

fn start_editor(
    plan: &Plan,
    data: &Path,
    histories: &Path,
    mut random: Rng,
) -> Result<Option<Companion>> {
    let possible = [Fault::Edits, Fault::Bursts, Fault::Garbage, Fault::Older];
    let possible: Vec<Fault> =
        possible.into_iter().filter(|fault| plan.faults.contains(fault)).collect();
    if possible.is_empty() {
        return Ok(None);
    }
    // The last document is not there yet, and an editor needs something to edit.
    let documents = &plan.documents[..plan.documents.len() - 1];
    let mut editor = Editor::start(data, documents, plan.legacy, histories, random.fork())?;
    let edit = move |stopping: &AtomicBool| {
        let mut made = BTreeMap::new();
        while !stopping.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(random.u64(100..600)));
            let fault = possible[random.usize(..possible.len())];
            // A full or read-only disk refuses; that is noted as an edit that did not happen.
            if editor.make(fault).is_ok() {
                *made.entry(fault.to_string()).or_default() += 1;
            }
        }
        editor.repair_all()?;
        Ok(made)
    };
    Companion::start("editor", edit).map(Some)
}

/// Notes what is kept for restoring, before it makes room for newer.
fn start_keeper(plan: &Plan, data: &Path, histories: &Path) -> Result<Companion> {
    let recorder = Recorder::create(&histories.join("keeper.jsonl"))?;
    let (legacy, documents) = (plan.legacy, plan.documents.clone());
    let data = data.to_owned();
    let note = move |recorder: &Recorder| -> Result<()> {
        for category in &documents {
            let path = document_path(&data, *category, legacy);
            let name = path.file_name().context("no name")?;
            let kept = path.with_file_name(".coherence").join("kept").join(name);
            for content in std::fs::read_dir(kept).into_iter().flatten().flatten() {
                // It may be gone by now.
                let Ok(bytes) = std::fs::read(content.path()) else { continue };
                note_content(recorder, *category, legacy, &bytes, Source::Kept)?;
            }
        }
        Ok(())
    };
    Companion::start("keeper", move |stopping| {
        while !stopping.load(Ordering::Relaxed) {
            note(&recorder)?;
            std::thread::sleep(KEEPER_TICK);
        }
        note(&recorder)?;
        Ok(BTreeMap::new())
    })
}
