//! What follows when the server refuses a part of what is said, or all ways of saying it.

use horde_model_reference::settings::{self, NodeList, RedisMode, Value};
use testkit::{RedisCluster, RedisLaunch, RedisServer};

use crate::log;
use crate::rights::limited;
use crate::scriptless::INSTEAD;
use crate::stage::{CLIP, Folder, Worker, at, by_message_only, records, until};

const INVALIDATIONS: &str = "horde:model_ref:invalidate";

/// A reader who hears everything and looks at nothing unless it is told to, and a writer who may tell
/// processes of ours only.
fn are_told_apart(changes: &[&str], mark_stale: bool) {
    let channels = ["resetchannels", "&horde:model_ref:coh:changes"];
    let (server, as_user) = limited(&[changes, &channels].concat());
    let folder = Folder::new();
    let reader = folder.open_with(&at(server.port()), by_message_only());
    reader.await_live();
    until("a copy is stored", || reader.counters().fills > 0);
    reader.await_silence();
    let heard = reader.counters().changes_heard;
    let writer = if mark_stale {
        let writer = folder.open(&as_user);
        let clip = horde_model_reference::Document::V2(CLIP);
        until("it is connected", || writer.redis().status().is_connected);
        assert!(!writer.block_on(writer.redis().mark_stale(vec![clip])), "a part was refused");
        writer
    } else {
        // Of an edit one document is announced; a write ends with another one, which has no bare name.
        folder.write("clip.json", &records(&["first", "ours"]));
        folder.open(&as_user)
    };
    until("it was heard", || reader.counters().changes_heard > heard);
    drop(writer);
    reader.await_silence();
    assert_eq!(reader.counters().invalidations_heard, 0);
    the_next_bare_name_is_heard(&folder, &reader, &server);
}

fn the_next_bare_name_is_heard(folder: &Folder, reader: &Worker, server: &RedisServer) {
    folder.write("clip.json", &records(&["first", "theirs"]));
    assert!(!reader.shows("theirs"));
    server.command(&["PUBLISH", INVALIDATIONS, "clip"]).unwrap();
    until("the bare name was heard", || reader.counters().invalidations_heard == 1);
    until("it was looked at", || reader.shows("theirs"));
}

#[test]
fn a_bare_name_of_another_after_one_that_was_refused_is_heard() {
    are_told_apart(&[], false);
}

#[test]
fn the_same_without_scripts() {
    are_told_apart(&INSTEAD, false);
}

#[test]
fn the_same_after_documents_were_marked_stale() {
    are_told_apart(&[], true);
}

#[test]
fn the_same_after_they_were_marked_stale_without_scripts() {
    are_told_apart(&INSTEAD, true);
}

#[test]
fn a_cluster_without_scripts_is_told_of_once_and_not_asked_again() {
    log::keep();
    let node =
        RedisLaunch::new().config("rename-command EVAL \"\"").config("rename-command EVALSHA \"\"");
    let cluster = RedisCluster::start_with(node, 0).unwrap();
    let nodes: Vec<_> = cluster.ports().iter().map(|port| format!("127.0.0.1:{port}")).collect();
    let nodes = nodes.join(",");
    let settings = settings::Redis {
        use_redis: true,
        mode: RedisMode::Cluster,
        nodes: NodeList::read(&nodes).unwrap(),
        ..settings::Redis::default()
    };
    let folder = Folder::new();
    let worker = folder.open(&settings);
    worker.await_live();
    worker.put("m");
    let told = |words: &str| {
        let lines = log::lines_with(words);
        lines.iter().filter(|line| line.contains(&cluster.ports()[0].to_string())).count()
    };
    until("it is told", || told("there is no way without") > 0);
    worker.put("n");
    worker.await_silence();
    assert!(worker.shows("m") && worker.shows("n"));
    assert_eq!(told("there is no way without"), 1);
    assert_eq!(worker.counters().announced, 0);
}
