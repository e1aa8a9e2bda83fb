//! The command `env` of the real executable, in odd surroundings.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn run(folder: &Path, args: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_horde-model-reference"))
        .args(args)
        .env_clear()
        .envs(variables.iter().copied())
        .current_dir(folder)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn value_and_source<'a>(listing: &'a Value, name: &str) -> (&'a str, &'a str) {
    let rows = listing["variables"].as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == name).unwrap();
    (row["value"].as_str().unwrap(), row["source"].as_str().unwrap())
}

#[test]
fn values_come_from_all_layers_in_any_case() {
    let folder = folder();
    std::fs::write(folder.path().join(".env"), "horde_model_reference_port=1\nLOGS_FOLDER='a b'\n")
        .unwrap();
    std::fs::write(folder.path().join("s.toml"), "port = 2\nhost = '::'\n[redis]\npool_size = 4\n")
        .unwrap();
    let output = run(
        folder.path(),
        &["env", "--json", "--config", "s.toml"],
        &[
            ("horde_model_reference_max_connections", "7"),
            ("Horde_Model_Reference_Redis", r#"{"use_redis": "yes", "url": "redis://:hunter2@r"}"#),
            ("HORDE_MODEL_REFERENCE_CORS_ALLOWED_ORIGINS", ""),
            ("HORDE_MODEL_REFERENCE_PENDING_QUEUE__APPROVER_IDS", "[1, \"2\"]"),
            ("HORDE_MODEL_REFERENCE_REDIS__POOLSIZE", "9"),
        ],
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(!text(&output.stdout).contains("hunter2"));
    let listing: Value = serde_json::from_slice(&output.stdout).unwrap();
    for (name, expected) in [
        ("HORDE_MODEL_REFERENCE_PORT", ("1", ".env line 1")),
        ("LOGS_FOLDER", ("a b", ".env line 2")),
        ("HORDE_MODEL_REFERENCE_HOST", ("::", "host in s.toml")),
        ("HORDE_MODEL_REFERENCE_REDIS__POOL_SIZE", ("4", "redis.pool_size in s.toml")),
        ("HORDE_MODEL_REFERENCE_MAX_CONNECTIONS", ("7", "environment")),
        (
            "HORDE_MODEL_REFERENCE_REDIS__URL",
            ("redis://:***@r", "HORDE_MODEL_REFERENCE_REDIS, environment"),
        ),
        ("HORDE_MODEL_REFERENCE_CORS_ALLOWED_ORIGINS", ("", "environment")),
        ("HORDE_MODEL_REFERENCE_PENDING_QUEUE__APPROVER_IDS", ("1,2", "environment")),
        ("HORDE_MODEL_REFERENCE_REPLICATE_MODE", ("PRIMARY", "default")),
        ("HORDE_MODEL_REFERENCE_CONFIG", ("s.toml", "command line")),
    ] {
        assert_eq!(value_and_source(&listing, name), expected, "{name}");
    }
    assert_eq!(
        listing["warnings"][0],
        "There is no setting HORDE_MODEL_REFERENCE_REDIS__POOLSIZE (from: environment); was \
         HORDE_MODEL_REFERENCE_REDIS__POOL_SIZE meant?"
    );
    assert_eq!(listing["notes"], serde_json::json!([]));
}

#[test]
fn people_get_an_aligned_listing() {
    let folder = folder();
    let variables = [("HORDE_MODEL_REFERENCE_OFFLINE", "on"), ("API_KEY", "hunter2")];
    let output = run(folder.path(), &["env"], &variables);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let listing = text(&output.stdout);
    for line in [
        "replication",
        "  HORDE_MODEL_REFERENCE_REPLICATE_MODE          REPLICA  [because HORDE_MODEL_REFERENCE_OFFLINE is set]",
        "  HORDE_MODEL_REFERENCE_OFFLINE                 true  [from: environment; default: false]",
        "note: This process is a read-only REPLICA, because HORDE_MODEL_REFERENCE_OFFLINE is set.",
    ] {
        assert!(listing.lines().any(|present| present == line), "{line}\n{listing}");
    }
    assert!(listing.contains("***  [from: environment; default: null]"), "{listing}");
    assert!(!listing.contains("hunter2"));
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let folder = folder();
    std::fs::write(folder.path().join(".env"), "\nHORDE_MODEL_REFERENCE_LOG_FORMAT=xml\n").unwrap();
    let output = run(
        folder.path(),
        &["env"],
        &[
            ("HORDE_MODEL_REFERENCE_PORT", "70000"),
            ("HORDE_MODEL_REFERENCE_REDIS__URL", "http://:hunter2@r"),
            ("HORDE_MODEL_REFERENCE_CACHE_TTL_SECONDS", ""),
        ],
    );
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "");
    assert_eq!(
        text(&output.stderr),
        r#"error: 4 settings are wrong:
  HORDE_MODEL_REFERENCE_PORT cannot be "70000" (from: environment)
    accepted: a whole number from 0 to 65535
  HORDE_MODEL_REFERENCE_LOG_FORMAT cannot be "xml" (from: .env line 2)
    accepted: text or json
  HORDE_MODEL_REFERENCE_CACHE_TTL_SECONDS cannot be "" (from: environment)
    accepted: a whole number
  HORDE_MODEL_REFERENCE_REDIS__URL cannot be "http://:***@r" (from: environment)
    accepted: an address such as redis://:password@host:6379/0 (or rediss://, unix://), or null
"#
    );
}

#[test]
fn settings_of_redis_are_checked_together_where_it_is_used() {
    let folder = folder();
    let variables = [
        ("HORDE_MODEL_REFERENCE_REDIS__USE_REDIS", "true"),
        ("HORDE_MODEL_REFERENCE_REDIS__URL", "redis://app:hunter2@r/1"),
        ("HORDE_MODEL_REFERENCE_REDIS__PASSWORD", "hunter3"),
        ("HORDE_MODEL_REFERENCE_REDIS__DATABASE", "2"),
    ];
    let output = run(folder.path(), &["env"], &variables);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stderr),
        r#"error: 2 settings are wrong:
  HORDE_MODEL_REFERENCE_REDIS__PASSWORD cannot be "***" (from: environment)
    accepted: what HORDE_MODEL_REFERENCE_REDIS__URL says, or null
  HORDE_MODEL_REFERENCE_REDIS__DATABASE cannot be "2" (from: environment)
    accepted: what HORDE_MODEL_REFERENCE_REDIS__URL says, or null
"#
    );
    let output = run(folder.path(), &["env"], &variables[1..]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(!text(&output.stdout).contains("hunter"));
}

