//! `restore`: what was becomes what is, as an ordinary change, beside servers that go on.

use std::path::Path;
use std::time::Duration;

use horde_model_reference::{Category, Format};
use serde_json::{Value, json};
use testkit::{DataFolder, Launch, Request, eventually};

use crate::written::{EXECUTABLE, Written, clip};

/// The last event.
fn last_event(written: &Written) -> Value {
    let events = written.run(&["audit", "--json"]).stdout;
    serde_json::from_str(events.lines().last().unwrap()).unwrap()
}

#[test]
fn a_category_gets_its_old_bytes_back_and_the_trail_tells_it() {
    let written = Written::empty();
    let first = written.put("1", Category::Clip, "one", &clip("one", "a"));
    let old = written.bytes("clip.json");
    written.put("1", Category::Clip, "two", &clip("two", "b"));
    written.delete("1", Category::Clip, "one");
    let arguments =
        ["restore", "clip", "--generation", &first.to_string(), "--user", "77", "--yes"];
    let ran = written.run(&arguments);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    assert!(ran.stdout.contains("1 added, 1 removed\n  + one\n  - two\n"), "{ran:?}");
    assert_eq!(written.bytes("clip.json"), old);
    let history = written.json(&["history", "clip", "--json"]);
    let [now, then] = [0, 3].map(|index| &history["versions"][index]);
    assert_eq!(then["generation"], first);
    assert_eq!(now["digest"], then["digest"]);
    assert_eq!(now["users"], json!(["77"]));
    assert!(ran.stdout.ends_with(&format!("v2/clip is at generation {} now\n", now["generation"])));
    let again = written.run(&arguments);
    assert_eq!(again.code, Some(0));
    assert_eq!(again.stdout, "clip is so already; nothing was written\n");
}

#[test]
fn one_model_is_restored_and_the_others_stay() {
    let written = Written::empty();
    let first = written.put("1", Category::Clip, "a/b", &clip("a/b", "old")).to_string();
    written.put("1", Category::Clip, "other", &clip("other", "x"));
    let changed = written.put("1", Category::Clip, "a/b", &clip("a/b", "new")).to_string();
    let last = written.delete("1", Category::Clip, "a/b").to_string();
    let restore = |generation: &str| {
        let ran = written.run(&["restore", "clip/a/b", "--generation", generation, "--yes"]);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
        let event = last_event(&written);
        (event["operation"].clone(), event["logical_user_id"].clone())
    };
    assert_eq!(restore(&first), (json!("create"), json!("cli")));
    assert_eq!(written.stored("clip.json")["a/b"]["description"], "old");
    assert_eq!(restore(&changed), (json!("update"), json!("cli")));
    assert_eq!(written.stored("clip.json")["a/b"]["description"], "new");
    let again = written.run(&["restore", "clip/a/b", "--generation", &changed, "--yes"]);
    assert_eq!(again.stdout, "clip/a/b is so already; nothing was written\n");
    assert_eq!(restore(&last), (json!("delete"), json!("cli")));
    assert_eq!(
        written.stored("clip.json").as_object().unwrap().keys().collect::<Vec<_>>(),
        ["other"]
    );
    let none = written.run(&["restore", "clip/a/c", "--generation", &first, "--yes"]);
    assert_eq!(none.code, Some(1), "{none:?}");
    assert!(none.stderr.contains("did you mean a/b?"), "{none:?}");
}

