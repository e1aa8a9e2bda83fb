//! A primary with a replica, and three Sentinels that watch them.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::redis_launch::quoted;
use crate::{RedisLaunch, RedisServer, eventually};

const READY_WITHIN: Duration = Duration::from_secs(30);
const DOWN_AFTER_MS: &str = "1000";
/// A Sentinel first asks a server it has just heard of after a second, unless told to be quicker, and
/// has it for down if it may be silent no longer than that: roles would go back and forth for ever.
const DOWN_AFTER_UNLESS_QUICKER_MS: u32 = 2_500;
const FAILOVER_TIMEOUT_MS: u32 = 2_000;
/// So many Sentinels must miss the primary.
const QUORUM: usize = 2;
const SENTINELS: usize = 3;

/// The five processes. They are killed when dropped.
#[derive(Debug)]
pub struct RedisSentinels {
    // Dropped in this order, so that no failover begins while all ends.
    sentinels: Vec<RedisServer>,
    data: Vec<RedisServer>,
}

impl RedisSentinels {
    /// What the Sentinels call the primary.
    pub const PRIMARY_NAME: &str = "primary";

    /// Starts them and waits until each Sentinel knows all the others.
    pub fn start() -> Result<Self> {
        Self::start_with(RedisLaunch::new())
    }

    /// The same with data servers like `data`; the Sentinels themselves ask for no password.
    pub fn start_with(data: RedisLaunch) -> Result<Self> {
        let password = data.password_set().map(str::to_owned);
        let mut data =
            data.config("repl-diskless-sync-delay 0").config("repl-ping-replica-period 1");
        if let Some(password) = &password {
            data = data.config(format!("masterauth {}", quoted(password)));
        }
        let primary = data.clone().start()?;
        let replica = data.config(format!("replicaof 127.0.0.1 {}", primary.port())).start()?;
        await_replication(&replica)?;

        let watching = watch(primary.port(), password.as_deref());
        let sentinels =
            (0..SENTINELS).map(|_| start_sentinel(watching.clone())).collect::<Result<Vec<_>>>()?;
        let started = Self { sentinels, data: vec![primary, replica] };
        started.await_acquaintance()?;
        Ok(started)
    }

    /// Where the Sentinels listen.
    pub fn sentinel_ports(&self) -> Vec<u16> {
        self.sentinels.iter().map(RedisServer::port).collect()
    }

    /// The Sentinels, to be paused or killed.
    pub fn sentinels_mut(&mut self) -> &mut [RedisServer] {
        &mut self.sentinels
    }

    /// The port of the primary as at least a quorum of the Sentinels says now.
    pub fn primary_port(&self) -> Result<u16> {
        let votes: Vec<u16> = self.sentinels.iter().filter_map(|one| voted(one).ok()).collect();
        let agreed =
            votes.iter().find(|port| votes.iter().filter(|vote| vote == port).count() >= QUORUM);
        agreed.copied().with_context(|| format!("the Sentinels say {votes:?}"))
    }

    /// The server that the Sentinels call the primary now; it may be dead or paused.
    pub fn primary(&self) -> Result<&RedisServer> {
        self.server(self.primary_port()?)
    }

    /// The same, to be killed or started again.
    pub fn primary_mut(&mut self) -> Result<&mut RedisServer> {
        let port = self.primary_port()?;
        self.server_mut(port)
    }

    /// The data server at `port`, primary or not.
    pub fn server(&self, port: u16) -> Result<&RedisServer> {
        self.data.iter().find(|server| server.port() == port).context("no such data server")
    }

    /// The same, to be killed or started again.
    pub fn server_mut(&mut self, port: u16) -> Result<&mut RedisServer> {
        self.data.iter_mut().find(|server| server.port() == port).context("no such data server")
    }

