//! Others at the same files: edits by hand, older contents put back, a start beside a writer.

use std::sync::Arc;

use horde_model_reference::audit::Trail;
use horde_model_reference::backend::files::Files;
use horde_model_reference::backend::files::layout::Layout;
use horde_model_reference::json::Style;
use horde_model_reference::{Category, Document, Format, Json, Options, Primary};
use testkit::eventually;

use crate::folder::{Folder, NAMED, SOON, local, object};

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
    let options = Options { compress: false, ..Options::default() };
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
async fn a_foreign_content_that_lacks_records_is_counted() {
    let records: Vec<String> = (0..10).map(|n| format!(r#""m{n}":{{}}"#)).collect();
    let folder = Folder::with(&[("clip.json", &format!("{{{}}}", records.join(",")))]);
    let files = Arc::new(Files::new(Layout::below(folder.0.path())));
    let options = Options { compress: false, ..Options::default() };
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
