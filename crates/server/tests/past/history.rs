//! `history`: the versions of a category, and of a model.

use horde_model_reference::Category;
use serde_json::{Value, json};

use testkit::DataFolder;

use crate::written::{EXECUTABLE, Written, clip};

fn generations(history: &Value) -> Vec<u64> {
    let versions = history["versions"].as_array().unwrap();
    versions.iter().map(|version| version["generation"].as_u64().unwrap()).collect()
}

#[test]
fn versions_of_a_category_are_told_with_what_each_changed_and_by_whom() {
    let written = Written::empty();
    let first = written.put("101", Category::Clip, "one", &clip("one", "a"));
    let second = written.put("202", Category::Clip, "two", &clip("two", "b"));
    let third = written.delete("303", Category::Clip, "one");
    let history = written.json(&["history", "clip", "--json"]);
    assert_eq!(history["document"], "v2/clip");
    assert_eq!(generations(&history), [third, second, first]);
    let [newest, middle, oldest] = [0, 1, 2].map(|index| &history["versions"][index]);
    assert_eq!((&newest["present"], &middle["present"]), (&json!(true), &json!(false)));
    assert_eq!(newest["users"], json!(["303"]));
    assert_eq!(newest["change"]["removed"], json!(["one"]));
    assert_eq!(middle["change"]["added"], json!(["two"]));
    assert_eq!(oldest["change"], Value::Null);
    let bytes = written.bytes("clip.json");
    assert_eq!(newest["size"], bytes.len());

    let ran = written.run(&["history", "clip"]);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].trim_start().starts_with("GENERATION"), "{ran:?}");
    assert!(lines[1].contains(&third.to_string()) && lines[1].contains("  now  "), "{ran:?}");
    assert!(lines[1].ends_with("303    1 removed (one)"), "{ran:?}");
    assert!(lines[2].ends_with("202    1 added (two)"), "{ran:?}");
    assert!(lines[3].ends_with("101    the oldest that is kept"), "{ran:?}");
    assert_eq!(lines.len(), 4);
}

#[test]
fn many_changes_are_counted_instead_of_named() {
    let written = Written::empty();
    let first = written.put("1", Category::Clip, "first", &clip("first", "x")).to_string();
    for name in ["a", "b", "c", "d", "e"] {
        written.put("1", Category::Clip, name, &clip(name, "x"));
    }
    let back = written.run(&["restore", "clip", "--generation", &first, "--yes"]);
    assert_eq!(back.code, Some(0), "{back:?}");
    let ran = written.run(&["history", "clip"]);
    assert!(ran.stdout.lines().nth(1).unwrap().ends_with("cli    5 removed"), "{ran:?}");
    let history = written.json(&["history", "clip", "--json"]);
    let versions = history["versions"].as_array().unwrap();
    assert_eq!(versions.len(), 7);
    assert_eq!(versions[0]["digest"], versions[6]["digest"]);
    assert_ne!(versions[0]["digest"], versions[1]["digest"]);
}

#[test]
fn a_file_that_nobody_has_named_yet_has_a_time_but_no_generation() {
    let data = DataFolder::empty().unwrap();
    data.write("clip.json", b"{}").unwrap();
    let home = data.cache_home().to_str().unwrap();
    let run = |more: &[&str]| {
        let arguments = [&["history", "clip", "--data", home], more].concat();
        testkit::run(EXECUTABLE, data.cache_home(), &arguments).unwrap()
    };
    let version = &run(&["--json"]).json().unwrap()["versions"][0];
    assert_eq!((&version["generation"], &version["users"]), (&Value::Null, &json!([])));
    let ran = run(&[]);
    let line = ran.stdout.lines().nth(1).unwrap();
    assert!(line.trim_start().starts_with("-  20") && line.contains("  now   2 B  "), "{ran:?}");
    assert!(!data.root().join(".coherence").exists());
}

#[test]
fn a_model_is_told_where_it_changed_and_how() {
    let written = Written::empty();
    written.put("9", Category::Clip, "other", &clip("other", "x"));
    let added = written.put("101", Category::Clip, "one", &clip("one", "a"));
    written.put("202", Category::Clip, "other", &clip("other", "y"));
    let changed = written.put("202", Category::Clip, "one", &clip("one", "b"));
    let removed = written.delete("303", Category::Clip, "one");
    let history = written.json(&["history", "clip", "one", "--json"]);
    assert_eq!(generations(&history), [removed, changed, added]);
    assert_eq!(history["model"], "one");
    let fields = history["versions"][1]["change"]["changed"][0]["fields"].as_array().unwrap();
    let description = fields.iter().find(|field| field["path"] == json!(["description"])).unwrap();
    assert_eq!((&description["before"], &description["after"]), (&json!("a"), &json!("b")));

    let ran = written.run(&["history", "clip", "one"]);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].starts_with(&removed.to_string()), "{ran:?}");
    assert!(lines[0].ends_with("  removed by 303"), "{ran:?}");
    assert!(lines[1].ends_with("  changed by 202"), "{ran:?}");
    let description =
        |line: &&str| line.trim().starts_with("description ") && line.ends_with("  \"a\" → \"b\"");
    assert!(lines[2..].iter().any(description), "{ran:?}");
    assert!(lines.last().unwrap().ends_with("  added by 101"), "{ran:?}");
    let other = written.run(&["history", "clip", "other"]);
    assert!(other.stdout.trim_end().ends_with("in the oldest that is kept by 9"), "{other:?}");
}

#[test]
fn a_broken_file_is_told_and_hides_nothing() {
    let written = Written::empty();
    written.put("1", Category::Clip, "a", &clip("a", "x"));
    written.put("2", Category::Clip, "b", &clip("b", "x"));
    written.data.write("clip.json", b"{").unwrap();
    let ran = written.run(&["history", "clip"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[1].contains("clip.json: not JSON"), "{ran:?}");
    assert!(lines[2].ends_with("1 added (b)"), "{ran:?}");
    assert_eq!(lines.len(), 4, "{ran:?}");
}

#[test]
fn what_is_not_there_is_said() {
    let written = Written::empty();
    written.put("1", Category::Clip, "Tiny", &clip("Tiny", "x"));
    for (arguments, reason) in [
        (&["history", "clipp"][..], "did you mean clip?"),
        (&["history", "blip"], "there is nothing of v2/blip in "),
        (&["history", "clip", "tiny"], "did you mean Tiny?"),
    ] {
        let ran = written.run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
        assert!(ran.stderr.contains(reason), "{ran:?}");
    }
}
