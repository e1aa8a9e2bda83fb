//! Copies in Redis that are served because a file cannot be read.

use testkit::RedisServer;

use crate::stage::{CLIP, Folder, Worker, at, copy, until};

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
