//! A cluster of three primaries: all keys in one slot, which moves and fails over, with news on plain
//! channels and on that of the slot's shard.

use std::sync::atomic::{AtomicBool, Ordering};

use horde_model_reference::settings::{self, NodeList, RedisMode, Secret, Value};
use testkit::{RedisCluster, RedisLaunch, eventually};

use crate::pair::Pair;
use crate::stage::{SOON, until};

const PREFIX: &str = "{horde:model_ref}";
const RECORD: &str = "{horde:model_ref}:coh:gen";
const CHANGES: &str = "{horde:model_ref}:coh:changes";
const PASSWORD: &str = "open-sesame-7Q";

fn settings(cluster: &RedisCluster, sharded_pubsub: bool) -> settings::Redis {
    let nodes: Vec<_> = cluster.ports().iter().map(|port| format!("127.0.0.1:{port}")).collect();
    settings::Redis {
        use_redis: true,
        mode: RedisMode::Cluster,
        nodes: NodeList::read(&nodes.join(",")).unwrap(),
        password: Some(Secret::new(PASSWORD)),
        sharded_pubsub,
        ..settings::Redis::default()
    }
}

fn start(replicas: usize) -> RedisCluster {
    RedisCluster::start_with(RedisLaunch::new().password(PASSWORD), replicas).unwrap()
}

fn works(pair: &Pair, cluster: &RedisCluster, name: &str) {
    pair.exchange(name);
    let owner = || cluster.server(cluster.owner_of_key(RECORD).ok()?).ok();
    pair.agrees_under(PREFIX, |command| owner()?.command(command).ok()?.text());
}

/// Who listens to the sharded channel, over all nodes.
fn listeners(cluster: &RedisCluster) -> i64 {
    let count = |port: u16| {
        let counts =
            cluster.server(port).ok()?.command(&["PUBSUB", "SHARDNUMSUB", CHANGES]).ok()?;
        counts.items().get(1)?.integer()
    };
    cluster.ports().into_iter().filter_map(count).sum()
}

fn is_heard_where_it_should_be(pair: &Pair, cluster: &RedisCluster, sharded: bool) {
    let expected = if sharded { 2 } else { 0 };
    eventually(SOON, || match listeners(cluster) {
        count if count == expected => Ok(()),
        count => Err(count),
    })
    .unwrap();
    assert!(pair.both().iter().all(|worker| worker.redis().status().scripts));
}

/// The slot moves to another primary and back while somebody writes.
fn the_slot_moves(sharded: bool) {
    let cluster = start(0);
    let mut pair = Pair::live(&settings(&cluster, sharded));
    works(&pair, &cluster, "before");
    is_heard_where_it_should_be(&pair, &cluster, sharded);
    pair.stop_reading();
    let slot = cluster.slot_of(RECORD).unwrap();
    let from = cluster.owner_of(slot).unwrap();
    let to = cluster.ports().into_iter().find(|port| *port != from).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let mut written = 0;
            while !is_over.load(Ordering::Relaxed) {
                pair.writer.put(&format!("m{}", written % 20));
                written += 1;
            }
            written
        });
        for there in [to, from, to] {
            cluster.begin_migration(slot, there).unwrap();
            // What is stored again meanwhile has to move as well.
            while cluster
                .migrate_keys(slot, there)
                .and_then(|()| cluster.finish_migration(slot, there))
                .is_err()
            {}
        }
        is_over.store(true, Ordering::Relaxed);
        assert!(writing.join().unwrap() > 0);
    });
    pair.await_live();
    works(&pair, &cluster, "after");
    is_heard_where_it_should_be(&pair, &cluster, sharded);
    assert_eq!(cluster.owner_of(slot).unwrap(), to);
}

fn the_owner_is_killed(sharded: bool) {
    let mut cluster = start(1);
    let pair = Pair::live(&settings(&cluster, sharded));
    works(&pair, &cluster, "before");
    let owner = cluster.owner_of_key(RECORD).unwrap();
    cluster.server_mut(owner).unwrap().kill().unwrap();
    pair.writer.put("meanwhile");
    cluster.await_settled().unwrap();
    until("what nobody announced is there", || pair.reader.shows("meanwhile"));
    pair.await_live();
    works(&pair, &cluster, "after");
    is_heard_where_it_should_be(&pair, &cluster, sharded);
}

fn roles_change_while_all_are_well(sharded: bool) {
    let cluster = start(1);
    let pair = Pair::live(&settings(&cluster, sharded));
    works(&pair, &cluster, "before");
    let owner = cluster.owner_of_key(RECORD).unwrap();
    cluster.failover(cluster.replica_of(owner).unwrap()).unwrap();
    pair.await_live();
    works(&pair, &cluster, "after");
    is_heard_where_it_should_be(&pair, &cluster, sharded);
}

#[test]
fn all_keys_lie_in_one_slot() {
    let cluster = start(0);
    let pair = Pair::live(&settings(&cluster, false));
    works(&pair, &cluster, "m");
    let owner = cluster.owner_of_key(RECORD).unwrap();
    for port in cluster.ports() {
        let keys = cluster.server(port).unwrap().command(&["KEYS", "*"]).unwrap();
        let all_ours =
            keys.items().iter().all(|key| key.text().is_some_and(|key| key.starts_with(PREFIX)));
        assert!(all_ours && keys.items().is_empty() == (port != owner), "{port}: {keys:?}");
    }
}

#[test]
fn the_slot_moves_under_writes() {
    the_slot_moves(false);
}

#[test]
fn the_slot_moves_under_writes_and_its_channel_too() {
    the_slot_moves(true);
}

#[test]
fn a_killed_owner_is_left_for_its_replica() {
    the_owner_is_killed(false);
}

#[test]
fn a_killed_owner_is_left_for_its_replica_by_the_channel_too() {
    the_owner_is_killed(true);
}

#[test]
fn roles_change() {
    roles_change_while_all_are_well(false);
}

#[test]
fn roles_change_and_the_channel_follows() {
    roles_change_while_all_are_well(true);
}
