//! The cache as a whole: freshness, warming, health, capabilities, counters, the end.

use std::sync::mpsc;

use horde_model_reference::backend::files::Files;
use horde_model_reference::backend::files::layout::Layout;
use horde_model_reference::change::WriteOptions;
use horde_model_reference::{Category, Document, Health, Options, Primary, blocking, settings};
use std::sync::Arc;
use testkit::RedisServer;

use crate::stage::{CLIP, Folder, SOON, at, by_message_only, copy, record, records, until};

#[test]
fn marking_stale_makes_everybody_look_and_calls_back() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let first = folder.open_with(&at(server.port()), by_message_only());
    let second = folder.open_with(&at(server.port()), by_message_only());
    [&first, &second].iter().for_each(|worker| worker.await_silence());
    let (called, calls) = mpsc::channel();
    let _subscription =
        first.primary.changes().call(move |category| called.send(category).unwrap());
    folder.write("clip.json", &records(&["by hand"]));
    assert!(!second.shows("by hand"));
    assert!(first.block_on(first.primary.mark_stale(CLIP)));
    assert_eq!(calls.recv_timeout(SOON).unwrap(), CLIP);
    until("it is seen here", || first.shows("by hand"));
    until("it is seen there", || second.shows("by hand"));
    until("the copy is the file's", || copy(&server).is_some_and(|copy| copy.contains("by hand")));
}

#[test]
fn a_cache_that_was_warmed_holds_everything() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    folder.write("lora.json", "{}");
    let worker = folder.open(&at(server.port()));
    worker.await_live();
    until("everything is announced", || copy(&server).is_some());
    server.command(&["DEL", crate::stage::COPY]).unwrap();
    let warmed = worker.block_on(worker.primary.warm());
    assert!(warmed.stored.contains(&Document::V2(CLIP)), "{warmed:?}");
    assert!(warmed.failed.is_empty(), "{warmed:?}");
    assert!(copy(&server).is_some());
}

#[test]
fn health_tells_of_three_parts() {
    let (mut server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let worker = folder.open(&at(server.port()));
    worker.await_live();
    let health = || worker.block_on(worker.primary.health());
    let all_well = Health { files: true, live: Some(true), redis: Some(true) };
    assert_eq!(health(), all_well);
    assert!(worker.block_on(worker.primary.is_redis_connected()));
    let statistics = worker.block_on(worker.primary.redis_statistics());
    assert!(statistics.connected && statistics.memory_used_bytes > 0, "{statistics:?}");
    assert!(statistics.total_commands > 0 && statistics.total_connections >= 3, "{statistics:?}");
    assert!(statistics.memory_used_human.ends_with(['K', 'M']), "{statistics:?}");
    server.kill().unwrap();
    until("it is noticed", || {
        health() == Health { files: true, live: Some(false), redis: Some(false) }
    });
    assert!(!worker.block_on(worker.primary.redis_statistics()).connected);
    server.restart().unwrap();
    until("all is well", || health() == all_well);
    let alone = Folder::new().open_alone();
    let nothing_else = Health { files: true, live: None, redis: None };
    assert_eq!(alone.block_on(alone.primary.health()), nothing_else);
}

#[test]
fn copies_are_no_authority() {
    let folder = Folder::new();
    let files = Arc::new(Files::new(Layout::below(folder.path())));
    let options = Options { copied: true, ..Options::default() };
    let opened = Primary::open_with_redis(files, options, None, &settings::Redis::default(), None);
    let refusal = opened.err().unwrap().to_string();
    assert!(refusal.contains("PRIMARY"), "{refusal}");
}

#[test]
fn threads_without_a_runtime_can_do_the_same() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let files = Arc::new(Files::new(Layout::below(folder.path())));
    let settings = at(server.port());
    let primary =
        blocking::Primary::open_with_redis(files, Options::default(), None, &settings, Some(60));
    let primary = primary.unwrap();
    assert_eq!(primary.categories().len(), Category::COUNT);
    assert_eq!(primary.categories_strong().len(), Category::COUNT);
    primary.update(CLIP, "m", record("m"), WriteOptions::default()).unwrap();
    assert!(!primary.needs_refresh(CLIP));
    assert!(primary.mark_stale(CLIP));
    assert!(primary.is_redis_connected() && primary.health().files);
    assert!(primary.warm().stored.contains(&Document::V2(CLIP)));
    assert!(primary.redis_statistics().keys_count > 0);
    let capabilities = primary.capabilities();
    assert!(capabilities.any_writes() && !capabilities.legacy_writes);
    assert!(capabilities.cache_warming && primary.redis().is_some());
    assert_eq!(primary.path(Document::V2(CLIP)), folder.path().join("clip.json"));
    let legacy = primary.legacy_json(CLIP, true).unwrap();
    assert!(legacy.get("m").is_some());
    assert!(primary.legacy_text(CLIP, false).is_some());
    primary.close();
    assert!(!primary.is_redis_connected());
    primary.update(CLIP, "n", record("n"), WriteOptions::default()).unwrap();
    assert!(primary.category_blocking(CLIP).view.records().unwrap().contains_key("n"));
}
