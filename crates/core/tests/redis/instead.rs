//! Copies in Redis that are served because a file cannot be read.

use std::num::NonZeroU32;
use std::sync::Arc;

use horde_model_reference::backend::files::Files;
use horde_model_reference::backend::files::layout::Layout;
use horde_model_reference::backend::redis::Redis;
use horde_model_reference::generation::Digest;
use horde_model_reference::l1::{L1, Leases};
use horde_model_reference::{Document, settings};
use testkit::{RedisServer, eventually};

use crate::stage::{
    CLIP, COPY, Folder, RECORD, SOON, Worker, at, by_message_only, copy, recorded, records, until,
};

/// What is served, marked or not.
fn shows(worker: &Worker, name: &str) -> bool {
    let read = worker.primary.category_blocking(CLIP);
    read.view.records().is_some_and(|records| records.keys().any(|shown| shown == name))
}

#[test]
fn what_was_served_instead_of_a_broken_file_is_not_followed_by_something_older() {
    let (mut server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let first = folder.open(&at(server.port()));
    let has_copy_with = |server: &RedisServer, name: &str| {
        until("the copy is there", || copy(server).is_some_and(|copy| copy.contains(name)));
    };
    first.put("older");
    has_copy_with(&server, "older");
    let dump = server.dump().unwrap();
    first.put("newer");
    has_copy_with(&server, "newer");
    drop(first);
    folder.write("clip.json", "{");
    let reader = folder.open(&at(server.port()));
    reader.await_live();
    // A start that did not connect in time learns of the copy at the next load.
    folder.write("clip.json", "{{");
    until("the copy is served", || shows(&reader, "newer"));
    assert!(!reader.primary.category_blocking(CLIP).fresh);
    server.restart_from(&dump).unwrap();
    until("it is heard of again", || reader.counters().connects >= 4);
    reader.await_live();
    for (garbage, stops) in [("{{{", false), ("{{{{", true)] {
        if stops {
            server.kill().unwrap();
        }
        let loads = reader.primary.statistics().loads;
        folder.write("clip.json", garbage);
        until("it was looked at", || reader.primary.statistics().loads > loads);
        let read = reader.primary.category_blocking(CLIP);
        assert!(shows(&reader, "newer") && !read.fresh, "{read:?}");
    }
}

/// A cache over the folder, connected, with enough time to answer.
fn connected(folder: &Folder, server: &RedisServer) -> Arc<Redis> {
    let files = Arc::new(Files::new(Layout::below(folder.path())));
    let directory = files.directory(Leases::default().lease).unwrap();
    let settings =
        settings::Redis { load_budget_ms: NonZeroU32::new(5000).unwrap(), ..at(server.port()) };
    let redis = Redis::start(files, &settings, directory, None).unwrap();
    let connects = || {
        let status = redis.status();
        status.has_values.then_some(()).ok_or_else(|| format!("{status:?}"))
    };
    eventually(SOON, connects).unwrap();
    redis
}

#[test]
fn what_a_start_takes_instead_of_a_broken_file_is_marked_also_when_redis_goes_away_at_once() {
    let (mut server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let first = folder.open(&at(server.port()));
    first.put("m");
    until("the copy is there", || copy(&server).is_some_and(|copy| copy.contains("\"m\"")));
    drop(first);
    folder.write("clip.json", "{");
    let redis = connected(&folder, &server);
    let loaded = L1::load(redis, Leases::default());
    let clip = Document::V2(CLIP);
    let taken = loaded.snapshots().get(clip).bytes.clone();
    assert!(String::from_utf8_lossy(&taken).contains("\"m\""), "the copy was not taken");
    server.kill().unwrap();
    let l1 = loaded.start(Box::new(|_, _| {})).unwrap();
    let looks = l1.statistics().looks;
    until("it was looked at", || {
        assert!(!l1.freshen_blocking([clip]));
        l1.statistics().looks > looks + 10
    });
    assert_eq!(l1.snapshot(clip).bytes, taken);
}

#[test]
fn a_copy_is_not_served_under_the_lease_of_what_was_held_before_the_file_broke() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    // A comparison would find the record that is ahead, and have the file named anew.
    let settings = crate::stage::with_comparisons_every(u32::MAX, at(server.port()));
    let reader = folder.open_with(&settings, by_message_only());
    reader.await_live();
    until("it is announced", || copy(&server).is_some());
    until("there is a lease", || reader.primary.category_blocking(CLIP).fresh);
    let newer = records(&["first", "newer"]);
    let generation = recorded(&server).unwrap().0 + 1;
    let named = format!("{generation}:{}", Digest::of(newer.as_bytes()));
    server.command(&["SET", COPY, &newer]).unwrap();
    server.command(&["HSET", RECORD, "v2/clip", &named]).unwrap();
    folder.write("clip.json", "{");
    let taken = reader.counters().copies_instead;
    server.command(&["PUBLISH", "horde:model_ref:invalidate", "clip"]).unwrap();
    until("the copy was taken instead of the file", || {
        let read = reader.primary.category_blocking(CLIP);
        assert!(!read.fresh || !shows(&reader, "newer"), "{read:?}");
        reader.counters().copies_instead > taken
    });
    for _ in 0..1000 {
        let read = reader.primary.category_blocking(CLIP);
        let is_newer = read.view.records().is_some_and(|records| records.contains_key("newer"));
        assert!(!read.fresh || !is_newer, "{read:?}");
    }
}
