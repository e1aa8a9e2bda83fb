//! The server itself stops, dies, forgets, throws its clients out, or is set back.

use std::sync::atomic::{AtomicBool, Ordering};

use testkit::RedisServer;

use crate::harm::{heals, is_unharmed, open};
use crate::stage::{Folder, Worker, at, until, with_comparisons_every};

#[test]
fn a_server_that_stands_still_harms_nobody() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let worker = open(&folder, &at(server.port()));
    let other = open(&folder, &at(server.port()));
    heals(&worker, &server, &folder);
    for round in 0..3 {
        server.pause().unwrap();
        is_unharmed(&worker, &format!("m{round}"));
        // A process that starts now is not held up either.
        let new = open(&folder, &at(server.port()));
        is_unharmed(&new, &format!("n{round}"));
        let last = format!("n{round}");
        until("it is seen", || worker.shows(&last) && other.shows(&last));
        server.resume().unwrap();
        heals(&worker, &server, &folder);
    }
}

#[test]
fn a_server_that_dies_harms_nobody() {
    let (mut server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let worker = open(&folder, &at(server.port()));
    for round in 0..3 {
        heals(&worker, &server, &folder);
        server.kill().unwrap();
        is_unharmed(&worker, &format!("m{round}"));
        server.restart().unwrap();
        is_unharmed(&worker, &format!("n{round}"));
    }
    heals(&worker, &server, &folder);
}

/// Does something to the server again and again while two processes write.
fn survives(harm: impl Fn(&RedisServer) + Sync) -> (Worker, RedisServer, Folder) {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let workers = [(); 2].map(|()| open(&folder, &at(server.port())));
    heals(&workers[0], &server, &folder);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                harm(&server);
            }
        });
        for round in 0..30 {
            workers[round % 2].put(&format!("m{round}"));
        }
        is_over.store(true, Ordering::Relaxed);
    });
    for worker in &workers {
        heals(worker, &server, &folder);
        assert!((0..30).all(|round| worker.shows(&format!("m{round}"))));
    }
    let [worker, _] = workers;
    (worker, server, folder)
}

#[test]
fn scripts_that_are_forgotten_are_told_again() {
    let (worker, server, folder) = survives(|server| drop(server.command(&["SCRIPT", "FLUSH"])));
    assert!(worker.redis().status().scripts);
    is_unharmed(&worker, "n");
    heals(&worker, &server, &folder);
}

#[test]
fn subscribers_that_are_thrown_out_come_back() {
    let kill = ["CLIENT", "KILL", "TYPE", "pubsub"];
    let (worker, ..) = survives(|server| drop(server.command(&kill)));
    assert!(worker.counters().gaps > 0);
}

#[test]
fn clients_that_are_thrown_out_come_back() {
    let kill = ["CLIENT", "KILL", "TYPE", "normal"];
    let (worker, ..) = survives(|server| drop(server.command(&kill)));
    assert!(worker.counters().connects > 2);
}

#[test]
fn everything_may_be_deleted_all_the_time() {
    survives(|server| drop(server.command(&["FLUSHALL"])));
}

#[test]
fn an_older_dump_is_set_right_while_somebody_writes() {
    let (mut server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let worker = open(&folder, &at(server.port()));
    heals(&worker, &server, &folder);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let written = scope.spawn(|| {
            let mut count = 0;
            while !is_over.load(Ordering::Relaxed) {
                worker.put(&format!("m{count}"));
                count += 1;
            }
            count
        });
        for _ in 0..4 {
            let dump = server.dump().unwrap();
            let announced = worker.counters().announced;
            until("more is announced", || worker.counters().announced > announced + 3);
            server.restart_from(&dump).unwrap();
            worker.await_live();
        }
        is_over.store(true, Ordering::Relaxed);
        let count = written.join().unwrap();
        heals(&worker, &server, &folder);
        assert!((0..count).all(|round| worker.shows(&format!("m{round}"))));
    });
}

#[test]
fn a_server_that_became_a_replica_is_not_besieged() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let worker = open(&folder, &at(server.port()));
    heals(&worker, &server, &folder);
    // Of nobody: it answers, and refuses to be written to.
    server.command(&["REPLICAOF", "127.0.0.1", "1"]).unwrap();
    let (begun, before) = (std::time::Instant::now(), worker.counters().connects);
    is_unharmed(&worker, "m");
    until("it was tried several times", || worker.counters().connects > before + 5);
    // Pauses grow to a second, and are half of that on average; four are of both connections.
    let most = 12 + 8 * begun.elapsed().as_secs();
    let connects = worker.counters().connects - before;
    assert!(connects <= most, "{connects} connections, at most {most} expected");
    server.command(&["REPLICAOF", "NO", "ONE"]).unwrap();
    heals(&worker, &server, &folder);
}

#[test]
fn whoever_compares_faster_than_it_loads_gives_no_new_names() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let writer = open(&folder, &at(server.port()));
    let reader = open(&folder, &with_comparisons_every(1, at(server.port())));
    [&writer, &reader].iter().for_each(|worker| worker.await_live());
    for round in 0..100 {
        let committed = writer.put(&format!("m{round}"));
        until("it is seen", || reader.shows(&format!("m{round}")));
        let read = reader.primary.category_blocking(crate::stage::CLIP);
        assert_eq!(read.view.generation(), committed.generation);
    }
    heals(&reader, &server, &folder);
    assert_eq!(
        reader.primary.category_blocking(crate::stage::CLIP).view.generation(),
        writer.primary.category_blocking(crate::stage::CLIP).view.generation()
    );
}
