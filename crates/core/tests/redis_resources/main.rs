//! What processes take for Redis they give back: threads, descriptors, connections and memory. A test
//! binary of its own, because all of these are counted for the whole process.

#[path = "../redis/stage.rs"]
#[expect(dead_code, reason = "other tests need the rest of it")]
mod stage;

use horde_model_reference::settings;
use testkit::{RedisClient, RedisServer};

use stage::{Folder, at, until};

const ROUNDS: usize = 50;

/// Threads and open descriptors of this process.
fn held() -> (usize, usize) {
    let count = |folder: &str| std::fs::read_dir(folder).unwrap().count();
    (count("/proc/self/task"), count("/proc/self/fd"))
}

/// Memory this process has, in bytes.
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

fn open_and_close(folder: &Folder, settings: &settings::Redis, round: usize) {
    let worker = folder.open(settings);
    worker.put(&format!("m{}", round % 5));
    if round.is_multiple_of(2) {
        worker.redis().close();
        assert!(worker.shows("first"));
    }
}

fn comes_back(what: &str, (threads, descriptors): (usize, usize)) {
    until(what, || {
        let now = held();
        now.0 <= threads && now.1 <= descriptors
    });
}

fn is_alone(server: &RedisServer) -> bool {
    let clients = server.command(&["CLIENT", "LIST"]).unwrap().text().unwrap();
    clients.lines().count() == 1
}

#[test]
fn everything_is_given_back() {
    let (mut server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let settings = at(server.port());
    // What is made once for all stays.
    open_and_close(&folder, &settings, 1);
    until("nobody is connected", || is_alone(&server));
    let before = held();
    for round in 0..ROUNDS {
        open_and_close(&folder, &settings, round);
    }
    comes_back("all is given back with a server that is up", before);
    until("nobody is connected", || is_alone(&server));

    server.pause().unwrap();
    for round in 0..ROUNDS {
        open_and_close(&folder, &settings, round);
    }
    comes_back("all is given back with a server that hangs", before);
    server.resume().unwrap();
    until("nobody is connected", || is_alone(&server));

    for round in 0..ROUNDS / 10 {
        let worker = folder.open(&settings);
        worker.await_live();
        server.pause().unwrap();
        worker.put(&format!("n{}", round % 5));
        drop(worker);
        server.resume().unwrap();
    }
    comes_back("all is given back with a server that began to hang", before);
    until("nobody is connected", || is_alone(&server));

    server.kill().unwrap();
    for round in 0..ROUNDS {
        open_and_close(&folder, &settings, round);
    }
    comes_back("all is given back with a server that is gone", before);
    server.restart().unwrap();
    assert!(is_alone(&server));
    messages_are_not_collected(&server, &folder);
}

/// A hundred megabytes of messages, told faster than they can be made sense of.
fn messages_are_not_collected(server: &RedisServer, folder: &Folder) {
    const MESSAGES: usize = 100_000;
    const AT_ONCE: usize = 200;
    const MOST: usize = 48 << 20;
    let worker = folder.open(&at(server.port()));
    worker.await_live();
    let mut client = RedisClient::connect(server.address()).unwrap();
    let text = "x".repeat(1000);
    let before = memory();
    let mut most = before;
    for _ in 0..MESSAGES / AT_ONCE {
        for _ in 0..AT_ONCE {
            client.send(&["PUBLISH", "horde:model_ref:coh:changes", &text]).unwrap();
        }
        for _ in 0..AT_ONCE {
            let deadline = std::time::Instant::now() + stage::SOON;
            client.next_reply(deadline).unwrap().expect("no reply");
        }
        most = most.max(memory());
    }
    assert!(most < before + MOST, "{} MiB more", (most - before) >> 20);
    until("all is heard, or it is known that it is not", || {
        let counters = worker.counters();
        counters.nonsense_heard == MESSAGES as u64 || counters.gaps > 0
    });
    worker.await_live();
    worker.put("at last");
    assert!(worker.shows("at last"));
}
