//! Two processes write and two read while Redis and the network fail at random.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use testkit::{Fault, FaultProxy, RedisServer};

use crate::harm::{heals, open};
use crate::single::through;
use crate::stage::{CLIP, Folder, Worker};

const FOR: Duration = Duration::from_secs(8);
/// How long a fault lasts at most.
const FAULT_MS: u64 = 700;

fn any_fault() -> Fault {
    let pause = Duration::from_millis(fastrand::u64(1..300));
    match fastrand::u8(..6) {
        0 => Fault::Delay(pause),
        1 => Fault::Cut,
        2 => Fault::BlackHole,
        3 => Fault::HoldAnswers,
        4 => Fault::Trickle(Duration::from_millis(2)),
        _ => Fault::Rate(fastrand::u32(100..5000)),
    }
}

fn harm(server: &RedisServer, proxies: &[FaultProxy]) {
    let proxy = &proxies[fastrand::usize(..proxies.len())];
    let command = |words: &[&str]| drop(server.command(words).unwrap());
    match fastrand::u8(..10) {
        0 => command(&["FLUSHALL"]),
        1 => command(&["SCRIPT", "FLUSH"]),
        2 => command(&["CLIENT", "KILL", "TYPE", "pubsub"]),
        3 => drop(server.command(&["CLIENT", "KILL", "TYPE", "normal"])),
        4 => command(&["HSET", "horde:model_ref:coh:gen", "v2/clip", "4000000000000000:x"]),
        5 => {
            server.pause().unwrap();
            last_a_while();
            server.resume().unwrap();
        }
        6 => proxy.cut_connections(),
        _ => {
            proxy.set_fault(any_fault()).unwrap();
            last_a_while();
            proxy.set_fault(Fault::Pass).unwrap();
        }
    }
}

/// A fault has no end of its own.
fn last_a_while() {
    std::thread::sleep(Duration::from_millis(fastrand::u64(..FAULT_MS)));
}

/// Writes until it is over. All names that were acknowledged.
fn write(worker: &Worker, prefix: &str, is_over: &AtomicBool) -> Vec<String> {
    let mut names = Vec::new();
    let mut last = None;
    while !is_over.load(Ordering::Relaxed) {
        // A long document would make the test one of long documents.
        let name = format!("{prefix}{}", names.len());
        let committed = worker.put(&name);
        assert!(Some(committed.generation) > last.replace(committed.generation));
        assert!(worker.shows(&name));
        names.push(name);
        std::thread::sleep(Duration::from_millis(fastrand::u64(..40)));
    }
    names
}

/// Reads until it is over; what it sees never goes back.
fn read(worker: &Worker, is_over: &AtomicBool) {
    let mut last = None;
    while !is_over.load(Ordering::Relaxed) {
        let read = worker.primary.category_blocking(CLIP);
        let generation = Some(read.view.generation());
        assert!(read.fresh && generation >= last, "{generation:?} after {last:?}");
        last = generation;
        std::thread::yield_now();
    }
}

#[test]
fn nothing_acknowledged_is_lost_and_nobody_goes_back() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let proxies = [(); 3].map(|()| FaultProxy::start(server.address()).unwrap());
    let workers: Vec<_> = proxies.iter().map(|proxy| open(&folder, &through(proxy))).collect();
    let is_over = AtomicBool::new(false);
    let acknowledged = std::thread::scope(|scope| {
        let writing = [(0, "a"), (1, "b")].map(|(place, prefix)| {
            let (worker, is_over) = (&workers[place], &is_over);
            scope.spawn(move || write(worker, prefix, is_over))
        });
        for worker in &workers[1..] {
            scope.spawn(|| read(worker, &is_over));
        }
        let begun = Instant::now();
        while begun.elapsed() < FOR && !writing.iter().any(|thread| thread.is_finished()) {
            harm(&server, &proxies);
        }
        is_over.store(true, Ordering::Relaxed);
        writing.map(|thread| thread.join().unwrap()).concat()
    });
    assert!(acknowledged.len() > 20, "{}", acknowledged.len());
    for worker in &workers {
        heals(worker, &server, &folder);
        let shown: HashSet<_> = worker.names().into_iter().collect();
        let lost: Vec<_> = acknowledged.iter().filter(|name| !shown.contains(*name)).collect();
        assert!(lost.is_empty(), "{lost:?}");
    }
}
