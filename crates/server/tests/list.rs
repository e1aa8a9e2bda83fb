//! The command `list` of the real executable, on files and over HTTP.

use std::path::Path;

use testkit::{DataFolder, Launch, Ran};

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_horde-model-reference");

fn run(arguments: &[&str]) -> Ran {
    testkit::run(EXECUTABLE, Path::new("/"), arguments).unwrap()
}

fn examples() -> DataFolder {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data");
    DataFolder::filled_from(&folder).unwrap()
}

#[test]
fn categories_stand_in_a_table() {
    let data = examples();
    let home = data.cache_home().to_str().unwrap();
    let ran = run(&["list", "--data", home]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 16, "{}", ran.stdout);
    assert!(lines[0].starts_with("CATEGORY              MODELS "), "{}", lines[0]);
    assert!(lines[9].starts_with("image_generation           4  3.6 kB  2"), "{}", lines[9]);
    assert!(lines[9].ends_with("/horde_model_reference/stable_diffusion.json"));
    let json = run(&["list", "--json", "--data", home]).json().unwrap();
    let row = &json["categories"][8];
    assert_eq!((row["name"].as_str(), row["models"].as_u64()), (Some("image_generation"), Some(4)));
    assert_eq!(row["mark"].as_str().unwrap().len(), 12);
}

#[test]
fn models_have_a_baseline_and_a_size() {
    let data = examples();
    let home = data.cache_home().to_str().unwrap();
    let ran = run(&["list", "image_generation", "--data", home]);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let cells = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<String>>();
    assert_eq!(cells(lines[0]), ["MODEL", "BASELINE", "SIZE"]);
    assert_eq!(cells(lines[1]), ["Tidewater", "stable_diffusion_1", "2.1", "GB"]);
    let ends = |line: &&str| line.len();
    assert!(lines.iter().map(ends).all(|end| end == lines[0].len()), "{}", ran.stdout);
    let json = run(&["list", "--json", "text_generation", "--data", home]).json().unwrap();
    assert!(json["models"][0]["size"].is_null());
    let wrong = run(&["list", "image-generation", "--data", home]);
    assert_eq!((wrong.code, wrong.stdout.as_str()), (Some(1), ""));
    assert!(wrong.stderr.contains("did you mean image_generation?"), "{wrong:?}");
}

#[test]
fn a_server_lists_the_same_models() {
    let data = examples();
    let server = Launch::new(EXECUTABLE, data.cache_home()).start().unwrap();
    let home = data.cache_home().to_str().unwrap();
    let base = server.base_url();
    let there = run(&["list", "--json", "--url", &base]).json().unwrap();
    let here = run(&["list", "--json", "--data", home]).json().unwrap();
    let names = |listing: &serde_json::Value| -> Vec<(String, u64)> {
        let rows = listing["categories"].as_array().unwrap();
        let pair = |row: &serde_json::Value| {
            (row["name"].as_str().unwrap().to_owned(), row["models"].as_u64().unwrap())
        };
        rows.iter().map(pair).collect()
    };
    assert_eq!(names(&there), names(&here));
    let models = run(&["list", "blip", "--url", &base]);
    assert_eq!(models.stdout, run(&["list", "blip", "--data", home]).stdout);
    assert_eq!(run(&["list", "--data", "/nowhere"]).code, Some(2));
}
