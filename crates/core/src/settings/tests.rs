//! The settings as a whole: where values come from, who wins, and what an operator is told.

use std::path::{Path, PathBuf};

use super::*;

mod redis;

/// Sources without anything but these variables of the environment.
fn environment(variables: &[(&str, &str)]) -> Sources {
    let environment =
        variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Sources { environment, ..Sources::default() }
}

fn load(variables: &[(&str, &str)]) -> Loaded<Settings> {
    Settings::load(&environment(variables)).unwrap()
}

fn error(variables: &[(&str, &str)]) -> String {
    Settings::load(&environment(variables)).unwrap_err().to_string()
}

fn row(loaded: &Loaded<Settings>, name: &str) -> Described {
    loaded.variables.iter().find(|row| row.name == name).unwrap().clone()
}

#[test]
fn nothing_given_is_the_defaults() {
    let loaded = load(&[("PATH", "/bin"), ("HORDE", "x")]);
    assert_eq!(loaded.settings, Settings::default());
    assert!(loaded.warnings.is_empty() && loaded.notes.is_empty(), "{loaded:?}");
    let settings = loaded.settings;
    assert_eq!(settings.replication.mode, ReplicateMode::Replica);
    assert_eq!(settings.storage.data_root(), Path::new("./models/horde_model_reference"));
    assert_eq!(settings.audit.max_segment_bytes.get(), 5_242_880);
    assert_eq!(settings.redis.pool_size.get(), 10);
    assert_eq!(settings.coherence.look_every_ms(), 33);
    assert_eq!(settings.horde_api.url.join("v2"), "https://aihorde.net/api/v2");
    assert_eq!(settings.replication.primary_api_timeout_seconds.get(), 10);
}

#[test]
fn names_are_unique_and_defaults_are_accepted_as_texts() {
    let loaded = load(&[]);
    let mut names: Vec<_> = loaded.variables.iter().map(|row| row.name).collect();
    let given: Vec<_> = loaded
        .variables
        .iter()
        .filter(|row| !row.secret)
        .map(|row| (row.name, row.default.as_str()))
        .collect();
    assert_eq!(load(&given).settings, Settings::default());
    assert!(loaded.variables.iter().all(|row| row.meaning.ends_with('.')));
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), loaded.variables.len());
}

#[test]
fn a_caller_says_its_own_default_mode() {
    let sources = Sources { default_mode: ReplicateMode::Primary, ..Sources::default() };
    let loaded = Settings::load(&sources).unwrap();
    assert!(loaded.settings.replication.is_primary());
    assert_eq!(row(&loaded, "HORDE_MODEL_REFERENCE_REPLICATE_MODE").default, "PRIMARY");
    let sources = Sources {
        default_mode: ReplicateMode::Primary,
        ..environment(&[("HORDE_MODEL_REFERENCE_REPLICATE_MODE", "replica")])
    };
    assert!(!Settings::load(&sources).unwrap().settings.replication.is_primary());
}

#[test]
fn the_stronger_layer_wins() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("settings.toml");
    let name = "HORDE_MODEL_REFERENCE_CACHE_TTL_SECONDS";
    let mut sources = Sources {
        dot_env_folder: Some(folder.path().to_owned()),
        ..environment(&[("HORDE_MODEL_REFERENCE_CONFIG", config.to_str().unwrap())])
    };
    let expect = |sources: &Sources, ttl: i64, origin: &str| {
        let loaded = Settings::load(sources).unwrap();
        assert_eq!(loaded.settings.storage.cache_ttl_seconds, ttl);
        let shown = row(&loaded, name).origin.to_string();
        assert_eq!(shown.replace(folder.path().to_str().unwrap(), "DIR"), origin);
        assert_eq!(loaded.warnings, [""; 0]);
    };

    std::fs::write(&config, "logs_folder = 'l'\n").unwrap();
    expect(&sources, 60, "default");
    std::fs::write(&config, "logs_folder = 'l'\ncache_ttl_seconds = 1\n").unwrap();
    expect(&sources, 1, "cache_ttl_seconds in DIR/settings.toml");
    std::fs::write(folder.path().join(".env"), format!("# two\n{name}=0\nexport {name} = 2\n"))
        .unwrap();
    expect(&sources, 2, "DIR/.env line 3");
    std::fs::write(folder.path().join(".env.prod"), format!("{name}=3")).unwrap();
    expect(&sources, 2, "DIR/.env line 3");
    sources.environment.push(("HAIDRA_USE_DEFAULT_ENV_FILES".into(), "1".into()));
    expect(&sources, 3, "DIR/.env.prod line 1");
    sources.environment.push((name.to_lowercase().into(), "4".into()));
    expect(&sources, 4, "environment");
    sources.environment.push((name.into(), "5".into()));
    expect(&sources, 5, "environment");
    sources.overrides.push((name.into(), "6".into()));
    expect(&sources, 6, "command line");
}

