//! Compressed forms shared through a real Redis: made once, checked before they are used, and made
//! here whenever that does not work.

mod stage;

use bytes::Bytes;
use horde_model_reference::body::Coding;
use horde_model_reference::generation::Digest;
use horde_model_reference::made::Statistics;
use horde_model_reference::settings::{self, L2Read};
use testkit::{RedisLaunch, RedisServer};

use stage::{Folder, at, coded, coding_of, results, until};

/// What is stored in place of a good result of a coding.
type Poison<'a> = &'a dyn Fn(Coding, &[u8]) -> Vec<u8>;

/// A server that has every form of the folder's bodies, and what the forms are.
fn filled(folder: &Folder) -> (RedisServer, Vec<stage::Form>) {
    let server = RedisServer::start().unwrap();
    let first = folder.open(&at(server.port()));
    first.await_refined();
    let statistics = first.statistics();
    assert_eq!((statistics.misses, statistics.stored), (first.wanted(), first.wanted()));
    assert_eq!(results(&server).len() as u64, first.wanted());
    (server, first.forms())
}

#[test]
fn what_one_process_has_made_the_next_takes() {
    let folder = Folder::new();
    let (server, forms) = filled(&folder);
    let second = folder.open(&at(server.port()));
    second.await_refined();
    let statistics = second.statistics();
    let expected = Statistics { hits: second.wanted(), ..Statistics::default() };
    assert_eq!(Statistics { processor_time: expected.processor_time, ..statistics }, expected);
    // Bytes, tags, and the tags of what they replaced.
    assert_eq!(second.forms(), forms);
}

#[test]
fn a_result_is_kept_for_minutes_and_for_a_day_if_that_is_asked_for() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let worker = folder.open(&at(server.port()));
    worker.await_live();
    let (store, digest) = (worker.store(), Digest::of(b"content"));
    assert_eq!(store.get("kind", digest, 100), None);
    assert!(store.put("kind", digest, &Bytes::from_static(b"result")));
    assert_eq!(store.get("kind", digest, 100).unwrap(), "result");
    assert_eq!(store.get("kind", digest, 3).unwrap(), "res");
    assert_eq!(store.get("other kind", digest, 100), None);
    let key = format!("horde:model_ref:coh:made:kind:{digest}");
    let seconds_left = || server.command(&["TTL", &key]).unwrap().integer().unwrap();
    assert!((1..=600).contains(&seconds_left()));
    store.keep("kind", digest);
    assert!((600..=86_400).contains(&seconds_left()));
}

#[test]
fn one_claim_is_granted_at_a_time() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let workers = [(); 2].map(|()| folder.open(&at(server.port())));
    workers.iter().for_each(stage::Worker::await_live);
    let digest = Digest::of(b"content");
    assert!(workers[0].store().claim("kind", digest));
    assert!(!workers[1].store().claim("kind", digest));
    assert!(workers[1].store().claim("other kind", digest));
    let key = format!("horde:model_ref:coh:made:kind:{digest}:claim");
    let ms_left = server.command(&["PTTL", &key]).unwrap().integer().unwrap();
    assert!((1..=10_000).contains(&ms_left), "{ms_left}");
}

