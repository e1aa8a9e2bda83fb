//! Where to connect: the only thing in which one server, a server behind Sentinels and a cluster differ.

use std::fmt;
use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use ::redis::aio::{AsyncPushSender, ConnectionLike, MultiplexedConnection, PubSub};
use ::redis::cluster::ClusterClient;
use ::redis::sentinel::SentinelClient;
use ::redis::{
    AsyncConnectionConfig, Client, ErrorKind, ProtocolVersion, RedisError, RedisResult,
    TlsCertificates, cmd,
};
use futures_util::FutureExt;
use futures_util::future::select_ok;
use tokio::sync::Mutex;

use super::clients::{certificates, client, tcp};
use super::link::Connection;
use crate::settings::redis_target::{Node, Target, Topology};

/// How much longer than a connection to one server it may take to find out who is the primary, or
/// which node holds what.
const DETOUR: u32 = 4;
/// How often nodes of a cluster may refer to another one.
const REDIRECTIONS: usize = 4;

/// Where connections lead to.
pub(super) struct Server {
    target: Target,
    certificates: Option<TlsCertificates>,
    kind: Kind,
    patience: Duration,
}

/// Where a connection was last made to, if that may be another place the next time.
#[derive(Debug, Default)]
pub(super) struct Led(std::sync::Mutex<Option<String>>);

impl Led {
    /// Whether it was made to another server than this one.
    pub(super) fn is_elsewhere(&self, address: &str) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_deref()
            .is_some_and(|to| to != address)
    }

    fn note(&self, primary: Client) -> Client {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(address_of(&primary));
        primary
    }
}

fn address_of(client: &Client) -> String {
    client.get_connection_info().addr().to_string()
}

enum Kind {
    Standalone(Box<Client>),
    Sentinel {
        /// Who find the primary, and try that it is one: one for each Sentinel, locked while it is asked.
        finders: Vec<Mutex<SentinelClient>>,
        /// Where the Sentinels themselves are.
        sentinels: Vec<Client>,
        service: String,
    },
    Cluster {
        client: Box<ClusterClient>,
        nodes: Vec<Client>,
    },
}

