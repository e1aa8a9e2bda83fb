//! The short form of the proof: a few rounds with faults in which every promise holds, and each
//! rule left out in turn, which the checker must convict.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use prove::checker::Property;
use prove::disk::Medium;
use prove::faults::{Fault, Mutation};
use prove::fleet::{Plan, Tally, round};
use prove::{report, worker};

const ROUND: Duration = Duration::from_secs(6);

/// How many rounds a rule that was left out may go unnoticed.
const ROUNDS_TO_CONVICT: u64 = 4;

fn plan(folder: &Path, faults: &[Fault]) -> Result<Plan> {
    Ok(Plan {
        executable: env!("CARGO_BIN_EXE_prove").into(),
        folder: folder.to_owned(),
        seed: 20_260_101,
        round: ROUND,
        workers: 3,
        readers: 1,
        documents: worker::documents(2, false)?,
        faults: faults.to_vec(),
        mutation: None,
        legacy: false,
        medium: Medium::Plain,
        lease: Duration::from_millis(100),
    })
}

fn holds(faults: &[Fault]) -> Result<Tally> {
    let folder = tempfile::tempdir()?;
    let (_, tally) = round(&plan(folder.path(), faults)?, 1)?;
    let table = report::table(&tally);
    println!("{table}");
    ensure!(tally.findings.violations.is_empty(), "{table}");
    ensure!(tally.findings.checked[&Property::Set] > 0, "nothing was written\n{table}");
    ensure!(tally.findings.checked[&Property::Plain] > 0, "nothing was read\n{table}");
    Ok(tally)
}

/// Leaves `rule` out until one of `properties` is violated.
fn convicts(rule: Mutation, faults: &[Fault], properties: &[Property]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let plan = Plan { mutation: Some(rule), ..plan(folder.path(), faults)? };
    let mut all = Tally::default();
    for number in 1..=ROUNDS_TO_CONVICT {
        let (_, tally) = round(&plan, number)?;
        let violations = &tally.findings.violations;
        if violations.iter().any(|violation| properties.contains(&violation.property)) {
            return Ok(());
        }
        all.merge(tally);
    }
    anyhow::bail!("nobody noticed that `{rule}` was left out\n{}", report::table(&all))
}

#[test]
fn every_promise_holds_while_workers_are_killed_stopped_and_starved() -> Result<()> {
    let tally = holds(&[Fault::Kill, Fault::Stop, Fault::Starve])?;
    let kills = tally.made.get("kills").copied().unwrap_or(0);
    ensure!(kills > 0, "no worker was killed: {:?}", tally.made);
    Ok(())
}

#[test]
fn writing_without_the_lock_is_noticed() -> Result<()> {
    convicts(Mutation::Lock, &[], &[Property::Set])
}
