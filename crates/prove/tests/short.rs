//! The short form of the proof: a few rounds with faults in which every promise holds, and each
//! rule left out in turn, which the checker must convict.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, ensure};
use prove::checker::Property;
use prove::disk::Medium;
use prove::faults::{Fault, Mutation};
use prove::fleet::{Plan, Tally, round};
use prove::{report, worker};

const ROUND: Duration = Duration::from_secs(7);

/// How many rounds a rule that was left out may go unnoticed.
const ROUNDS_TO_CONVICT: u64 = 12;

/// One fleet at a time: beside each other they would starve.
static ALONE: Mutex<()> = Mutex::new(());

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
        redis: false,
        lease: Duration::from_millis(100),
    })
}

fn holds(change: impl FnOnce(&mut Plan), faults: &[Fault]) -> Result<Tally> {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir()?;
    let mut plan = plan(folder.path(), faults)?;
    change(&mut plan);
    let (path, tally) = round(&plan, 1)?;
    let table = report::table(&tally);
    println!("{table}");
    if !tally.findings.violations.is_empty() {
        let path = path.display().to_string();
        // What contradicts itself is in there.
        std::mem::forget(folder);
        anyhow::bail!("{path}\n{table}");
    }
    ensure!(tally.findings.checked[&Property::Set] > 0, "nothing was written\n{table}");
    ensure!(tally.findings.checked[&Property::Plain] > 0, "nothing was read\n{table}");
    Ok(tally)
}

/// Leaves `rule` out until one of `properties` is violated.
fn convicts(
    rule: Mutation,
    change: impl FnOnce(&mut Plan),
    faults: &[Fault],
    properties: &[Property],
) -> Result<()> {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir()?;
    let mut plan = Plan { mutation: Some(rule), ..plan(folder.path(), faults)? };
    change(&mut plan);
    let mut all = Tally::default();
    for number in 1..=ROUNDS_TO_CONVICT {
        let (_, tally) = round(&plan, number)?;
        let violations = &tally.findings.violations;
        let convicted = violations.iter().find(|found| properties.contains(&found.property));
        if let Some(convicted) = convicted {
            println!("{rule} in round {number}: {convicted}");
            return Ok(());
        }
        all.merge(tally);
    }
    anyhow::bail!("nobody noticed that `{rule}` was left out\n{}", report::table(&all))
}

/// Whether a medium can be mounted here; if not, the test says so and is over.
fn can_mount(medium: Medium) -> Result<bool> {
    let can = medium.can_be_had(tempfile::tempdir()?.path());
    if !can {
        println!("SKIPPED: {medium:?} cannot be mounted here");
    }
    Ok(can)
}

fn made(tally: &Tally, word: &str) -> u64 {
    let of_word = tally.made.iter().filter(|(fault, _)| fault.starts_with(word));
    of_word.map(|(_, count)| count).sum()
}

#[test]
fn every_promise_holds_while_workers_are_killed_stopped_and_starved() -> Result<()> {
    let tally = holds(|_| {}, &[Fault::Kill, Fault::Stop, Fault::Starve])?;
    for word in ["kills", "stops", "starved workers"] {
        ensure!(made(&tally, word) > 0, "no {word}: {:?}", tally.made);
    }
    Ok(())
}

#[test]
fn every_promise_holds_while_workers_die_and_stand_still_at_each_step() -> Result<()> {
    let tally = holds(|_| {}, &[Fault::Points, Fault::Pauses])?;
    for word in ["kills at", "stops at"] {
        ensure!(made(&tally, word) > 0, "no {word}: {:?}", tally.made);
    }
    Ok(())
}

#[test]
fn every_promise_holds_while_others_edit_spoil_and_restore_the_files() -> Result<()> {
    let faults = [Fault::Edits, Fault::Bursts, Fault::Garbage, Fault::Older, Fault::Points];
    let tally = holds(|_| {}, &faults)?;
    ensure!(made(&tally, "kills at") > 0, "no kills: {:?}", tally.made);
    Ok(())
}

#[test]
fn every_promise_holds_while_clocks_are_wrong() -> Result<()> {
    let tally = holds(|_| {}, &[Fault::Clock, Fault::Kill])?;
    ensure!(made(&tally, "workers with a wrong clock") > 0, "{:?}", tally.made);
    Ok(())
}