#[test]
fn the_example_uncommented_is_the_defaults() {
    let folder = folder();
    let variables = [("HORDE_MODEL_REFERENCE_PORT", "wrong, but no matter here")];
    let output = run(folder.path(), &["env", "--example"], &variables);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let example = text(&output.stdout);
    let is_variable = |line: &&str| line.starts_with('#') && !line.starts_with("# ");
    let lines: Vec<_> = example.lines().filter(is_variable).map(|line| &line[1..]).collect();
    assert!(lines.contains(&"HORDE_MODEL_REFERENCE_PORT=19800"), "{example}");

    std::fs::write(folder.path().join(".env"), lines.join("\n")).unwrap();
    let output = run(folder.path(), &["env", "--json"], &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let listing: Value = serde_json::from_slice(&output.stdout).unwrap();
    for row in listing["variables"].as_array().unwrap() {
        assert!(row["value"] == row["default"] || row["secret"] == true, "{row}");
        assert_ne!(row["source"], "default", "{row}");
    }
    assert_eq!(listing["warnings"], serde_json::json!([]));
}

#[test]
fn completions_name_the_commands() {
    let folder = folder();
    for shell in ["bash", "zsh", "fish"] {
        let output = run(folder.path(), &["completions", shell], &[]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(text(&output.stdout).contains("env"), "{shell}");
    }
}