#[test]
fn poison_is_refused_and_replaced() {
    let folder = Folder::new();
    let (server, forms) = filled(&folder);
    let good = results(&server);
    let plain = folder.plain(&at(server.port()));
    let other = plain.replacen("first", "fisrt", 1);
    let bomb = plain + &" ".repeat(16 << 20);
    let poisons: [(&str, Poison<'_>); 5] = [
        ("garbage", &|_, _| b"garbage".to_vec()),
        ("another content", &|coding, _| coded(coding, other.as_bytes())),
        ("a bomb", &|coding, _| coded(coding, bomb.as_bytes())),
        ("half of it", &|_, good| good[..good.len() / 2].to_vec()),
        ("more than it", &|_, good| [good, b"more"].concat()),
    ];
    for (what, poison) in poisons {
        for (key, good) in &good {
            let poison = poison(coding_of(key), good);
            server.command(&[b"SET", key.as_bytes(), &poison[..]]).unwrap();
        }
        let worker = folder.open(&at(server.port()));
        worker.await_refined();
        let statistics = worker.statistics();
        assert_eq!((statistics.hits, statistics.refused), (0, worker.wanted()), "{what}");
        assert_eq!(worker.forms(), forms, "{what}");
        assert_eq!(results(&server), good, "{what}");
    }
}

#[test]
fn what_is_no_value_at_all_is_replaced() {
    let folder = Folder::new();
    let (server, forms) = filled(&folder);
    let good = results(&server);
    for (key, _) in &good {
        server.command(&["DEL", key]).unwrap();
        server.command(&["HSET", key, "a", "b"]).unwrap();
    }
    let worker = folder.open(&at(server.port()));
    worker.await_refined();
    assert_eq!(worker.statistics().misses, worker.wanted());
    assert_eq!(worker.forms(), forms);
    assert_eq!(results(&server), good);
}

#[test]
fn what_another_process_is_making_is_waited_for() {
    let folder = Folder::new();
    let (server, forms) = filled(&folder);
    let good = results(&server);
    for (key, _) in &good {
        server.command(&["DEL", key]).unwrap();
        server.command(&["SET", &format!("{key}:claim"), "another"]).unwrap();
    }
    let worker = folder.open(&at(server.port()));
    until("everything is left to the other", || worker.statistics().left >= worker.wanted());
    assert_eq!(worker.statistics().misses, 0);
    for (key, value) in &good {
        server.command(&[b"SET", key.as_bytes(), value]).unwrap();
    }
    worker.await_refined();
    assert_eq!((worker.statistics().hits, worker.statistics().misses), (worker.wanted(), 0));
    assert_eq!(worker.forms(), forms);
}

#[test]
fn what_another_process_never_makes_is_made_here() {
    let folder = Folder::new();
    let (server, forms) = filled(&folder);
    for (key, _) in results(&server) {
        server.command(&["DEL", &key]).unwrap();
        server.command(&["SET", &format!("{key}:claim"), "dead"]).unwrap();
    }
    let worker = folder.open(&at(server.port()));
    until("everything is left to the other", || worker.statistics().left >= worker.wanted());
    worker.await_refined();
    assert_eq!((worker.statistics().hits, worker.statistics().misses), (0, worker.wanted()));
    assert_eq!(worker.forms(), forms);
}

#[test]
fn processes_that_see_the_same_change_share_the_work() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let workers = [(); 3].map(|()| folder.open(&at(server.port())));
    workers.iter().for_each(stage::Worker::await_refined);
    let statistics = workers.each_ref().map(stage::Worker::statistics);
    assert!(statistics.iter().all(|it| it.hits + it.misses == workers[0].wanted()));
    assert!(statistics.iter().any(|it| it.hits > 0), "{statistics:?}");
    assert_eq!(workers[1].forms(), workers[0].forms());
    assert_eq!(workers[2].forms(), workers[0].forms());
}

/// Forms as they are made without Redis.
fn made_alone(folder: &Folder) -> Vec<stage::Form> {
    let alone = folder.open_alone();
    alone.await_refined();
    alone.forms()
}

fn is_refined_alone(folder: &Folder, settings: &settings::Redis) {
    let worker = folder.open(settings);
    worker.await_refined();
    let statistics = worker.statistics();
    assert_eq!((statistics.misses, statistics.hits), (worker.wanted(), 0));
    assert_eq!((statistics.stored, statistics.not_stored), (0, worker.wanted()));
    assert_eq!(worker.forms(), made_alone(folder));
}

#[test]
fn a_server_that_is_gone_is_not_needed() {
    let folder = Folder::new();
    let mut server = RedisServer::start().unwrap();
    server.kill().unwrap();
    is_refined_alone(&folder, &at(server.port()));
}

#[test]
fn a_server_that_hangs_is_not_needed() {
    let folder = Folder::new();
    let server = RedisServer::start().unwrap();
    let worker = folder.open(&at(server.port()));
    worker.await_live();
    server.pause().unwrap();
    worker.await_refined();
    assert_eq!(worker.forms(), made_alone(&folder));
    server.resume().unwrap();
}

#[test]
fn a_server_without_room_is_not_needed() {
    let server = RedisLaunch::new().config("maxmemory 100kb").start().unwrap();
    is_refined_alone(&Folder::new(), &at(server.port()));
    assert_eq!(results(&server), []);
}

#[test]
fn who_stores_no_copies_stores_no_results() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let worker = folder.open(&settings::Redis { l2_read: L2Read::Off, ..at(server.port()) });
    worker.await_live();
    until("all forms are made", || worker.statistics().misses == worker.wanted());
    assert_eq!(results(&server), []);
}