impl Server {
    /// Reads the files that `target` names, and nothing else: whether a server is there is found out
    /// later. A connection may take `patience`.
    pub(super) fn new(target: Target, patience: Duration) -> io::Result<Self> {
        let certificates = target.tls.as_ref().map(certificates).transpose()?;
        let kind = Kind::of(&target, certificates.as_ref())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error.to_string()))?;
        Ok(Self { target, certificates, kind, patience })
    }

    pub(super) fn is_cluster(&self) -> bool {
        matches!(self.kind, Kind::Cluster { .. })
    }

    /// How long connecting may take.
    pub(super) fn patience(&self) -> Duration {
        match self.kind {
            Kind::Standalone(_) => self.patience,
            _ => self.patience * DETOUR,
        }
    }

    /// How long it may take to connect to one server and have an answer.
    pub(super) fn patience_with_one(&self) -> Duration {
        self.patience
    }

    /// A connection for commands.
    pub(super) async fn connect(&self, led: &Led) -> RedisResult<Connection> {
        Ok(match &self.kind {
            Kind::Standalone(client) => Connection::One(self.multiplexed(client).await?),
            Kind::Sentinel { .. } => {
                let primary = led.note(self.primary().await?);
                Connection::One(self.multiplexed(&primary).await?)
            }
            Kind::Cluster { client, .. } => {
                Connection::Cluster(client.get_async_connection().await?)
            }
        })
    }

    /// A connection of its own, on which something can be watched.
    pub(super) async fn connect_alone(&self) -> RedisResult<Connection> {
        if self.is_cluster() {
            let refusal = "this cluster refuses scripts, and there is no way without";
            return Err((ErrorKind::InvalidClientConfig, refusal).into());
        }
        self.connect(&Led::default()).await
    }

    /// A connection that is told of messages.
    pub(super) async fn subscribe(&self, led: &Led) -> RedisResult<PubSub> {
        match &self.kind {
            Kind::Standalone(client) => client.get_async_pubsub().await,
            Kind::Sentinel { .. } => led.note(self.primary().await?).get_async_pubsub().await,
            // A message reaches every node; any that answers will do.
            Kind::Cluster { nodes, .. } => self.subscribe_at_any(nodes).await,
        }
    }

    /// A connection to a node that carries a sharded channel, and is told of what is said there.
    pub(super) async fn subscribe_to_shard(
        &self,
        channel: &str,
        pushes: Arc<dyn AsyncPushSender>,
    ) -> RedisResult<MultiplexedConnection> {
        let nodes = &self.target.nodes;
        let first = fastrand::usize(..nodes.len());
        let mut failed = None;
        for place in 0..nodes.len() {
            let node = nodes[(first + place) % nodes.len()].clone();
            match self.subscribe_from(node, channel, &pushes).await {
                Ok(connection) => return Ok(connection),
                Err(error) => failed = Some(error),
            }
        }
        Err(failed.unwrap_or_else(timed_out))
    }

    /// Subscribes at a node, or where it says that the channel lies.
    async fn subscribe_from(
        &self,
        mut node: Node,
        channel: &str,
        pushes: &Arc<dyn AsyncPushSender>,
    ) -> RedisResult<MultiplexedConnection> {
        for _ in 0..REDIRECTIONS {
            let attempt = self.subscribe_at(&node, channel, pushes);
            let error = match tokio::time::timeout(self.patience, attempt).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(error)) => error,
                Err(_) => return Err(timed_out()),
            };
            let elsewhere =
                error.redirect_node().and_then(|(address, _)| redirected(&node, address));
            node = elsewhere.ok_or(error)?;
        }
        Err(timed_out())
    }

    async fn subscribe_at(
        &self,
        node: &Node,
        channel: &str,
        pushes: &Arc<dyn AsyncPushSender>,
    ) -> RedisResult<MultiplexedConnection> {
        let info = self.target.connection_info(node)?;
        let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = client(info.set_redis_settings(redis), self.certificates.as_ref())?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.patience))
            .set_response_timeout(None)
            .set_push_sender(Arc::clone(pushes));
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        let subscribe = cmd("SSUBSCRIBE").arg(channel).to_owned();
        connection.req_packed_command(&subscribe).await?.extract_error()?;
        Ok(connection)
    }

    /// Where the Sentinels are, if there are any.
    pub(super) fn sentinels(&self) -> &[Client] {
        match &self.kind {
            Kind::Sentinel { sentinels, .. } => sentinels,
            _ => &[],
        }
    }

    /// What Sentinels know the server by.
    pub(super) fn service(&self) -> &str {
        match &self.kind {
            Kind::Sentinel { service, .. } => service,
            _ => "",
        }
    }

    /// A connection to the Sentinel at this place.
    pub(super) async fn connect_to_sentinel(
        &self,
        place: usize,
    ) -> RedisResult<MultiplexedConnection> {
        self.multiplexed(&self.sentinels()[place]).await
    }

    /// The address of the primary, where that can change.
    pub(super) async fn primary_address(&self) -> Option<String> {
        let Kind::Sentinel { .. } = &self.kind else { return None };
        let primary = tokio::time::timeout(self.patience(), self.primary()).await.ok()?.ok()?;
        Some(address_of(&primary))
    }

    /// The error in words, without secrets: what a server or the library says holds none.
    pub(super) fn explain(&self, error: &RedisError) -> String {
        // What a server does with somebody who takes it for another kind says nothing of that.
        let hint = match &self.target.tls {
            None if error.is_connection_dropped() => " (as by a server that wants TLS)",
            Some(_) if error.is_timeout() => return self.silence(),
            Some(_) if error.is_connection_dropped() => " (as by a server without TLS)",
            _ => return error.to_string(),
        };
        error.to_string() + hint
    }

    /// What to say of a server that did not answer in time.
    pub(super) fn silence(&self) -> String {
        let hint = if self.target.tls.is_some() { " (as by a server without TLS)" } else { "" };
        format!("no answer in time{hint}")
    }

    async fn multiplexed(&self, client: &Client) -> RedisResult<MultiplexedConnection> {
        // Every command has a time limit of its own.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.patience))
            .set_response_timeout(None);
        client.get_multiplexed_async_connection_with_config(&config).await
    }

    async fn primary(&self) -> RedisResult<Client> {
        let Kind::Sentinel { finders, .. } = &self.kind else {
            unreachable!("asked behind Sentinels only")
        };
        // All at once: one that hangs must not keep those who know from telling.
        let asked = finders
            .iter()
            .map(|finder| async { finder.lock().await.async_get_client().await }.boxed());
        select_ok(asked).await.map(|(primary, _)| primary)
    }

    async fn subscribe_at_any(&self, nodes: &[Client]) -> RedisResult<PubSub> {
        let first = fastrand::usize(..nodes.len());
        let mut failed = None;
        for place in 0..nodes.len() {
            let node = &nodes[(first + place) % nodes.len()];
            match tokio::time::timeout(self.patience, node.get_async_pubsub()).await {
                Ok(Ok(subscription)) => return Ok(subscription),
                Ok(Err(error)) => failed = Some(error),
                Err(_) => {}
            }
        }
        Err(failed.unwrap_or_else(timed_out))
    }
}

