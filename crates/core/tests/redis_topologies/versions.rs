//! Other servers than that of the system: an older Redis, and Valkey. Nothing is tried where none was
//! set up.

use std::path::Path;

use testkit::{RedisLaunch, RedisServer, other_redis_servers};

use crate::pair::{Pair, asking};
use crate::rights::{as_user, documented};
use crate::stage::{at, until};

fn others(check: impl Fn(&RedisServer)) {
    let start = |executable: &Path| RedisLaunch::new().executable(executable).start().unwrap();
    other_redis_servers().iter().for_each(|executable| check(&start(executable)));
}

#[test]
fn news_and_copies_get_through_and_are_repaired() {
    others(|server| {
        let pair = Pair::live(&at(server.port()));
        pair.exchange("m");
        pair.agrees(asking(server));
        server.command(&["FLUSHALL"]).unwrap();
        pair.agrees(asking(server));
        server.command(&["SCRIPT", "FLUSH"]).unwrap();
        pair.exchange("n");
        pair.agrees(asking(server));
    });
}

#[test]
fn the_documented_rights_are_enough() {
    others(|server| {
        let rules = documented();
        let rules: Vec<_> = rules.iter().map(String::as_str).collect();
        server.set_acl("model-reference", &rules).unwrap();
        let pair = Pair::live(&as_user(at(server.port())));
        pair.exchange("m");
        pair.agrees(asking(server));
        let denied = server.command(&["ACL", "LOG"]).unwrap();
        assert!(denied.items().is_empty(), "{denied:?}");
    });
}

#[test]
fn transactions_stand_in_for_scripts() {
    others(|server| {
        let rules = documented();
        let without = ["-eval", "-evalsha", "+watch", "+multi", "+exec", "+unwatch"];
        let rules: Vec<_> = rules.iter().map(String::as_str).chain(without).collect();
        server.set_acl("model-reference", &rules).unwrap();
        let pair = Pair::live(&as_user(at(server.port())));
        until("scripts are refused", || {
            pair.both().iter().all(|worker| !worker.redis().status().scripts)
        });
        pair.exchange("m");
        pair.agrees(asking(server));
    });
}
