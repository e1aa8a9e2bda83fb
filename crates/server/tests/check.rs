//! The command `check` of the real executable.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use testkit::{DataFolder, Ran, shared};

fn run(folder: &Path, arguments: &[&str]) -> Ran {
    testkit::run(env!("CARGO_BIN_EXE_horde-model-reference"), folder, arguments).unwrap()
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn examples() -> DataFolder {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data");
    DataFolder::filled_from(&folder).unwrap()
}

/// Findings as `severity file line record field: message`.
fn findings(ran: &Ran) -> Vec<String> {
    let report = ran.json().unwrap();
    let text = |value: &Value| match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let line = |finding: &Value| {
        let path = text(&finding["path"]);
        let path = path.split_once("broken/").map_or(path.as_str(), |(_, rest)| rest);
        let [severity, line, record, field, message] =
            ["severity", "line", "record", "field", "message"].map(|name| text(&finding[name]));
        format!("{severity} {path} {line} {record} {field}: {message}")
    };
    report["findings"].as_array().unwrap().iter().map(line).collect()
}

#[test]
fn everything_wrong_is_told_with_its_place() {
    let ran = run(&here(), &["check", "--json", "broken"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let found = findings(&ran);
    for expected in [
        "error blip.json - - : expected a JSON object of records, found array",
        "error clip.json - - : not JSON: EOF while parsing an object at line 3 column 0",
        "error stable_diffusion.json - Heron baseline: The baseline \"stable_diffusion_9\" is not in the catalogue",
        "error stable_diffusion.json - Otter style: \"cubist\" is not a style",
        "error stable_diffusion.json - Newt config.download.0.file_url: Field required",
        "error stable_diffusion.json - Newt tags: ",
        "error stable_diffusion.json - Newt nsfw: ",
        "error stable_diffusion.json - Adder nsfw: Field required",
        "error stable_diffusion.json - Toad : ",
        "error legacy/stable_diffusion.json - Vole config.download: ",
        "error legacy/models.csv 5 Moth-1B : \"many\" is no number of parameters",
        "error legacy/models.csv 6 Bat-2B : settings is not JSON",
        "error legacy/models.csv 8 - : no name",
        "error meta/v2/blip_metadata.json - - last_updated: expected an integer, found text",
        "error baselines/catalog.json - - baselines.x.kudos: ",
        "note stable_diffusion.json - Heron config.download.0.sha256sum: the checksum of heron.safetensors is not known",
        "note stable_diffusion.json - Stoat name: the record is called \"Weasel\" but stands under \"Stoat\"",
        "note stable_diffusion.json - Stoat config.download: there is nothing to download",
        "note stable_diffusion.json - Otter : the model is not in the legacy file",
        "note legacy/stable_diffusion.json - Heron config.download.0.sha256sum: the checksum of heron.safetensors has 3 digits",
        "note legacy/stable_diffusion.json - Vole : the model is not in the v2 file",
        "note legacy/models.csv 2 Barn/Owl-7B name: the name is repeated in line 4",
        "note legacy/models.csv 7 Fly-1B settings: no text model has the settings wings",
        "note legacy/models.csv 9 koboldcpp/Owl-7B name: the line is left out",
        "note meta/v2/blip_metadata.json - - category: ",
    ] {
        let told = found.iter().any(|line| line.starts_with(expected));
        assert!(told, "not told: {expected}\n{}", found.join("\n"));
    }
    let report = ran.json().unwrap();
    assert_eq!((report["files"].as_u64(), report["errors"].as_u64()), (Some(7), Some(15)));
}

#[test]
fn people_get_columns_without_colours() {
    let ran = run(&here(), &["check", "broken/legacy/models.csv"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.is_empty() && !ran.stdout.contains('\x1b'), "{ran:?}");
    assert!(
        ran.stdout.starts_with("broken/legacy/models.csv\n  note   line 2 Barn/Owl-7B"),
        "{ran:?}"
    );
    assert!(ran.stdout.ends_with("1 file with 7 records: 3 errors, 3 notes\n"), "{ran:?}");
}

#[test]
fn notes_are_errors_only_where_that_is_wanted() {
    let data = examples();
    let home = data.cache_home().to_str().unwrap();
    let clean = run(Path::new("/"), &["check", "--strict", "--data", home]);
    assert_eq!(clean.code, Some(0), "{}", clean.stdout);
    data.write("stable_diffusion.tmp.1700000000.25", b"{").unwrap();
    data.write("legacy/clip.bak", b"{}").unwrap();
    fs::rename(data.root().join("blip.json"), data.root().join("blip.bak")).unwrap();
    let noted = run(Path::new("/"), &["check", "--data", home]);
    assert_eq!(noted.code, Some(0), "{}", noted.stdout);
    assert!(noted.stdout.contains("0 errors, 4 notes"), "{}", noted.stdout);
    assert!(noted.stdout.contains("is missing, but "), "{}", noted.stdout);
    assert_eq!(run(Path::new("/"), &["check", "--strict", "--data", home]).code, Some(1));
    // The folder above, as it is given to `serve`, does as well.
    assert_eq!(run(Path::new("/"), &["check", home]).stdout, noted.stdout);
}

#[test]
fn a_served_catalogue_adds_baselines() {
    let data = examples();
    let packaged = include_str!("../../core/src/catalogue/packaged/baselines.json");
    data.write("baselines/catalog.json", packaged.replace("\"flux_1\"", "\"owl_1\"").as_bytes())
        .unwrap();
    data.write("stable_diffusion.json", br#"{"o":{"name":"o","baseline":"owl_1","nsfw":true}}"#)
        .unwrap();
    let root = data.root();
    let ran = run(&root, &["check", "stable_diffusion.json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
}

#[test]
fn what_cannot_be_looked_at_is_another_matter() {
    for arguments in [&["check", "nowhere"][..], &["check"], &["check", "--nonsense"]] {
        let ran = run(&here(), arguments);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.stdout.is_empty() && ran.stderr.starts_with("error: "), "{ran:?}");
    }
}

#[test]
fn the_published_data_has_no_errors() {
    let Some(shared) = shared() else { return };
    let data = DataFolder::filled_from(&shared.join("data")).unwrap();
    let ran = run(&data.root(), &["check", "--json", "."]);
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    assert!(ran.json().unwrap()["records"].as_u64().unwrap() > 1500);
    for folder in ["legacy", "v2"] {
        let ran = run(&shared.join("data").join(folder), &["check", "."]);
        assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    }
}
