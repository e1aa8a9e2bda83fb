//! Requests made up from the OpenAPI document, right ones and wrong ones: no answer is a fault of the
//! server, none has a status, a kind or a shape that the document does not tell.
//!
//! `HMR_SCHEMATHESIS=200` tries that many requests an operation from a seed of its own, those at the
//! bounds of what is documented, sequences, and all that again for who may only propose.

#![expect(clippy::disallowed_methods, reason = "how much is tried is said in the environment")]

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testkit::{DataFolder, HordeApi, Launch, Request, ServerProcess};

/// Requests an operation.
const USUAL: &str = "5";
const SEED: &str = "7";
/// Not whether other methods are refused: the path of every category, under which its models are
/// created, looks like one of a path with a parameter, under which nothing is.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,ignored_auth";

#[test]
fn answers_are_as_documented_where_v2_is_canonical() -> Result<()> {
    answers_are_as_documented("v2")
}

#[test]
fn answers_are_as_documented_where_legacy_is_canonical() -> Result<()> {
    answers_are_as_documented("LEGACY")
}

fn answers_are_as_documented(canonical: &str) -> Result<()> {
    let tool = tool()?;
    let data = DataFolder::filled_from(&workspace().join("examples/data"))?;
    data.write("pending_queue/changes.json", queue().to_string().as_bytes())?;
    let horde = HordeApi::of_users([("requestor", "requestor#101"), ("approver", "approver#201")])?;
    let server = serve(&data, &horde, canonical)?;
    let reports = tempfile::tempdir()?;
    let document = reports.path().join("openapi.json");
    std::fs::write(&document, document_of(&server, canonical == "LEGACY")?.to_string())?;
    let length = std::env::var("HMR_SCHEMATHESIS").ok();
    // Approvers may do everything.
    let keys: &[&str] = if length.is_some() { &["approver", "requestor"] } else { &["approver"] };
    for key in keys {
        let tried = try_all(&tool, &document, &server, key, length.as_deref())?;
        println!("{canonical}, {key}:\n{tried}");
    }
    let log = server.log();
    ensure!(!log.contains("panicked"), "{log}");
    Ok(())
}

fn serve(data: &DataFolder, horde: &HordeApi, canonical: &str) -> Result<ServerProcess> {
    let settings = [
        ("REPLICATE_MODE", "PRIMARY"),
        ("CANONICAL_FORMAT", canonical),
        ("PENDING_QUEUE__REQUESTOR_IDS", "101"),
        ("PENDING_QUEUE__APPROVER_IDS", "201"),
        ("LICENSING__EDITOR_IDS", "201"),
        // Wrong keys come by the hundred here, and only a few answers of 429 are wanted.
        ("AUTH__FAILURES_PER_ADDRESS", "0"),
        ("AUTH__FAILURES_PER_KEY", "0"),
        ("LOG_LEVEL", "warn"),
    ];
    let launch = Launch::new(env!("CARGO_BIN_EXE_horde-model-reference"), data.cache_home())
        .env("AI_HORDE_URL", format!("{}/api/", horde.base_url()));
    let with = |launch: Launch, (name, value): &(&str, &str)| {
        launch.env(format!("HORDE_MODEL_REFERENCE_{name}"), *value)
    };
    settings.iter().fold(launch, with).start()
}

/// The document, without the routes that are not there.
fn document_of(server: &ServerProcess, writes_legacy: bool) -> Result<Value> {
    let mut document = server.send(&Request::get("/api/openapi.json"))?.json()?;
    let paths = document["paths"].as_object_mut().context("a document has paths")?;
    for operations in paths.values_mut() {
        let operations = operations.as_object_mut().context("a path has operations")?;
        operations.retain(|_, said| writes_legacy || said.get("x-present-when").is_none());
    }
    paths.retain(|_, operations| operations.as_object().is_some_and(|any| !any.is_empty()));
    ensure!(paths.len() > 50, "only {} paths are documented", paths.len());
    Ok(document)
}

/// What it came to; the error is what it found.
fn try_all(
    tool: &Path,
    document: &Path,
    server: &ServerProcess,
    key: &str,
    length: Option<&str>,
) -> Result<String> {
    let seed = seed_of_run(length.is_some());
    let phases = if length.is_some() { "coverage,fuzzing,stateful" } else { "fuzzing" };
    let tried = Command::new(tool)
        .arg("--config-file")
        .arg(workspace().join("crates/server/tests/schemathesis.toml"))
        .arg("run")
        .arg(document)
        .args(["--url", &format!("{}/api", server.base_url())])
        .args(["--header", &format!("apikey: {key}")])
        .args(["--checks", CHECKS, "--phases", phases, "--seed", &seed])
        .args(["--max-examples", length.unwrap_or(USUAL)])
        .args(["--continue-on-failure", "--no-shrink", "--request-timeout", "30"])
        .args(["--generation-database", "none", "--suppress-health-check", "all"])
        .args(["--warnings", "off"])
        .current_dir(document.parent().context("a document lies in a folder")?)
        .output()?;
    let told = String::from_utf8_lossy(&tried.stdout).into_owned();
    let wrong = String::from_utf8_lossy(&tried.stderr).into_owned();
    ensure!(tried.status.success(), "as {key}, seed {seed}:\n{told}\n{wrong}\n{}", server.log());
    let summary = told.split("SUMMARY").nth(1).context("there is a summary")?;
    ensure!(summary.contains("no issues found") || summary.contains("passed"), "{summary}");
    Ok(summary.trim_matches(['=', ' ', '\n']).to_owned())
}

/// The same every day; another each time where much is tried.
fn seed_of_run(is_long: bool) -> String {
    if is_long { std::process::id().to_string() } else { SEED.to_owned() }
}

/// Changes of every status, so that small numbers name something.
fn queue() -> Value {
    let statuses = ["pending", "approved", "rejected", "applied", "pending"];
    let entry = |(id, status): (usize, &str)| {
        let mut entry = json!({
            "change_id": id, "resource_kind": "model_reference", "category": "clip",
            "model_name": format!("new {id}"), "operation": "create",
            "payload": {"record_type": "clip", "name": format!("new {id}")},
            "requested_by": "101", "requested_username": "requestor#101",
            "requested_at": 1_700_000_000, "status": status, "updated_at": 1_700_000_000,
        });
        if status != "pending" {
            entry["batch_id"] = json!(1);
            entry["batch_title"] = json!("first");
        }
        entry
    };
    (1..).zip(statuses.into_iter().cycle().take(20)).map(entry).collect()
}

fn tool() -> Result<PathBuf> {
    static MAKING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one_at_a_time = MAKING.lock();
    let setup = Command::new(workspace().join("scripts/setup-schemathesis")).output()?;
    let log = String::from_utf8_lossy(&setup.stderr);
    ensure!(setup.status.success(), "no virtual environment with schemathesis: {log}");
    Ok(workspace().join(".venv-schemathesis/bin/schemathesis"))
}

fn workspace() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    workspace.canonicalize().unwrap_or(workspace)
}
