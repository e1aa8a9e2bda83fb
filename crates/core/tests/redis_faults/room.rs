//! The server has no room, or throws away what it holds.

use testkit::{RedisLaunch, RedisServer};

use crate::harm::{heals, is_unharmed, open};
use crate::stage::{
    COPY, Folder, at, by_message_only, copy, recorded, until, with_comparisons_every,
};

fn limit(server: &RedisServer, memory: &str) {
    server.command(&["CONFIG", "SET", "maxmemory", memory]).unwrap();
}

#[test]
fn without_room_old_copies_go_and_news_are_told_and_all_is_said_later() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let worker = folder.open_with(&at(server.port()), by_message_only());
    let reader = folder.open_with(&at(server.port()), by_message_only());
    [&worker, &reader].iter().for_each(|worker| heals(worker, &server, &folder));
    for round in 0..3 {
        let old = recorded(&server);
        assert!(copy(&server).is_some());
        limit(&server, "1");
        let name = format!("m{round}");
        is_unharmed(&worker, &name);
        until("it is told", || reader.shows(&name));
        until("the old copy is gone", || copy(&server).is_none());
        assert_eq!(recorded(&server), old);
        assert!(worker.counters().dropped > round && worker.counters().no_room > 0);
        limit(&server, "0");
        heals(&worker, &server, &folder);
    }
}

#[test]
fn copies_that_could_not_be_dropped_are_dropped_later() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let worker = open(&folder, &with_comparisons_every(100, at(server.port())));
    heals(&worker, &server, &folder);
    limit(&server, "1");
    server.set_acl("default", &["-unlink"]).unwrap();
    worker.put("m");
    let refused = worker.counters().no_room;
    until("it was tried again", || worker.counters().no_room > refused + 2);
    assert!(copy(&server).is_some());
    server.set_acl("default", &["+unlink"]).unwrap();
    until("the old copy is gone", || copy(&server).is_none());
    limit(&server, "0");
    heals(&worker, &server, &folder);
}

#[test]
fn a_server_that_evicts_is_set_right_again_and_again() {
    let server = RedisLaunch::new()
        .config("maxmemory-policy allkeys-lru")
        .config("maxmemory-samples 10")
        .start()
        .unwrap();
    let folder = Folder::new();
    let worker = open(&folder, &with_comparisons_every(100, at(server.port())));
    heals(&worker, &server, &folder);
    let used: u64 = server.info("memory", "used_memory").unwrap().parse().unwrap();
    limit(&server, &(used + 300_000).to_string());
    let filler = "x".repeat(10_000);
    for round in 0..5 {
        for number in 0..300 {
            server.command(&["SET", &format!("other{number}"), &filler]).unwrap();
        }
        is_unharmed(&worker, &format!("m{round}"));
    }
    let evicted: u64 = server.info("stats", "evicted_keys").unwrap().parse().unwrap();
    assert!(evicted > 0);
    heals(&worker, &server, &folder);
    server.command(&["DEL", COPY]).unwrap();
    heals(&worker, &server, &folder);
}
