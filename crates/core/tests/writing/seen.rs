//! What was written is in the file, is counted and told, and is seen by those who are promised it.

use std::sync::Arc;

use horde_model_reference::change::{Operation, WriteOptions};
use horde_model_reference::{Category, Json};
use testkit::eventually;

use crate::folder::{Folder, NAMED, SOON, local, names, no_leftovers, object};

#[tokio::test]
async fn a_write_is_in_the_file_and_seen_here_and_elsewhere_when_it_is_acknowledged() {
    let folder = Folder::with(&[("clip.json", r#"{"one":{}}"#)]);
    let (here, there) = (folder.open(), folder.open());
    let options = WriteOptions::by("101");
    let done = here.update(Category::Clip, "two", object(NAMED), options.clone()).await.unwrap();
    assert_eq!(done.operation, Some(Operation::Create));
    assert_eq!(folder.names("clip.json"), ["one", "two"]);
    for primary in [&here, &there] {
        let read = primary.category(Category::Clip).await;
        assert!(read.fresh);
        assert_eq!(read.view.generation(), done.generation);
        assert!(read.view.records().unwrap().contains_key("two"));
    }
    let gone = there.delete(Category::Clip, "one", options).await.unwrap();
    assert!(gone.generation > done.generation);
    assert_eq!(names(&here, Category::Clip), ["two"]);
    // Their end awaits the end of what they were at.
    drop((here, there));
    no_leftovers(folder.0.path());
}

#[tokio::test]
async fn a_local_write_is_seen_here_at_once() {
    let folder = Folder::with(&[]);
    let primary = folder.open();
    for name in ["a", "b", "c", "d", "e"] {
        let done = primary.update(Category::Clip, name, object(NAMED), local()).await.unwrap();
        let read = primary.category(Category::Clip).await;
        assert!(read.view.records().unwrap().contains_key(name));
        assert_eq!(read.view.generation(), done.generation);
    }
    assert_eq!(folder.names("clip.json"), ["a", "b", "c", "d", "e"]);
}

#[tokio::test]
async fn many_changes_at_once_share_commits_and_none_is_lost() {
    let folder = Folder::with(&[]);
    let (one, other) = (folder.open(), folder.open());
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..100 {
        let primary = if number % 2 == 0 { one.clone() } else { other.clone() };
        tasks.spawn(async move {
            let name = format!("m{number}");
            primary.update(Category::Clip, &name, object(NAMED), local()).await.unwrap()
        });
    }
    let committed = tasks.join_all().await;
    let mut generations: Vec<_> = committed.iter().map(|done| done.generation).collect();
    generations.sort_unstable();
    generations.dedup();
    assert!(generations.len() < 100, "every change had a commit of its own");
    assert_eq!(folder.names("clip.json").len(), 100);
    let metadata = folder.json("meta/v2/clip_metadata.json");
    assert_eq!(metadata.get("total_creates"), Some(&Json::Int(100)));
    assert_eq!(metadata.get("total_models"), Some(&Json::Int(100)));
    let mut ids: Vec<i64> = folder.events().iter().map(|event| event.id).collect();
    ids.dedup();
    assert_eq!(ids, (1..=100).collect::<Vec<i64>>());
}

#[tokio::test]
async fn a_read_at_least_as_new_and_a_strong_read_find_what_was_written_elsewhere() {
    let folder = Folder::with(&[]);
    let (here, there) = (folder.open(), folder.open());
    for number in 0..20 {
        let name = format!("m{number}");
        let done = here.update(Category::Clip, &name, object(NAMED), local()).await.unwrap();
        let read = match number % 2 {
            0 => there.category_at_least(Category::Clip, done.generation).await.unwrap(),
            _ => there.category_strong(Category::Clip).await,
        };
        assert!(read.fresh && read.view.records().unwrap().contains_key(&name));
    }
    let ahead = "9007199254740991".parse().unwrap();
    let unknown = there.category_at_least(Category::Clip, ahead).await.unwrap_err();
    assert!(unknown.to_string().contains("not known here"));
}

#[tokio::test]
async fn callbacks_hear_of_own_and_foreign_changes_whatever_others_do() {
    let folder = Folder::with(&[("blip.json", "{}")]);
    let primary = folder.open();
    let heard = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let wait = move |_| {
        let _ = blocked.recv();
    };
    let blocks = primary.changes().call(wait).unwrap();
    let panics = primary.changes().call(|_| panic!("on purpose")).unwrap();
    let noted = Arc::clone(&heard);
    let reader = primary.clone();
    let listens = primary.changes().call(move |category| {
        let records = reader.category_blocking(category).view.len();
        noted.lock().unwrap().push((category, records));
    });
    let listens = listens.unwrap();
    primary.update(Category::Clip, "a", object(NAMED), local()).await.unwrap();
    std::fs::write(folder.path("blip.json"), r#"{"hand":{}}"#).unwrap();
    let wanted = [(Category::Clip, 1), (Category::Blip, 1)];
    eventually(SOON, || {
        let heard = heard.lock().unwrap().clone();
        if wanted.iter().all(|told| heard.contains(told)) { Ok(()) } else { Err(heard) }
    })
    .unwrap();
    drop(listens);
    release.send(()).ok();
    drop((blocks, panics));
}

#[tokio::test]
async fn events_tell_what_was_created_changed_and_deleted_and_by_whom() {
    let folder = Folder::with(&[]);
    let primary = folder.open();
    let by = |user: &str| WriteOptions::by(user).local().with_request(format!("r{user}"));
    let created = object(r#"{"name":"a","description":"x"}"#);
    primary.update(Category::Clip, "a", created, by("1")).await.unwrap();
    let changed = object(r#"{"name":"a","description":"y"}"#);
    let second = primary.update(Category::Clip, "a", changed, by("2")).await.unwrap();
    primary.delete(Category::Clip, "a", by("3")).await.unwrap();
    primary.update(Category::Clip, "b", object(NAMED), WriteOptions::default()).await.unwrap();
    let events = folder.events();
    let told: Vec<_> =
        events.iter().map(|e| (e.id, e.operation, e.logical_user_id.as_str())).collect();
    let expected =
        [(1, Operation::Create, "1"), (2, Operation::Update, "2"), (3, Operation::Delete, "3")];
    assert_eq!(told, expected);
    assert_eq!(events[1].generation, Some(second.generation));
    assert_eq!(events[1].request_id.as_deref(), Some("r2"));
    let line = events[1].to_line();
    assert!(line.contains(r#""description":{"old":"x","new":"y"}"#), "{line}");
}
