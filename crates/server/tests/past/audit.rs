//! `audit` and `audit replay`: listing, following, replaying; and the reference's reader on our trail.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use horde_model_reference::{Category, Format};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use testkit::{DataFolder, eventually};

use crate::written::{EXECUTABLE, Written, clip};

const SOON: Duration = Duration::from_secs(20);

/// Four events by two users.
fn some_events() -> Written {
    let written = Written::empty();
    written.put("101", Category::Clip, "one", &clip("one", "first"));
    written.put("101", Category::Clip, "two", &clip("two", "sécond"));
    written.put("202", Category::Clip, "one", &clip("one", "better"));
    written.put("202", Category::Blip, "three", &json!({"name": "three", "description": "b"}));
    written
}

/// The ids of the events that are listed.
fn ids(written: &Written, arguments: &[&str]) -> Vec<i64> {
    let ran = written.run(&[&["audit", "--json"], arguments].concat());
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["event_id"].as_i64();
    ran.stdout.lines().map(|line| id(line).unwrap()).collect()
}

#[test]
fn people_are_told_who_did_what_and_programs_get_the_lines() {
    let written = some_events();
    let ran = written.run(&["audit"]);
    let lines: Vec<Vec<&str>> = ran
        .stdout
        .lines()
        .map(|line| line.split("  ").filter(|c| !c.is_empty()).collect())
        .collect();
    assert_eq!(
        lines[0],
        ["TIME", "ID", "USER", "WHAT  ", "CATEGORY", "MODEL", "CHANGE"].map(str::trim)
    );
    let cells = |line: usize| lines[line][1..].iter().map(|cell| cell.trim()).collect::<Vec<_>>();
    assert_eq!(cells(1), ["1", "101", "create", "clip", "one", "first"]);
    assert_eq!(
        cells(3),
        ["3", "202", "update", "clip", "one", "description: \"first\" → \"better\""]
    );
    assert_eq!(cells(4), ["4", "202", "create", "blip", "three", "b"]);
    assert!(lines[1][0].ends_with('Z') && lines[1][0].len() == "2026-11-25T12:00:00Z".len());

    let printed = written.run(&["audit", "--json", "--category", "clip"]).stdout;
    assert_eq!(printed.into_bytes(), written.bytes("audit/v2/clip/audit-000001.jsonl"));
}

#[test]
fn events_are_chosen_by_what_they_are_about_and_by_time() {
    let written = some_events();
    assert_eq!(ids(&written, &[]), [1, 2, 3, 4]);
    assert_eq!(ids(&written, &["--category", "blip"]), [4]);
    assert_eq!(ids(&written, &["--model", "one"]), [1, 3]);
    assert_eq!(ids(&written, &["--user", "101", "--category", "clip"]), [1, 2]);
    assert_eq!(ids(&written, &["--since", "1h", "--domain", "v2"]), [1, 2, 3, 4]);
    for nothing in [
        ["--until", "1h ago"],
        ["--since", "2999-01-01"],
        ["--until", "2001-02-03 04:05"],
        ["--domain", "legacy"],
        ["--model", "ONE"],
    ] {
        assert!(ids(&written, &nothing).is_empty(), "{nothing:?}");
    }
    let event = written.run(&["audit", "--json", "--model", "two"]).json().unwrap();
    let second = event["timestamp"].to_string();
    assert!(ids(&written, &["--since", &second, "--until", &second]).contains(&2));
}

