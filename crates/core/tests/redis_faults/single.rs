//! One of a process's connections suffers while the others are well.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};

use horde_model_reference::backend::redis::Subscription;
use horde_model_reference::settings::{self, Host, Value};
use testkit::{Fault, FaultProxy, ProxiedConnection, RedisServer};

use crate::harm::{heals, is_unharmed, open};
use crate::stage::{CLIP, Folder, Worker, at, by_message_only, records, until};

/// The order in which a process connects.
const COMMANDS: usize = 0;
const VALUES: usize = 1;
const SUBSCRIPTION: usize = 2;

/// Settings for the server behind a relay. An address leaves nothing to resolve, so that connections
/// are made in their order.
pub(crate) fn through(proxy: &FaultProxy) -> settings::Redis {
    settings::Redis {
        host: Host::read("127.0.0.1"),
        compare_every_ms: NonZeroU32::new(200).unwrap(),
        value_budget_ms: NonZeroU32::new(200).unwrap(),
        ..at(proxy.port())
    }
}

/// Breaks one connection and leaves it broken: those that take its place are well.
fn survives_at(place: usize, fault: Fault, is_noticed: impl Fn(&Worker) -> bool) {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let proxy = FaultProxy::start(server.address()).unwrap();
    let worker = open(&folder, &through(&proxy));
    heals(&worker, &server, &folder);
    proxy.connections()[place].set_fault(fault);
    write_until(&worker, "m", is_noticed);
    is_unharmed(&worker, "n");
    heals(&worker, &server, &folder);
}

/// Writes now and then until something is noticed. What is written again at once is not copied, so
/// that more would be less.
fn write_until(worker: &Worker, prefix: &str, is_noticed: impl Fn(&Worker) -> bool) {
    let mut asked = 0;
    until("it is noticed", || {
        if asked % 16 == 0 {
            worker.put(&format!("{prefix}{asked}"));
        }
        asked += 1;
        is_noticed(worker)
    });
}

fn connects(worker: &Worker) -> u64 {
    worker.counters().connects
}

#[test]
fn commands_in_a_black_hole_find_another_way() {
    survives_at(COMMANDS, Fault::BlackHole, |worker| connects(worker) > 2);
}

#[test]
fn commands_without_answers_find_another_way() {
    survives_at(COMMANDS, Fault::HoldAnswers, |worker| connects(worker) > 2);
}

#[test]
fn commands_that_were_cut_find_another_way() {
    survives_at(COMMANDS, Fault::Cut, |worker| connects(worker) > 2);
}

#[test]
fn values_in_a_black_hole_find_another_way() {
    survives_at(VALUES, Fault::BlackHole, |worker| connects(worker) > 2);
}

#[test]
fn values_that_were_cut_find_another_way() {
    survives_at(VALUES, Fault::Cut, |worker| connects(worker) > 2);
}

#[test]
fn a_subscription_in_a_black_hole_finds_another_way() {
    survives_at(SUBSCRIPTION, Fault::BlackHole, |worker| worker.counters().gaps > 0);
}

#[test]
fn a_subscription_that_was_cut_finds_another_way() {
    survives_at(SUBSCRIPTION, Fault::Cut, |worker| worker.counters().gaps > 0);
}

#[test]
fn what_was_missed_in_a_gap_is_found_without_a_look() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let proxy = FaultProxy::start(server.address()).unwrap();
    let mut settings = through(&proxy);
    settings.compare_every_ms = NonZeroU32::MAX;
    let reader = folder.open_with(&settings, by_message_only());
    let writer = folder.open_with(&at(server.port()), by_message_only());
    [&reader, &writer].iter().for_each(|worker| worker.await_live());
    for round in 0..3 {
        let gaps = reader.counters().gaps;
        proxy.set_fault_of_new(Fault::Cut).unwrap();
        let open = |connection: &ProxiedConnection| connection.is_open();
        let subscription = proxy.connections().into_iter().rfind(open).unwrap();
        subscription.set_fault(Fault::Cut);
        until("the gap is noticed", || reader.counters().gaps > gaps);
        let name = format!("m{round}");
        writer.put(&name);
        assert!(!reader.shows(&name));
        proxy.set_fault_of_new(Fault::Pass).unwrap();
        until("it is found", || reader.shows(&name));
        reader.await_live();
    }
}

#[test]
fn connections_that_hang_are_let_go() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let proxy = FaultProxy::start(server.address()).unwrap();
    let worker = open(&folder, &through(&proxy));
    heals(&worker, &server, &folder);
    for round in 0..4 {
        let (connects, gaps) = (connects(&worker), worker.counters().gaps);
        for connection in proxy.connections() {
            connection.set_fault(Fault::BlackHole);
        }
        write_until(&worker, &format!("m{round}."), |worker| {
            worker.counters().connects >= connects + 2 && worker.counters().gaps > gaps
        });
        heals(&worker, &server, &folder);
    }
    until("three are open", || established(proxy.port()) == 3);
}

/// Connections of this machine to a port that nobody has closed yet at the side of the client.
fn established(port: u16) -> usize {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let (target, is_established) = (format!(":{port:04X}"), "01");
    let lines = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    lines.filter(|words| words[2].ends_with(&target) && words[3] == is_established).count()
}

#[test]
fn copies_of_another_directory_are_not_taken_before_the_first_comparison() {
    let (server, ours) = (RedisServer::start().unwrap(), Folder::new());
    ours.write("clip.json", &records(&["ours"]));
    let first = open(&ours, &at(server.port()));
    heals(&first, &server, &ours);
    let theirs = Folder::new();
    let path = theirs.path().join("clip.json");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let proxy = FaultProxy::start(server.address()).unwrap();
    proxy.set_fault(Fault::BlackHole).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Only values pass, so that nothing can be compared.
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                match proxy.connections().get(VALUES) {
                    Some(values) => return values.set_fault(Fault::Pass),
                    None => std::thread::yield_now(),
                }
            }
        });
        let mut settings = through(&proxy);
        settings.connect_budget_ms = NonZeroU32::new(60_000).unwrap();
        settings.connect_timeout_seconds = NonZeroU32::new(60).unwrap();
        let second = open(&theirs, &settings);
        until("there is a way for values", || second.redis().status().has_values);
        until("a copy was asked for", || {
            let counters = second.counters();
            let read = second.primary.category_blocking(CLIP);
            let shown = read.view.records().is_some_and(|records| records.contains_key("ours"));
            assert!(!shown && counters.copies_instead == 0, "{counters:?}");
            counters.copy_misses > 0
        });
        let status = second.redis().status();
        assert_eq!((status.counters.comparisons, status.other_directory), (0, None));
        assert_ne!(status.subscription, Subscription::Live);
        is_over.store(true, Ordering::Relaxed);
    });
}
