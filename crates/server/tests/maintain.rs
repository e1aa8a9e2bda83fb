//! The commands `propose` and `queue` of the real executable, against a real server.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testkit::{Answer, DataFolder, HordeStub, HttpStub, Launch, Ran, ServerProcess, closed_port};

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_horde-model-reference");
const REQUESTOR: &str = "key-requestor-hunter2";
const APPROVER: &str = "key-approver-hunter2";
const READER: &str = "key-reader-hunter2";

/// A server with a queue, a stand-in for the AI-Horde, and a folder for files.
struct Setting {
    server: ServerProcess,
    data: DataFolder,
    files: tempfile::TempDir,
    _horde: HordeStub,
}

impl Setting {
    fn start(settings: &[(&str, &str)]) -> Result<Self> {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data");
        let data = DataFolder::filled_from(&examples)?;
        let files = tempfile::tempdir()?;
        let known = |name: &str| json!({"status": 200, "body": {"username": name}});
        let setups = json!({"user_lookup_stub": {
            "request": {"method": "GET", "path": "/api/v2/find_user", "key_header": "apikey"},
            "answers": {
                REQUESTOR: known("requestor#101"),
                APPROVER: known("approver#201"),
                READER: known("reader#7"),
            },
            "any_other_key": {"status": 404, "body": {"rc": "UserNotFound"}},
            "any_other_path": {"status": 404, "body": {}},
        }});
        let table = files.path().join("setups.json");
        std::fs::write(&table, setups.to_string())?;
        let horde = HordeStub::start(&table)?;
        let mut launch = Launch::new(EXECUTABLE, data.cache_home())
            .env("AI_HORDE_URL", format!("{}/api/", horde.base_url()))
            .env("HORDE_MODEL_REFERENCE_PENDING_QUEUE__REQUESTOR_IDS", "101")
            .env("HORDE_MODEL_REFERENCE_PENDING_QUEUE__APPROVER_IDS", "201");
        for (name, value) in settings {
            launch = launch.env(format!("HORDE_MODEL_REFERENCE_{name}"), *value);
        }
        Ok(Self { server: launch.start()?, data, files, _horde: horde })
    }

    fn file(&self, name: &str, content: &Value) -> Result<String> {
        let path: PathBuf = self.files.path().join(name);
        std::fs::write(&path, content.to_string())?;
        Ok(path.display().to_string())
    }

    /// Runs a command with a key; the key must not be told.
    fn run(&self, key: &str, arguments: &[&str]) -> Result<Ran> {
        let url = self.server.base_url();
        let variables = [
            ("HORDE_MODEL_REFERENCE_SERVER_URL", url.as_str()),
            ("HORDE_MODEL_REFERENCE_API_KEY", key),
        ];
        run(arguments, &variables)
    }

    fn json(&self, key: &str, arguments: &[&str]) -> Result<Value> {
        let ran = self.run(key, arguments)?;
        ensure!(ran.code == Some(0), "{arguments:?}: {ran:?}");
        ran.json()
    }

    fn served(&self, category: &str, name: &str) -> Result<Value> {
        let target = format!("/api/model_references/v2/{category}/model/{name}");
        self.server.send(&testkit::Request::get(&target))?.json()
    }
}

fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Ran> {
    let output = Command::new(EXECUTABLE)
        .args(arguments)
        .current_dir("/")
        .env_clear()
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let ran = Ran {
        code: output.status.code(),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    };
    ensure!(!format!("{}{}", ran.stdout, ran.stderr).contains("hunter2"), "a key is told: {ran:?}");
    Ok(ran)
}

/// A record of `clip`, as the examples have them.
fn clip(name: &str, description: &str) -> Value {
    let file = json!({"file_name": "a.pt", "file_url": "https://files.example.org/a.pt",
        "sha256sum": "a".repeat(64), "known_slow_download": false});
    json!({"record_type": "clip", "name": name, "description": description, "version": "1.0",
        "config": {"download": [file]},
        "model_classification": {"domain": "image", "purpose": "feature_extractor"},
        "pretrained_name": "meadow_4b"})
}

fn ids(listed: &Value) -> Vec<i64> {
    let items = listed["items"].as_array().into_iter().flatten();
    items.filter_map(|item| item["change_id"].as_i64()).collect()
}

