//! Changes that hang on how things are, and requests that are made again: one outcome each.

use horde_model_reference::change::{Precondition, WriteError};
use horde_model_reference::{Category, Format, Json};

use crate::folder::{Folder, NAMED, local, object};

#[tokio::test]
async fn preconditions_that_do_not_hold_tell_how_things_are() {
    let folder = Folder::with(&[("clip.json", r#"{"one":{"x":1}}"#)]);
    let primary = folder.open();
    let only_if = |precondition| local().only_if(precondition);
    let absent = only_if(Precondition::Absent);
    let refused = primary.update(Category::Clip, "one", object(NAMED), absent.clone()).await;
    let Err(WriteError::Conflict { generation, record, .. }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(record, Some(Json::Object(object(r#"{"x":1}"#))));
    let at = only_if(Precondition::Generation(generation));
    let done = primary.update(Category::Clip, "one", object(NAMED), at.clone()).await.unwrap();
    let refused = primary.update(Category::Clip, "one", object(NAMED), at).await;
    let Err(WriteError::Conflict { generation, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(generation, done.generation);
    primary.update(Category::Clip, "two", object(NAMED), absent).await.unwrap();
    let refused = primary.delete(Category::Clip, "none", local()).await;
    assert!(matches!(refused, Err(WriteError::NotFound { .. })), "{refused:?}");
}

#[tokio::test]
async fn of_changes_that_expect_the_same_generation_one_is_made() {
    let folder = Folder::with(&[("clip.json", "{}")]);
    let primary = folder.open();
    let first = primary.update(Category::Clip, "base", object(NAMED), local()).await.unwrap();
    let options = local().only_if(Precondition::Generation(first.generation));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..8 {
        let (primary, options) = (primary.clone(), options.clone());
        tasks.spawn(async move {
            primary.update(Category::Clip, &format!("m{number}"), object(NAMED), options).await
        });
    }
    let outcomes = tasks.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(folder.names("clip.json").len(), 2);
}

#[tokio::test]
async fn a_repeated_request_returns_its_first_outcome_and_writes_nothing() {
    let folder = Folder::with(&[]);
    let options = local().with_request("night-run-1");
    let first = {
        let primary = folder.open();
        primary.update(Category::Clip, "a", object(NAMED), options.clone()).await.unwrap()
    };
    let primary = folder.open();
    primary.update(Category::Clip, "a", object(r#"{"name":"m","x":1}"#), local()).await.unwrap();
    let before = std::fs::read(folder.path("clip.json")).unwrap();
    let again = primary.update(Category::Clip, "a", object(NAMED), options.clone()).await.unwrap();
    assert!(again.repeated);
    assert_eq!((again.generation, again.operation), (first.generation, first.operation));
    assert_eq!(std::fs::read(folder.path("clip.json")).unwrap(), before);
    let other = primary.update(Category::Clip, "b", object(NAMED), options).await;
    assert!(matches!(other, Err(WriteError::RequestReused { .. })), "{other:?}");
    assert_eq!(folder.events().len(), 2);
}

#[tokio::test]
async fn a_request_that_had_nothing_to_write_is_remembered() {
    let folder = Folder::with(&[("legacy/models.csv", "name,parameters_bn\nA/Keep-7B,7\n")]);
    let primary = folder.open_as(Format::Legacy);
    let update = |parameters: u64, id: &str| {
        let record = object(&format!(r#"{{"parameters":{parameters}000000000}}"#));
        let options = local().with_request(id);
        let primary = primary.clone();
        async move {
            let category = Category::TextGeneration;
            primary.update_legacy(category, "A/Keep-7B", record, options).await.unwrap()
        }
    };
    update(3, "one").await;
    let same = update(3, "two").await;
    assert!(!same.changed);
    update(5, "three").await;
    let before = std::fs::read(folder.path("legacy/models.csv")).unwrap();
    let again = update(3, "two").await;
    assert_eq!((again.repeated, again.generation), (true, same.generation));
    assert_eq!(std::fs::read(folder.path("legacy/models.csv")).unwrap(), before);
}
