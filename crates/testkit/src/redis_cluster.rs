//! A real Redis Cluster of three primaries, with or without a replica for each.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::redis_launch::quoted;
use crate::{ClusterNode, RedisClient, RedisLaunch, RedisServer, Reply, eventually};

const PRIMARIES: usize = 3;
const SLOTS: usize = 16_384;
const NODE_TIMEOUT_MS: u32 = 1_000;
/// How long the nodes may take to agree.
const SETTLED_WITHIN: Duration = Duration::from_secs(30);
const MIGRATE_TIMEOUT_MS: &str = "5000";
/// How long a node may take to say how it sees the others; one that is paused never does.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);

/// The nodes. They are killed when dropped.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
    password: Option<String>,
}

impl RedisCluster {
    /// Starts three primaries.
    pub fn start() -> Result<Self> {
        Self::start_with(RedisLaunch::new(), 0)
    }

    /// Starts three primaries and a replica for each.
    pub fn start_with_replicas() -> Result<Self> {
        Self::start_with(RedisLaunch::new(), 1)
    }

    /// Starts three primaries like `node` and so many replicas for each, and waits until all agree.
    pub fn start_with(node: RedisLaunch, replicas: usize) -> Result<Self> {
        let password = node.password_set().map(str::to_owned);
        let mut node = node
            .config("cluster-enabled yes")
            .config("cluster-config-file nodes.conf")
            .config(format!("cluster-node-timeout {NODE_TIMEOUT_MS}"))
            // A replica stands in however old its data is: in tests nobody waits for it to be fresh.
            .config("cluster-replica-validity-factor 0")
            .config("cluster-allow-replica-migration no")
            .config("repl-diskless-sync-delay 0");
        if let Some(password) = &password {
            node = node.config(format!("masterauth {}", quoted(password)));
        }
        let count = PRIMARIES * (1 + replicas);
        let nodes = (0..count).map(|_| node.clone().start()).collect::<Result<Vec<_>>>()?;
        let cluster = Self { nodes, password };
        cluster.introduce()?;
        cluster.make_replicas()?;
        cluster.await_settled()?;
        Ok(cluster)
    }

    /// The ports of all nodes, the first primaries first.
    pub fn ports(&self) -> Vec<u16> {
        self.nodes.iter().map(RedisServer::port).collect()
    }

    /// The node at `port`.
    pub fn server(&self, port: u16) -> Result<&RedisServer> {
        self.nodes.iter().find(|node| node.port() == port).context("no such node")
    }

    /// The same, to be killed or started again.
    pub fn server_mut(&mut self, port: u16) -> Result<&mut RedisServer> {
        self.nodes.iter_mut().find(|node| node.port() == port).context("no such node")
    }

    /// The nodes as the first one that answers sees them.
    pub fn nodes(&self) -> Result<Vec<ClusterNode>> {
        self.nodes.iter().find_map(|node| view_of(node).ok()).context("no node answers")
    }

    /// The slot of a key.
    pub fn slot_of(&self, key: &str) -> Result<u16> {
        let asked = |node: &RedisServer| quick(node)?.command(&["CLUSTER", "KEYSLOT", key]);
        let slot =
            self.nodes.iter().find_map(|node| asked(node).ok()).context("no node answers")?;
        Ok(u16::try_from(slot.integer().context("no slot")?)?)
    }

    /// The port of the primary that owns a slot.
    pub fn owner_of(&self, slot: u16) -> Result<u16> {
        let owner = self.nodes()?.into_iter().find(|node| node.owns(slot));
        Ok(owner.with_context(|| format!("nobody owns slot {slot}"))?.port)
    }

    /// The port of the primary that owns the slot of a key.
    pub fn owner_of_key(&self, key: &str) -> Result<u16> {
        self.owner_of(self.slot_of(key)?)
    }

    /// The port of a replica of the primary at `primary`.
    pub fn replica_of(&self, primary: u16) -> Result<u16> {
        let nodes = self.nodes()?;
        let id = &named(&nodes, primary)?.id;
        let replica = nodes.iter().find(|node| node.primary_id.as_ref() == Some(id));
        Ok(replica.with_context(|| format!("{primary} has no replica"))?.port)
    }