#[test]
fn a_change_goes_from_a_file_to_what_is_served() -> Result<()> {
    let setting = Setting::start(&[])?;
    let name = "ViT-Meadow/14";
    let several =
        json!({name: clip(name, "The meadow in spring."), "New/One": clip("New/One", "New.")});
    let file = setting.file("several.json", &several)?;
    let propose = ["propose", "--category", "clip", &file, "--delete", "ViT-Meadow"];

    let dry = setting.json(REQUESTOR, &[&propose[..], &["--dry-run"]].concat())?;
    let told: Vec<_> = dry["proposals"]
        .as_array()
        .context("no proposals")?
        .iter()
        .map(|told| (told["operation"].as_str().unwrap(), told["result"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("update", "not_sent"), ("create", "not_sent"), ("delete", "not_sent")]);
    let fields = dry["proposals"][0]["field_diffs"].to_string();
    assert!(fields.contains("The meadow in spring.") && !fields.contains("metadata"), "{fields}");
    assert_eq!(ids(&setting.json(READER, &["queue", "list"])?), Vec::<i64>::new());

    let text = setting.run(REQUESTOR, &[&propose[..], &["--table"]].concat())?;
    assert_eq!((text.code, text.stderr.as_str()), (Some(0), ""), "{text:?}");
    assert!(text.stdout.contains("update clip/ViT-Meadow/14: change 1, pending\n"), "{text:?}");
    assert!(text.stdout.contains("\"The larger meadow; its name has a slash.\" → "), "{text:?}");
    let again = setting.json(REQUESTOR, &propose)?;
    let numbers = again["proposals"].as_array().context("none")?.iter();
    let numbers: Vec<_> = numbers.map(|told| told["change"]["change_id"].as_i64()).collect();
    assert_eq!(numbers, [Some(1), Some(2), Some(3)], "to say the same again does nothing");

    let listed = setting.run(READER, &["queue", "list", "--table"])?;
    let lines: Vec<&str> = listed.stdout.lines().collect();
    assert_eq!(lines.len(), 4, "{listed:?}");
    assert!(lines[0].starts_with("CHANGE  STATUS   WHAT    CATEGORY"), "{listed:?}");
    assert!(lines[2].contains("2  pending  create  clip      New/One"), "{listed:?}");
    assert!(lines[2].contains("requestor#101"), "{listed:?}");
    assert_eq!(ids(&setting.json(REQUESTOR, &["queue", "list", "--mine"])?), [1, 2, 3]);
    assert_eq!(ids(&setting.json(READER, &["queue", "list", "--model", "new/"])?), [2]);
    let page = setting.run(READER, &["queue", "list", "--table", "--limit", "2"])?;
    assert!(page.stdout.contains("2 of 3 changes; go on with --offset 2"), "{page:?}");

    let diff = setting.run(READER, &["queue", "diff", "1", "3", "--table"])?;
    assert_eq!(diff.code, Some(0), "{diff:?}");
    let title = "change 1: update clip/ViT-Meadow/14  critical: clients rely on what changes\n";
    assert!(diff.stdout.starts_with(title), "{diff:?}");
    assert!(diff.stdout.contains("~ config.download.0.file_name "), "{diff:?}");
    let of_update = diff.stdout.split("change 3").next().unwrap_or_default();
    assert!(!of_update.contains("updated_at"), "{diff:?}");
    assert!(diff.stdout.contains("→ \"The meadow in spring.\""), "{diff:?}");
    assert!(diff.stdout.contains("change 3: delete clip/ViT-Meadow  critical"), "{diff:?}");
    assert!(diff.stdout.contains("  - pretrained_name "), "{diff:?}");
    let missing = setting.run(READER, &["queue", "diff", "2", "99"])?;
    assert_eq!((missing.code, missing.json()?["total"].as_i64()), (Some(1), Some(2)));
    assert!(missing.stderr.contains("change 99: Change not found"), "{missing:?}");
    let shown = setting.run(READER, &["queue", "show", "2", "--table"])?;
    assert!(shown.stdout.starts_with("change 2: create clip/New/One  pending\n"), "{shown:?}");
    assert!(
        shown.stdout.contains("by requestor#101") && shown.stdout.contains("\"New.\""),
        "{shown:?}"
    );

    let approve = ["queue", "approve", "1", "2", "--title", "Spring", "--table"];
    let approved = setting.run(APPROVER, &approve)?;
    assert_eq!(approved.code, Some(0), "{approved:?}");
    let told = "2 changes approved in batch 1 (Spring); `queue apply --batch 1` applies it\n";
    assert!(approved.stdout.ends_with(told), "{approved:?}");
    let conflict = setting.run(APPROVER, &approve)?;
    assert_eq!((conflict.code, conflict.stdout.as_str()), (Some(1), ""), "{conflict:?}");
    let words = "error: Change 1 is not pending (status=approved).\nhint: nothing was done; ";
    assert!(conflict.stderr.starts_with(words), "{conflict:?}");
    let reject = ["queue", "reject", "3", "--title", "Spring", "--reason", "It is in use."];
    assert_eq!(setting.json(APPROVER, &reject)?["rejected"][0]["reject_reason"], "It is in use.");
    let before = setting
        .run(REQUESTOR, &["propose", "--category", "clip", "--delete", "ViT-Meadow", "--table"])?;
    assert!(
        before.stdout.contains("was proposed before as change 3, and is rejected"),
        "{before:?}"
    );
    let anew = ["propose", "--category", "clip", "--delete", "ViT-Meadow", "--again"];
    let anew = setting.json(REQUESTOR, &anew)?;
    assert_eq!(anew["proposals"][0]["change"]["change_id"], 4);

    let applied = setting.run(APPROVER, &["queue", "apply", "1", "--job", "night", "--table"])?;
    assert_eq!(applied.code, Some(0), "{applied:?}");
    assert!(applied.stdout.contains("1 change applied\n"), "{applied:?}");
    assert!(applied.stdout.contains("what is left of batch 1 is batch 2 now\n"), "{applied:?}");
    assert_eq!(setting.served("clip", "ViT-Meadow%2F14")?["description"], "The meadow in spring.");
    let batch = setting.json(APPROVER, &["queue", "apply", "--batch", "2"])?;
    assert_eq!(batch["applied"][0]["change_id"], 2);
    assert_eq!(setting.served("clip", "New%2FOne")?["description"], "New.");
    assert_eq!(ids(&setting.json(READER, &["queue", "list"])?), [4]);
    let all = setting.json(READER, &["queue", "list", "--all"])?;
    let statuses = all["items"].as_array().context("none")?.iter().map(|item| &item["status"]);
    assert_eq!(statuses.collect::<Vec<_>>(), ["applied", "applied", "rejected", "pending"]);
    let so = setting.json(REQUESTOR, &["propose", "--category", "clip", &file])?;
    assert_eq!(so["proposals"][0]["result"], "unchanged", "{so}");
    assert_eq!(so["proposals"][1]["result"], "unchanged", "{so}");

    // Neither what is served, sent back, nor a record without what it has by default is a change.
    let served = setting.served("clip", "ViT-Meadow%2F14")?;
    let mut sparse = served.clone();
    let members = sparse.as_object_mut().context("an object")?;
    members
        .retain(|name, _| !["record_type", "model_classification", "metadata"].contains(&&**name));
    for record in [served, sparse] {
        let file = setting.file("again.json", &record)?;
        let so = setting.json(REQUESTOR, &["propose", "--category", "clip", &file])?;
        assert_eq!(so["proposals"][0]["result"], "unchanged", "{so}");
    }
    Ok(())
}

#[test]
fn a_purge_is_shown_and_wanted_first() -> Result<()> {
    let setting = Setting::start(&[])?;
    for name in ["One", "Two"] {
        let file = setting.file(name, &clip(name, "x"))?;
        setting.json(REQUESTOR, &["propose", "--category", "clip", &file])?;
    }
    let purge = ["queue", "purge", "--model", "two", "--status", "pending"];
    let dry = setting.run(APPROVER, &[&purge[..], &["--dry-run", "--table"]].concat())?;
    assert_eq!((dry.code, dry.stdout.as_str()), (Some(0), "1 entry (2) would go\n"), "{dry:?}");
    let unasked = setting.run(APPROVER, &purge)?;
    assert_eq!(unasked.code, Some(2), "{unasked:?}");
    assert!(unasked.stderr.contains("say --yes"), "{unasked:?}");
    assert_eq!(setting.run(APPROVER, &["queue", "purge", "--yes"])?.code, Some(2), "no filter");
    assert_eq!(ids(&setting.json(READER, &["queue", "list"])?), [1, 2]);
    let nothing = setting.json(APPROVER, &["queue", "purge", "--status", "rejected"])?;
    assert_eq!(nothing["removed_count"], 0, "what removes nothing need not be asked");
    let done = setting.json(APPROVER, &[&purge[..], &["--yes"]].concat())?;
    assert_eq!(done, json!({"removed_count": 1, "removed_change_ids": [2], "dry_run": false}));
    assert_eq!(ids(&setting.json(READER, &["queue", "list"])?), [1]);
    setting.json(APPROVER, &["queue", "purge", "--everything", "--yes"])?;
    assert_eq!(ids(&setting.json(READER, &["queue", "list", "--all"])?), Vec::<i64>::new());
    Ok(())
}

#[test]
fn refusals_are_told_in_the_words_of_the_server_with_what_to_do() -> Result<()> {
    let setting = Setting::start(&[])?;
    let url = setting.server.base_url();
    let good = setting.file("good.json", &clip("Good", "x"))?;
    let wrong = setting.file("wrong.json", &json!({"name": "Wrong", "version": []}))?;
    let both = ["propose", "--category", "clip", &wrong, &good];

    let no_key = run(&["queue", "list", "--server", &url], &[])?;
    assert_eq!((no_key.code, no_key.stdout.as_str()), (Some(1), ""), "{no_key:?}");
    assert!(
        no_key.stderr.starts_with("error: Not authenticated\nhint: set HORDE_MODEL_"),
        "{no_key:?}"
    );
    for (key, arguments, words) in [
        (
            "key-unknown-hunter2",
            &["queue", "list"][..],
            "error: Invalid API key\nhint: the AI-Horde",
        ),
        (READER, &both, "You are not on the pending queue requestor list.\nhint: ask who runs"),
        (
            REQUESTOR,
            &["queue", "approve", "1", "--title", "x"],
            "error: You are not on the pending queue approver list.\nhint: ask who runs the server",
        ),
        (APPROVER, &["queue", "show", "9"], "error: Change not found\nhint: `queue list --all`"),
        (APPROVER, &["queue", "apply", "9"], "error: Change 9 not found\nhint: "),
        (
            REQUESTOR,
            &["propose", "--category", "clip", "--delete", "Nothing"],
            "error: delete clip/Nothing: Model 'Nothing' not found in category 'clip'\nhint: `list",
        ),
    ] {
        let ran = setting.run(key, arguments)?;
        assert_eq!(ran.code, Some(1), "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains(words), "{arguments:?}: {ran:?}");
    }
    // Of several, those that are right are proposed.
    let ran = setting.run(REQUESTOR, &both)?;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.starts_with("error: create clip/Wrong: "), "{ran:?}");
    let told = ran.json()?["proposals"].clone();
    assert_eq!((&told[0]["result"], &told[0]["error"]["status"]), (&json!("refused"), &json!(422)));
    assert_eq!(told[1]["change"]["change_id"], 1, "{told}");
    Ok(())
}

#[test]
fn a_failure_in_the_middle_is_told_with_what_was_applied() -> Result<()> {
    let setting = Setting::start(&[])?;
    let (one, two) =
        (setting.file("one", &clip("One", "x"))?, setting.file("two", &clip("Two", "x"))?);
    setting.json(REQUESTOR, &["propose", "--category", "clip", &one, &two])?;
    setting.json(APPROVER, &["queue", "approve", "1", "--title", "a"])?;
    let ran = setting.run(APPROVER, &["queue", "apply", "1", "2", "--mixed", "--table"])?;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stdout.ends_with("1 change applied\n"), "{ran:?}");
    let words = "error: change 2 was not applied: Change 2 is not approved (status=pending).\n";
    assert!(ran.stderr.starts_with(words), "{ran:?}");
    assert!(ran.stderr.contains("hint: 1 change before it applied"), "{ran:?}");
    Ok(())
}