#[test]
fn every_promise_holds_while_control_files_are_deleted() -> Result<()> {
    let tally = holds(|_| {}, &[Fault::Forget, Fault::Pauses])?;
    ensure!(made(&tally, "deletions of .coherence") > 0, "{:?}", tally.made);
    Ok(())
}

#[test]
fn every_promise_holds_while_steps_fail_and_the_disk_is_full_or_read_only() -> Result<()> {
    holds(|_| {}, &[Fault::Errors])?;
    if !can_mount(Medium::Tmpfs)? {
        return Ok(());
    }
    let faults = [Fault::Full, Fault::ReadOnly, Fault::Kill];
    let tally = holds(|plan| plan.medium = Medium::Tmpfs, &faults)?;
    ensure!(made(&tally, "full disks") > 0, "{:?}", tally.made);
    Ok(())
}

#[test]
fn every_promise_holds_with_the_legacy_format() -> Result<()> {
    let legacy = |plan: &mut Plan| {
        plan.legacy = true;
        plan.documents = worker::documents(2, true).unwrap_or_default();
    };
    holds(legacy, &[Fault::Kill, Fault::Points, Fault::Edits, Fault::Older]).map(|_| ())
}

#[test]
fn every_promise_holds_whatever_happens_to_redis() -> Result<()> {
    let faults = [
        Fault::RedisKill,
        Fault::RedisStop,
        Fault::RedisFlush,
        Fault::RedisClients,
        Fault::RedisMemory,
        Fault::RedisOlder,
        Fault::RedisPoison,
        Fault::RedisNet,
        Fault::Kill,
        Fault::Edits,
    ];
    let with_redis = |plan: &mut Plan| {
        plan.redis = true;
        plan.round = ROUND * 2;
    };
    let tally = holds(with_redis, &faults)?;
    for word in ["redis: ", "network: ", "kills"] {
        ensure!(made(&tally, word) > 0, "no {word}: {:?}", tally.made);
    }
    ensure!(tally.repairs.len() == 2, "redis was not looked at: {:?}", tally.repairs);
    Ok(())
}

#[test]
fn every_promise_holds_with_the_legacy_format_and_redis() -> Result<()> {
    let legacy = |plan: &mut Plan| {
        plan.legacy = true;
        plan.redis = true;
        plan.documents = worker::documents(2, true).unwrap_or_default();
    };
    let faults = [Fault::RedisFlush, Fault::RedisPoison, Fault::RedisNet, Fault::Points];
    holds(legacy, &faults).map(|_| ())
}

#[test]
fn comparing_redis_only_once_is_convicted() -> Result<()> {
    convicts(Mutation::Comparison, |plan| plan.redis = true, &[], &[Property::Shared])
}

#[test]
fn writing_without_the_lock_is_convicted() -> Result<()> {
    convicts(Mutation::Lock, |_| {}, &[], &[Property::Set])
}

#[test]
fn answering_without_a_lease_is_convicted() -> Result<()> {
    let properties = [Property::Plain, Property::Bound, Property::Online];
    convicts(Mutation::Lease, |_| {}, &[Fault::Stop], &properties)
}

#[test]
fn acknowledging_without_waiting_for_leases_is_convicted() -> Result<()> {
    convicts(Mutation::CommitWait, |_| {}, &[], &[Property::Plain, Property::Online])
}

#[test]
fn giving_an_older_content_its_old_name_is_convicted() -> Result<()> {
    let properties = [Property::Plain, Property::Online, Property::Set];
    convicts(Mutation::Floor, |_| {}, &[Fault::Older], &properties)
}

#[test]
fn not_looking_at_what_was_displaced_is_convicted() -> Result<()> {
    convicts(Mutation::DisplacedCheck, |_| {}, &[Fault::Edits, Fault::Bursts], &[Property::Set])
}

#[test]
fn not_recovering_is_convicted() -> Result<()> {
    let properties = [Property::Audit, Property::Metadata, Property::Repeat];
    convicts(Mutation::Recovery, |_| {}, &[Fault::Points], &properties)
}
