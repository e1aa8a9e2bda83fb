//! Servers behind Sentinels, who say which of them is the primary.

use std::time::Duration;

use horde_model_reference::settings::{self, NodeList, RedisMode, Secret, Value};
use testkit::{RedisClient, RedisLaunch, RedisSentinels};

use crate::pair::Pair;
use crate::stage::until;

const FAILOVER_WITHIN: Duration = Duration::from_secs(20);
const PASSWORD: &str = "open-sesame-7Q";

fn settings(sentinels: &RedisSentinels) -> settings::Redis {
    let nodes: Vec<_> =
        sentinels.sentinel_ports().iter().map(|port| format!("127.0.0.1:{port}")).collect();
    settings::Redis {
        use_redis: true,
        mode: RedisMode::Sentinel,
        nodes: NodeList::read(&nodes.join(",")).unwrap(),
        sentinel_service: RedisSentinels::PRIMARY_NAME.into(),
        password: Some(Secret::new(PASSWORD)),
        ..settings::Redis::default()
    }
}

fn start() -> RedisSentinels {
    RedisSentinels::start_with(RedisLaunch::new().password(PASSWORD)).unwrap()
}

fn works(pair: &Pair, sentinels: &RedisSentinels, name: &str) {
    pair.exchange(name);
    pair.agrees(|command| sentinels.primary().ok()?.command(command).ok()?.text());
}

/// Without this a write that is under way at the moment may still reach the one that is gone.
fn have_left(pair: &Pair, gaps: [u64; 2]) {
    until("both subscriptions ended", || {
        pair.both().iter().zip(gaps).all(|(worker, gaps)| worker.counters().gaps > gaps)
    });
    pair.await_live();
}

fn gaps(pair: &Pair) -> [u64; 2] {
    pair.both().map(|worker| worker.counters().gaps)
}

#[test]
fn a_killed_primary_is_left_for_the_next_one() {
    let mut sentinels = start();
    let pair = Pair::live(&settings(&sentinels));
    works(&pair, &sentinels, "before");
    let (old, gaps) = (sentinels.primary_port().unwrap(), gaps(&pair));
    sentinels.server_mut(old).unwrap().kill().unwrap();
    pair.writer.put("meanwhile");
    sentinels.await_other_primary(old, FAILOVER_WITHIN).unwrap();
    have_left(&pair, gaps);
    until("what nobody announced is there", || pair.reader.shows("meanwhile"));
    works(&pair, &sentinels, "after");
    // The old one comes back, as a replica, and nothing goes there.
    sentinels.server_mut(old).unwrap().restart().unwrap();
    sentinels.await_replica(old).unwrap();
    works(&pair, &sentinels, "with both");
}

#[test]
fn a_frozen_primary_is_left_and_not_returned_to() {
    let sentinels = start();
    let pair = Pair::live(&settings(&sentinels));
    works(&pair, &sentinels, "before");
    let (old, gaps) = (sentinels.primary_port().unwrap(), gaps(&pair));
    sentinels.server(old).unwrap().pause().unwrap();
    pair.writer.put("meanwhile");
    sentinels.await_other_primary(old, FAILOVER_WITHIN).unwrap();
    have_left(&pair, gaps);
    until("what nobody announced is there", || pair.reader.shows("meanwhile"));
    works(&pair, &sentinels, "after");
    sentinels.server(old).unwrap().resume().unwrap();
    sentinels.await_replica(old).unwrap();
    works(&pair, &sentinels, "with both");
}

#[test]
fn roles_change_while_all_are_well() {
    let sentinels = start();
    let pair = Pair::live(&settings(&sentinels));
    let (old, gaps) = (sentinels.primary_port().unwrap(), gaps(&pair));
    sentinels.begin_failover().unwrap();
    sentinels.await_other_primary(old, FAILOVER_WITHIN).unwrap();
    have_left(&pair, gaps);
    works(&pair, &sentinels, "after");
}

#[test]
fn a_frozen_sentinel_keeps_nobody_waiting() {
    let mut sentinels = start();
    let settings = settings(&sentinels);
    let pair = Pair::live(&settings);
    sentinels.sentinels_mut()[0].pause().unwrap();
    works(&pair, &sentinels, "before");
    let (old, gaps) = (sentinels.primary_port().unwrap(), gaps(&pair));
    sentinels.server_mut(old).unwrap().kill().unwrap();
    sentinels.await_other_primary(old, FAILOVER_WITHIN).unwrap();
    have_left(&pair, gaps);
    works(&pair, &sentinels, "after");
    // Nor somebody who has never spoken to it.
    let newcomers = Pair::live(&settings::Redis { key_prefix: "other".into(), ..settings });
    newcomers.exchange("m");
}

/// How many connections a server has accepted since its start.
fn accepted(server: &mut RedisClient) -> u64 {
    let info = server.command(&["INFO", "stats"]).unwrap().text().unwrap();
    let name = "total_connections_received:";
    let count = info.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    count.trim().parse().unwrap()
}

#[test]
fn asking_for_the_primary_takes_no_new_connections() {
    let sentinels = start();
    let pair = Pair::live(&settings(&sentinels));
    let connect = |port: u16| RedisClient::connect(([127, 0, 0, 1], port).into()).unwrap();
    let mut clients: Vec<_> = sentinels.sentinel_ports().into_iter().map(connect).collect();
    let primary = connect(sentinels.primary_port().unwrap());
    clients.push(primary);
    clients.last_mut().unwrap().command(&["AUTH", PASSWORD]).unwrap();
    // Sentinels are asked about as often as everything is compared.
    let several_are_asked = || {
        let compared = pair.reader.counters().comparisons;
        until("it was compared", || pair.reader.counters().comparisons >= compared + 5);
    };
    // After this each has been asked once.
    several_are_asked();
    let before: Vec<_> = clients.iter_mut().map(accepted).collect();
    several_are_asked();
    assert_eq!(clients.iter_mut().map(accepted).collect::<Vec<_>>(), before);
    works(&pair, &sentinels, "after");
}
