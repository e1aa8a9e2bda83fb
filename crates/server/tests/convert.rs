//! The command `convert` of the real executable.

use std::fs;
use std::path::{Path, PathBuf};

use testkit::{Ran, shared};

fn run(folder: &Path, arguments: &[&str]) -> Ran {
    testkit::run(env!("CARGO_BIN_EXE_horde-model-reference"), folder, arguments).unwrap()
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data")
}

fn broken() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/broken")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn one_file_goes_to_standard_output() {
    let ran = run(&examples(), &["convert", "--to", "v2", "legacy/clip.json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    assert_eq!(ran.stdout, fs::read_to_string(examples().join("v2/clip.json")).unwrap());
    let table = run(&examples(), &["convert", "--to", "legacy", "v2/text_generation.json"]);
    assert_eq!(table.code, Some(0), "{table:?}");
    assert!(table.stdout.starts_with("name,parameters_bn,"), "{table:?}");
}

#[test]
fn a_folder_goes_into_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let to = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let there = run(&examples(), &["convert", "--to", "v2", "legacy", &to("v2")]);
    assert_eq!(there.code, Some(0), "{there:?}");
    for name in names(&folder.path().join("v2")) {
        let made = fs::read_to_string(folder.path().join("v2").join(&name)).unwrap();
        let expected = fs::read_to_string(examples().join("v2").join(&name)).unwrap();
        assert_eq!(made, expected, "{name}");
    }
    let back = run(&examples(), &["convert", "--to", "legacy", "v2", &to("legacy")]);
    assert_eq!(back.code, Some(0), "{back:?}");
    assert_eq!(names(&folder.path().join("legacy")), names(&examples().join("legacy")));
    let again = run(&examples(), &["convert", "--to", "v2", &to("legacy"), &to("again")]);
    assert_eq!(again.code, Some(0), "{again:?}");
    for name in ["esrgan.json", "stable_diffusion.json"] {
        let read = |below: &str| fs::read(folder.path().join(below).join(name)).unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        assert_eq!(text(read("again")), text(read("v2")), "{name}");
    }
}

#[test]
fn what_is_not_valid_is_told_and_left_out() {
    let ran = run(&broken(), &["convert", "--to", "v2", "legacy/stable_diffusion.json"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.stderr.contains("legacy/stable_diffusion.json: Vole: config: download: "),
        "{ran:?}"
    );
    let kept = ran.json().unwrap();
    assert_eq!(kept.as_object().unwrap().keys().collect::<Vec<_>>(), ["Heron"]);
    let table = run(&broken(), &["convert", "--to", "v2", "legacy/models.csv"]);
    assert_eq!(table.code, Some(1));
    assert_eq!(table.json().unwrap().as_object().unwrap().len(), 2, "{table:?}");
    assert!(table.stderr.contains("Moth-1B: line: "), "{table:?}");
}

#[test]
fn strict_means_all_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("out.json");
    let target_text = target.to_str().unwrap();
    let arguments = ["convert", "--to", "v2", "--strict", "legacy/models.csv", target_text];
    let ran = run(&broken(), &arguments);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
    assert!(!target.exists());
    let lenient = run(&broken(), &["convert", "--to", "v2", "legacy/models.csv", target_text]);
    assert_eq!(lenient.code, Some(1));
    assert!(target.exists());
}

#[test]
fn what_cannot_be_done_is_said() {
    for (arguments, reason) in [
        (&["convert", "--to", "v2", "nowhere.json"][..], "nowhere.json: cannot be read"),
        (&["convert", "--to", "legacy", "v2/lora.json"], "lora has no legacy form"),
        (&["convert", "--to", "v2", "legacy"], "a folder needs a TARGET"),
        (&["convert", "--to", "v3", "legacy/clip.json"], "possible values: v2, legacy"),
        (
            &["convert", "--to", "v2", "legacy/clip.json", "/nowhere/x.json"],
            "cannot write /nowhere",
        ),
    ] {
        let ran = run(&examples(), arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
        assert!(ran.stderr.contains(reason), "{reason}\n{ran:?}");
    }
}

#[test]
fn the_published_files_become_those_of_the_reference() {
    let Some(shared) = shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().to_str().unwrap();
    let ran = run(&shared.join("data"), &["convert", "--to", "v2", "legacy", target]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(names(folder.path()), names(&shared.join("data/v2")));
    for name in names(folder.path()) {
        let made = fs::read(folder.path().join(&name)).unwrap();
        let expected = fs::read(shared.join("data/v2").join(&name)).unwrap();
        assert!(made == expected, "{name} differs");
    }
    let images =
        run(&shared.join("data"), &["convert", "--to", "legacy", "v2/stable_diffusion.json"]);
    let expected =
        fs::read_to_string(shared.join("data/v1-from-v2/stable_diffusion.json")).unwrap();
    assert!(images.stdout == expected, "stable_diffusion.json differs on the way back");
}