#[test]
fn legacy_records_are_proposed_where_they_are_the_source() -> Result<()> {
    let setting = Setting::start(&[("CANONICAL_FORMAT", "legacy")])?;
    let legacy = std::fs::read(setting.data.root().join("legacy/clip.json"))?;
    let mut records: Value = serde_json::from_slice(&legacy)?;
    let name = records.as_object().and_then(|records| records.keys().next().cloned());
    let name = name.context("no records")?;
    records[&name]["description"] = "Other words.".into();
    let file = setting.file("legacy.json", &json!({name.as_str(): records[&name]}))?;
    let propose = ["propose", "--category", "clip", &file];
    let wrong = setting.run(REQUESTOR, &propose)?;
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert!(wrong.stderr.contains("say --format v1, or v2"), "{wrong:?}");
    let told = setting.json(REQUESTOR, &[&propose[..], &["--format", "v1"]].concat())?;
    assert_eq!(told["proposals"][0]["operation"], "update", "{told}");
    let id = told["proposals"][0]["change"]["change_id"].to_string();
    setting.json(APPROVER, &["queue", "approve", &id, "--title", "t"])?;
    setting.json(APPROVER, &["queue", "apply", &id])?;
    let segment = name.replace('/', "%2F");
    assert_eq!(setting.served("clip", &segment)?["description"], "Other words.");
    Ok(())
}

