//! A Redis Cluster moves slots, changes roles, and survives the loss of a node.

use anyhow::{Context, Result, ensure};
use testkit::{RedisCluster, RedisLaunch, Reply};

const KEY: &str = "key";

fn one() -> Reply {
    Reply::Bulk(b"1".to_vec())
}

fn refusal(cluster: &RedisCluster, port: u16, command: &[&str]) -> Result<String> {
    match cluster.server(port)?.client()?.reply_to(command)? {
        Reply::Error(words) => Ok(words),
        other => anyhow::bail!("{port} answered {other:?}"),
    }
}

#[test]
fn a_slot_moves_with_its_keys() -> Result<()> {
    let cluster = RedisCluster::start_with(RedisLaunch::new().password("word"), 0)?;
    let (slot, from) = (cluster.slot_of(KEY)?, cluster.owner_of_key(KEY)?);
    let to = *cluster.ports().iter().find(|port| **port != from).context("one node only")?;
    cluster.server(from)?.command(&["SET", KEY, "1"])?;
    let moved = refusal(&cluster, to, &["GET", KEY])?;
    ensure!(moved == format!("MOVED {slot} 127.0.0.1:{from}"), "{moved}");

    cluster.begin_migration(slot, to)?;
    ensure!(cluster.server(from)?.command(&["GET", KEY])? == one());
    cluster.migrate_keys(slot, to)?;
    let asked = refusal(&cluster, from, &["GET", KEY])?;
    ensure!(asked == format!("ASK {slot} 127.0.0.1:{to}"), "{asked}");
    cluster.finish_migration(slot, to)?;
    ensure!(cluster.server(to)?.command(&["GET", KEY])? == one());
    ensure!(cluster.owner_of_key(KEY)? == to);

    cluster.migrate_slot(slot, from)?;
    ensure!(cluster.server(from)?.command(&["GET", KEY])? == one());
    Ok(())
}

#[test]
fn roles_change_when_asked_and_a_dead_primary_is_replaced() -> Result<()> {
    let mut cluster = RedisCluster::start_with_replicas()?;
    ensure!(cluster.nodes()?.iter().filter(|node| node.is_primary()).count() == 3);
    let old = cluster.owner_of_key(KEY)?;
    let mut client = cluster.server(old)?.client()?;
    client.command(&["SET", KEY, "1"])?;
    ensure!(client.command(&["WAIT", "1", "5000"])? == Reply::Integer(1));

    let new = cluster.replica_of(old)?;
    cluster.failover(new)?;
    ensure!(cluster.owner_of_key(KEY)? == new && cluster.replica_of(new)? == old);
    ensure!(cluster.server(new)?.command(&["GET", KEY])? == one());

    cluster.server_mut(new)?.kill()?;
    cluster.await_settled()?;
    ensure!(cluster.owner_of_key(KEY)? == old);
    ensure!(cluster.server(old)?.command(&["GET", KEY])? == one());
    cluster.server_mut(new)?.restart()?;
    cluster.await_settled()?;
    ensure!(cluster.replica_of(old)? == new);
    Ok(())
}
