//! Changes of the reference: what becomes of the files, who sees it, and what is refused.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use horde_model_reference::audit::{Event, Filter, Tail, Trail};
use horde_model_reference::backend::files::Files;
use horde_model_reference::backend::files::layout::Layout;
use horde_model_reference::change::{Operation, Precondition, WriteError, WriteOptions};
use horde_model_reference::json::{Object, Style};
use horde_model_reference::{Category, Document, Format, Json, Options, Primary};
use testkit::eventually;

const SOON: Duration = Duration::from_secs(5);

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            let path = folder.path(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn json(&self, name: &str) -> Json {
        Json::parse(&std::fs::read(self.path(name)).unwrap()).unwrap()
    }

    fn names(&self, name: &str) -> Vec<String> {
        self.json(name).as_object().unwrap().keys().cloned().collect()
    }

    fn open(&self) -> Primary {
        self.open_as(Format::V2)
    }

    fn open_as(&self, canonical: Format) -> Primary {
        let files = Arc::new(Files::new(Layout::below(self.0.path())));
        let options = Options { canonical, refine: false, ..Options::default() };
        let trail = Trail::new(self.path("audit"), 1 << 20);
        Primary::open(files, options, Some(trail)).unwrap()
    }

    fn events(&self) -> Vec<Event> {
        Tail::new(self.path("audit"), Filter::default()).read_on().unwrap()
    }
}

fn object(text: &str) -> Object {
    Json::parse(text.as_bytes()).unwrap().as_object().cloned().unwrap()
}

/// The least that is a record.
const NAMED: &str = r#"{"name":"m"}"#;

fn local() -> WriteOptions {
    WriteOptions::by("101").local()
}

fn names(primary: &Primary, category: Category) -> Vec<String> {
    let read = primary.category_blocking(category);
    assert!(read.fresh);
    read.view.records().map(|records| records.keys().cloned().collect()).unwrap_or_default()
}