#[test]
fn keys_come_from_files_and_never_show() -> Result<()> {
    let setting = Setting::start(&[])?;
    let url = setting.server.base_url();
    let file = setting.files.path().join("key");
    std::fs::write(&file, format!("{READER}\n"))?;
    let file = file.to_str().context("odd path")?;
    let list = ["queue", "list", "--server", &url, "--key-file", file];
    let wrong = [("HORDE_MODEL_REFERENCE_API_KEY", "hunter2")];
    assert_eq!(run(&list, &wrong)?.code, Some(0), "the file wins over the environment");
    for content in ["", "hunter2 hunter2", "hunter2\u{e9}"] {
        std::fs::write(file, content)?;
        let ran = run(&list, &[])?;
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.stderr.contains(file), "{ran:?}");
    }
    let variables = [("HORDE_MODEL_REFERENCE_API_KEY", "hunter2")];
    let listing = run(&["env"], &variables)?;
    assert!(listing.stdout.contains("HORDE_MODEL_REFERENCE_API_KEY"), "{listing:?}");
    assert!(!setting.server.log().contains("hunter2"));
    Ok(())
}

#[test]
fn requests_under_a_name_are_sent_again_and_others_are_not() -> Result<()> {
    use std::sync::Arc;
    use std::sync::Mutex;
    let seen: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    let record = Arc::clone(&seen);
    let stub = HttpStub::start(move |request| {
        if request.method == "GET" {
            return Answer::json(404, &json!({"detail": "Model 'Good' not found"}));
        }
        let named = request.headers.iter().find(|(name, _)| name == "idempotency-key");
        let named = named.map_or_else(String::new, |(_, name)| name.clone());
        let mut seen = record.lock().unwrap();
        seen.push((request.target.clone(), named));
        match seen.len() {
            1 | 3 => Answer::Close,
            _ => Answer::json(202, &json!({"change_id": 5, "status": "pending"})),
        }
    })?;
    let files = tempfile::tempdir()?;
    let file = files.path().join("good.json");
    std::fs::write(&file, clip("Good", "x").to_string())?;
    let variables = [("HORDE_MODEL_REFERENCE_API_KEY", "hunter2")];
    let server = ["--server", &stub.base_url()];
    let propose = ["propose", "--category", "clip", file.to_str().context("odd path")?];
    let ran = run(&[&propose[..], &server].concat(), &variables)?;
    assert_eq!(ran.json()?["proposals"][0]["change"]["change_id"], 5, "{ran:?}");
    let approve = ["queue", "approve", "1", "--title", "x"];
    let ran = run(&[&approve[..], &server].concat(), &variables)?;
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("Perhaps it was done all the same"), "{ran:?}");
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 3, "{seen:?}");
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0].1.len(), 32);
    Ok(())
}

#[test]
fn a_server_that_cannot_be_asked_is_another_matter() -> Result<()> {
    let closed = closed_port()?;
    let other = HttpStub::start(|_| Answer::json(404, &json!({"detail": "Not Found"})))?;
    let elsewhere = HttpStub::start(move |_| {
        Answer::Raw(
            b"HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
                .into(),
        )
    })?;
    let variables = [("HORDE_MODEL_REFERENCE_API_KEY", "hunter2")];
    for (server, code, words) in [
        (closed.as_str(), 2, "error: cannot ask "),
        (&other.base_url(), 1, "there is no model reference at this address"),
        (&elsewhere.base_url(), 2, "answers 307"),
        ("ftp://x", 2, "is no address of a server"),
    ] {
        for command in [&["queue", "list"][..], &["propose", "--category", "clip", "--delete", "a"]]
        {
            let ran = run(&[command, &["--server", server]].concat(), &variables)?;
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(code), ""), "{server}: {ran:?}");
            assert!(ran.stderr.contains(words), "{server}: {ran:?}");
        }
    }
    let nowhere = run(&["queue", "list"], &variables)?;
    assert!(nowhere.stderr.contains("which server? Say --server URL"), "{nowhere:?}");
    Ok(())
}
