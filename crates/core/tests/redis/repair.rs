//! Whatever happens to the server, it says what the files say soon afterwards, and nobody notices.

use testkit::RedisServer;

use crate::stage::{COPY, Folder, RECORD, Worker, at, by_message_only, copy, recorded, until};

/// Whether the server says what the process holds.
fn agrees(server: &RedisServer, worker: &Worker) -> bool {
    let generation = worker.primary.category_blocking(crate::stage::CLIP).view.generation();
    recorded(server).is_some_and(|(recorded, _)| recorded == generation.get())
        && copy(server).is_some()
}

#[test]
fn a_server_that_is_not_there_stops_nothing_and_is_used_when_it_comes() {
    let mut server = RedisServer::start().unwrap();
    server.kill().unwrap();
    let folder = Folder::new();
    let worker = folder.open(&at(server.port()));
    worker.put("m");
    assert!(worker.shows("m"));
    assert!(!worker.redis().status().is_connected);
    server.restart().unwrap();
    worker.await_live();
    until("it is repaired", || agrees(&server, &worker));
}

#[test]
fn a_server_that_was_restarted_empty_is_filled_and_heard_again() {
    let (mut server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let settings = at(server.port());
    let writer = folder.open_with(&settings, by_message_only());
    let reader = folder.open_with(&settings, by_message_only());
    [&writer, &reader].iter().for_each(|worker| worker.await_live());
    for round in 0..3 {
        server.kill().unwrap();
        let name = format!("m{round}");
        writer.put(&name);
        server.restart().unwrap();
        // What was missed meanwhile is found although nobody says it again.
        until("it was looked at", || reader.shows(&name));
        until("it is repaired", || agrees(&server, &writer));
        [&writer, &reader].iter().for_each(|worker| worker.await_live());
        let again = format!("n{round}");
        writer.put(&again);
        until("it is heard", || reader.shows(&again));
    }
    assert!(reader.counters().gaps > 0);
}

#[test]
fn everything_deleted_is_there_again() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let worker = folder.open(&at(server.port()));
    worker.put("m");
    until("it is announced", || agrees(&server, &worker));
    for _ in 0..3 {
        server.command(&["FLUSHALL"]).unwrap();
        until("it is repaired", || agrees(&server, &worker));
    }
    server.command(&["DEL", COPY]).unwrap();
    until("the copy is repaired", || agrees(&server, &worker));
    assert!(worker.counters().repaired_missing > 0);
}

#[test]
fn an_older_dump_is_set_right() {
    let (mut server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let worker = folder.open(&at(server.port()));
    worker.await_live();
    until("it is announced", || agrees(&server, &worker));
    let dump = server.dump().unwrap();
    let old = recorded(&server);
    worker.put("m");
    until("it is announced", || agrees(&server, &worker));
    server.restart_from(&dump).unwrap();
    until("it is repaired", || recorded(&server) > old && agrees(&server, &worker));
    until("with its copy", || copy(&server).is_some_and(|copy| copy.contains("\"m\"")));
    assert!(worker.counters().repaired_behind > 0);
}

#[test]
fn values_of_the_wrong_kind_are_replaced() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let worker = folder.open(&at(server.port()));
    until("it is announced", || agrees(&server, &worker));
    for key in [RECORD, COPY] {
        server.command(&["DEL", key]).unwrap();
        server.command(&["LPUSH", key, "x"]).unwrap();
        worker.put(&format!("after {key}"));
        until("it is repaired", || agrees(&server, &worker));
    }
    for nonsense in ["", "x", "9007199254740991:absent", "-5:absent", "5"] {
        server.command(&["HSET", RECORD, "v2/clip", nonsense]).unwrap();
        until("it is repaired", || agrees(&server, &worker));
    }
}

#[test]
fn a_record_ahead_of_the_files_gives_them_a_new_name() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let worker = folder.open(&at(server.port()));
    worker.put("m");
    until("it is announced", || agrees(&server, &worker));
    let (generation, digest) = recorded(&server).unwrap();
    let ahead = generation + 1_000_000_000;
    let other = "ab".repeat(32);
    for (generation, digest) in [(ahead, &digest), (ahead + 10_000, &other)] {
        let named = format!("{generation}:{digest}");
        server.command(&["HSET", RECORD, "v2/clip", &named]).unwrap();
        until("it has a new name", || {
            recorded(&server).is_some_and(|(recorded, _)| recorded > generation)
                && agrees(&server, &worker)
        });
        assert!(worker.shows("m"));
    }
    let committed = worker.put("n");
    assert!(committed.generation.get() > ahead);
}

#[test]
fn two_folders_on_one_prefix_do_not_mix() {
    let server = RedisServer::start().unwrap();
    let (ours, theirs) = (Folder::new(), Folder::new());
    let first = ours.open(&at(server.port()));
    first.put("m");
    until("it is announced", || agrees(&server, &first));
    let before = (recorded(&server), copy(&server));
    let second = theirs.open(&at(server.port()));
    until("it is noticed", || second.redis().status().other_directory.is_some());
    second.put("n");
    assert!(second.shows("n") && !second.shows("m"));
    let count = second.counters().comparisons;
    until("it was compared again", || second.counters().comparisons > count);
    assert_eq!((recorded(&server), copy(&server)), before);
    assert!(first.shows("m") && !first.shows("n"));
    drop(first);
    server.command(&["FLUSHALL"]).unwrap();
    until("it has the prefix now", || agrees(&server, &second));
    assert_eq!(second.redis().status().other_directory, None);
}
