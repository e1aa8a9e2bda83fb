//! What is refused, in whose words, and that it leaves the files and the next change alone.

use horde_model_reference::change::{Operation, WriteError, WriteOptions};
use horde_model_reference::json::Object;
use horde_model_reference::{Category, Document, Format, Json};

use crate::folder::{Folder, LEGACY, NAMED, local, names, object};

#[tokio::test]
async fn what_would_spoil_the_files_is_refused_with_words() {
    let folder = Folder::with(&[("clip.json", r#"{"one":{}}"#)]);
    let primary = folder.open();
    let before = std::fs::read(folder.path("clip.json")).unwrap();
    let mut infinite = object(NAMED);
    infinite.insert("description".into(), Json::Float(f64::INFINITY));
    let mut huge = object(NAMED);
    huge.insert("description".into(), "x".repeat(17 << 20).as_str().into());
    let refusals = [
        (" ", object(NAMED), "must not be empty"),
        ("a\\b", object(NAMED), "backslash"),
        (&"n".repeat(20_000), object(NAMED), "8 KiB"),
        ("x", infinite, "JSON"),
        ("x", huge, "16 MiB"),
        ("x", object(r#"{"name":"x","config":7}"#), "config"),
    ];
    for (name, record, expected) in refusals {
        let refused = primary.update(Category::Clip, name, record, local()).await.unwrap_err();
        assert!(refused.to_string().contains(expected), "{refused}");
    }
    let legacy = primary.update_legacy(Category::Clip, "x", object(NAMED), local()).await;
    assert!(matches!(legacy, Err(WriteError::WrongFormat { .. })), "{legacy:?}");
    assert_eq!(std::fs::read(folder.path("clip.json")).unwrap(), before);
    std::fs::write(folder.path("clip.json"), "{").unwrap();
    let broken = primary.update(Category::Clip, "x", object(NAMED), local()).await;
    assert!(matches!(broken, Err(WriteError::SourceInvalid(_))), "{broken:?}");
    assert_eq!(std::fs::read(folder.path("clip.json")).unwrap(), b"{");
}

#[tokio::test]
async fn what_could_not_be_read_again_is_not_written() {
    let folder = Folder::with(&[("clip.json", r#"{"one":{}}"#)]);
    let primary = folder.open();
    for levels in 185..205 {
        let nested = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let Ok(nested) = Json::parse(nested.as_bytes()) else { continue };
        let mut record = object(NAMED);
        record.insert("deep".into(), nested);
        let name = format!("m{levels}");
        let written = primary.update(Category::Clip, &name, record, local()).await;
        assert_eq!(written.is_ok(), folder.names("clip.json").contains(&name), "{levels}");
    }
    let values = [Json::Float(f64::NAN), Json::Array(Vec::new())];
    for (document, value) in [
        (
            Document::V2(Category::Clip),
            Json::Object([("x".into(), values[0].clone())].into_iter().collect()),
        ),
        (Document::V2(Category::Clip), values[1].clone()),
        (Document::Baselines, values[0].clone()),
        (Document::Baselines, values[1].clone()),
        (Document::PendingChanges, Json::Object(Object::new())),
    ] {
        let change = Box::new(move |_: &Json| Ok(value.clone()));
        let refused = primary.change_document(document, change, local()).await;
        assert!(matches!(refused, Err(WriteError::Invalid(_))), "{document}: {refused:?}");
    }
    assert!(folder.names("clip.json").len() > 1);
    assert!(primary.problems().is_empty());
}

#[tokio::test]
async fn long_names_and_ids_spoil_no_commit() {
    let folder = Folder::with(&[("legacy/stable_diffusion.json", LEGACY)]);
    let primary = folder.open_as(Format::Legacy);
    let record = || object(&LEGACY[5..LEGACY.len() - 1]);
    let category = Category::ImageGeneration;
    let long = |text: &str| text.repeat(8000 / text.len());
    let mut tasks = tokio::task::JoinSet::new();
    for (name, id) in [("short".to_owned(), "r"), (long("n"), "r"), (long("é"), "r")] {
        let (primary, options) = (primary.clone(), local().with_request(format!("{id}{name:.5}")));
        tasks.spawn(async move {
            primary
                .update_legacy(category, &name, object(&LEGACY[5..LEGACY.len() - 1]), options)
                .await
        });
    }
    assert!(tasks.join_all().await.iter().all(Result::is_ok));
    let escaped = "\u{1}".repeat(8000);
    let refused = primary.update_legacy(category, &escaped, record(), local()).await;
    assert!(matches!(refused, Err(WriteError::Name { .. })), "{refused:?}");
    for options in [WriteOptions::by(long("1")), local().with_request("\u{1}".repeat(3000))] {
        let refused = primary.update_legacy(category, "x", record(), options.local()).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("4 KiB"), "{refused}");
    }
}

#[tokio::test]
async fn many_records_go_at_once_only_if_that_is_said() {
    let records: Vec<String> = (0..10).map(|n| format!(r#""m{n}":{{}}"#)).collect();
    let folder = Folder::with(&[("clip.json", &format!("{{{}}}", records.join(",")))]);
    let primary = folder.open();
    let document = primary.document(Category::Clip, Format::V2).unwrap();
    let empty = || bytes::Bytes::from_static(b"{}");
    let refused = primary.replace_document(document, empty(), local()).await;
    assert!(matches!(refused, Err(WriteError::Shrinks { removed: 10, before: 10, .. })));
    assert_eq!(folder.names("clip.json").len(), 10);
    let meant = WriteOptions { may_shrink: true, ..local() };
    primary.replace_document(document, empty(), meant).await.unwrap();
    assert!(folder.names("clip.json").is_empty());
    assert_eq!(folder.events().len(), 10);
    let metadata = folder.json("meta/v2/clip_metadata.json");
    assert_eq!(metadata.get("total_deletes"), Some(&Json::Int(10)));
}

#[tokio::test]
async fn a_change_that_panics_is_told_at_once_and_the_next_one_is_made() {
    let folder = Folder::with(&[]);
    let primary = folder.open();
    let document = primary.document(Category::Clip, Format::V2).unwrap();
    let change = Box::new(|_: &Json| panic!("this panic is part of the test"));
    let panicked = primary.change_document(document, change, local()).await.unwrap_err();
    assert_eq!(panicked.to_string(), "the outcome is not known: the writer ended");
    primary.update(Category::Clip, "one", object(NAMED), local()).await.unwrap();
    assert_eq!(folder.names("clip.json"), ["one"]);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_can_be_replaced_as_a_whole() {
    let folder = Folder::with(&[]);
    let primary = folder.open();
    primary.update(Category::Clip, "one", object(NAMED), local()).await.unwrap();
    let good = bytes::Bytes::from(std::fs::read(folder.path("clip.json")).unwrap());
    std::fs::write(folder.path("clip.json"), "{").unwrap();
    let document = primary.document(Category::Clip, Format::V2).unwrap();
    let broken = bytes::Bytes::from_static(b"{\"one\":");
    let refused = primary.replace_document(document, broken, local()).await;
    assert!(matches!(refused, Err(WriteError::SourceInvalid(_))), "{refused:?}");
    let done = primary.replace_document(document, good.clone(), local()).await.unwrap();
    assert_eq!(std::fs::read(folder.path("clip.json")).unwrap(), good);
    assert_eq!(names(&primary, Category::Clip), ["one"]);
    let event = folder.events().pop().unwrap();
    assert_eq!((event.operation, event.generation), (Operation::Create, Some(done.generation)));
    drop(primary);

    // As if its writer had died before it told of it.
    std::fs::remove_file(folder.path("audit/v2/clip/audit-000001.jsonl")).unwrap();
    let control = folder.path(".coherence/clip.json.ctl");
    let mut slots = std::fs::read(&control).unwrap();
    let name = format!("\"generation\":{},", done.generation);
    let is_its =
        |slot: &usize| slots[*slot..].windows(name.len()).take(500).any(|w| w == name.as_bytes());
    let slot = [0, 64 * 1024].into_iter().find(is_its).unwrap();
    assert_eq!(slots[slot + 5], b'D');
    slots[slot + 5] = b'P';
    std::fs::write(&control, slots).unwrap();
    folder.open().update(Category::Clip, "two", object(NAMED), local()).await.unwrap();
    assert_eq!(folder.names("clip.json"), ["one", "two"]);
    let told: Vec<_> = folder.events().into_iter().map(|e| (e.model_name, e.generation)).collect();
    assert_eq!(told.len(), 2);
    assert_eq!(told[0], ("one".to_owned(), Some(done.generation)));
}
