//! The command `import` of the real executable: from files, over HTTP, and onto a full disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use testkit::{Answer, DataFolder, HttpStub, Launch, Ran, closed_port, shared};

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_horde-model-reference");

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data")
}

fn example_data() -> DataFolder {
    DataFolder::filled_from(&examples()).unwrap()
}

/// Runs the command in the folder of examples.
fn import(data: &DataFolder, arguments: &[&str]) -> Ran {
    run("import", data, arguments)
}

fn run(command: &str, data: &DataFolder, arguments: &[&str]) -> Ran {
    let home = data.cache_home().to_str().unwrap();
    let arguments = [&[command, "--data", home], arguments].concat();
    testkit::run(EXECUTABLE, &examples(), &arguments).unwrap()
}

/// Every file below a folder with its content.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(below) = folders.pop() {
        for entry in fs::read_dir(below).into_iter().flatten() {
            let path = entry.unwrap().path();
            // What is known of the documents is not what they hold.
            if path.ends_with(".coherence") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// Number, from 0, of records like those of a category of upscalers.
fn upscalers(number: usize) -> Value {
    let record = |index: usize| {
        let name = format!("upscaler {index}");
        (name.clone(), json!({"record_type": "esrgan", "name": name, "description": "Enlarges."}))
    };
    Value::Object((0..number).map(record).collect())
}

fn put(data: &DataFolder, relative: &str, value: &Value) -> String {
    data.write(relative, value.to_string().as_bytes()).unwrap();
    data.root().join(relative).to_str().unwrap().to_owned()
}

#[test]
fn legacy_files_fill_an_empty_folder_and_then_change_nothing() {
    let data = DataFolder::empty().unwrap();
    let first = import(&data, &["legacy"]);
    assert_eq!((first.code, first.stderr.as_str()), (Some(0), ""), "{first:?}");
    assert!(first.stdout.contains("image_generation       written: 4 added\n"), "{first:?}");
    let made = contents(&data.root());
    for (name, bytes) in contents(&examples().join("legacy")) {
        assert_eq!(made[&format!("legacy/{name}")], bytes, "{name}");
        if name.ends_with(".json") {
            assert_eq!(made[&name], fs::read(examples().join("v2").join(&name)).unwrap(), "{name}");
        }
    }
    let second = import(&data, &["legacy"]);
    assert_eq!(second.code, Some(0));
    assert_eq!(second.stdout.lines().filter(|line| line.ends_with(" unchanged")).count(), 10);
    assert_eq!(contents(&data.root()), made);
}

#[test]
fn v2_files_and_whole_folders_bring_their_legacy_files() {
    let data = DataFolder::empty().unwrap();
    assert_eq!(
        import(&data, &["v2/stable_diffusion.json", "v2/text_generation.json"]).code,
        Some(0)
    );
    let legacy: Value =
        serde_json::from_slice(&contents(&data.root())["legacy/stable_diffusion.json"]).unwrap();
    assert_eq!(legacy["Tidewater"]["baseline"], "stable diffusion 1");
    let made = contents(&data.root());
    assert_eq!(made.len(), 4);
    assert_eq!(
        import(&data, &["v2/stable_diffusion.json", "v2/text_generation.json"]).code,
        Some(0)
    );
    assert_eq!(contents(&data.root()), made);
    let whole = DataFolder::empty().unwrap();
    assert_eq!(import(&whole, &["."]).code, Some(0));
    let both = contents(&whole.root());
    assert_eq!(both.len(), 25);
    assert_eq!(both["legacy/models.csv"], fs::read(examples().join("legacy/models.csv")).unwrap());
    assert_eq!(run("check", &whole, &["--strict"]).code, Some(0));
}

#[test]
fn a_dry_run_tells_every_difference_and_writes_nothing() {
    let data = example_data();
    let before = contents(&data.root());
    let changed = DataFolder::empty().unwrap();
    let mut images: Value = serde_json::from_slice(&before["stable_diffusion.json"]).unwrap();
    images["Tidewater"]["version"] = json!("1.1");
    images["Tidewater"]["config"]["download"][0]["size_bytes"] = json!(5);
    let paper_fox = images.as_object_mut().unwrap().remove("Paper Fox").unwrap();
    images["Paper Vixen"] = paper_fox;
    images["Paper Vixen"]["name"] = json!("Paper Vixen");
    let file = put(&changed, "stable_diffusion.json", &images);
    let ran = import(&data, &["--dry-run", &file]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    for line in [
        "image_generation       would be written: 1 added, 1 removed, 1 changed",
        "  + Paper Vixen",
        "  - Paper Fox",
        "  ~ Tidewater",
        "      version                       \"1.0\" → \"1.1\"",
        "      config.download.0.size_bytes  (nothing) → 5",
    ] {
        assert!(ran.stdout.lines().any(|told| told == line), "{line}\n{}", ran.stdout);
    }
    let json = import(&data, &["--dry-run", "--json", &file]).json().unwrap();
    let diff = &json["steps"][0]["diff"];
    assert_eq!(diff["removed"], json!(["Paper Fox"]));
    assert_eq!(
        diff["changed"][0]["fields"][0],
        json!({"path": ["version"], "before": "1.0", "after": "1.1"})
    );
    assert_eq!(contents(&data.root()), before);
    assert_eq!(import(&data, &[&file]).code, Some(0));
    let legacy: Value =
        serde_json::from_slice(&contents(&data.root())["legacy/stable_diffusion.json"]).unwrap();
    // What v2 did not change keeps what only the legacy file says.
    let old: Value = serde_json::from_slice(&before["legacy/stable_diffusion.json"]).unwrap();
    assert_eq!(legacy["Orchard XL"], old["Orchard XL"]);
    assert_eq!(legacy["Tidewater"]["version"], "1.1");
    assert!(legacy.get("Paper Fox").is_none());
}

#[test]
fn what_only_v2_says_survives_an_import_of_legacy_files() {
    let data = example_data();
    let mut images: Value =
        serde_json::from_slice(&contents(&data.root())["stable_diffusion.json"]).unwrap();
    for record in images.as_object_mut().unwrap().values_mut() {
        record["metadata"] = json!({"schema_version": "2.1.0", "created_at": 5, "updated_at": 6});
        record["config"]["download"][0]["size_bytes"] = json!(7);
    }
    put(&data, "stable_diffusion.json", &images);
    let ran = import(&data, &["legacy/stable_diffusion.json"]);
    assert_eq!(ran.stdout, "image_generation       unchanged\n");
}

#[test]
fn a_legacy_file_may_change_nothing_but_a_licence() {
    let data = example_data();
    let other = DataFolder::empty().unwrap();
    let mut images: Value =
        serde_json::from_slice(&contents(&data.root())["legacy/stable_diffusion.json"]).unwrap();
    let licensing = json!({
        "license_expression": "MIT", "license_ids": ["MIT"],
        "commercial_use": "allowed", "redistribution": "allowed"
    });
    images["Tidewater"]["licensing"] = licensing;
    let file = put(&other, "legacy/stable_diffusion.json", &images);
    let ran = import(&data, &[&file]);
    assert!(ran.stdout.starts_with("image_generation       written: 1 changed\n"), "{ran:?}");
    let made: Value =
        serde_json::from_slice(&contents(&data.root())["stable_diffusion.json"]).unwrap();
    assert_eq!(made["Tidewater"]["licensing"]["license_expression"], "MIT");
    assert!(made["Orchard XL"].get("licensing").is_none());
}

#[test]
fn catalogues_go_where_the_settings_have_the_server_look() {
    let data = DataFolder::empty().unwrap();
    let apart = tempfile::tempdir().unwrap();
    let config = apart.path().join("settings.toml");
    let folder = apart.path().join("elsewhere");
    fs::write(&config, format!("[image_baselines]\nroot_path_override = {folder:?}\n")).unwrap();
    let config = config.to_str().unwrap();
    let packaged = include_bytes!("../../core/src/catalogue/packaged/baselines.json");
    let other = DataFolder::empty().unwrap();
    other.write("baselines/catalog.json", packaged).unwrap();
    let given = other.root().join("baselines/catalog.json").to_str().unwrap().to_owned();
    let ran = import(&data, &["--config", config, &given, "legacy"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(folder.join("catalog.json").is_file() && !data.root().join("baselines").exists());
    assert_eq!(run("check", &data, &["--config", config]).code, Some(0));
    fs::write(folder.join("catalog.json"), "{").unwrap();
    assert_eq!(run("check", &data, &["--config", config]).code, Some(1));
}

#[test]
fn nothing_replaces_something_only_when_that_is_allowed() {
    let data = example_data();
    let before = contents(&data.root());
    let other = DataFolder::empty().unwrap();
    let empty = put(&other, "stable_diffusion.json", &json!({}));
    let ran = import(&data, &[&empty]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr.contains("is empty, and would replace 4 records (--allow-empty lets it)"),
        "{ran:?}"
    );
    assert_eq!(contents(&data.root()), before);
    assert_eq!(import(&data, &["--allow-empty", &empty]).code, Some(0));
    assert_eq!(contents(&data.root())["stable_diffusion.json"], b"{}\n");
}

#[test]
fn much_goes_only_when_that_is_allowed() {
    let data = DataFolder::empty().unwrap();
    put(&data, "esrgan.json", &upscalers(30));
    let other = DataFolder::empty().unwrap();
    let fewer = put(&other, "esrgan.json", &upscalers(23));
    let ran = import(&data, &[&fewer]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("7 of 30 records would go, more than a fifth"), "{ran:?}");
    let few = put(&other, "esrgan.json", &upscalers(24));
    assert_eq!(import(&data, &["--dry-run", &few]).code, Some(0));
    assert_eq!(import(&data, &["--allow-shrink", &fewer]).code, Some(0));
    assert_eq!(contents(&data.root()).len(), 2);
}

#[test]
fn invalid_records_keep_their_category_out_unless_they_are_left_out() {
    let broken = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/broken/legacy");
    let broken = broken.to_str().unwrap();
    let data = DataFolder::empty().unwrap();
    let ran = import(&data, &[broken]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("invalid: image_generation: Vole: config: download: "), "{ran:?}");
    assert!(ran.stderr.contains("text_generation is refused: 3 records are not valid"), "{ran:?}");
    assert!(contents(&data.root()).is_empty());
    let lenient = import(&data, &["--skip-invalid", broken]);
    assert_eq!(lenient.code, Some(0), "{lenient:?}");
    let made = contents(&data.root());
    assert!(!String::from_utf8_lossy(&made["legacy/stable_diffusion.json"]).contains("Vole"));
    assert!(!String::from_utf8_lossy(&made["legacy/models.csv"]).contains("many"));
    let again = import(&data, &["--skip-invalid", broken]);
    assert_eq!(again.stdout.matches("unchanged").count(), 2, "{again:?}");
}

#[test]
fn what_is_no_model_reference_is_told_and_the_rest_imported() {
    let data = DataFolder::empty().unwrap();
    let closed = closed_port().unwrap();
    let sources = ["legacy/clip.json", "nowhere.json", "../../Cargo.toml", "..", &closed];
    let ran = import(&data, &sources);
    assert_eq!(ran.code, Some(1));
    assert_eq!(ran.stderr.lines().filter(|line| line.starts_with("error: ")).count(), 4, "{ran:?}");
    assert_eq!(contents(&data.root()).len(), 2);
    let twice = import(&data, &["legacy/clip.json", "./legacy/clip.json"]);
    assert_eq!(twice.code, Some(1));
    assert!(twice.stderr.contains("is the same file as legacy/clip.json"), "{twice:?}");
    assert_eq!(import(&data, &[]).code, Some(2));
}

#[test]
fn catalogues_are_checked_and_taken() {
    let data = example_data();
    let other = DataFolder::empty().unwrap();
    let packaged = include_bytes!("../../core/src/catalogue/packaged/baselines.json");
    other.write("baselines/catalog.json", packaged).unwrap();
    let good = other.root().join("baselines/catalog.json").to_str().unwrap().to_owned();
    assert_eq!(import(&data, &[&good]).code, Some(0));
    assert_eq!(import(&data, &[&good]).stdout, "catalogue/baselines    unchanged\n");
    let bad = put(&other, "text_guidance/catalog.json", &json!({"odd": 1}));
    let ran = import(&data, &[&bad]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("not valid: odd: "), "{ran:?}");
}

#[test]
fn another_server_is_copied() {
    let there = example_data();
    let server = Launch::new(EXECUTABLE, there.cache_home()).start().unwrap();
    for base in [format!("{}/api", server.base_url()), server.base_url()] {
        let here = DataFolder::empty().unwrap();
        let ran = import(&here, &[&base]);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
        let [ours, theirs] = [&here, &there].map(|data| contents(&data.root()));
        for name in ["stable_diffusion.json", "lora.json", "text_generation.json"] {
            let [ours, theirs] = [&ours, &theirs]
                .map(|files| serde_json::from_slice::<Value>(&files[name]).unwrap());
            assert_eq!(ours, theirs, "{name}");
        }
        assert_eq!(ours["legacy/clip.json"], theirs["legacy/clip.json"]);
        assert!(ours.contains_key("legacy/models.csv"));
        assert_eq!(import(&here, &[&base]).stdout.matches("unchanged").count(), 15);
    }
}

#[test]
fn a_public_repository_is_copied_as_far_as_it_answers() {
    let files = contents(&examples().join("legacy"));
    let stub = HttpStub::start(move |request| {
        let name = request.target.trim_start_matches("/org/main/");
        match files.get(name) {
            Some(_) if name == "esrgan.json" => Answer::json(403, &json!({})),
            Some(_) if name == "gfpgan.json" => Answer::json(200, &json!({})),
            Some(bytes) => Answer::Respond {
                status: 200,
                content_type: "text/plain".into(),
                body: bytes.clone(),
                after: std::time::Duration::ZERO,
            },
            None => Answer::json(404, &json!({})),
        }
    });
    let stub = stub.unwrap();
    let data = example_data();
    let before = contents(&data.root());
    let base = format!("{}/org/main/", stub.base_url());
    let ran = import(&data, &[&base]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("esrgan.json answered 403"), "{ran:?}");
    assert!(ran.stderr.contains("gfpgan is refused: it is empty"), "{ran:?}");
    assert_eq!(ran.stdout.matches("unchanged").count(), 8, "{ran:?}");
    assert_eq!(contents(&data.root()), before);
    let empty = DataFolder::empty().unwrap();
    let one = import(&empty, &[&format!("{base}models.csv")]);
    assert_eq!(one.stdout, "text_generation        written: 3 added\n", "{one:?}");
    let none = import(&empty, &[&format!("{base}nothing/")]);
    assert_eq!(none.code, Some(1));
    assert!(none.stderr.contains("there is no model reference at this address"), "{none:?}");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let data = DataFolder::empty().unwrap();
    fs::write(data.root(), "a file where the folder should be").unwrap();
    let ran = import(&data, &["legacy/clip.json"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stdout.contains("failed"), "{ran:?}");
    assert!(ran.stderr.contains("cannot create folder"), "{ran:?}");
    assert!(ran.stderr.contains("horde_model_reference"), "{ran:?}");
}

/// A disk of a few pages, gone with the value.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(at: &'a Path) -> Option<Self> {
        let arguments = ["-t", "tmpfs", "-o", "size=64k", "tmpfs"];
        let mounted = Command::new("mount").args(arguments).arg(at).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(at))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[test]
fn a_full_disk_leaves_everything_as_it_was() {
    let data = DataFolder::empty().unwrap();
    fs::create_dir_all(data.root()).unwrap();
    let root = data.root();
    let Some(disk) = SmallDisk::mount(&root) else {
        eprintln!("skipped: mounting a small disk is not permitted here");
        return;
    };
    assert_eq!(import(&data, &["legacy/esrgan.json"]).code, Some(0));
    let before = contents(&root);
    let other = DataFolder::empty().unwrap();
    let large = put(&other, "esrgan.json", &upscalers(400));
    let ran = import(&data, &[&large, "legacy/clip.json"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("cannot write "), "{ran:?}");
    assert!(ran.stderr.contains("legacy/esrgan.json: No space left on device"), "{ran:?}");
    // Nothing half-written lies about, and what fits is there.
    let mut after = contents(&root);
    assert!(after.remove("clip.json").is_some() && after.remove("legacy/clip.json").is_some());
    assert_eq!(after, before);
    drop(disk);
}

#[test]
fn the_published_files_are_served_as_the_reference_has_them() {
    let Some(shared) = shared() else { return };
    let data = DataFolder::empty().unwrap();
    let published = shared.join("data/legacy");
    assert_eq!(import(&data, &[published.to_str().unwrap()]).code, Some(0));
    let expected = contents(&shared.join("data/v2"));
    assert_eq!(expected.len(), 10);
    for (name, bytes) in expected {
        let category = name.trim_end_matches(".json");
        let got = run("get", &data, &[category]);
        assert_eq!(got.code, Some(0), "{got:?}");
        let expected: Value = serde_json::from_slice(&bytes).unwrap();
        assert!(got.json().unwrap() == expected, "{category} differs");
    }
    assert_eq!(run("check", &data, &[]).code, Some(0));
}