    /// Asks for a change of roles without anything having failed, and returns at once.
    pub fn begin_failover(&self) -> Result<()> {
        let sentinel = self.sentinels.first().context("no Sentinel")?;
        sentinel.command(&["SENTINEL", "FAILOVER", Self::PRIMARY_NAME]).map(|_| ())
    }

    /// Waits until a quorum names another primary than `old` and that one agrees; returns its port.
    pub fn await_other_primary(&self, old: u16, within: Duration) -> Result<u16> {
        let found = eventually(within, || {
            let port = self.primary_port()?;
            ensure!(port != old, "{old} is still the primary");
            let role = self.server(port)?.info("replication", "role")?;
            ensure!(role == "master", "{port} is to become the primary and is a {role}");
            Ok(port)
        });
        found.with_context(|| self.logs())
    }

    /// Waits until the server at `port`, back from a failure, is a replica in step with the primary.
    pub fn await_replica(&self, port: u16) -> Result<()> {
        await_replication(self.server(port)?).with_context(|| self.logs())
    }

    /// What the Sentinels logged.
    fn logs(&self) -> String {
        self.sentinels.iter().map(RedisServer::log).collect::<Vec<_>>().join("\n")
    }

    fn await_acquaintance(&self) -> Result<()> {
        eventually(READY_WITHIN, || {
            for sentinel in &self.sentinels {
                let view = sentinel.command(&["SENTINEL", "MASTER", Self::PRIMARY_NAME])?;
                let known = |field| view.field(field).and_then(crate::Reply::text);
                let (others, replicas) = (known("num-other-sentinels"), known("num-slaves"));
                if others.as_deref() != Some("2") || replicas.as_deref() != Some("1") {
                    bail!("a Sentinel knows {others:?} others and {replicas:?} replicas");
                }
            }
            Ok(())
        })
    }
}

fn watch(port: u16, password: Option<&str>) -> RedisLaunch {
    let name = RedisSentinels::PRIMARY_NAME;
    let mut launch = RedisLaunch::new()
        .sentinel()
        .config(format!("sentinel monitor {name} 127.0.0.1 {port} {QUORUM}"))
        .config(format!("sentinel down-after-milliseconds {name} {DOWN_AFTER_UNLESS_QUICKER_MS}"))
        .config(format!("sentinel failover-timeout {name} {FAILOVER_TIMEOUT_MS}"))
        .config(format!("sentinel parallel-syncs {name} 1"));
    if let Some(password) = password {
        launch = launch.config(format!("sentinel auth-pass {name} {}", quoted(password)));
    }
    launch
}

fn start_sentinel(launch: RedisLaunch) -> Result<RedisServer> {
    let sentinel = launch.start()?;
    let quicker = [
        // A replica is chosen only if it was heard of within five of these, and it is asked once a
        // second.
        ("ping-period", "300"),
        ("publish-period", "200"),
        ("info-period", "500"),
        ("ask-period", "200"),
    ];
    for (period, milliseconds) in quicker {
        if sentinel.command(&["SENTINEL", "DEBUG", period, milliseconds]).is_err() {
            // Servers before 7.0 do not know it: with them everything takes a few seconds longer.
            return Ok(sentinel);
        }
    }
    let name = RedisSentinels::PRIMARY_NAME;
    sentinel.command(&["SENTINEL", "SET", name, "down-after-milliseconds", DOWN_AFTER_MS])?;
    Ok(sentinel)
}

fn voted(sentinel: &RedisServer) -> Result<u16> {
    // One that is paused must not hold up the question.
    let mut client = sentinel.client_within(Duration::from_millis(500))?;
    let name = RedisSentinels::PRIMARY_NAME;
    let address = client.command(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name])?;
    let port = address.items().get(1).and_then(crate::Reply::text).context("no port")?;
    Ok(port.parse()?)
}

fn await_replication(replica: &RedisServer) -> Result<()> {
    eventually(READY_WITHIN, || {
        let link = replica.info("replication", "master_link_status")?;
        ensure!(link == "up", "the replica's link is {link}");
        Ok(())
    })
}
