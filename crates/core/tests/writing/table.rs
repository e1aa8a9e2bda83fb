//! Text models, whose canonical form is a table with a line for each.

use std::time::Duration;

use horde_model_reference::change::{WriteError, WriteOptions};
use horde_model_reference::{Category, Document, Format};
use testkit::eventually;

use crate::folder::{Folder, SOON, local, names, object};

#[tokio::test]
async fn records_in_the_older_file_of_text_models_are_not_hidden_by_a_new_table() {
    let old = r#"{"A/Old-7B":{"name":"A/Old-7B","parameters":7000000000}}"#;
    let v2 = r#"{"A/Old-7B":{"name":"A/Old-7B"}}"#;
    let files = [("legacy/text_generation.json", old), ("text_generation.json", v2)];
    let folder = Folder::with(&files);
    let primary = folder.open_as(Format::Legacy);
    let record = object(r#"{"parameters":3000000000}"#);
    let refused =
        primary.update_legacy(Category::TextGeneration, "B/New-3B", record, local()).await;
    assert!(refused.unwrap_err().to_string().contains("import it first"));
    assert!(!folder.path("legacy/models.csv").exists());
    assert_eq!(names(&primary, Category::TextGeneration), ["A/Old-7B"]);
}

#[tokio::test]
async fn a_name_in_the_table_is_the_name_that_is_read() {
    let csv = "name,parameters_bn\nA/Keep-7B,7\n";
    let folder = Folder::with(&[("legacy/models.csv", csv)]);
    let primary = folder.open_as(Format::Legacy);
    for name in [" A/Keep-7B", "A/Keep-7B\n", "\u{a0}A/Keep-7B"] {
        let record = object(r#"{"parameters":3000000000}"#);
        let refused = primary.update_legacy(Category::TextGeneration, name, record, local()).await;
        assert!(matches!(refused, Err(WriteError::Name { .. })), "{refused:?}");
    }
    assert_eq!(std::fs::read_to_string(folder.path("legacy/models.csv")).unwrap(), csv);
}

#[tokio::test]
async fn text_models_are_lines_of_the_table_and_keep_their_times_in_v2() {
    let csv = "name,parameters_bn,display_name,url,baseline,description,style,tags,instruct_format,settings\nA/Keep-7B,7,,,,,,,,\n";
    let v2 = r#"{"A/Keep-7B":{"name":"A/Keep-7B","metadata":{"created_at":5,"updated_at":6}}}"#;
    let folder = Folder::with(&[("legacy/models.csv", csv), ("text_generation.json", v2)]);
    let primary = folder.open_as(Format::Legacy);
    let record = object(r#"{"parameters":3000000000}"#);
    primary.update_legacy(Category::TextGeneration, "B/New-3B", record, local()).await.unwrap();
    let table = std::fs::read_to_string(folder.path("legacy/models.csv")).unwrap();
    assert!(table.ends_with("\nA/Keep-7B,7,,,,,,,,,,,\nB/New-3B,3,,,,,,,,,,,\n"), "{table}");
    let v2 = folder.json("text_generation.json");
    let time = |name: &str, member| v2.get(name)?.get("metadata")?.get(member)?.as_i64();
    assert_eq!(time("A/Keep-7B", "updated_at"), Some(6));
    assert!(time("B/New-3B", "created_at").unwrap() > 1_700_000_000);
    primary.delete_legacy(Category::TextGeneration, "A/Keep-7B", local()).await.unwrap();
    assert_eq!(names(&primary, Category::TextGeneration), ["B/New-3B"]);
}

#[tokio::test]
async fn a_table_that_we_shorten_ourselves_is_believed_at_once() {
    let header = "name,parameters_bn,display_name,url,baseline,description,style,tags,instruct_format,settings\n";
    let lines: String = (0..20).map(|n| format!("A/M{n}-7B,7,,,,,,,,\n")).collect();
    let folder = Folder::with(&[("legacy/models.csv", &format!("{header}{lines}"))]);
    let (here, there) = (folder.open_as(Format::Legacy), folder.open_as(Format::Legacy));
    let category = Category::TextGeneration;
    assert_eq!(names(&here, category).len(), 20);
    for (left, visibility) in [(9, local()), (1, WriteOptions::by("101"))] {
        let lines: String = (0..left).map(|n| format!("A/M{n}-7B,7,,,,,,,,\n")).collect();
        let options = WriteOptions { may_shrink: true, ..visibility };
        let document = Document::Legacy(category);
        let bytes = bytes::Bytes::from(format!("{header}{lines}"));
        here.replace_document(document, bytes, options).await.unwrap();
        assert_eq!(names(&here, category).len(), left);
    }
    // The last write was to be seen everywhere.
    assert_eq!(names(&there, category).len(), 1);
}

#[tokio::test]
async fn times_ahead_of_the_clock_hold_nothing_up() {
    let lines: String = (0..20).map(|n| format!("A/M{n}-7B,7\n")).collect();
    let header = "name,parameters_bn\n";
    let folder = Folder::with(&[("legacy/models.csv", &format!("{header}{lines}"))]);
    let primary = folder.open_as(Format::Legacy);
    assert_eq!(names(&primary, Category::TextGeneration).len(), 20);
    let path = folder.path("legacy/models.csv");
    std::fs::write(&path, format!("{header}A/One-7B,7\n")).unwrap();
    let later = std::time::SystemTime::now() + Duration::from_secs(3600);
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
    eventually(SOON, || match names(&primary, Category::TextGeneration).len() {
        1 => Ok(()),
        many => Err(many),
    })
    .unwrap();
}