#[test]
fn every_kind_of_toml_value_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("settings.toml");
    std::fs::write(
        &config,
        r#"
replicate_mode = "primary"
aiworker_cache_home = "/srv/models"
low_usage_threshold_percentage = 0.5
preferred_file_hosts = []

[redis]
use_redis = true
Pool_Size = 3
url = "redis://:hunter2@redis/1"
pol_size = 3

[pending_queue]
approver_ids = [1, "b"]

[image_github_repo.proxy_settings]
github_proxy_url_base = "https://proxy.example"
"#,
    )
    .unwrap();
    let sources = environment(&[("HORDE_MODEL_REFERENCE_CONFIG", config.to_str().unwrap())]);
    let Loaded { settings, warnings, .. } = Settings::load(&sources).unwrap();
    assert!(settings.replication.is_primary());
    assert_eq!(settings.storage.cache_home, Path::new("/srv/models"));
    assert_eq!(settings.analysis.low_usage_percentage, 0.5);
    assert!(settings.analysis.preferred_file_hosts.as_slice().is_empty());
    assert_eq!((settings.redis.use_redis, settings.redis.pool_size.get()), (true, 3));
    assert_eq!(settings.redis.url.unwrap().expose(), "redis://:hunter2@redis/1");
    assert_eq!(settings.queue.approver_ids.as_slice(), ["1", "b"]);
    assert!(settings.seeding.image_proxy.is_some());
    let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
    let file = config.display();
    assert_eq!(
        *warning,
        format!("There is no setting redis.pol_size (from: {file}); was redis.pool_size meant?")
    );
}

