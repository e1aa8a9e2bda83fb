//! A replica of our own PRIMARY.

use std::path::Path;

use anyhow::{Result, ensure};
use testkit::{DataFolder, ServerProcess, eventually};

use crate::servers::{SOON, answers_all, examples, primary, read, read_all, replica, replication};

#[test]
fn everything_is_copied_byte_for_byte() -> Result<()> {
    let shared = testkit::shared().map(|shared| shared.join("data"));
    for fixtures in [Some(examples()), shared].into_iter().flatten() {
        let (theirs, ours) = (DataFolder::filled_from(&fixtures)?, DataFolder::empty()?);
        let primary = primary(&theirs)?;
        let replica = replica(&ours, &primary.base_url()).start()?;
        let wanted = read_all(&primary)?;
        let found = wanted.values().filter(|(status, _)| *status == 200).count();
        ensure!(found > 20, "only {found} answers of {}", fixtures.display());
        eventually(SOON, || answers_all(&replica, &wanted))?;
        let status = replication(&replica)?;
        ensure!(status["last_error"].is_null(), "{status}");
    }
    Ok(())
}

#[test]
fn a_hand_edit_at_the_primary_arrives() -> Result<()> {
    let (theirs, ours) = (DataFolder::filled_from(&examples())?, DataFolder::empty()?);
    let primary = primary(&theirs)?;
    let replica = replica(&ours, &primary.base_url()).start()?;
    edit(&theirs, "first edit")?;
    shows(&replica, "first edit")?;
    edit(&theirs, "second edit")?;
    shows(&replica, "second edit")
}

#[test]
fn the_last_known_data_outlives_the_primary() -> Result<()> {
    let (theirs, ours) = (DataFolder::filled_from(&examples())?, DataFolder::empty()?);
    let mut primary = primary(&theirs)?;
    let mut replica = replica(&ours, &primary.base_url()).start()?;
    let wanted = read_all(&primary)?;
    eventually(SOON, || answers_all(&replica, &wanted))?;
    primary.kill()?;
    eventually(SOON, || {
        let status = replication(&replica)?;
        ensure!(status["failures"].as_u64() >= Some(1), "{status}");
        Ok(())
    })?;
    answers_all(&replica, &wanted)?;
    replica.restart()?;
    answers_all(&replica, &wanted)?;
    edit(&theirs, "while you were away")?;
    primary.restart()?;
    shows(&replica, "while you were away")
}

#[test]
fn a_replica_without_data_and_primary_answers_at_once() -> Result<()> {
    let ours = DataFolder::empty()?;
    let replica = replica(&ours, &testkit::closed_port()?).start()?;
    let begun = std::time::Instant::now();
    for (path, wanted) in [
        ("v2/clip", 404),
        ("v1/clip", 404),
        ("v2/model_categories", 200),
        ("v2/licensing/export", 200),
    ] {
        let (status, body) = read(&replica, path)?;
        ensure!(status == wanted, "{path}: {status} {body}");
    }
    ensure!(begun.elapsed().as_millis() < 1000, "{:?}", begun.elapsed());
    let status = replication(&replica)?;
    ensure!(
        status["last_error"].as_str().is_some_and(|error| error.contains("refused")),
        "{status}"
    );
    Ok(())
}

/// Puts a model with this description among the others of a category.
fn edit(data: &DataFolder, description: &str) -> Result<()> {
    let path = data.root().join("clip.json");
    let mut records: serde_json::Value = serde_json::from_slice(&std::fs::read(&path)?)?;
    records["edited by hand"] = serde_json::json!({
        "name": "edited by hand",
        "description": description,
        "config": {"files": [], "download": []},
    });
    write_as_editors_do(&path, &records.to_string())
}

fn write_as_editors_do(path: &Path, text: &str) -> Result<()> {
    let staged = path.with_extension("swp");
    std::fs::write(&staged, text)?;
    Ok(std::fs::rename(staged, path)?)
}

fn shows(replica: &ServerProcess, description: &str) -> Result<()> {
    eventually(SOON, || {
        let (status, body) =
            read(replica, "v2/clip/model/edited by hand".replace(' ', "%20").as_str())?;
        ensure!(status == 200 && body.contains(description), "{status} {body}");
        let (status, body) = read(replica, "v1/clip")?;
        ensure!(status == 200 && body.contains(description), "{status} {body}");
        Ok(())
    })
}
