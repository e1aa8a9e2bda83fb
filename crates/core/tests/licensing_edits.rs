//! Edits of licences: each that stands is told exactly once in their log, wherever its writer died.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use horde_model_reference::backend::files::Files;
use horde_model_reference::backend::files::layout::Layout;
use horde_model_reference::blocking::Primary;
use horde_model_reference::catalogue::Stored;
use horde_model_reference::catalogue::licensing::{
    Asset, AssetKind, Assets, Definition, Definitions, Edit,
};
use horde_model_reference::change::{WriteError, WriteOptions};
use horde_model_reference::disk::faults::{Action, Plan, Point, install};
use horde_model_reference::{Json, Options};

const FOLDER: &str = "LICENSING_EDITS_FOLDER";
const PLAN: &str = "LICENSING_EDITS_PLAN";

fn open(root: &Path) -> Primary {
    let options = Options { compress: false, ..Options::default() };
    Primary::open(Arc::new(Files::new(Layout::below(root))), options, None).unwrap()
}

fn by(user: &str) -> WriteOptions {
    WriteOptions::by(user).local()
}

fn license(id: &str, name: &str) -> Definition {
    let packaged = Definitions::packaged();
    let mut text = packaged.get("WTFPL").unwrap().to_json().to_string();
    text = text.replacen("\"WTFPL\"", &format!("{id:?}"), 1);
    let mut definition = Definition::parse(&Json::parse(text.as_bytes()).unwrap()).unwrap();
    definition.name.0 = name.to_owned();
    definition
}

fn asset(identifier: &str, license_id: &str) -> Asset {
    let packaged = Assets::packaged();
    let mut asset = packaged.get(AssetKind::CustomNode, "comfyqr").unwrap().clone();
    asset.asset_identifier.0 = identifier.to_owned();
    asset.licensing.license_expression.0 = license_id.to_owned();
    asset.licensing.license_ids = vec![license_id.to_owned()];
    asset
}

/// Every whole line of the log.
fn log(root: &Path) -> Vec<Json> {
    let text = std::fs::read_to_string(root.join("licensing/audit.jsonl")).unwrap_or_default();
    text.lines().filter_map(|line| Json::parse(line.as_bytes()).ok()).collect()
}

/// What the log says was done: `operation kind key`.
fn told(root: &Path) -> Vec<String> {
    let text = |line: &Json, name| line.get(name).and_then(Json::as_str).unwrap().to_owned();
    let words = ["operation", "record_kind", "record_key"];
    log(root).iter().map(|line| words.map(|name| text(line, name)).join(" ")).collect()
}

#[test]
fn each_edit_is_told_with_what_was_before_and_after() {
    let folder = tempfile::tempdir().unwrap();
    let primary = open(folder.path());
    let created = primary.edit_license(Edit::Create(license("Mine", "Größe")), by("7")).unwrap();
    let replaced = primary.edit_license(Edit::Replace(license("Mine", "é")), by("8")).unwrap();
    primary.edit_asset(Edit::Create(asset("q/t", "Mine")), WriteOptions::by("7")).unwrap();
    primary.edit_asset(Edit::Delete("custom_node:q/t".into()), by("7")).unwrap();
    let lines = log(folder.path());
    assert_eq!(
        told(folder.path()),
        [
            "create license_definition Mine",
            "update license_definition Mine",
            "create licensed_asset custom_node:q/t",
            "delete licensed_asset custom_node:q/t",
        ]
    );
    let [created, replaced] = [created, replaced].map(|made| made.unwrap().to_json());
    let members: Vec<&str> = lines[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        members.join(" "),
        "timestamp editor_id operation record_kind record_key before after"
    );
    assert_eq!(lines[0].get("before"), Some(&Json::Null));
    assert_eq!(lines[0].get("after"), Some(&created));
    assert_eq!(lines[1].get("before"), Some(&created));
    assert_eq!(lines[1].get("after"), Some(&replaced));
    assert_eq!(lines[1].get("editor_id"), Some(&"8".into()));
    assert_eq!(lines[3].get("after"), Some(&Json::Null));
    // Compact, and nothing escaped that need not be.
    let text = std::fs::read_to_string(folder.path().join("licensing/audit.jsonl")).unwrap();
    assert!(text.contains("\"name\":\"Größe\"") && !text.contains(": "), "{text}");
    // The packaged records are still there, in a file as the contract prints it.
    let file = std::fs::read_to_string(folder.path().join("licensing/licenses.json")).unwrap();
    assert!(file.contains("\"license_id\": \"MIT\"") && file.contains("\\u00e9"), "{file}");
    assert!(file.starts_with("{\n  \"schema_version\": 1,\n  \"revision\": 3,"), "{file}");
}