#[test]
fn a_group_may_be_one_json_object_and_single_variables_win() {
    let primary = ("HORDE_MODEL_REFERENCE_REPLICATE_MODE", "PRIMARY");
    let group = r#"{"use_redis": true, "POOL_SIZE": "7", "ttl_seconds": null, "key_prefix": "a"}"#;
    let loaded = load(&[
        primary,
        ("horde_model_reference_redis", group),
        ("HORDE_MODEL_REFERENCE_REDIS__KEY_PREFIX", "b"),
        ("HORDE_MODEL_REFERENCE_TEXT_GITHUB_REPO", r#"{"owner": "me", "proxy_settings": null}"#),
        ("HORDE_MODEL_REFERENCE_PENDING_QUEUE", r#"{"approver_ids": [1, "2"]}"#),
    ]);
    let settings = &loaded.settings;
    assert_eq!((settings.redis.use_redis, settings.redis.pool_size.get()), (true, 7));
    assert_eq!(settings.redis.key_prefix, "b");
    assert_eq!(settings.seeding.text_owner, "me");
    assert_eq!(settings.queue.approver_ids.as_slice(), ["1", "2"]);
    assert_eq!(
        row(&loaded, "HORDE_MODEL_REFERENCE_REDIS__POOL_SIZE").origin.to_string(),
        "HORDE_MODEL_REFERENCE_REDIS, environment"
    );
    assert_eq!(loaded.warnings, [""; 0]);
}

#[test]
fn a_group_across_layers_is_merged_member_by_member() {
    let folder = tempfile::tempdir().unwrap();
    let line = r#"HORDE_MODEL_REFERENCE_REDIS='{"pool_size": 2, "key_prefix": "weak"}'"#;
    std::fs::write(folder.path().join(".env"), line).unwrap();
    let sources = Sources {
        dot_env_folder: Some(folder.path().to_owned()),
        ..environment(&[("HORDE_MODEL_REFERENCE_REDIS", r#"{"key_prefix": "strong"}"#)])
    };
    let redis = Settings::load(&sources).unwrap().settings.redis;
    assert_eq!((redis.key_prefix.as_str(), redis.pool_size.get()), ("strong", 2));
}

#[test]
fn all_wrong_values_are_told_at_once() {
    assert_eq!(
        error(&[
            ("HORDE_MODEL_REFERENCE_CACHE_TTL_SECONDS", "soon"),
            ("HORDE_MODEL_REFERENCE_REDIS__TTL_SECONDS", ""),
            ("HORDE_MODEL_REFERENCE_REDIS__URL", "rdis://:hunter2@host"),
            ("horde_model_reference_audit", r#"{"enabled": "perhaps"}"#),
        ]),
        r#"4 settings are wrong:
  HORDE_MODEL_REFERENCE_CACHE_TTL_SECONDS cannot be "soon" (from: environment)
    accepted: a whole number
  HORDE_MODEL_REFERENCE_REDIS__URL cannot be "rdis://:***@host" (from: environment)
    accepted: an address such as redis://:password@host:6379/0 (or rediss://, unix://), or null
  HORDE_MODEL_REFERENCE_REDIS__TTL_SECONDS cannot be "" (from: environment)
    accepted: a whole number from 0 to 4294967295, or null
  HORDE_MODEL_REFERENCE_AUDIT__ENABLED cannot be "perhaps" (from: HORDE_MODEL_REFERENCE_AUDIT, environment)
    accepted: true, yes, on or 1, or false, no, off or 0"#
    );
}

#[test]
fn a_group_that_is_no_object_and_a_variable_that_is_one_are_wrong() {
    let text = error(&[
        ("HORDE_MODEL_REFERENCE_REDIS", r#"{"url": "redis://:hunter2@host""#),
        ("HORDE_MODEL_REFERENCE_AUDIT", ""),
        ("HORDE_MODEL_REFERENCE_PENDING_QUEUE", "null"),
        ("HORDE_MODEL_REFERENCE_OFFLINE", r#"{"really": true}"#),
    ]);
    assert_eq!(
        text,
        "3 settings are wrong:
  HORDE_MODEL_REFERENCE_AUDIT cannot be empty (from: environment)
    accepted: a JSON object, or single variables such as HORDE_MODEL_REFERENCE_AUDIT__ENABLED
  HORDE_MODEL_REFERENCE_OFFLINE cannot be the value given (not shown) (from: HORDE_MODEL_REFERENCE_OFFLINE, environment)
    accepted: a single value (boolean)
  HORDE_MODEL_REFERENCE_REDIS cannot be the value given (not shown) (from: environment)
    accepted: a JSON object, or single variables such as HORDE_MODEL_REFERENCE_REDIS__USE_REDIS"
    );
}

#[test]
fn mistyped_names_are_warnings_with_the_name_that_was_meant() {
    let loaded = load(&[
        ("HORDE_MODEL_REFERENCE_REDIS_URL", "redis://:hunter2@host"),
        ("HORDE_MODEL_REFERENCE_WEATHER", "fine"),
        ("HORDE_MODEL_REFERENCE_AUDIT", r#"{"enabld": true}"#),
    ]);
    assert_eq!(
        loaded.warnings,
        [
            "There is no setting HORDE_MODEL_REFERENCE_AUDIT__ENABLD (from: \
             HORDE_MODEL_REFERENCE_AUDIT, environment); was HORDE_MODEL_REFERENCE_AUDIT__ENABLED \
             meant?",
            "There is no setting HORDE_MODEL_REFERENCE_REDIS_URL (from: environment); was \
             HORDE_MODEL_REFERENCE_REDIS__URL meant?",
            "There is no setting HORDE_MODEL_REFERENCE_WEATHER (from: environment).",
        ]
    );
}

#[test]
fn broken_files_are_told_without_their_lines() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), "A=1\nAPI_KEY hunter2\n").unwrap();
    let config = folder.path().join("settings.toml");
    std::fs::write(&config, "a = 1\n[redis]\nurl = \"redis://:hunter2@host\n").unwrap();
    let sources = Sources {
        dot_env_folder: Some(folder.path().to_owned()),
        ..environment(&[("HORDE_MODEL_REFERENCE_CONFIG", config.to_str().unwrap())])
    };
    let text = Settings::load(&sources).unwrap_err().to_string();
    assert!(text.contains(".env line 2: not of the form NAME=value"), "{text}");
    assert!(text.contains("settings.toml line 3: "), "{text}");
    assert!(!text.contains("hunter2"), "{text}");

    let sources = environment(&[("HORDE_MODEL_REFERENCE_CONFIG", "/absent/settings.toml")]);
    let text = Settings::load(&sources).unwrap_err().to_string();
    assert!(text.starts_with("a setting is wrong:\n  /absent/settings.toml: "), "{text}");
}

#[test]
fn dot_env_files_are_read_as_others_read_them() {
    let folder = tempfile::tempdir().unwrap();
    let lines = [
        "\u{feff}LOGS_FOLDER = /logs\r",
        "#HORDE_MODEL_REFERENCE_OFFLINE={\"a\": 1}",
        "HORDE_MODEL_REFERENCE_REDIS={\"key_prefix\": \"a b\", \"pool_size\": 3} # bare",
        "HORDE_MODEL_REFERENCE_PREFERRED_FILE_HOSTS=[\"a\", \"b\"]",
        "HORDE_MODEL_REFERENCE_PENDING_QUEUE='{",
        "\"approver_ids\": [1, 2]}'",
        "HORDE_MODEL_REFERENCE_REDIS__URL='redis://:a$b%23c@host'",
    ];
    std::fs::write(folder.path().join(".env"), lines.join("\n")).unwrap();
    let sources = Sources { dot_env_folder: Some(folder.path().to_owned()), ..Sources::default() };
    let Loaded { settings, warnings, .. } = Settings::load(&sources).unwrap();
    assert_eq!(settings.storage.logs_folder, Path::new("/logs"));
    assert_eq!(settings.redis.key_prefix, "a b");
    assert_eq!(settings.redis.pool_size.get(), 3);
    assert_eq!(settings.redis.url.unwrap().expose(), "redis://:a$b%23c@host");
    assert_eq!(settings.analysis.preferred_file_hosts.as_slice(), ["a", "b"]);
    assert_eq!(settings.queue.approver_ids.as_slice(), ["1", "2"]);
    assert_eq!(warnings, [""; 0]);
}

#[test]
fn numbers_of_toml_that_json_has_not_are_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("settings.toml");
    std::fs::write(&config, "low_usage_threshold_percentage = nan\n").unwrap();
    let text = error(&[("HORDE_MODEL_REFERENCE_CONFIG", config.to_str().unwrap())]);
    assert!(text.contains("LOW_USAGE_THRESHOLD_PERCENTAGE cannot be \"NaN\""), "{text}");
}

#[test]
fn secrets_are_neither_listed_nor_debugged() {
    let loaded = load(&[
        ("API_KEY", "hunter2"),
        ("HORDE_MODEL_REFERENCE_REDIS__URL", "redis://:hunter2@host"),
        ("HORDE_MODEL_REFERENCE_R2__UPLOAD_SECRET_ACCESS_KEY", "hunter2"),
        ("HORDE_MODEL_REFERENCE_R2__UPLOAD_ACCESS_KEY_ID", "hunter2"),
        ("HORDE_URL", "https://me:hunter2@horde.example/api"),
    ]);
    assert_eq!(row(&loaded, "API_KEY").value, "***");
    assert!(row(&loaded, "API_KEY").secret);
    assert!(!format!("{loaded:?}").contains("hunter2"), "{loaded:?}");
}

#[test]
fn horde_url_wins_over_ai_horde_url() {
    let both = [("AI_HORDE_URL", "http://a/api"), ("HORDE_URL", "http://b/api/")];
    assert_eq!(load(&both).settings.horde_api.url.expose(), "http://b/api/");
    assert_eq!(load(&both[..1]).settings.horde_api.url.expose(), "http://a/api/");
}

#[test]
fn a_replica_neither_shares_nor_seeds() {
    let given = [
        ("HORDE_MODEL_REFERENCE_REDIS__USE_REDIS", "1"),
        ("HORDE_MODEL_REFERENCE_GITHUB_SEED_ENABLED", "1"),
    ];
    let loaded = load(&given);
    assert!(!loaded.settings.redis.use_redis && !loaded.settings.seeding.enabled);
    assert_eq!(
        loaded.notes,
        given.map(|(name, _)| format!(
            "{name} is taken as false, because HORDE_MODEL_REFERENCE_REPLICATE_MODE is REPLICA."
        ))
    );
    let row = row(&loaded, given[0].0);
    assert_eq!(row.value, "false");
    assert!(row.origin.to_string().starts_with("because "));
}

#[test]
fn offline_makes_a_replica_that_asks_nobody() {
    let loaded = load(&[
        ("HORDE_MODEL_REFERENCE_OFFLINE", "yes"),
        ("HORDE_MODEL_REFERENCE_REPLICATE_MODE", "PRIMARY"),
        ("HORDE_MODEL_REFERENCE_REDIS__USE_REDIS", "1"),
    ]);
    let Settings { replication, redis, .. } = &loaded.settings;
    assert!(!replication.is_primary() && !redis.use_redis && !replication.github_fallback);
    assert_eq!(replication.primary_api_url, None);
    assert_eq!(loaded.notes.len(), 3, "{:?}", loaded.notes);
}

#[test]
fn a_primary_nobody_may_write_to_is_mentioned() {
    let primary = ("HORDE_MODEL_REFERENCE_REPLICATE_MODE", "PRIMARY");
    assert!(load(&[primary]).notes[0].starts_with("Nobody may propose changes"));
    let loaded = load(&[primary, ("HORDE_MODEL_REFERENCE_PENDING_QUEUE__APPROVER_IDS", "1")]);
    assert_eq!(loaded.notes, [""; 0]);
    assert!(loaded.settings.queue.is_requestor("1") && !loaded.settings.queue.is_approver("2"));
}

#[test]
fn two_looks_must_fit_into_a_lease_of_a_useful_length() {
    const LEASE: &str = "HORDE_MODEL_REFERENCE_COHERENCE__LEASE_MS";
    const LOOK: &str = "HORDE_MODEL_REFERENCE_COHERENCE__LOOK_EVERY_MS";
    let text = error(&[(LOOK, "51")]);
    assert!(text.contains(&format!("accepted: at most 50, half of {LEASE}")), "{text}");
    let text = error(&[(LEASE, "29")]);
    assert!(text.contains("accepted: at least 30"), "{text}");
    let loaded = load(&[(LEASE, "30"), (LOOK, "15")]);
    assert_eq!(loaded.settings.coherence.look_every_ms(), 15);
}

#[test]
fn overrides_of_stores_replace_their_folders() {
    let storage = Storage::default();
    let inside = storage.folder_of("audit", None);
    assert_eq!(inside, PathBuf::from("./models/horde_model_reference/audit"));
    assert_eq!(storage.folder_of("audit", Some(Path::new("/a"))), PathBuf::from("/a"));
}

#[cfg(unix)]
#[test]
fn bytes_that_are_not_utf_8_are_wrong_only_where_they_matter() {
    use std::os::unix::ffi::OsStringExt;
    let value = std::ffi::OsString::from_vec(vec![b'a', 0xff]);
    let sources = |name: &str| Sources {
        environment: vec![(name.into(), value.clone())],
        ..Sources::default()
    };
    assert!(Settings::load(&sources("OTHER")).is_ok());
    let text = Settings::load(&sources("LOGS_FOLDER")).unwrap_err().to_string();
    assert!(text.contains("LOGS_FOLDER cannot be a value that is not UTF-8"), "{text}");
}
