//! What the start of a PRIMARY may do to files that are there, and what it must leave alone.

use std::path::Path;

use horde_model_reference::Format;
use horde_model_reference::backend::files::Files;
use horde_model_reference::backend::files::layout::Layout;

const V2: &str = r#"{"a":{"name":"a","metadata":{"created_at":1,"updated_at":2}}}"#;

fn write(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[test]
fn an_empty_legacy_file_does_not_empty_the_v2_file() {
    for (legacy, v2, empty) in [
        ("legacy/clip.json", "clip.json", "{}"),
        ("legacy/clip.json", "clip.json", ""),
        ("legacy/models.csv", "text_generation.json", ""),
        ("legacy/models.csv", "text_generation.json", "name,parameters_bn\n"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), legacy, empty);
        write(folder.path(), v2, V2);
        // What it could not do is told, and is not the subject here.
        let _ = Files::new(Layout::below(folder.path())).prepare(Format::Legacy);
        let kept = std::fs::read_to_string(folder.path().join(v2)).unwrap();
        assert_eq!(kept, V2, "{legacy} with {empty:?}");
    }
}

#[test]
fn with_legacy_canonical_the_v2_file_follows_what_the_legacy_file_says() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "legacy/clip.json", r#"{"b":{"name":"b","type":"clip"}}"#);
    write(folder.path(), "clip.json", V2);
    let failures = Files::new(Layout::below(folder.path())).prepare(Format::Legacy);
    assert!(failures.is_empty(), "{failures:?}");
    let derived = std::fs::read_to_string(folder.path().join("clip.json")).unwrap();
    assert!(derived.contains("\"b\"") && !derived.contains("\"a\""), "{derived}");
}