#[test]
fn what_is_refused_changes_and_tells_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let primary = open(folder.path());
    let everywhere = || WriteOptions::by("7");
    let words = |refused: Result<(), WriteError>| refused.unwrap_err().to_string();
    let edit = |edit| primary.edit_license(edit, everywhere()).map(|_| ());
    let edit_asset = |edit| primary.edit_asset(edit, everywhere()).map(|_| ());
    let mit = license("MIT", "MIT");
    assert_eq!(words(edit(Edit::Create(mit.clone()))), "License definition already exists: MIT");
    assert_eq!(
        words(edit(Edit::Delete("MIT".into()))),
        "License definition is still referenced: MIT"
    );
    assert_eq!(words(edit(Edit::Delete("no".into()))), "License definition not found: no");
    assert_eq!(
        words(edit_asset(Edit::Create(asset("comfyqr", "no")))),
        "Licensed asset already exists: custom_node:comfyqr"
    );
    assert_eq!(
        words(edit_asset(Edit::Replace(asset("none", "no")))),
        "Licensed asset not found: custom_node:none"
    );
    assert_eq!(
        words(edit_asset(Edit::Create(asset("new", "no")))),
        "Unknown license definition: no"
    );
    assert!(log(folder.path()).is_empty());
    // A deprecated licence stays where it is, and goes nowhere else.
    edit(Edit::Replace(Definition { deprecated: true, ..mit })).unwrap();
    assert_eq!(
        words(edit_asset(Edit::Create(asset("new", "MIT")))),
        "Deprecated license definition cannot be newly assigned: MIT"
    );
    edit_asset(Edit::Replace(asset("comfyqr", "MIT"))).unwrap();
    assert_eq!(told(folder.path()).len(), 2);
}

#[test]
fn a_repeated_request_is_answered_again_and_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let primary = open(folder.path());
    let create = || Edit::Create(license("Mine", "one"));
    let options = || WriteOptions::by("7").with_request("r");
    let first = primary.edit_license(create(), options()).unwrap();
    assert_eq!(primary.edit_license(create(), options()), Ok(first));
    let other = primary.edit_license(Edit::Create(license("Other", "one")), options());
    assert!(matches!(other, Err(WriteError::RequestReused { .. })), "{other:?}");
    assert_eq!(told(folder.path()).len(), 1);
}

/// Edits that a process makes until it is killed; each is printed once it was acknowledged.
#[test]
#[ignore = "is started by the test below, and killed"]
#[expect(clippy::disallowed_methods, reason = "it is told by the environment what to do")]
fn edits_until_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let plan = std::env::var(PLAN).unwrap();
    let (point, nth) = plan.split_once(' ').unwrap();
    let point = Point::ALL[point.parse::<usize>().unwrap()];
    let at = vec![(point, nth.parse().unwrap(), Action::Kill)];
    install(Plan { at, left_out: None });
    let primary = open(Path::new(&folder));
    println!();
    for name in ["one", "two"] {
        primary.edit_license(Edit::Create(license(name, name)), by("7")).unwrap();
        println!("ack {name}");
        let asset = Edit::Create(asset(name, "MIT"));
        primary.edit_asset(asset, by("7")).unwrap();
        println!("ack custom_node:{name}");
    }
}

#[test]
fn each_edit_that_stands_is_told_once_wherever_its_writer_was_killed() {
    let mut killed = 0;
    for point in 0..Point::ALL.len() {
        // The second time is the asset's file, the third the licences' once more.
        for nth in 1..=3 {
            let folder = tempfile::tempdir().unwrap();
            let ran = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "edits_until_killed", "--ignored", "--nocapture"])
                .env(FOLDER, folder.path())
                .env(PLAN, format!("{point} {nth}"))
                .output()
                .unwrap();
            killed += usize::from(!ran.status.success());
            let printed = String::from_utf8_lossy(&ran.stdout).into_owned();
            let acknowledged: Vec<&str> =
                printed.lines().filter_map(|line| line.strip_prefix("ack ")).collect();
            check_after(folder.path(), &acknowledged, &format!("{:?} {nth}", Point::ALL[point]));
        }
    }
    // Some points belong to what these documents do not have.
    assert!(killed > 30, "killed {killed} times");
}

/// Whoever writes next finishes what was begun. Then what stands is told, once, in its order.
fn check_after(root: &Path, acknowledged: &[&str], when: &str) {
    let primary = open(root);
    primary.edit_license(Edit::Create(license("last", "last")), by("8")).unwrap();
    primary.edit_asset(Edit::Create(asset("last", "MIT")), by("8")).unwrap();
    let mut keys = Vec::new();
    for file in ["licenses.json", "assets.json"] {
        let text = std::fs::read(root.join("licensing").join(file)).unwrap();
        let store = Json::parse(&text).unwrap();
        let records = store.get("records").and_then(Json::as_object).unwrap();
        let is_new =
            |record: &Json| record.get("metadata").unwrap().get("created_by") != Some(&Json::Null);
        keys.extend(
            records.iter().filter(|(_, record)| is_new(record)).map(|(key, _)| key.clone()),
        );
    }
    let mut told: Vec<String> = log(root)
        .iter()
        .map(|line| line.get("record_key").and_then(Json::as_str).unwrap().to_owned())
        .collect();
    let in_order: Vec<&String> =
        told.iter().filter(|key| acknowledged.contains(&key.as_str())).collect();
    assert_eq!(in_order, acknowledged, "{when}");
    told.sort();
    keys.sort();
    assert_eq!(told, keys, "{when}");
}
