//! `prove run` makes rounds with faults and judges them, `prove check` judges recorded histories
//! again, `prove worker` is one process of a fleet; `prove queue` makes rounds over HTTP.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use prove::checker::{Rules, check};
use prove::disk::Medium;
use prove::faults::{Fault, Mutation};
use prove::fleet::{self, Plan, Tally};
use prove::past::Past;
use prove::{queue, report, worker};

#[derive(Debug, Parser)]
#[command(about, version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes rounds until the time is over or a promise is broken.
    Run(Run),
    /// Judges the folder of a round again.
    Check(Check),
    /// One process of a fleet; led through its standard input.
    Worker(worker::Task),
    /// Makes rounds of the queue over HTTP until the time is over or a promise is broken.
    Queue(Queue),
}

#[derive(Debug, Args)]
struct Run {
    /// Decides what is decided by chance; printed first.
    #[arg(long)]
    seed: Option<u64>,
    /// How long to go on; without it until a promise is broken.
    #[arg(long)]
    seconds: Option<u64>,
    /// How long faults are made in one round.
    #[arg(long, default_value_t = 20)]
    round_seconds: u64,
    /// Workers that write and read at a time.
    #[arg(long, default_value_t = 4)]
    workers: usize,
    /// Readers without a log beside them.
    #[arg(long, default_value_t = 1)]
    readers: usize,
    /// How many documents.
    #[arg(long, default_value_t = 2)]
    documents: usize,
    /// The faults to make in every round; without them each round has its own, by chance, as it has
    /// its own medium and format.
    #[arg(long, value_enum, value_delimiter = ',')]
    faults: Vec<Fault>,
    /// Makes none.
    #[arg(long)]
    no_faults: bool,
    /// What the data directory lies on.
    #[arg(long, value_enum, default_value = "plain")]
    medium: Medium,
    /// The rule to leave out; then a broken promise is what is hoped for.
    #[arg(long, value_enum)]
    mutation: Option<Mutation>,
    /// The legacy format is canonical.
    #[arg(long)]
    legacy: bool,
    /// The workers share a Redis, to which faults are made, too.
    #[arg(long)]
    redis: bool,
    /// The lease answers are judged by.
    #[arg(long, default_value_t = 100)]
    lease_ms: u64,
    /// Where to make the folders of rounds; a temporary one by default.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Keeps the folders of rounds in which all was well, too.
    #[arg(long)]
    keep: bool,
}

#[derive(Debug, Args)]
struct Check {
    /// The folder of the round.
    folder: PathBuf,
    /// The lease answers are judged by.
    #[arg(long, default_value_t = 100)]
    lease_ms: u64,
}

#[derive(Debug, Args)]
struct Queue {
    /// Decides what is decided by chance; printed first.
    #[arg(long)]
    seed: Option<u64>,
    /// How long to go on; without it until a promise is broken.
    #[arg(long)]
    seconds: Option<u64>,
    /// How long faults are made in one round.
    #[arg(long, default_value_t = 30)]
    round_seconds: u64,
    /// How many servers.
    #[arg(long, default_value_t = 4)]
    servers: usize,
    /// How many clients.
    #[arg(long, default_value_t = 50)]
    clients: usize,
    /// The executable that serves; by default the one beside this one.
    #[arg(long)]
    server: Option<PathBuf>,
    /// Where to make the folders of rounds; a temporary one by default.
    #[arg(long)]
    folder: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    match Cli::parse().command {
        Command::Run(arguments) => run(arguments),
        Command::Check(arguments) => judge(&arguments),
        Command::Worker(task) => worker::run(task).map(|()| ExitCode::SUCCESS),
        Command::Queue(arguments) => run_queue(arguments),
    }
}

fn run(arguments: Run) -> Result<ExitCode> {
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    println!("seed {seed}");
    let folder = match arguments.folder {
        Some(folder) => folder,
        None => tempfile::Builder::new().prefix("prove-").tempdir()?.keep(),
    };
    println!("folder {}", folder.display());
    let is_mixed = arguments.faults.is_empty() && !arguments.no_faults;
    let plan = Plan {
        executable: std::env::current_exe()?,
        folder,
        seed,
        round: Duration::from_secs(arguments.round_seconds),
        workers: arguments.workers,
        readers: arguments.readers,
        documents: worker::documents(arguments.documents, arguments.legacy)?,
        faults: arguments.faults,
        mutation: arguments.mutation,
        legacy: arguments.legacy,
        medium: arguments.medium,
        redis: arguments.redis,
        lease: Duration::from_millis(arguments.lease_ms),
    };
    let end = arguments.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut tally = Tally::default();
    for number in 1.. {
        let plan = if is_mixed { plan.mixed(number) } else { plan.clone() };
        let words: Vec<String> = plan.faults.iter().map(ToString::to_string).collect();
        let format = if plan.legacy { "legacy" } else { "v2" };
        let redis = if plan.redis { " with redis" } else { "" };
        println!("round {number}: {format} on {:?}{redis}, {}", plan.medium, words.join(" "));
        let (round, found) = fleet::round(&plan, number)?;
        let is_well = found.findings.violations.is_empty();
        if is_well {
            println!("round {number}: all is well");
        } else {
            println!("round {number}: see {}", round.display());
        }
        tally.merge(found);
        if is_well && !arguments.keep {
            std::fs::remove_dir_all(&round).with_context(|| round.display().to_string())?;
        }
        if !is_well || end.is_some_and(|end| Instant::now() >= end) {
            break;
        }
    }
    Ok(verdict(&tally))
}

fn run_queue(arguments: Queue) -> Result<ExitCode> {
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    println!("seed {seed}");
    let folder = match arguments.folder {
        Some(folder) => folder,
        None => tempfile::Builder::new().prefix("prove-").tempdir()?.keep(),
    };
    println!("folder {}", folder.display());
    let server = match arguments.server {
        Some(server) => server,
        None => std::env::current_exe()?.with_file_name("horde-model-reference"),
    };
    let plan = queue::plan::Plan {
        server,
        folder,
        seed,
        round: Duration::from_secs(arguments.round_seconds),
        servers: arguments.servers,
        clients: arguments.clients,
    };
    let end = arguments.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut tally = queue::plan::Tally::default();
    for number in 1.. {
        let (round, found) = queue::plan::round(&plan, number)?;
        let is_well = found.findings.violations.is_empty();
        tally.merge(found);
        if is_well {
            println!("round {number}: all is well");
            std::fs::remove_dir_all(&round).with_context(|| round.display().to_string())?;
        } else {
            println!("round {number}: see {}", round.display());
        }
        if !is_well || end.is_some_and(|end| Instant::now() >= end) {
            break;
        }
    }
    print!("{tally}");
    let is_well = tally.findings.violations.is_empty();
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn judge(arguments: &Check) -> Result<ExitCode> {
    let past = Past::read(&arguments.folder.join("histories"))?;
    let data = arguments.folder.join("data");
    let rules = Rules { lease: Duration::from_millis(arguments.lease_ms) };
    // What lay on a disk of its own is gone with it.
    let data = data.join("audit").is_dir().then_some(data);
    let findings = check(&past, data.as_deref(), rules)?;
    Ok(verdict(&Tally { findings, rounds: 1, ..Tally::default() }))
}

fn verdict(tally: &Tally) -> ExitCode {
    print!("{}", report::table(tally));
    if tally.findings.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
