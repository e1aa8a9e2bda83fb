//! Users with few rights. What is missing is told of by name, once, and the rest works.

use std::cell::Cell;

use horde_model_reference::settings::{self, Host, Secret, Value};
use testkit::{RedisServer, Reply};

use crate::log;
use crate::pair::{Pair, asking};
use crate::stage::{Folder, at, copy, until};

const USER: &str = "model-reference";
const PASSWORD: &str = "PASSWORD";

/// The rules of the user that the documentation tells operators to make.
pub(crate) fn documented() -> Vec<String> {
    let documentation = include_str!("../../../../docs/operations.md");
    let line = documentation.lines().find_map(|line| line.strip_prefix("ACL SETUSER "));
    let mut words = line.unwrap().split(' ');
    assert_eq!(words.next(), Some(USER));
    words.map(str::to_owned).collect()
}

/// A server with that user, and with these rules on top.
pub(crate) fn limited(changes: &[&str]) -> (RedisServer, settings::Redis) {
    let server = RedisServer::start().unwrap();
    let rules = documented();
    let rules: Vec<_> = rules.iter().map(String::as_str).chain(changes.iter().copied()).collect();
    server.set_acl(USER, &rules).unwrap();
    let settings = as_user(at(server.port()));
    (server, settings)
}

pub(crate) fn as_user(settings: settings::Redis) -> settings::Redis {
    settings::Redis {
        host: Host::read("127.0.0.1"),
        username: Some(USER.into()),
        password: Some(Secret::new(PASSWORD)),
        ..settings
    }
}

/// What the log complains of for this server: warnings of refusals.
pub(crate) fn complaints(server: &RedisServer) -> Vec<String> {
    let lines = log::lines_with(&format!("127.0.0.1:{}", server.port()));
    lines.into_iter().filter(|line| line.starts_with("WARN")).collect()
}

/// Both workers complain of the command, and only of it, once each.
fn complains_of(server: &RedisServer, command: &str) {
    until("it is told", || complaints(server).len() >= 2);
    let complaints = complaints(server);
    assert_eq!(complaints.len(), 2, "{complaints:#?}");
    let by_name =
        |line: &String| line.contains("complaint=") && line.contains(&format!("{command}: "));
    assert!(complaints.iter().all(by_name), "{complaints:#?}");
}

#[test]
fn the_documented_rights_are_enough() {
    log::keep();
    let (server, settings) = limited(&[]);
    let pair = Pair::live(&settings);
    pair.exchange("m");
    pair.agrees(asking(&server));
    server.command(&["DEL", "horde:model_ref:category:clip"]).unwrap();
    pair.agrees(asking(&server));
    server.command(&["FLUSHALL"]).unwrap();
    pair.agrees(asking(&server));
    assert!(pair.both().iter().all(|worker| worker.redis().status().scripts));
    pair.mark_stale();
    assert_eq!(complaints(&server), [""; 0]);
    let denied = server.command(&["ACL", "LOG"]).unwrap();
    assert!(denied.items().is_empty(), "{denied:?}");
}

#[test]
fn each_documented_right_is_needed() {
    let (server, settings) = limited(&[]);
    let folder = Folder::new();
    let first = folder.open(&at(server.port()));
    until("the copy can be taken instead of the file", || {
        copy(&server).is_some() && folder.path().join(".coherence/clip.json.settled").exists()
    });
    drop(first);
    let uses_it = |right: &str, use_it: &dyn Fn()| {
        let forbidden = format!("-{right}");
        server.set_acl(USER, &["+@all", &forbidden]).unwrap();
        for command in [["ACL", "LOG", "RESET"].as_slice(), &["SCRIPT", "FLUSH"]] {
            server.command(command).unwrap();
        }
        // Whoever connects again shows whether it may.
        server.command(&["CLIENT", "KILL", "USER", USER]).unwrap();
        until(right, || {
            use_it();
            let denied = server.command(&["ACL", "LOG"]).unwrap();
            let object = |entry: &Reply| entry.field("object").and_then(Reply::text);
            denied.items().iter().any(|entry| object(entry).as_deref() == Some(right))
        });
    };
    uses_it("get", &|| drop(folder.open(&settings)));
    let worker = folder.open(&settings);
    // The rest of a connection, which is tried by those that are made.
    let connecting = ["get", "hello", "client|setname", "auth", "select", "unsubscribe"];
    // What the watcher and shared compressed forms need; neither is at work here.
    let elsewhere = ["strlen", "getrange", "expire"];
    let rights = documented();
    let rights = rights.iter().filter_map(|rule| rule.strip_prefix('+'));
    for right in rights.filter(|right| !connecting.contains(right) && !elsewhere.contains(right)) {
        let writes = Cell::new(0);
        uses_it(right, &|| {
            writes.set(writes.get() + 1);
            // Nothing is copied that is written again at once.
            if writes.get() % 16 != 1 {
                return;
            }
            worker.put(&format!("{right}-{}", writes.get()));
        });
    }
}

#[test]
fn without_the_right_to_publish_changes_are_found_by_comparing() {
    log::keep();
    let (server, settings) = limited(&["-publish"]);
    let pair = Pair::live(&settings);
    pair.find_out("m");
    pair.agrees(asking(&server));
    complains_of(&server, "PUBLISH");
}

#[test]
fn without_the_right_to_the_channels_changes_are_found_by_comparing() {
    log::keep();
    let (server, settings) = limited(&["resetchannels"]);
    let pair = Pair::over(&settings);
    until("a copy is stored", || pair.writer.counters().fills + pair.reader.counters().fills > 0);
    pair.find_out("m");
    pair.agrees(asking(&server));
    let complaints = complaints(&server);
    for words in ["PUBLISH: ", "cannot subscribe"] {
        assert!(complaints.iter().any(|line| line.contains(words)), "{complaints:#?}");
    }
    // The right comes back, and so do the news.
    server.set_acl("model-reference", &["&horde:model_ref:*"]).unwrap();
    pair.await_live();
    pair.exchange("n");
}

#[test]
fn without_the_right_to_unlink_old_copies_are_overwritten() {
    log::keep();
    let (server, settings) = limited(&["-unlink"]);
    let pair = Pair::live(&settings);
    pair.exchange("m");
    pair.agrees(asking(&server));
    complains_of(&server, "UNLINK");
}

#[test]
fn without_the_right_to_ask_for_existence_copies_are_stored_after_changes() {
    log::keep();
    let (server, settings) = limited(&["-exists"]);
    let pair = Pair::live(&settings);
    pair.exchange("m");
    pair.agrees(asking(&server));
    complains_of(&server, "EXISTS");
}

#[test]
fn without_the_right_to_set_there_are_no_copies_and_all_else() {
    log::keep();
    let (server, settings) = limited(&["-set"]);
    let pair = Pair::live(&settings);
    pair.exchange("m");
    pair.is_recorded("horde:model_ref", asking(&server));
    until("it is told", || complaints(&server).len() >= 2);
    let complaints = complaints(&server);
    assert!(complaints.iter().all(|line| line.contains(" SET: ")), "{complaints:#?}");
}
