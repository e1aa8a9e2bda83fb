//! The released Python client as a REPLICA of this service: it must find every record of the files.

#![expect(clippy::disallowed_methods, reason = "which Python to use is said in the environment")]

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use horde_model_reference::Category;
use serde_json::Value;
use testkit::{DataFolder, Launch};

#[test]
fn the_client_loads_the_example_data() -> Result<()> {
    nothing_is_missing(&workspace().join("examples/data"))
}

#[test]
fn the_client_loads_the_real_data() -> Result<()> {
    let Some(shared) = testkit::shared() else { return Ok(()) };
    nothing_is_missing(&shared.join("data"))
}

fn nothing_is_missing(fixtures: &Path) -> Result<()> {
    let data = DataFolder::filled_from(fixtures)?;
    let executable = std::env::var_os("HMR_SERVER")
        .unwrap_or_else(|| env!("CARGO_BIN_EXE_horde-model-reference").into());
    let server = Launch::new(executable, data.cache_home())
        .env("HORDE_MODEL_REFERENCE_REPLICATE_MODE", "PRIMARY")
        .env("HORDE_MODEL_REFERENCE_CANONICAL_FORMAT", "v2")
        .start()?;
    let answer = ask_client(&server.base_url())?;

    let mut missing = Vec::new();
    for category in Category::ALL {
        if answer["loaded"].get(category.name()).is_none() {
            // The older client does not know it.
            continue;
        }
        let loaded = answer["loaded"][category.name()].as_array();
        for (key, record) in records_of(fixtures, category)? {
            // The client files records under their names, and leaves alone what others manage.
            let name = record.get("name").unwrap_or(&Value::Null);
            let is_loaded = loaded.is_some_and(|names| names.contains(name));
            if !(is_loaded || category.is_managed_elsewhere()) {
                missing.push(format!("{category}: {key}"));
            } else if !holds(&answer["raw"][category.name()][&key], &record) {
                missing.push(format!("{category}: {key} differs"));
            }
        }
    }
    ensure!(missing.is_empty(), "{} records are missing: {missing:#?}", missing.len());
    println!("client {}: exports {}", answer["client"], answer["exports"]);
    let exports = answer["exports"].as_object().into_iter().flatten();
    for (kind, state) in exports {
        let refused = state.as_str().is_some_and(|state| state.starts_with("refused"));
        ensure!(!refused, "export of {kind}: {state}");
    }
    Ok(())
}

/// The records of the file of a category; none if there is no file.
fn records_of(fixtures: &Path, category: Category) -> Result<Vec<(String, Value)>> {
    let path = fixtures.join(format!("v2/{}.json", category.file_stem()));
    if !path.exists() {
        return Ok(Vec::new());
    }
    let file: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
    let records = file.as_object().with_context(|| path.display().to_string())?;
    Ok(records.iter().map(|(name, record)| (name.clone(), record.clone())).collect())
}

/// Whether the client has every member of the record. The service may add members, and it completes
/// `metadata` when it starts.
fn holds(got: &Value, record: &Value) -> bool {
    let members = record.as_object().into_iter().flatten();
    members
        .filter(|(name, _)| *name != "metadata")
        .all(|(name, value)| got.get(name) == Some(value))
}

/// What `replica_client.py` tells of the service at `base_url`.
fn ask_client(base_url: &str) -> Result<Value> {
    let cache = tempfile::tempdir()?;
    let output = Command::new(testkit::python()?)
        .arg(workspace().join("tests/python/replica_client.py"))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("AIWORKER_CACHE_HOME", cache.path())
        .env("HORDE_MODEL_REFERENCE_MAKE_FOLDERS", "true")
        .env("HORDE_MODEL_REFERENCE_REPLICATE_MODE", "REPLICA")
        .env("HORDE_MODEL_REFERENCE_PRIMARY_API_URL", format!("{base_url}/api"))
        .env("HORDE_MODEL_REFERENCE_ENABLE_GITHUB_FALLBACK", "false")
        .current_dir(cache.path())
        .output()?;
    let log = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the client failed with {}\n{log}", output.status);
    serde_json::from_slice(&output.stdout).with_context(|| log.into_owned())
}

fn workspace() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap_or(root)
}
