//! A round: the stage, clients, faults made to the stage by a seed, then peace, and the verdict.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use fastrand::Rng;

use super::checker::{Findings, Property, check};
use super::client::Client;
use super::history::{self, Recorder};
use super::stage::Stage;

/// How a round is made.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The executable that serves.
    pub server: PathBuf,
    /// Where the rounds' folders are made.
    pub folder: PathBuf,
    /// Decides everything that is decided by chance.
    pub seed: u64,
    /// How long faults are made in each round.
    pub round: Duration,
    /// How many servers.
    pub servers: usize,
    /// How many clients.
    pub clients: usize,
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
}

impl Tally {
    /// Takes in another tally.
    pub fn merge(&mut self, other: Self) {
        self.findings.merge(other.findings);
        for (fault, count) in other.made {
            *self.made.entry(fault).or_default() += count;
        }
        self.rounds += other.rounds;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let made: Vec<String> =
            self.made.iter().map(|(fault, count)| format!("{fault} {count}")).collect();
        writeln!(f, "{}faults in {} rounds: {}", self.findings, self.rounds, made.join(", "))
    }
}

/// Makes one round and judges it. Its folder stays: the caller removes it if all is well.
pub fn round(plan: &Plan, number: u64) -> Result<(PathBuf, Tally)> {
    let folder = plan.folder.join(format!("round-{number:04}"));
    let home = folder.join("home");
    std::fs::create_dir_all(&home)?;
    let mut random = Rng::with_seed(plan.seed.wrapping_add(number));
    let mut stage = Stage::start(&plan.server, &home, plan.servers)?;
    let calls = folder.join("calls.jsonl");
    let disturbed = play(plan, &mut stage, &calls, &mut random);
    stage.keep_logs(&folder)?;
    let disturbed = disturbed?;
    let settled = stage.settle();
    let left = stage.left()?;
    let mut findings = check(&history::read(&calls)?, &left);
    findings.check(Property::Settled, settled.is_ok(), || format!("{settled:?}"));
    for reading in std::mem::take(&mut stage.readings) {
        findings.check(Property::Readable, reading.is_ok(), || format!("{reading:?}"));
    }
    let ended = stage.end();
    findings.check(Property::Alive, disturbed.is_ok(), || format!("{disturbed:?}"));
    findings.check(Property::Alive, ended.is_empty(), || ended.join("\n"));
    let made = std::mem::take(&mut stage.made);
    stage.keep_logs(&folder)?;
    Ok((folder, Tally { findings, made, rounds: 1 }))
}

/// Lets clients play while faults are made; what went wrong with the faults is the inner result.
fn play(plan: &Plan, stage: &mut Stage, calls: &Path, random: &mut Rng) -> Result<Result<()>> {
    let recorder = Recorder::create(calls)?;
    let (addresses, stop) = (stage.addresses(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..plan.clients)
            .map(|number| {
                let client = Client::new(number, &addresses, &recorder, random.fork());
                scope.spawn(|| client.run(&stop))
            })
            .collect();
        let disturbed = disturb(stage, plan.round, random);
        stop.store(true, Ordering::Relaxed);
        for client in clients {
            client.join().map_err(|_| anyhow!("a client panicked"))?.context("a client")?;
        }
        Ok(disturbed)
    })
}

fn disturb(stage: &mut Stage, time: Duration, random: &mut Rng) -> Result<()> {
    let end = Instant::now() + time;
    while Instant::now() < end {
        std::thread::sleep(Duration::from_millis(random.u64(20..600)));
        stage.disturb(random)?;
    }
    Ok(())
}