fn no_leftovers(folder: &Path) {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    let left: Vec<_> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| [".swap", ".new", ".staged"].iter().any(|ending| name.ends_with(ending)))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

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
async fn a_start_beside_a_writer_takes_nothing_away() {
    let folder = Folder::with(&[("clip.json", "{}")]);
    let primary = folder.open();
    for number in 0..20 {
        // A record without times, which a start adds.
        let mut records = folder.json("clip.json").as_object().cloned().unwrap();
        records.insert(format!("f{number}"), Json::Object(object(NAMED)));
        let text = horde_model_reference::json::object_to_text(&records, Style::INDENT_2);
        std::fs::write(folder.path("edited"), text).unwrap();
        std::fs::rename(folder.path("edited"), folder.path("clip.json")).unwrap();
        let files = Files::new(Layout::below(folder.0.path()));
        let trail = Trail::new(folder.path("audit"), 1 << 20);
        let start = std::thread::spawn(move || Primary::prepare(&files, Format::V2, Some(trail)));
        for half in ["a", "b"] {
            let name = format!("{half}{number}");
            primary.update(Category::Clip, &name, object(NAMED), local()).await.unwrap();
        }
        assert_eq!(start.join().unwrap(), []);
        assert_eq!(folder.names("clip.json").len(), 3 * (number + 1));
    }
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

#[tokio::test]
async fn an_older_content_that_comes_back_gets_a_later_generation() {
    let folder = Folder::with(&[]);
    let (older, newest) = {
        let primary = folder.open();
        primary.update(Category::Clip, "a", object(NAMED), local()).await.unwrap();
        let older = std::fs::read(folder.path("clip.json")).unwrap();
        let newest = primary.update(Category::Clip, "b", object(NAMED), local()).await.unwrap();
        (older, newest.generation)
    };
    std::fs::write(folder.path("clip.json"), older).unwrap();
    // It was not there when the newest content was, and knows of it from the control file only.
    let primary = folder.open();
    let named = eventually(SOON, || {
        let generation = primary.category_blocking(Category::Clip).view.generation();
        if generation.is_some() { Ok(generation) } else { Err("no generation") }
    });
    assert!(named.unwrap() > newest, "{named:?} is not later than {newest}");
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

const LEGACY: &str = r#"{"m":{"name":"m","baseline":"stable diffusion 1","type":"ckpt","inpainting":false,"description":"d","version":"1","style":"generalist","nsfw":false,"download_all":true,"config":{"files":[],"download":[]},"available":false}}"#;

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
    assert!(matches!(refused, Err(WriteError::Invalid(_))), "{refused:?}");
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
async fn an_edit_by_hand_keeps_what_it_replaced_and_is_built_upon() {
    let folder = Folder::with(&[("clip.json", r#"{"one":{}}"#)]);
    let primary = folder.open();
    let done = primary.update(Category::Clip, "two", object(NAMED), local()).await.unwrap();
    let ours = std::fs::read(folder.path("clip.json")).unwrap();
    std::fs::write(folder.path("clip.json"), r#"{"hand":{}}"#).unwrap();
    let kept = folder.path(&format!(".coherence/kept/clip.json/{}", done.generation));
    // Until its writer has tidied up, the kept content is the same file as the document.
    eventually(SOON, || match std::fs::read(&kept) {
        Ok(kept) if kept == ours => Ok(()),
        other => Err(other.map(|kept| kept.len())),
    })
    .unwrap();
    let later = primary.update(Category::Clip, "three", object(NAMED), local()).await.unwrap();
    assert_eq!(folder.names("clip.json"), ["hand", "three"]);
    assert!(later.generation > done.generation);
}

#[tokio::test]
async fn an_edit_that_cannot_be_named_yet_is_compared_with_what_it_replaced() {
    let folder = Folder::with(&[("clip.json", r#"{"one":{}}"#)]);
    let files = Arc::new(Files::new(Layout::below(folder.0.path())));
    let options = Options { refine: false, ..Options::default() };
    let primary = Primary::open(Arc::clone(&files), options, None).unwrap();
    primary.update(Category::Clip, "two", object(NAMED), local()).await.unwrap();
    let control = std::fs::File::open(folder.path(".coherence/clip.json.ctl")).unwrap();
    control.lock().unwrap();
    std::fs::write(folder.path("clip.json"), r#"{"hand":{}}"#).unwrap();
    let is_shown = || {
        let read = primary.category_blocking(Category::Clip);
        read.view.records().is_some_and(|records| records.contains_key("hand"))
    };
    eventually(SOON, || if is_shown() { Ok(()) } else { Err("the edit is not shown") }).unwrap();
    assert_eq!(files.statistics().overwritten, 0);
    control.unlock().unwrap();
    eventually(SOON, || match files.statistics() {
        found if found.overwritten == 1 => Ok(()),
        found => Err(found),
    })
    .unwrap();
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
async fn a_foreign_content_that_lacks_records_is_counted() {
    let records: Vec<String> = (0..10).map(|n| format!(r#""m{n}":{{}}"#)).collect();
    let folder = Folder::with(&[("clip.json", &format!("{{{}}}", records.join(",")))]);
    let files = Arc::new(Files::new(Layout::below(folder.0.path())));
    let options = Options { refine: false, ..Options::default() };
    let primary = Primary::open(Arc::clone(&files), options, None).unwrap();
    primary.update(Category::Clip, "ours", object(NAMED), local()).await.unwrap();
    let without_one = format!("{{{}}}", records.join(","));
    std::fs::write(folder.path("clip.json"), without_one).unwrap();
    let counted = |wanted: (u64, u64)| {
        eventually(SOON, || {
            let found = files.statistics();
            if (found.overwritten, found.shrunk) == wanted { Ok(()) } else { Err(found) }
        })
    };
    counted((1, 0)).unwrap();
    std::fs::write(folder.path("clip.json"), "{}").unwrap();
    counted((1, 1)).unwrap();
    // What is half written yet removes nothing.
    let full = format!("{{{}}}", records.join(",")).into();
    primary.replace_document(Document::V2(Category::Clip), full, local()).await.unwrap();
    std::fs::write(folder.path("clip.json"), "{").unwrap();
    eventually(SOON, || primary.problems().pop().map(|_| ()).ok_or("no problem")).unwrap();
    std::fs::write(folder.path("clip.json"), r#"{"other":{}}"#).unwrap();
    counted((1, 2)).unwrap();
}
