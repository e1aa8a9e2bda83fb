//! Servers and users that run no scripts: transactions do their work, until scripts are back.

use testkit::RedisLaunch;

use crate::log;
use crate::pair::{Pair, asking};
use crate::rights::{complaints, limited};
use crate::stage::{at, until};

/// What transactions take instead.
pub(crate) const INSTEAD: [&str; 6] =
    ["-eval", "-evalsha", "+watch", "+multi", "+exec", "+unwatch"];

fn is_scriptless(pair: &Pair) -> bool {
    pair.both().iter().all(|worker| !worker.redis().status().scripts)
}

#[test]
fn a_user_without_scripts_announces_and_stores_by_transactions() {
    log::keep();
    let (server, settings) = limited(&INSTEAD);
    let pair = Pair::live(&settings);
    until("scripts are refused", || is_scriptless(&pair));
    pair.exchange("m");
    pair.agrees(asking(&server));
    server.command(&["DEL", "horde:model_ref:category:clip"]).unwrap();
    pair.agrees(asking(&server));
    server.command(&["FLUSHALL"]).unwrap();
    pair.agrees(asking(&server));
    pair.mark_stale();
    pair.agrees(asking(&server));
    // Each worker tells that scripts are refused and what is done, and no more.
    let complaints = complaints(&server);
    assert_eq!(complaints.len(), 4, "{complaints:#?}");
}

#[test]
fn a_server_without_scripts_is_as_good() {
    let server = RedisLaunch::new()
        .config("rename-command EVAL \"\"")
        .config("rename-command EVALSHA \"\"")
        .start()
        .unwrap();
    let pair = Pair::live(&at(server.port()));
    until("scripts are refused", || is_scriptless(&pair));
    pair.exchange("m");
    pair.agrees(asking(&server));
}

#[test]
fn two_who_write_at_once_without_scripts_lose_nothing() {
    let (server, settings) = limited(&INSTEAD);
    let mut pair = Pair::live(&settings);
    pair.stop_reading();
    let rounds = 25;
    std::thread::scope(|scope| {
        for (worker, who) in pair.both().into_iter().zip(["a", "b"]) {
            scope.spawn(move || {
                for round in 0..rounds {
                    worker.put(&format!("{who}{round}"));
                }
            });
        }
    });
    let count = 1 + 2 * rounds;
    until("both have all", || pair.both().iter().all(|worker| worker.names().len() == count));
    pair.agrees(asking(&server));
    assert!(is_scriptless(&pair));
}

#[test]
fn scripts_are_used_again_after_a_new_connection() {
    let (server, settings) = limited(&INSTEAD);
    let pair = Pair::live(&settings);
    until("scripts are refused", || is_scriptless(&pair));
    server.set_acl("model-reference", &["+eval", "+evalsha", "-watch", "-multi"]).unwrap();
    server.command(&["CLIENT", "KILL", "USER", "model-reference"]).unwrap();
    until("scripts are used", || pair.both().iter().all(|worker| worker.redis().status().scripts));
    pair.await_live();
    pair.exchange("m");
    pair.agrees(asking(&server));
    // And the other way round.
    server.set_acl("model-reference", &INSTEAD).unwrap();
    pair.exchange("n");
    until("scripts are refused", || is_scriptless(&pair));
    pair.agrees(asking(&server));
}

#[test]
fn without_scripts_single_rights_may_be_missing_too() {
    log::keep();
    let (server, settings) = limited(&[&INSTEAD[..], &["-unlink", "-publish", "-exists"]].concat());
    let pair = Pair::live(&settings);
    pair.find_out("m");
    pair.agrees(asking(&server));
    let complaints = complaints(&server);
    for command in ["UNLINK", "PUBLISH", "EXISTS"] {
        let words = format!("{command}: ");
        let told = complaints.iter().filter(|line| line.contains(&words)).count();
        assert!((1..=2).contains(&told), "{command}: {complaints:#?}");
    }
}

#[test]
fn without_scripts_and_transactions_files_are_enough() {
    let (_server, settings) = limited(&["-eval", "-evalsha"]);
    let pair = Pair::live(&settings);
    pair.writer.put("m");
    assert!(pair.writer.shows("m"));
    assert_eq!(pair.writer.counters().announced, 0);
}
