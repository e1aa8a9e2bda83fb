//! `diff`: versions, folders and servers against one another.

use horde_model_reference::Category;
use serde_json::{Value, json};
use testkit::{DataFolder, Launch, Ran, closed_port};

use crate::written::{EXECUTABLE, Written, clip};

fn at(generation: u64) -> String {
    format!("@{generation}")
}

fn differences(ran: &Ran) -> Value {
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""), "{ran:?}");
    ran.json().unwrap()["categories"].clone()
}

#[test]
fn versions_are_compared_record_by_record() {
    let written = Written::empty();
    let first = written.put("1", Category::Clip, "one", &clip("one", "a"));
    written.put("1", Category::Clip, "two", &clip("two", "b"));
    written.put("1", Category::Clip, "one", &clip("one", "c"));
    let last = written.delete("1", Category::Clip, "two");
    let third = written.put("1", Category::Clip, "a/b", &clip("a/b", "slashes"));
    let found = differences(&written.run(&["diff", "--json", &at(first), "now", "clip"]));
    assert_eq!(found[0]["name"], "clip");
    assert_eq!(found[0]["added"], json!(["a/b"]));
    assert_eq!(found[0]["changed"][0]["name"], "one");
    let ran = written.run(&["diff", &at(first), &at(last), "clip"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stdout.starts_with("clip: 1 changed\n  ~ one\n"), "{ran:?}");
    assert!(ran.stdout.contains("description") && ran.stdout.contains("\"a\" → \"c\""), "{ran:?}");
    let model = differences(&written.run(&["diff", "--json", &at(last), &at(third), "clip/a/b"]));
    assert_eq!(model[0]["added"], json!(["a/b"]));
    assert_eq!(model[0]["changed"], json!([]));
    for same in [["diff", "now", "now", "clip"], ["diff", &at(third), "now", "clip"]] {
        let ran = written.run(&same);
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "", ""));
    }
    assert_eq!(written.run(&["diff", &at(last), "now", "clip/one"]).code, Some(0));
}

#[test]
fn times_choose_the_version_that_was_in_force_in_every_category() {
    let written = Written::empty();
    written.put("1", Category::Clip, "one", &clip("one", "a"));
    let second = written.put("1", Category::Clip, "two", &clip("two", "b"));
    written.put("1", Category::Blip, "b", &json!({"name": "b"}));
    let versions = written.json(&["history", "clip", "--json"]);
    let before = versions["versions"][1]["from"].as_str().unwrap();
    assert_eq!(versions["versions"][0]["generation"], second);
    let ran = written.run(&["diff", "--json", &format!("@{before}"), "now"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let found = ran.json().unwrap();
    assert_eq!(found["categories"][0]["added"], json!(["two"]));
    assert_eq!(found["categories"].as_array().unwrap().len(), 1);
    assert!(
        ran.stderr.starts_with("note: blip is left out: nothing is kept of v2/blip"),
        "{ran:?}"
    );
    assert_eq!(written.run(&["diff", "@0s", "now"]).code, Some(0));
}

#[test]
fn folders_and_servers_are_sides_too() {
    let written = Written::empty();
    written.put("1", Category::Clip, "one", &clip("one", "a"));
    let backup = DataFolder::empty().unwrap();
    backup.write("clip.json", &written.bytes("clip.json")).unwrap();
    let folder = backup.cache_home().to_str().unwrap();
    assert_eq!(written.run(&["diff", folder, "now"]).code, Some(0));

    let server = Launch::new(EXECUTABLE, backup.cache_home()).start().unwrap();
    let base = server.base_url();
    let same = written.run(&["diff", &base, "now", "clip"]);
    assert_eq!((same.code, same.stdout.as_str()), (Some(0), ""), "{same:?}");
    written.put("1", Category::Clip, "one", &clip("one", "b"));
    for side in [folder, &base] {
        let found = differences(&written.run(&["diff", "--json", side, "now", "clip"]));
        assert_eq!(found[0]["changed"][0]["name"], "one", "{found}");
        assert_eq!(found.as_array().unwrap().len(), 1);
    }
}

#[test]
fn what_cannot_be_compared_is_told_apart_from_a_difference() {
    let written = Written::empty();
    let there = written.put("1", Category::Clip, "One", &clip("One", "a"));
    let empty = tempfile::tempdir().unwrap();
    let closed = closed_port().unwrap();
    for (arguments, reason) in [
        (&["diff", "@1234567890123", "now", "clip"][..], there.to_string().as_str()),
        (&["diff", "@1234567890123", "now", "clip"], "has no generation 1234567890123"),
        (&["diff", "@2001-01-01", "now", "clip"], "nothing is kept of v2/clip from 2001-01-01"),
        (&["diff", "@soon", "now", "clip"], "is no time"),
        (&["diff", "now", "now", "clipp"], "did you mean clip?"),
        (&["diff", "now", "now", "clip/one"], "did you mean One?"),
        (&["diff", "now", "now", "blip"], "nothing of blip on either side"),
        (&["diff", "/nowhere", "now"], "neither a folder"),
        (&["diff", empty.path().to_str().unwrap(), "now"], "holds no files"),
        (&["diff", &closed, "now", "clip"], "error: "),
    ] {
        let ran = written.run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
        assert!(ran.stderr.contains(reason), "{reason}\n{ran:?}");
    }
}
