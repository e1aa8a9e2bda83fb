//! The command `get` of the real executable, on files and over HTTP.

use std::fs;
use std::path::Path;

use serde_json::Value;
use testkit::{Answer, DataFolder, HttpStub, Launch, Ran, closed_port, shared};

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_horde-model-reference");

fn run(arguments: &[&str]) -> Ran {
    testkit::run(EXECUTABLE, Path::new("/"), arguments).unwrap()
}

fn examples() -> DataFolder {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data");
    DataFolder::filled_from(&folder).unwrap()
}

fn read(data: &DataFolder, relative: &str) -> Value {
    serde_json::from_slice(&fs::read(data.root().join(relative)).unwrap()).unwrap()
}

#[test]
fn records_come_from_the_folder() {
    let data = examples();
    let home = data.cache_home().to_str().unwrap();
    let all = run(&["get", "image_generation", "--data", home]);
    assert_eq!((all.code, all.stderr.as_str()), (Some(0), ""));
    assert_eq!(all.json().unwrap(), read(&data, "stable_diffusion.json"));
    let one = run(&["get", "stable_diffusion", "Orchard XL", "--json", "--data", home]);
    assert_eq!(one.json().unwrap(), all.json().unwrap()["Orchard XL"]);
    assert_eq!(one.stdout.lines().count(), 1);
    let legacy = run(&["get", "--format", "v1", "image_generation", "--data", home]);
    assert_eq!(legacy.json().unwrap(), read(&data, "legacy/stable_diffusion.json"));
    let entries = run(&["get", "--format", "v1", "text_generation", "--data", home]);
    let name = "koboldcpp/Otter-1.5B";
    assert_eq!(entries.json().unwrap()[name]["model_name"], "Otter-1.5B", "{entries:?}");
}

#[test]
fn v2_follows_from_legacy_files_alone() {
    let data = examples();
    let home = data.cache_home().to_str().unwrap();
    let before = run(&["get", "clip", "--data", home]);
    fs::remove_file(data.root().join("clip.json")).unwrap();
    assert_eq!(run(&["get", "clip", "--data", home]), before);
}

#[test]
fn mistyped_names_are_recognised() {
    let data = examples();
    let home = data.cache_home().to_str().unwrap();
    for (arguments, reason) in [
        (&["get", "clipp"][..], "there is no category \"clipp\"; did you mean clip?"),
        (&["get", "weather"], "there are blip, clip, "),
        (&["get", "image_generation", "paper fox"], "did you mean Paper Fox?"),
        (&["get", "image_generation", "Tidewatr"], "did you mean Tidewater?"),
        (&["get", "image_generation", "Zzz"], "there is no model \"Zzz\" (image_generation)"),
        (&["get", "--format", "v1", "lora"], "there is nothing of lora here"),
    ] {
        let ran = run(&[arguments, &["--data", home]].concat());
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
        assert!(ran.stderr.contains(reason), "{reason}\n{ran:?}");
    }
}

#[test]
fn a_server_is_asked_instead() {
    let data = examples();
    let server = Launch::new(EXECUTABLE, data.cache_home()).start().unwrap();
    for base in [server.base_url(), format!("{}/api/", server.base_url())] {
        let one = run(&["get", "image_generation", "Tidewater", "--url", &base]);
        assert_eq!(one.code, Some(0), "{one:?}");
        assert_eq!(one.json().unwrap()["name"], "Tidewater");
        let wrong = run(&["get", "image_generation", "tidewater", "--url", &base]);
        assert_eq!(wrong.code, Some(1));
        assert!(wrong.stderr.contains("did you mean Tidewater?"), "{wrong:?}");
    }
    let base = server.base_url();
    let legacy = run(&["get", "--format", "v1", "clip", "--url", &base]);
    assert_eq!(legacy.json().unwrap(), read(&data, "legacy/clip.json"));
}

#[test]
fn what_cannot_be_read_is_another_matter() {
    let closed = closed_port().unwrap();
    let stub = HttpStub::start(|_| Answer::json(200, &serde_json::json!([1]))).unwrap();
    let data = examples();
    data.write("clip.json", b"{").unwrap();
    let home = data.cache_home().to_str().unwrap();
    for arguments in [
        &["get", "clip", "--url", &closed][..],
        &["get", "clip", "--url", &stub.base_url()],
        &["get", "clip", "--data", home],
        &["get", "clip", "--data", "/nowhere"],
        &["get", "clip", "--data", home, "--url", &closed],
    ] {
        let ran = run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
        assert!(ran.stderr.starts_with("error: "), "{ran:?}");
    }
}

#[test]
fn the_v1_answer_of_the_published_table_is_that_of_the_reference() {
    let Some(shared) = shared() else { return };
    let data = DataFolder::filled_from(&shared.join("data")).unwrap();
    let home = data.cache_home().to_str().unwrap();
    let ran = run(&["get", "--format", "v1", "text_generation", "--data", home]);
    let expected = fs::read_to_string(shared.join("data/v1/text_generation.json")).unwrap();
    assert!(ran.stdout.trim_end() == expected.trim_end());
}
