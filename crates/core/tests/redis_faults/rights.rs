//! Rights are taken away while processes run, and given back.

use std::num::NonZeroU32;

use horde_model_reference::settings::{self, L2Read, Secret};
use testkit::RedisServer;

use crate::harm::{heals, is_unharmed, open};
use crate::stage::{COPY, Folder, at, copy, until};

const USER: &str = "worker";
const ALL: [&str; 5] = ["on", "nopass", "~*", "&*", "+@all"];

/// Settings of a user whose rights can be changed.
fn as_user(server: &RedisServer) -> settings::Redis {
    settings::Redis {
        username: Some(USER.into()),
        password: Some(Secret::new("any")),
        compare_every_ms: NonZeroU32::new(100).unwrap(),
        ..at(server.port())
    }
}

#[test]
fn rights_that_are_taken_and_given_back_leave_no_trace() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    server.set_acl(USER, &ALL).unwrap();
    let worker = open(&folder, &as_user(&server));
    heals(&worker, &server, &folder);
    let taken: [&[&str]; 9] = [
        &["-eval", "-evalsha"],
        &["-evalsha"],
        &["-hset"],
        &["-unlink"],
        &["-publish"],
        &["-exists"],
        &["resetkeys"],
        &["resetchannels"],
        &["-@all"],
    ];
    for (round, rules) in taken.into_iter().enumerate() {
        server.set_acl(USER, rules).unwrap();
        is_unharmed(&worker, &format!("m{round}"));
        let comparisons = || worker.counters().commands;
        let before = comparisons();
        until("it asked again", || comparisons() > before + 3 || !is_connected(&worker));
        server.set_acl(USER, &ALL).unwrap();
        heals(&worker, &server, &folder);
        until("scripts are used again", || worker.redis().status().scripts);
    }
}

fn is_connected(worker: &crate::stage::Worker) -> bool {
    worker.redis().status().is_connected
}

#[test]
fn a_user_that_is_deleted_and_made_again_is_served_again() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    server.set_acl(USER, &ALL).unwrap();
    let worker = open(&folder, &as_user(&server));
    heals(&worker, &server, &folder);
    server.command(&["ACL", "DELUSER", USER]).unwrap();
    is_unharmed(&worker, "m");
    until("it is noticed", || !is_connected(&worker));
    server.set_acl(USER, &ALL).unwrap();
    heals(&worker, &server, &folder);
}

#[test]
fn without_scripts_a_copy_that_is_missing_is_stored_all_the_same() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    server.set_acl(USER, &ALL).unwrap();
    server.set_acl(USER, &["-eval", "-evalsha"]).unwrap();
    let worker = open(&folder, &as_user(&server));
    heals(&worker, &server, &folder);
    assert!(!worker.redis().status().scripts);
    server.command(&["DEL", COPY]).unwrap();
    heals(&worker, &server, &folder);
    server.command(&["FLUSHALL"]).unwrap();
    heals(&worker, &server, &folder);
    assert!(!worker.redis().status().scripts);
}

#[test]
fn a_server_that_refuses_is_not_asked_as_fast_as_it_can_refuse() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    server.set_acl(USER, &["on", "nopass", "~*", "&*", "+ping", "+subscribe"]).unwrap();
    let mut settings = as_user(&server);
    settings.compare_every_ms = NonZeroU32::new(1000).unwrap();
    let worker = open(&folder, &settings);
    worker.await_live();
    let commands = worker.counters().commands;
    assert!(commands < 50, "{commands} commands to find out that nothing is allowed");
    is_unharmed(&worker, "m");
}

#[test]
fn who_stores_no_copies_stores_none_of_its_writes_either() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let mut settings = as_user(&server);
    server.set_acl(USER, &ALL).unwrap();
    settings.l2_read = L2Read::Off;
    let worker = open(&folder, &settings);
    worker.await_live();
    for round in 0..3 {
        let announced = worker.counters().announced;
        worker.put(&format!("m{round}"));
        until("it is announced", || worker.counters().announced > announced);
        // A copy is stored sooner than these come, if it is.
        let comparisons = worker.counters().comparisons;
        until("it was compared", || worker.counters().comparisons > comparisons + 5);
    }
    assert_eq!((worker.counters().fills, copy(&server)), (0, None));
}