#[test]
fn what_the_reference_has_written_is_listed_and_replayed() {
    let written = Written::empty();
    let lines = [
        r#"{"event_id":1,"timestamp":1700000000,"domain":"legacy","category":"blip","model_name":"b","operation":"create","logical_user_id":"7","payload":{"after":{"name":"b","x":1}}}"#,
        r#"{"event_id":3,"timestamp":1700000200,"domain":"legacy","category":"blip","model_name":"b","operation":"update","logical_user_id":"7","payload":{"delta":{"x":{"old":1},"y":{"new":5}}}}"#,
    ];
    let queued = r#"{"event_id":2,"timestamp":1700000100,"domain":"legacy","category":"pending_queue","model_name":"4","operation":"update","logical_user_id":"9","payload":{"after":{"change_id":4,"batch_id":1,"batch_title":"spring","action":"approve"}}}"#;
    written
        .data
        .write("audit/legacy/blip/audit-000001.jsonl", (lines.join("\n") + "\n").as_bytes())
        .unwrap();
    written
        .data
        .write(
            "audit/legacy/pending_queue/audit-000001.jsonl",
            format!("{queued}\nhalf").as_bytes(),
        )
        .unwrap();
    let table = written.run(&["audit"]).stdout;
    assert!(table.contains("blip (legacy)"), "{table}");
    assert!(table.contains("approve  pending_queue (legacy)  4"), "{table}");
    assert!(table.contains("batch_id=1 batch_title=\"spring\""), "{table}");
    assert!(table.contains("x, y"), "{table}");
    let raw = written.run(&["audit", "--json"]).stdout;
    assert_eq!(raw.lines().collect::<Vec<_>>(), [lines[0], queued, lines[1]]);
    assert_eq!(ids(&written, &["--category", "pending_queue"]), [2]);
    let until = |until: &str| {
        written.json(&["audit", "replay", "blip", "--domain", "legacy", "--until", until])
    };
    assert_eq!(until("2")["b"], json!({"name": "b", "x": 1}));
    assert_eq!(until("3")["b"], json!({"name": "b", "x": null, "y": 5}));
    assert_eq!(until("1700000199")["b"], json!({"name": "b", "x": 1}));
    assert_eq!(until("2023-11-14")["b"]["y"], 5);
    let nothing =
        written.run(&["audit", "replay", "blip", "--domain", "legacy", "--until", "0", "--json"]);
    assert_eq!((nothing.code, nothing.stdout.as_str()), (Some(0), "{}\n"), "{nothing:?}");
    assert!(nothing.stderr.contains("the trail tells nothing of blip"), "{nothing:?}");
}

#[test]
fn a_trail_that_saw_everything_replays_to_what_is_stored() {
    let written = some_events();
    written.delete("303", Category::Clip, "two");
    assert_eq!(written.json(&["audit", "replay", "clip"]), written.stored("clip.json"));
    let before = written.json(&["audit", "replay", "clip", "--until", "4"]);
    assert_eq!(before["two"]["description"], "sécond");
    assert_eq!(before["one"]["description"], "better");
    let first = written.json(&["audit", "replay", "clip", "--until", "1"]);
    assert_eq!(first["one"]["description"], "first");
    assert_eq!(first.as_object().unwrap().len(), 1);
}

#[test]
fn wrong_words_are_recognised() {
    let written = some_events();
    for (arguments, code, reason) in [
        (&["audit", "--category", "clipp"][..], 1, "did you mean clip?"),
        (&["audit", "--since", "yesterday"], 2, "is no time"),
        (&["audit", "--follow", "--until", "1h"], 2, "cannot be used"),
        (&["audit", "replay", "clipp"], 1, "did you mean clip?"),
        (&["audit", "replay", "clip", "--until", "soon"], 2, "and no event id"),
    ] {
        let ran = written.run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(code), ""), "{ran:?}");
        assert!(ran.stderr.contains(reason), "{reason}\n{ran:?}");
    }
    let bare = DataFolder::empty().unwrap();
    let ran = testkit::run(
        EXECUTABLE,
        bare.cache_home(),
        &["audit", "--json", "--data", bare.cache_home().to_str().unwrap()],
    );
    let ran = ran.unwrap();
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{ran:?}");
    assert!(ran.stderr.contains("there is no audit trail at"), "{ran:?}");
}