impl Kind {
    fn of(target: &Target, certificates: Option<&TlsCertificates>) -> RedisResult<Self> {
        let of_node = |node: &Node| client(target.connection_info(node)?, certificates);
        Ok(match &target.topology {
            Topology::Standalone => Self::Standalone(Box::new(of_node(&target.nodes[0])?)),
            Topology::Sentinel { service, .. } => {
                let finders = target.nodes.iter().map(|node| target.finder(node, certificates));
                let sentinels = target
                    .nodes
                    .iter()
                    .map(|node| client(target.sentinel_info(node)?, certificates));
                Self::Sentinel {
                    finders: finders
                        .map(|finder| finder.map(Mutex::new))
                        .collect::<Result<_, _>>()?,
                    sentinels: sentinels.collect::<Result<_, _>>()?,
                    service: service.clone(),
                }
            }
            Topology::Cluster => {
                let infos = target.nodes.iter().map(|node| target.connection_info(node));
                let mut builder = ClusterClient::builder(infos.collect::<RedisResult<Vec<_>>>()?)
                    .tcp_settings(tcp())
                    .use_protocol(ProtocolVersion::RESP2)
                    .retries(1);
                if let Some(certificates) = certificates {
                    builder = builder.certs(certificates.clone());
                }
                let nodes = target.nodes.iter().map(of_node).collect::<RedisResult<_>>()?;
                Self::Cluster { client: Box::new(builder.build()?), nodes }
            }
        })
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.target.fmt(f)
    }
}

/// Where a node refers to. One that does not know its own host leaves it out.
fn redirected(from: &Node, address: &str) -> Option<Node> {
    let (host, port) = address.rsplit_once(':')?;
    let host = match (host.trim_matches(['[', ']']), from) {
        ("", Node::Tcp { host, .. }) => host,
        (host, _) => host,
    };
    Some(Node::Tcp { host: host.to_owned(), port: port.parse().ok()? })
}

fn timed_out() -> RedisError {
    io::Error::from(io::ErrorKind::TimedOut).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_may_refer_to_another_port_of_its_own_host() {
        let node = |host: &str, port| Node::Tcp { host: host.into(), port };
        let from = node("here", 1);
        assert_eq!(redirected(&from, "there:7000"), Some(node("there", 7000)));
        assert_eq!(redirected(&from, ":7000"), Some(node("here", 7000)));
        assert_eq!(redirected(&from, "[::1]:7000"), Some(node("::1", 7000)));
        assert_eq!(redirected(&from, "::1:7000"), Some(node("::1", 7000)));
        for nowhere in ["there", "there:", "there:70000"] {
            assert_eq!(redirected(&from, nowhere), None);
        }
    }
}