    /// Moves a slot with its keys to another primary; afterwards all nodes know it.
    pub fn migrate_slot(&self, slot: u16, to: u16) -> Result<()> {
        self.begin_migration(slot, to)?;
        self.migrate_keys(slot, to)?;
        self.finish_migration(slot, to)
    }

    /// Announces that a slot moves: its owner now answers for missing keys with ASK.
    pub fn begin_migration(&self, slot: u16, to: u16) -> Result<()> {
        let (nodes, from) = (self.nodes()?, self.owner_of(slot)?);
        ensure!(from != to, "slot {slot} is there already");
        let slot = slot.to_string();
        let (from_id, to_id) = (&named(&nodes, from)?.id, &named(&nodes, to)?.id);
        self.server(to)?.command(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", from_id])?;
        self.server(from)?.command(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", to_id])?;
        Ok(())
    }

    /// Moves the keys that a slot on its way has by now.
    pub fn migrate_keys(&self, slot: u16, to: u16) -> Result<()> {
        let (mut from, slot) = (self.server(self.owner_of(slot)?)?.client()?, slot.to_string());
        let to = to.to_string();
        loop {
            let keys = from.command(&["CLUSTER", "GETKEYSINSLOT", &slot, "100"])?;
            let keys: Vec<&Vec<u8>> = keys.items().iter().filter_map(bytes).collect();
            if keys.is_empty() {
                return Ok(());
            }
            let mut command: Vec<&[u8]> = vec![b"MIGRATE", b"127.0.0.1", to.as_bytes(), b"", b"0"];
            command.push(MIGRATE_TIMEOUT_MS.as_bytes());
            if let Some(password) = &self.password {
                command.extend([b"AUTH".as_slice(), password.as_bytes()]);
            }
            command.push(b"KEYS");
            command.extend(keys.iter().map(|key| key.as_slice()));
            from.command(&command)?;
        }
    }

    /// Hands a slot without keys over, and tells all nodes.
    pub fn finish_migration(&self, slot: u16, to: u16) -> Result<()> {
        let to_id = named(&self.nodes()?, to)?.id.clone();
        let (from, number) = (self.owner_of(slot)?, slot.to_string());
        let command = ["CLUSTER", "SETSLOT", &number, "NODE", &to_id];
        // The new owner must know first, or the slot would be nobody's for a moment.
        for port in [to, from] {
            self.server(port)?.command(&command)?;
        }
        self.await_everywhere(|nodes| {
            ensure!(named(nodes, to)?.owns(slot), "slot {slot} is not at {to} yet");
            Ok(())
        })
    }

    /// Makes the replica at `replica` the primary while all are well; returns when all know it.
    pub fn failover(&self, replica: u16) -> Result<()> {
        self.server(replica)?.command(&["CLUSTER", "FAILOVER"])?;
        self.await_everywhere(|nodes| {
            ensure!(named(nodes, replica)?.is_primary(), "{replica} is not a primary yet");
            Ok(())
        })?;
        self.await_settled()
    }

    /// Waits until every slot has an owner that answers, every replica is in step, and all nodes that
    /// answer agree; nodes that are dead or paused are left out.
    pub fn await_settled(&self) -> Result<()> {
        eventually(SETTLED_WITHIN, || {
            let views = self.views()?;
            for (node, view) in &views {
                ensure!(agreed(view) == agreed(&views[0].1), "{} disagrees", node.port());
                ensure!(view.len() == self.nodes.len(), "{} knows {}", node.port(), view.len());
                complete(view)?;
                is_ready(node)?;
            }
            Ok(())
        })
    }

    fn await_everywhere(&self, check: impl Fn(&[ClusterNode]) -> Result<()>) -> Result<()> {
        eventually(SETTLED_WITHIN, || self.agree(&check))
    }

    /// Whether the check holds in the view of every node that answers.
    fn agree(&self, check: impl Fn(&[ClusterNode]) -> Result<()>) -> Result<()> {
        self.views()?.iter().try_for_each(|(_, view)| check(view))
    }

    /// The nodes that answer, and what they see.
    fn views(&self) -> Result<Vec<(&RedisServer, Vec<ClusterNode>)>> {
        let view = |node| Some((node, view_of(node).ok()?));
        let views: Vec<_> = self.nodes.iter().filter_map(view).collect();
        ensure!(!views.is_empty(), "no node answers");
        Ok(views)
    }

    /// Deals out the slots and lets the nodes meet.
    fn introduce(&self) -> Result<()> {
        for (index, node) in self.nodes.iter().enumerate() {
            // Different epochs from the start spare the nodes a round of sorting them out.
            let epoch = (index + 1).to_string();
            node.command(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch])?;
            if index < PRIMARIES {
                let slots = index * SLOTS / PRIMARIES..(index + 1) * SLOTS / PRIMARIES;
                let mut command = vec!["CLUSTER".to_owned(), "ADDSLOTS".to_owned()];
                command.extend(slots.map(|slot| slot.to_string()));
                node.command(&command)?;
            }
        }
        let (first, others) = self.nodes.split_first().context("no node")?;
        for node in others {
            first.command(&["CLUSTER", "MEET", "127.0.0.1", &node.port().to_string()])?;
        }
        self.await_everywhere(|nodes| {
            ensure!(nodes.len() == self.nodes.len(), "{} nodes are known", nodes.len());
            ensure!(nodes.iter().all(|node| !node.failing), "not all have met");
            Ok(())
        })
    }

    fn make_replicas(&self) -> Result<()> {
        let known = self.nodes()?;
        for (index, node) in self.nodes.iter().enumerate().skip(PRIMARIES) {
            let primary = &self.nodes[index % PRIMARIES];
            let id = &named(&known, primary.port())?.id;
            node.command(&["CLUSTER", "REPLICATE", id])?;
        }
        self.await_everywhere(|nodes| {
            let replicas = nodes.iter().filter(|node| !node.is_primary()).count();
            if replicas + PRIMARIES != self.nodes.len() {
                bail!("{replicas} replicas are known");
            }
            Ok(())
        })
    }
}

/// What all views should have in common.
fn agreed(view: &[ClusterNode]) -> BTreeMap<&str, (&Option<String>, &[RangeInclusive<u16>])> {
    view.iter().map(|node| (node.id.as_str(), (&node.primary_id, &node.slots[..]))).collect()
}

fn complete(view: &[ClusterNode]) -> Result<()> {
    let alive = || view.iter().filter(|node| !node.failing);
    // A primary that lost its slots to its replica is about to become one itself.
    let deposed = alive().find(|node| node.is_primary() && node.slots.is_empty());
    ensure!(deposed.is_none(), "a primary has no slots: {deposed:?}");
    let owned = |slot| alive().any(|node| node.owns(slot));
    ensure!((0..SLOTS as u16).all(owned), "a slot has no owner that answers");
    Ok(())
}

/// Whether a node takes commands and, as a replica, is in step.
fn is_ready(node: &RedisServer) -> Result<()> {
    let state = quick(node)?.command(&["CLUSTER", "INFO"])?.text().unwrap_or_default();
    ensure!(state.contains("cluster_state:ok"), "{} says {state}", node.port());
    if node.info("replication", "role")? == "slave" {
        let link = node.info("replication", "master_link_status")?;
        ensure!(link == "up", "the link of {} is {link}", node.port());
    }
    Ok(())
}

fn named(nodes: &[ClusterNode], port: u16) -> Result<&ClusterNode> {
    nodes.iter().find(|node| node.port == port).with_context(|| format!("{port} is not known"))
}

fn view_of(node: &RedisServer) -> Result<Vec<ClusterNode>> {
    let nodes = quick(node)?.command(&["CLUSTER", "NODES"])?;
    nodes.text().context("no nodes")?.lines().map(ClusterNode::parse).collect()
}

fn quick(node: &RedisServer) -> Result<RedisClient> {
    node.client_within(ANSWER_WITHIN)
}

fn bytes(reply: &Reply) -> Option<&Vec<u8>> {
    match reply {
        Reply::Bulk(bytes) => Some(bytes),
        _ => None,
    }
}