/// A run of `audit --follow`. It is killed when dropped.
struct Following {
    child: Child,
    output: Option<BufReader<std::process::ChildStdout>>,
}

impl Following {
    fn start(written: &Written, arguments: &[&str]) -> Self {
        let mut child = Command::new(EXECUTABLE)
            .args(["audit", "--follow", "--data", written.data.cache_home().to_str().unwrap()])
            .args(arguments)
            .env_clear()
            .current_dir(written.data.cache_home())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.stdout.take().map(BufReader::new);
        Self { child, output }
    }

    /// The next line, however long it takes; a hang is ended by whoever runs the tests.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.as_mut().unwrap().read_line(&mut line).unwrap();
        line
    }

    fn ends_with(&mut self, code: i32) {
        let status = eventually(SOON, || match self.child.try_wait() {
            Ok(Some(status)) => Ok(status),
            other => Err(format!("still running: {other:?}")),
        });
        assert_eq!(status.unwrap().code(), Some(code));
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn followers_see_events_as_they_come_until_they_are_interrupted() {
    let written = some_events();
    let mut following = Following::start(&written, &["--json", "--category", "clip"]);
    let id = |line: String| serde_json::from_str::<Value>(&line).unwrap()["event_id"].clone();
    let there: Vec<Value> = (0..3).map(|_| id(following.line())).collect();
    assert_eq!(there, [1, 2, 3]);
    written.put("101", Category::Blip, "b", &json!({"name": "b"}));
    written.put("101", Category::Clip, "x", &clip("x", "y"));
    assert_eq!(id(following.line()), 6);
    let pid = Pid::from_raw(following.child.id().cast_signed()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    following.ends_with(0);
    let mut rest = String::new();
    following.output.take().unwrap().read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
}

#[test]
fn a_follower_ends_when_nobody_reads_it_any_more() {
    let written = some_events();
    let mut following = Following::start(&written, &[]);
    assert!(following.line().starts_with("TIME"));
    drop(following.output.take());
    following.ends_with(0);
}

#[test]
fn the_reader_of_the_reference_takes_our_trail() {
    let written = some_events();
    written.put("101", Category::Clip, "one", &json!({"name": "one", "baseline": null}));
    written.delete("303", Category::Clip, "two");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/python/audit_reader.py");
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(testkit::python().unwrap())
        .arg(script)
        .arg(written.path("audit"))
        .env_clear()
        .env("AIWORKER_CACHE_HOME", home.path())
        .current_dir(home.path())
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    if answer.get("events").is_none() {
        eprintln!("skipped: the client {} has no audit trail", answer["client"]);
        return;
    }
    let events = answer["events"].as_array().unwrap();
    let mut read: Vec<i64> = events.iter().map(|e| e["event_id"].as_i64().unwrap()).collect();
    read.sort_unstable();
    assert_eq!(read, ids(&written, &[]), "{log}");
    assert!(!log.contains("malformed"), "{log}");
    for category in ["clip", "blip"] {
        let ours = written.json(&["audit", "replay", category]);
        assert_eq!(answer["states"][format!("v2/{category}")], ours, "{category}");
        assert!(!ours.as_object().unwrap().is_empty());
    }
}

#[test]
fn the_domain_of_a_replay_is_the_format_that_counts() {
    let data = DataFolder::empty().unwrap();
    data.write("legacy/clip.json", b"{}").unwrap();
    let written = Written::of(data, Format::Legacy);
    written.put("1", Category::Clip, "one", &json!({"name": "one", "type": "clip", "config": {"files": [], "download": []}, "description": "d", "version": "1", "available": true}));
    let environment = "HORDE_MODEL_REFERENCE_CANONICAL_FORMAT=legacy\n";
    std::fs::write(written.data.cache_home().join(".env"), environment).unwrap();
    assert_eq!(written.json(&["audit", "replay", "clip"]), written.stored("legacy/clip.json"));
}
