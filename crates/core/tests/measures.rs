//! What those who run a reference can read off it: who named what was swapped, how long it took, what
//! became of changes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use horde_model_reference::backend::Origin;
use horde_model_reference::backend::files::Files;
use horde_model_reference::backend::files::layout::Layout;
use horde_model_reference::change::{Precondition, WriteOptions};
use horde_model_reference::json::Object;
use horde_model_reference::l1::Swap;
use horde_model_reference::{Category, Document, Json, ModelReference, Options, Primary};
use testkit::eventually;

const SOON: Duration = Duration::from_secs(5);
const CLIP: Document = Document::V2(Category::Clip);

fn open(folder: &Path) -> Primary {
    let files = Arc::new(Files::new(Layout::below(folder)));
    let options = Options { compress: false, ..Options::default() };
    Primary::open(files, options, None).unwrap()
}

fn record() -> Object {
    Json::parse(br#"{"name":"m"}"#).unwrap().as_object().cloned().unwrap()
}

/// The last swap of clip, once it is not `before`.
fn swap_after(reference: &ModelReference, before: Option<Swap>) -> Swap {
    let swapped = eventually(SOON, || {
        let last = reference.last_swaps().into_iter().rfind(|swap| swap.document == CLIP);
        last.filter(|last| Some(*last) != before).ok_or("no swap")
    });
    swapped.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swap_tells_who_named_the_content() {
    let folder = tempfile::tempdir().unwrap();
    let (writing, reading) = (open(folder.path()), open(folder.path()));
    let done = writing.update(Category::Clip, "m", record(), WriteOptions::default()).await;
    let done = done.unwrap();
    let own = swap_after(&writing, None);
    let remote = swap_after(&reading, None);
    assert_eq!((own.origin, own.generation), (Origin::Own, done.generation));
    assert_eq!((remote.origin, remote.generation), (Origin::Remote, done.generation));
    assert!(own.delay_ms.is_some() && remote.delay_ms.is_some());
    assert_eq!(writing.propagation().own.count(), 1);
    assert_eq!(reading.propagation().remote.count(), 1);

    let staged = folder.path().join("by hand");
    std::fs::write(&staged, r#"{"m":{"name":"m"},"n":{"name":"n"}}"#).unwrap();
    std::fs::rename(staged, folder.path().join("clip.json")).unwrap();
    let swaps = [swap_after(&writing, Some(own)), swap_after(&reading, Some(remote))];
    let adopted = swaps.iter().filter(|swap| swap.origin == Origin::Adopted).count();
    let heard = swaps.iter().filter(|swap| swap.origin == Origin::Remote).count();
    assert_eq!((adopted, heard), (1, 1), "{swaps:?}");
    assert_eq!(swaps[0].generation, swaps[1].generation);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_counted_by_what_became_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let primary = open(folder.path());
    let change = |options: WriteOptions| primary.update(Category::Clip, "m", record(), options);
    let once = || WriteOptions::default().local().with_request("once");
    change(once()).await.unwrap();
    change(once()).await.unwrap();
    change(WriteOptions::default().only_if(Precondition::Absent)).await.unwrap_err();
    let named_otherwise = Json::parse(br#"{"name":1}"#).unwrap().as_object().cloned().unwrap();
    let options = WriteOptions::default();
    primary.update(Category::Clip, "m", named_otherwise, options).await.unwrap_err();
    let statistics = primary.write_statistics();
    let counted: Vec<_> =
        statistics.changes.iter().copied().filter(|(_, count)| *count > 0).collect();
    assert_eq!(counted, [("changed", 1), ("repeated", 1), ("invalid", 1), ("conflict", 1)]);
    let timed = [&statistics.commit, &statistics.flush_content, &statistics.flush_folder];
    assert_eq!(timed.map(|reading| reading.count()), [1, 1, 1]);
    assert_eq!(statistics.lock_wait.count(), 4);
}

#[test]
fn conditions_name_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("clip.json"), r#"{"m":{"name":"m"}}"#).unwrap();
    let primary = open(folder.path());
    let clip = || primary.conditions().swap_remove(Category::Clip.index());
    let before = clip();
    assert_eq!((before.records, before.problem), (1, None));
    assert!(before.bytes > 0);
    let loads = primary.load_times().count();
    std::fs::write(folder.path().join("clip.json"), "{").unwrap();
    let problem = eventually(SOON, || clip().problem.ok_or("no problem"));
    assert_eq!(problem.unwrap().document, CLIP);
    assert_eq!(clip().records, 1);
    assert!(primary.load_times().count() > loads);
    // A look that tells that a file is broken is a look all the same.
    let lease = primary.leases().lease;
    eventually(SOON, || if clip().lease_age <= lease { Ok(()) } else { Err("old") }).unwrap();
}
