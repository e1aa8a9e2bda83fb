//! Sentinels choose another primary when theirs is gone, hangs, or is asked to step down.

use std::time::Duration;

use anyhow::{Result, ensure};
use testkit::{RedisClient, RedisLaunch, RedisSentinels, Reply};

const FAILED_OVER_WITHIN: Duration = Duration::from_secs(20);

fn written_and_replicated(sentinels: &RedisSentinels) -> Result<()> {
    let mut client = sentinels.primary()?.client()?;
    client.command(&["SET", "key", "1"])?;
    ensure!(client.command(&["WAIT", "1", "5000"])? == Reply::Integer(1));
    Ok(())
}

#[test]
fn a_killed_primary_is_replaced_and_comes_back_as_a_replica() -> Result<()> {
    let mut sentinels = RedisSentinels::start()?;
    written_and_replicated(&sentinels)?;
    let old = sentinels.primary_port()?;
    sentinels.primary_mut()?.kill()?;
    let new = sentinels.await_other_primary(old, FAILED_OVER_WITHIN)?;
    ensure!(sentinels.server(new)?.command(&["GET", "key"])? == Reply::Bulk(b"1".to_vec()));
    sentinels.server_mut(old)?.restart()?;
    sentinels.await_replica(old)
}

#[test]
fn a_paused_primary_is_replaced() -> Result<()> {
    let sentinels = RedisSentinels::start_with(RedisLaunch::new().password("word"))?;
    written_and_replicated(&sentinels)?;
    let old = sentinels.primary_port()?;
    sentinels.primary()?.pause()?;
    sentinels.await_other_primary(old, FAILED_OVER_WITHIN)?;
    sentinels.server(old)?.resume()?;
    sentinels.await_replica(old)
}

#[test]
fn roles_change_when_asked_and_every_sentinel_can_be_asked() -> Result<()> {
    let sentinels = RedisSentinels::start()?;
    let old = sentinels.primary_port()?;
    sentinels.begin_failover()?;
    let new = sentinels.await_other_primary(old, FAILED_OVER_WITHIN)?;
    sentinels.await_replica(old)?;
    ensure!(sentinels.sentinel_ports().len() == 3);
    for port in sentinels.sentinel_ports() {
        let mut client = RedisClient::connect(([127, 0, 0, 1], port).into())?;
        let name = RedisSentinels::PRIMARY_NAME;
        testkit::eventually(FAILED_OVER_WITHIN, || {
            let address = client.command(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name])?;
            ensure!(address.items()[1].text() == Some(new.to_string()), "{address:?}");
            Ok(())
        })?;
    }
    Ok(())
}
