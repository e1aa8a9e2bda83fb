//! What is met in a folder that others left.

use horde_model_reference::change::{WriteError, WriteOptions};
use horde_model_reference::json::Object;
use horde_model_reference::queue::{Draft, Filter};
use horde_model_reference::{Category, Json};

use crate::stage::{Folder, approve, approver, create, requestor};

/// The name of the write of change 1 as job `j`, reserved at the time 5.
const WRITE: &str = "queue change 1, j at 5";

/// A folder in which a worker died while it applied change 1 as job `j`.
async fn half_applied(folder: &Folder, written: bool) {
    let primary = folder.open();
    let queue = primary.queue();
    queue.propose(create("one"), &requestor(), None).await.unwrap();
    queue.decide(approve(&[1]), &approver()).await.unwrap();
    if written {
        let options = WriteOptions::by("201").local().with_request(WRITE);
        let record = Object::from_iter([("name".to_owned(), Json::from("one"))]);
        let options = WriteOptions {
            validation: horde_model_reference::change::Validation::Shape,
            ..options
        };
        primary.update(Category::Clip, "one", record, options).await.unwrap();
    }
    drop((queue, primary));
    let path = folder.path("pending_queue/changes.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let applying = r#""status": "applying", "applied_job_id": "j", "applied_by": "201","#;
    let text = text.replace(r#""status": "approved","#, applying);
    let (before, after) = text.split_once("\"updated_at\": ").unwrap();
    let after = after.trim_start_matches(|digit: char| digit.is_ascii_digit());
    std::fs::write(&path, format!("{before}\"updated_at\": 5{after}")).unwrap();
}

#[tokio::test]
async fn an_entry_whose_record_was_written_becomes_applied() {
    let folder = Folder::new();
    half_applied(&folder, true).await;
    let queue = folder.open().queue();
    queue.settle().await.unwrap();
    assert_eq!(folder.statuses(), [(1, "applied".to_owned())]);
    let told = folder.events();
    assert_eq!(told.iter().filter(|event| *event == "clip:one:create").count(), 1);
    assert_eq!(told.last().unwrap(), "pending_queue:1:apply");
}

#[tokio::test]
async fn an_entry_whose_record_was_not_written_is_approved_again() {
    let folder = Folder::new();
    half_applied(&folder, false).await;
    let queue = folder.open().queue();
    queue.settle().await.unwrap();
    assert_eq!(folder.statuses(), [(1, "approved".to_owned())]);
    let applied = queue.apply(&[1], None, &approver(), None).await.unwrap();
    assert_eq!((applied.entries.len(), applied.failed), (1, None));
}

#[tokio::test]
async fn a_write_that_comes_after_it_was_given_up_is_refused() {
    let folder = Folder::new();
    half_applied(&folder, false).await;
    let primary = folder.open();
    // Twice: whoever settled it may have died before it said so.
    let applying = std::fs::read(folder.path("pending_queue/changes.json")).unwrap();
    primary.queue().settle().await.unwrap();
    std::fs::write(folder.path("pending_queue/changes.json"), applying).unwrap();
    primary.queue().settle().await.unwrap();
    assert_eq!(folder.statuses(), [(1, "approved".to_owned())]);
    let record = Object::from_iter([("name".to_owned(), Json::from("one"))]);
    let late = WriteOptions::by("201").local().with_request(WRITE);
    let late = primary.update(Category::Clip, "one", record, late).await;
    assert!(matches!(late, Err(WriteError::RequestReused { .. })), "{late:?}");
    assert!(!folder.path("clip.json").exists());
    let applied = primary.queue().apply(&[1], Some("j".into()), &approver(), None).await.unwrap();
    assert_eq!((applied.entries.len(), applied.failed), (1, None));
}

#[tokio::test]
async fn a_repetition_at_once_settles_and_applies() {
    let folder = Folder::new();
    half_applied(&folder, false).await;
    let queue = folder.open().queue();
    for _ in 0..2 {
        let applied = queue.apply(&[1], Some("j".into()), &approver(), Some("r")).await.unwrap();
        assert_eq!((applied.entries.len(), applied.failed), (1, None));
    }
    let told = folder.events();
    assert_eq!(told.iter().filter(|event| *event == "clip:one:create").count(), 1);
}

#[tokio::test]
async fn what_is_being_applied_is_not_purged() {
    let folder = Folder::new();
    half_applied(&folder, true).await;
    let queue = folder.open().queue();
    assert_eq!(queue.purge(Filter::default(), true, &approver()).await, Ok(Vec::new()));
    assert_eq!(queue.purge(Filter::default(), false, &approver()).await, Ok(Vec::new()));
    queue.settle().await.unwrap();
    assert_eq!(folder.statuses(), [(1, "applied".to_owned())]);
    assert_eq!(queue.purge(Filter::default(), false, &approver()).await, Ok(vec![1]));
}

#[tokio::test]
async fn a_broken_category_keeps_no_other_from_being_changed() {
    let folder = Folder::new();
    half_applied(&folder, false).await;
    folder.write("clip.json", "{");
    let queue = folder.open().queue();
    let blip = Draft { category: Category::Blip, ..create("two") };
    queue.propose(blip, &requestor(), None).await.unwrap();
    queue.decide(approve(&[2]), &approver()).await.unwrap();
    queue.settle().await.unwrap();
    let applied = queue.apply(&[2], None, &approver(), None).await.unwrap();
    assert_eq!((applied.entries.len(), applied.failed), (1, None));
    assert_eq!(folder.statuses()[0], (1, "applying".to_owned()));
}

/// Change 1 was applied when its worker died, and 2 of the same batch, which is approved, was not; a
/// third was left in whatever state.
async fn settled_batches(third: &str) -> Vec<Option<i64>> {
    let folder = Folder::new();
    half_applied(&folder, true).await;
    let queue = folder.open().queue();
    for name in ["two", "three"] {
        queue.propose(create(name), &requestor(), None).await.unwrap();
    }
    let path = folder.path("pending_queue/changes.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let of_batch = |status: &str| format!(r#""status": "{status}", "batch_id": 1,"#);
    let text = text.replacen(r#""status": "pending","#, &of_batch("approved"), 1);
    std::fs::write(&path, text.replacen(r#""status": "pending","#, &of_batch(third), 1)).unwrap();
    queue.settle().await.unwrap();
    let changes = folder.json("pending_queue/changes.json");
    let batch = |entry: &Json| entry.get("batch_id").and_then(Json::as_i64);
    changes.as_array().unwrap().iter().map(batch).collect()
}

#[tokio::test]
async fn what_was_left_of_a_batch_is_split_once_all_is_settled() {
    for third in ["approved", "applying"] {
        assert_eq!(settled_batches(third).await, [Some(1), Some(2), Some(2)], "{third}");
    }
}

#[tokio::test]
async fn strange_entries_stay_and_their_numbers_are_taken() {
    let folder = Folder::new();
    let strange = r#"{"change_id": 8, "category": "not-a-category"}"#;
    folder.write("pending_queue/changes.json", &format!("[{strange}, 5]"));
    folder.write("pending_queue/index.json", "{ not json}");
    let entry = folder.open().queue().propose(create("one"), &requestor(), None).await.unwrap();
    assert_eq!(entry.id, 9);
    let changes = folder.json("pending_queue/changes.json");
    let [first, second, _] = changes.as_array().unwrap() else { panic!("{changes}") };
    assert_eq!(first, &Json::parse(strange.as_bytes()).unwrap());
    assert_eq!(second, &Json::Int(5));
}

#[tokio::test]
async fn a_queue_that_cannot_be_read_is_not_written() {
    let folder = Folder::new();
    folder.write("pending_queue/changes.json", "[{");
    let refused = folder.open().queue().propose(create("one"), &requestor(), None).await;
    assert!(refused.is_err());
    assert_eq!(std::fs::read(folder.path("pending_queue/changes.json")).unwrap(), b"[{");
}
