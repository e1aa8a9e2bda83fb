//! Both kinds write at the same time, the reference without a lock: none of theirs is dropped, and what
//! they put back over ours is noticed and kept.

use std::collections::BTreeSet;

use horde_model_reference::Json;
use testkit::RedisServer;

use crate::peer::Peer;
use crate::shown;
use crate::stage::{Folder, Worker, at, by_message_only, records, soon, until};

const WRITES: usize = 60;

fn names_in(path: &std::path::Path) -> Option<BTreeSet<String>> {
    let value = Json::parse(&std::fs::read(path).ok()?).ok()?;
    Some(value.as_object()?.keys().cloned().collect())
}

/// Names in the file; while it is moved away, it is waited for.
fn names(folder: &Folder) -> BTreeSet<String> {
    soon(|| names_in(&folder.path().join("clip.json")).ok_or("no document"))
}

fn is_kept(folder: &Folder, name: &str) -> bool {
    let kept = std::fs::read_dir(folder.path().join(".coherence/kept/clip.json")).unwrap();
    let contents = kept.flatten().filter_map(|entry| names_in(&entry.path()));
    contents.into_iter().any(|names| names.contains(name))
}

fn overwritten(ours: &[Worker]) -> u64 {
    ours.iter().map(|worker| worker.primary.file_statistics().overwritten).sum()
}

#[test]
fn what_was_undone_is_noticed_by_who_writes_next() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    // Nobody tells of what is written by hand, so nobody looks before they write.
    let ours = [(); 2].map(|()| folder.open_with(&at(server.port()), by_message_only()));
    for (round, (first, next)) in [(0, 0), (0, 1)].into_iter().enumerate() {
        let mine = format!("rs-{round}");
        ours[first].put(&mine);
        let before = overwritten(&ours);
        folder.write("clip.json", &records(&["first", "theirs"]));
        ours[next].put(&format!("last-{round}"));
        assert_eq!(overwritten(&ours), before + 1);
        assert!(is_kept(&folder, &mine));
    }
}

#[test]
fn what_they_undo_of_ours_is_noticed_and_kept() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let Some(mut peer) = Peer::start(&server, &folder) else { return };
    let ours = [folder.open(&at(server.port())), folder.open(&at(server.port()))];
    ours.iter().for_each(Worker::await_live);
    for round in 0..10 {
        let (mine, theirs) = (format!("rs-{round}"), format!("py-{round}"));
        let before = overwritten(&ours);
        peer.is_held(&format!("held_update {theirs}"));
        ours[round % 2].put(&mine);
        peer.goes_on();
        for worker in &ours {
            until("theirs is there", || shown(worker).contains(&theirs));
            assert!(!shown(worker).contains(&mine));
        }
        assert_eq!(overwritten(&ours), before + 1, "{mine}");
        assert!(is_kept(&folder, &mine), "{mine}");
    }
}

#[test]
fn none_of_theirs_is_dropped_in_tight_loops() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let Some(mut peer) = Peer::start(&server, &folder) else { return };
    let ours = [folder.open(&at(server.port())), folder.open(&at(server.port()))];
    ours.iter().for_each(Worker::await_live);
    peer.begin(&format!("update_many {WRITES}"));
    let (mut acknowledged, mut lost) = (BTreeSet::new(), BTreeSet::new());
    for number in 0..WRITES {
        let name = format!("rs-{number}");
        ours[0].put(&name);
        acknowledged.insert(name);
        let there = names(&folder);
        for name in acknowledged.difference(&there).filter(|name| !lost.contains(*name)) {
            assert!(is_kept(&folder, name), "{name} was undone and is not kept");
        }
        lost.extend(acknowledged.difference(&there).cloned());
    }
    assert_eq!(peer.answer(), "null");
    // One more write of ours is made from whatever they left.
    ours[0].put("last");
    let there = names(&folder);
    let theirs: BTreeSet<String> = (0..WRITES).map(|number| format!("py-{number}")).collect();
    let dropped: Vec<_> = theirs.difference(&there).collect();
    assert!(dropped.is_empty(), "dropped: {dropped:?}");
    assert!(there.contains("last"));
    assert!(lost.is_empty() || overwritten(&ours) > 0, "{lost:?}");
    for worker in &ours {
        until("it shows what is there", || shown(worker) == there);
        assert!(worker.redis().status().is_mixed);
    }
    println!(
        "{WRITES} of theirs, {WRITES} of ours at once: none of theirs dropped, {} of ours undone by \
         them and kept",
        lost.len()
    );
}
