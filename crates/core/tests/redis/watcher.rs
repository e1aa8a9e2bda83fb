//! The watcher against a real server: what others leave there is found, and removed where it misleads.

use std::time::Duration;

use horde_model_reference::json::Style;
use horde_model_reference::watcher::Verdict;
use horde_model_reference::{Json, Options, settings};
use testkit::{RedisServer, eventually};

use crate::stage::{COPY, Folder, RECORD, Worker, at, copy, records, with_comparisons_every};

/// Longer than the oldest age.
const SOON: Duration = Duration::from_secs(30);

fn watching(folder: &Folder, settings: &settings::Redis) -> Worker {
    let worker = folder.open_with(settings, Options { watch: true, ..Options::default() });
    worker.await_live();
    worker
}

fn total(worker: &Worker, verdict: Verdict) -> u64 {
    worker.primary.checks().unwrap().total(verdict)
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    eventually(SOON, || if is_so() { Ok(()) } else { Err(what.to_owned()) }).unwrap();
}

/// Writes, and waits for the copy.
fn put_and_copy(worker: &Worker, server: &RedisServer, name: &str) {
    worker.put(name);
    let quoted = format!("\"{name}\"");
    until("the copy is there", || copy(server).is_some_and(|copy| copy.contains(&quoted)));
}

#[test]
fn a_copy_of_an_older_content_is_found_and_removed() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let worker = watching(&folder, &at(server.port()));
    put_and_copy(&worker, &server, "m");
    server.command(&["SET", COPY, &records(&["first"])]).unwrap();
    until("it is found", || total(&worker, Verdict::CopyStale) > 0);
    assert!(worker.counters().stale_removed > 0);
    until("it is replaced", || copy(&server).is_some_and(|copy| copy.contains("\"m\"")));
    assert_eq!(total(&worker, Verdict::L1Old), 0);
}

#[test]
fn the_same_without_scripts() {
    let server = RedisServer::start().unwrap();
    server.set_acl("default", &["-eval", "-evalsha"]).unwrap();
    let folder = Folder::new();
    let worker = watching(&folder, &at(server.port()));
    put_and_copy(&worker, &server, "m");
    server.command(&["SET", COPY, &records(&["first"])]).unwrap();
    until("it is removed", || worker.counters().stale_removed > 0);
    assert_eq!(copy(&server), None);
    assert!(!worker.redis().status().scripts);
}

#[test]
fn a_copy_in_another_format_is_told_and_stays() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let worker = watching(&folder, &at(server.port()));
    put_and_copy(&worker, &server, "m");
    let ours = copy(&server).unwrap();
    let theirs = Json::parse(ours.as_bytes()).unwrap().to_text(Style::COMPACT);
    assert_ne!(ours, theirs);
    server.command(&["SET", COPY, &theirs]).unwrap();
    until("it is found", || total(&worker, Verdict::CopyForeign) > 0);
    assert_eq!(copy(&server), Some(theirs));
    assert_eq!((total(&worker, Verdict::CopyStale), worker.counters().stale_removed), (0, 0));
}

#[test]
fn a_record_that_was_lost_is_found() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    // Nobody repairs it meanwhile.
    let worker = watching(&folder, &with_comparisons_every(600_000, at(server.port())));
    put_and_copy(&worker, &server, "m");
    server.command(&["HDEL", RECORD, "v2/clip"]).unwrap();
    until("it is found", || total(&worker, Verdict::RecordOld) > 0);
}

#[test]
fn nothing_is_found_where_all_is_well() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let worker = watching(&folder, &at(server.port()));
    put_and_copy(&worker, &server, "m");
    until("it is checked twice", || {
        let checks = worker.primary.checks().unwrap();
        (0..2).all(|age| checks.count(age, Verdict::Agree) > 0)
    });
    for verdict in [Verdict::L1Old, Verdict::CopyForeign, Verdict::CopyStale] {
        assert_eq!(total(&worker, verdict), 0, "{verdict:?}");
    }
}