#[test]
fn a_time_chooses_what_was_in_force() {
    let written = Written::empty();
    written.put("1", Category::Clip, "one", &clip("one", "a"));
    let old = written.bytes("clip.json");
    written.put("1", Category::Clip, "two", &clip("two", "b"));
    let history = written.json(&["history", "clip", "--json"]);
    let from = history["versions"][1]["from"].as_str().unwrap();
    let ran = written.run(&["restore", "clip", "--at", from, "--yes"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(written.bytes("clip.json"), old);
    let before = written.run(&["restore", "clip", "--at", "2001-01-01", "--yes"]);
    assert_eq!(before.code, Some(1), "{before:?}");
    assert!(
        before.stderr.contains("nothing is kept of v2/clip from 2001-01-01T00:00:00"),
        "{before:?}"
    );
}

#[test]
fn nobody_is_asked_without_a_terminal_and_what_is_not_kept_is_listed() {
    let written = Written::empty();
    let first = written.put("1", Category::Clip, "one", &clip("one", "a")).to_string();
    let second = written.put("1", Category::Clip, "one", &clip("one", "b")).to_string();
    let before = written.bytes("clip.json");
    let unasked = written.run(&["restore", "clip", "--generation", &first]);
    assert_eq!(unasked.code, Some(2), "{unasked:?}");
    assert!(unasked.stdout.contains("\"b\" → \"a\""), "{unasked:?}");
    assert!(unasked.stderr.contains("no terminal to ask at") && unasked.stderr.contains("--yes"));
    let absent = written.run(&["restore", "clip", "--generation", "5", "--yes"]);
    assert_eq!((absent.code, absent.stdout.as_str()), (Some(1), ""), "{absent:?}");
    for expected in ["v2/clip has no generation 5", &first, &second] {
        assert!(absent.stderr.contains(expected), "{absent:?}");
    }
    let empty = written.run(&["restore", "blip", "--generation", "5", "--yes"]);
    assert!(empty.stderr.contains("there is nothing of it at all"), "{empty:?}");
    for wrong in [&["restore", "clip", "--yes"][..], &["restore", "clip", "--at", "soon"]] {
        assert_eq!(written.run(wrong).code, Some(2));
    }
    assert_eq!(written.bytes("clip.json"), before);
}

#[test]
fn many_records_go_only_if_that_is_meant() {
    let written = Written::empty();
    let first = written.put("1", Category::Clip, "first", &clip("first", "x")).to_string();
    for number in 0..7 {
        let name = format!("m{number}");
        written.put("1", Category::Clip, &name, &clip(&name, "x"));
    }
    let arguments = ["restore", "clip", "--generation", &first, "--yes"];
    let refused = written.run(&arguments);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("7 of 8 records") && refused.stderr.contains("--may-shrink"));
    assert_eq!(written.stored("clip.json").as_object().unwrap().len(), 8);
    let meant = written.run(&[&arguments[..], &["--may-shrink"]].concat());
    assert_eq!(meant.code, Some(0), "{meant:?}");
    assert_eq!(written.stored("clip.json").as_object().unwrap().len(), 1);
}

#[test]
fn a_broken_file_is_what_restoring_is_for() {
    let written = Written::empty();
    let first = written.put("1", Category::Clip, "one", &clip("one", "a")).to_string();
    let good = written.bytes("clip.json");
    written.put("1", Category::Clip, "one", &clip("one", "b"));
    written.data.write("clip.json", b"{ a slip of the hand").unwrap();
    let alone = written.run(&["restore", "clip/one", "--generation", &first, "--yes"]);
    assert_eq!(alone.code, Some(2), "{alone:?}");
    assert!(alone.stderr.contains("restore all of clip first"), "{alone:?}");
    let ran = written.run(&["restore", "clip", "--generation", &first, "--yes"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(written.bytes("clip.json"), good);
    let history = written.run(&["history", "clip"]);
    assert!(history.stdout.contains("clip.json: not JSON"), "{history:?}");
}

#[test]
fn a_running_server_serves_what_was_restored() {
    let written = Written::empty();
    let first = written.put("1", Category::Clip, "one", &clip("one", "a")).to_string();
    written.put("1", Category::Clip, "one", &clip("one", "b"));
    let server = Launch::new(EXECUTABLE, written.data.cache_home())
        .env("HORDE_MODEL_REFERENCE_REPLICATE_MODE", "PRIMARY")
        .start()
        .unwrap();
    let served = || {
        let answer = server.send(&Request::get("/api/model_references/v2/clip/model/one")).unwrap();
        serde_json::from_slice::<Value>(&answer.body).unwrap()["description"].clone()
    };
    assert_eq!(served(), "b");
    let ran = written.run(&["restore", "clip/one", "--generation", &first, "--yes"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    // Once it is acknowledged, everybody sees it; a server that was slow says so and tries again.
    let seen = eventually(Duration::from_secs(10), || match served() {
        text if text == "a" => Ok(()),
        other => Err(other),
    });
    assert_eq!(seen, Ok(()));
}

#[test]
fn the_table_of_text_models_is_restored_to_the_byte_and_by_model() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data");
    let written = Written::of(DataFolder::filled_from(&examples).unwrap(), Format::Legacy);
    std::fs::write(
        written.data.cache_home().join(".env"),
        "HORDE_MODEL_REFERENCE_CANONICAL_FORMAT=legacy\n",
    )
    .unwrap();
    let table = written.bytes("legacy/models.csv");
    let entry = |name: &str| {
        written.json(&["get", "text_generation", "--format", "v1", "--json"])[name].clone()
    };
    let name = "Otter-1.5B";
    let text = |description: &str| json!({"name": name, "parameters": 1_500_000_000, "description": description, "tags": ["x"]});
    let put = |description| {
        written.put("1", Category::TextGeneration, name, &text(description)).to_string()
    };
    let published = entry(name);
    let changed = put("other");
    let before = entry(name);
    put("yet another");
    assert_ne!(entry(name), before);
    let history = written.json(&["history", "text_generation", "--json"]);
    assert_eq!(history["document"], "legacy/text_generation");
    let first = history["versions"][2]["generation"].to_string();
    let model = format!("text_generation/{name}");
    let ran = written.run(&["restore", &model, "--generation", &changed, "--yes"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(entry(name), before);
    let ran = written.run(&["restore", &model, "--generation", &first, "--yes"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(entry(name), published);
    let ran = written.run(&["restore", "text_generation", "--generation", &first, "--yes"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(written.bytes("legacy/models.csv"), table);
    assert_eq!(written.run(&["diff", &format!("@{changed}"), "now", &model]).code, Some(1));
    assert_eq!(
        written.run(&["diff", &format!("@{first}"), "now", "text_generation"]).code,
        Some(0)
    );
}

#[test]
fn a_replica_is_left_to_its_primary() {
    let written = Written::empty();
    let first = written.put("1", Category::Clip, "one", &clip("one", "a")).to_string();
    written.put("1", Category::Clip, "one", &clip("one", "b"));
    std::fs::write(
        written.data.cache_home().join(".env"),
        "HORDE_MODEL_REFERENCE_REPLICATE_MODE=REPLICA\n",
    )
    .unwrap();
    let ran = written.run(&["restore", "clip", "--generation", &first, "--yes"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
    assert!(ran.stderr.contains("its PRIMARY decides"), "{ran:?}");
}
