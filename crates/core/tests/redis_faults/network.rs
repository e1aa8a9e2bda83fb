//! The network between a process and the server: every connection suffers.

use std::time::Duration;

use testkit::{Fault, FaultProxy, RedisServer};

use crate::harm::{heals, is_unharmed, open};
use crate::single::through;
use crate::stage::{Folder, at, until};

/// A process behind a bad network, and another whose network is good.
fn survives(fault: Fault) {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let proxy = FaultProxy::start(server.address()).unwrap();
    let worker = open(&folder, &through(&proxy));
    let other = open(&folder, &at(server.port()));
    heals(&worker, &server, &folder);
    for round in 0..2 {
        proxy.set_fault(fault).unwrap();
        for number in 0..3 {
            is_unharmed(&worker, &format!("ours{round}{number}"));
        }
        let theirs = format!("theirs{round}");
        other.put(&theirs);
        until("what others write is found by looking", || worker.shows(&theirs));
        proxy.set_fault(Fault::Pass).unwrap();
        heals(&worker, &server, &folder);
    }
    let heard = worker.counters().changes_heard;
    let mut number = 0;
    // Whoever finds a change by looking may be the first to announce it, and tells nobody but others.
    until("messages arrive again", || {
        number += 1;
        other.put(&format!("at last {number}"));
        worker.counters().changes_heard > heard
    });
}

#[test]
fn a_slow_network_harms_nobody() {
    survives(Fault::Delay(Duration::from_millis(100)));
}

#[test]
fn a_very_slow_network_harms_nobody() {
    survives(Fault::Delay(Duration::from_secs(2)));
}

#[test]
fn a_cut_network_harms_nobody() {
    survives(Fault::Cut);
}

#[test]
fn a_black_hole_harms_nobody() {
    survives(Fault::BlackHole);
}

#[test]
fn unanswered_requests_harm_nobody() {
    survives(Fault::HoldAnswers);
}

#[test]
fn a_trickle_harms_nobody() {
    survives(Fault::Trickle(Duration::from_millis(5)));
}

#[test]
fn a_narrow_network_harms_nobody() {
    survives(Fault::Rate(500));
}

#[test]
fn reads_ask_the_server_nothing() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let proxy = FaultProxy::start(server.address()).unwrap();
    let worker = open(&folder, &through(&proxy));
    heals(&worker, &server, &folder);
    proxy.set_fault(Fault::BlackHole).unwrap();
    worker.put("m");
    until("it is given up", || !worker.redis().status().is_connected);
    let before = worker.counters().commands;
    is_unharmed(&worker, "n");
    assert_eq!(worker.counters().commands, before);
}

#[test]
fn a_start_in_a_black_hole_comes_to_an_end() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let proxy = FaultProxy::start(server.address()).unwrap();
    proxy.set_fault(Fault::BlackHole).unwrap();
    let worker = open(&folder, &through(&proxy));
    assert!(worker.shows("first"));
    is_unharmed(&worker, "m");
    let counters = worker.counters();
    assert_eq!((counters.connects, counters.commands, counters.copy_misses), (0, 0, 0));
    proxy.set_fault(Fault::Pass).unwrap();
    heals(&worker, &server, &folder);
}

#[test]
fn loads_stop_asking_a_server_that_does_not_answer() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let proxy = FaultProxy::start(server.address()).unwrap();
    let worker = open(&folder, &through(&proxy));
    heals(&worker, &server, &folder);
    proxy.set_fault(Fault::BlackHole).unwrap();
    // Not even root can read this, so that every load asks for a copy.
    let path = folder.path().join("clip.json");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    until("it is given up", || !worker.redis().status().has_values);
    // Three in vain open the breaker, and the next may be asked before they are counted.
    let misses = worker.counters().copy_misses;
    assert!((1..=4).contains(&misses), "{misses}");
    let loads = || worker.primary.reference().statistics().loads;
    let before = loads();
    until("it is loaded again and again", || loads() > before + 5);
    assert_eq!(worker.counters().copy_misses, misses);
}
