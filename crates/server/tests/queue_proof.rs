//! The short form of the proof of the queue: four servers and fifty clients, servers are killed and
//! Redis comes and goes, and what was answered is what is left. `make prove-queue` goes on for longer.

use std::time::Duration;

use anyhow::{Result, ensure};
use prove::queue::checker::Property;
use prove::queue::plan::{Plan, round};

#[test]
fn what_was_answered_is_what_is_left() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let plan = Plan {
        server: env!("CARGO_BIN_EXE_horde-model-reference").into(),
        folder: folder.path().to_owned(),
        seed: 20_260_101,
        round: Duration::from_secs(9),
        servers: 4,
        clients: 50,
    };
    let (path, tally) = round(&plan, 1)?;
    println!("{tally}");
    if !tally.findings.violations.is_empty() {
        // What contradicts itself is in there.
        std::mem::forget(folder);
        anyhow::bail!("{}\n{tally}", path.display());
    }
    for property in [Property::Proposals, Property::Decisions, Property::Readable] {
        ensure!(tally.findings.checked.contains_key(&property), "no {property:?}\n{tally}");
    }
    let applied = tally
        .findings
        .calls
        .keys()
        .any(|call| call.starts_with("apply") && call.ends_with(": 200"));
    ensure!(applied, "nothing was applied\n{tally}");
    Ok(())
}
