//! What follows from a document: its other format and the metadata of both.

use horde_model_reference::change::{Operation, WriteError};
use horde_model_reference::json::Object;
use horde_model_reference::{Category, Document, Format, Json};

use crate::folder::{Folder, LEGACY, NAMED, local, names, object};

#[tokio::test]
async fn a_legacy_write_moves_the_v2_form_and_both_metadata() {
    let v2 = r#"{"m":{"name":"m","baseline":"stable_diffusion_1","nsfw":false,"metadata":{"created_at":5,"updated_at":6}}}"#;
    let files = [("legacy/stable_diffusion.json", LEGACY), ("stable_diffusion.json", v2)];
    let folder = Folder::with(&files);
    let primary = folder.open_as(Format::Legacy);
    let record = object(&LEGACY[5..LEGACY.len() - 1].replace("\"m\"", "\"n\""));
    let done = primary
        .update_legacy(Category::ImageGeneration, "n", record.clone(), local())
        .await
        .unwrap();
    assert_eq!(done.operation, Some(Operation::Create));
    assert_eq!(folder.names("legacy/stable_diffusion.json"), ["m", "n"]);
    let v2 = folder.json("stable_diffusion.json");
    let time = |name: &str, member| v2.get(name)?.get("metadata")?.get(member)?.as_i64();
    // The times of others stay (D11); the new one has its own.
    assert_eq!((time("m", "created_at"), time("m", "updated_at")), (Some(5), Some(6)));
    assert!(time("n", "created_at").unwrap() > 1_700_000_000);
    for format in ["v2", "legacy"] {
        let metadata = folder.json(&format!("meta/{format}/image_generation_metadata.json"));
        assert_eq!(metadata.get("total_creates"), Some(&Json::Int(1)), "{format}");
        assert_eq!(metadata.get("total_models"), Some(&Json::Int(2)), "{format}");
    }
    assert_eq!(names(&primary, Category::ImageGeneration), ["m", "n"]);
    let before = std::fs::read(folder.path("legacy/stable_diffusion.json")).unwrap();
    let mut bad = record;
    bad.insert("config".into(), Json::Int(7));
    let refused = primary.update_legacy(Category::ImageGeneration, "bad", bad, local()).await;
    assert!(matches!(refused, Err(WriteError::Unconvertible { .. })), "{refused:?}");
    assert_eq!(std::fs::read(folder.path("legacy/stable_diffusion.json")).unwrap(), before);
    let v2_write = primary.update(Category::ImageGeneration, "x", object(NAMED), local()).await;
    assert!(matches!(v2_write, Err(WriteError::WrongFormat { .. })));
}

#[tokio::test]
async fn a_derived_document_that_is_broken_is_kept_and_made_anew() {
    let files = [("legacy/stable_diffusion.json", LEGACY), ("stable_diffusion.json", "{broken")];
    let folder = Folder::with(&files);
    let primary = folder.open_as(Format::Legacy);
    let category = Category::ImageGeneration;
    for name in ["n", "o"] {
        let record = object(&LEGACY[5..LEGACY.len() - 1]);
        primary.update_legacy(category, name, record, local()).await.unwrap();
    }
    assert_eq!(folder.names("stable_diffusion.json"), ["m", "n", "o"]);
    let kept = std::fs::read_dir(folder.path(".coherence/kept/stable_diffusion.json")).unwrap();
    let kept: Vec<_> = kept.map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect();
    assert_eq!(kept, [b"{broken"]);
}

#[tokio::test]
async fn what_follows_from_another_document_is_not_changed_by_itself() {
    let folder = Folder::with(&[("legacy/stable_diffusion.json", LEGACY)]);
    let primary = folder.open_as(Format::Legacy);
    for document in [
        Document::V2(Category::ImageGeneration),
        Document::V2Metadata(Category::ImageGeneration),
        Document::LegacyMetadata(Category::ImageGeneration),
    ] {
        let change = Box::new(|_: &Json| Ok(Json::Object(Object::new())));
        let refused = primary.change_document(document, change, local()).await;
        assert!(matches!(refused, Err(WriteError::WrongFormat { .. })), "{refused:?}");
        let refused = primary.replace_document(document, "{}".into(), local()).await;
        assert!(matches!(refused, Err(WriteError::WrongFormat { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn a_category_that_is_not_there_yet_has_no_generation_of_another_document() {
    let folder = Folder::with(&[("clip.json", r#"{"one":{"name":"one"}}"#)]);
    let primary = folder.open_as(Format::Legacy);
    // Writes go to the legacy file, which is not there; what is served comes from elsewhere.
    let read = primary.category_strong(Category::Clip).await;
    assert_eq!(read.view.records().map(|records| records.len()), Some(1));
    assert!(!read.view.generation().is_some(), "{:?}", read.view.generation());
}
