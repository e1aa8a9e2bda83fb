//! Where to connect: the only thing in which one server, a server behind Sentinels and a cluster differ.

use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;

use ::redis::aio::{MultiplexedConnection, PubSub};
use ::redis::cluster::ClusterClient;
use ::redis::io::tcp::TcpSettings;
use ::redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use ::redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, ErrorKind,
    IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo, RedisError, RedisResult,
    TlsCertificates, TlsMode,
};
use tokio::sync::Mutex;

use super::link::Connection;
use crate::settings::redis_target::{Node, Target, Tls, Topology};

/// How much longer than a connection to one server it may take to find out who is the primary, or
/// which node holds what.
const DETOUR: u32 = 4;

/// Where connections lead to.
pub(super) struct Server {
    target: Target,
    kind: Kind,
    patience: Duration,
}

enum Kind {
    Standalone(Client),
    /// Locked while Sentinels are asked.
    Sentinel(Mutex<SentinelClient>),
    Cluster {
        client: ClusterClient,
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
        Ok(Self { target, kind, patience })
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

    /// A connection for commands.
    pub(super) async fn connect(&self) -> RedisResult<Connection> {
        Ok(match &self.kind {
            Kind::Standalone(client) => Connection::One(self.multiplexed(client).await?),
            Kind::Sentinel(_) => Connection::One(self.multiplexed(&self.primary().await?).await?),
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
        self.connect().await
    }

    /// A connection that is told of messages.
    pub(super) async fn subscribe(&self) -> RedisResult<PubSub> {
        match &self.kind {
            Kind::Standalone(client) => client.get_async_pubsub().await,
            Kind::Sentinel(_) => self.primary().await?.get_async_pubsub().await,
            // A message reaches every node; any that answers will do.
            Kind::Cluster { nodes, .. } => self.subscribe_at_any(nodes).await,
        }
    }

    /// The address of the primary, where that can change.
    pub(super) async fn primary_address(&self) -> Option<String> {
        let Kind::Sentinel(_) = &self.kind else { return None };
        let primary = tokio::time::timeout(self.patience(), self.primary()).await.ok()?.ok()?;
        Some(primary.get_connection_info().addr().to_string())
    }

    /// The error in words, without secrets: what a server or the library says holds none.
    pub(super) fn explain(&self, error: &RedisError) -> String {
        error.to_string()
    }

    async fn multiplexed(&self, client: &Client) -> RedisResult<MultiplexedConnection> {
        // Every command has a time limit of its own.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.patience))
            .set_response_timeout(None);
        client.get_multiplexed_async_connection_with_config(&config).await
    }

    async fn primary(&self) -> RedisResult<Client> {
        let Kind::Sentinel(sentinels) = &self.kind else {
            unreachable!("asked behind Sentinels only")
        };
        sentinels.lock().await.async_get_client().await
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
        Err(failed.unwrap_or_else(|| io::Error::from(io::ErrorKind::TimedOut).into()))
    }
}

impl Kind {
    fn of(target: &Target, certificates: Option<&TlsCertificates>) -> RedisResult<Self> {
        let client = |node: &Node| {
            let info = target.connection_info(node)?;
            match certificates {
                Some(certificates) => Client::build_with_tls(info, certificates.clone()),
                None => Client::open(info),
            }
        };
        Ok(match &target.topology {
            Topology::Standalone => Self::Standalone(client(&target.nodes[0])?),
            Topology::Sentinel { .. } => {
                Self::Sentinel(Mutex::new(target.sentinels(certificates)?))
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
                let nodes = target.nodes.iter().map(client).collect::<RedisResult<_>>()?;
                Self::Cluster { client: builder.build()?, nodes }
            }
        })
    }
}

impl Target {
    fn connection_info(&self, node: &Node) -> RedisResult<ConnectionInfo> {
        let info = self.address(node).into_connection_info()?;
        let mut redis = RedisConnectionInfo::default().set_db(self.database);
        // Servers before 7.2 do not know it, and users with few rights may not do it.
        redis = redis.set_skip_set_lib_name();
        if let Some(username) = &self.username {
            redis = redis.set_username(username);
        }
        if let Some(password) = &self.password {
            redis = redis.set_password(password.expose());
        }
        Ok(info.set_redis_settings(redis).set_tcp_settings(tcp()))
    }

    fn address(&self, node: &Node) -> ConnectionAddr {
        match (node, &self.tls) {
            (Node::Socket(path), _) => ConnectionAddr::Unix(path.clone()),
            (Node::Tcp { host, port }, None) => ConnectionAddr::Tcp(host.clone(), *port),
            (Node::Tcp { host, port }, Some(tls)) => ConnectionAddr::TcpTls {
                host: host.clone(),
                port: *port,
                insecure: tls.insecure,
                tls_params: None,
            },
        }
    }

    fn sentinels(&self, certificates: Option<&TlsCertificates>) -> RedisResult<SentinelClient> {
        let Topology::Sentinel { service, username, password } = &self.topology else {
            unreachable!("asked for a target behind Sentinels only")
        };
        let nodes = self.nodes.iter().map(|node| self.address(node));
        let mut builder = SentinelClientBuilder::new(nodes, service, SentinelServerType::Master)?
            .set_client_to_redis_db(self.database)
            .set_client_to_redis_tcp_settings(tcp())
            .set_client_to_sentinel_tcp_settings(tcp());
        if let Some(username) = &self.username {
            builder = builder.set_client_to_redis_username(username);
        }
        if let Some(password) = &self.password {
            builder = builder.set_client_to_redis_password(password.expose());
        }
        if let Some(username) = username {
            builder = builder.set_client_to_sentinel_username(username);
        }
        if let Some(password) = password {
            builder = builder.set_client_to_sentinel_password(password.expose());
        }
        if let (Some(tls), Some(certificates)) = (&self.tls, certificates) {
            let mode = if tls.insecure { TlsMode::Insecure } else { TlsMode::Secure };
            builder = builder
                .set_client_to_redis_tls_mode(mode)
                .set_client_to_sentinel_tls_mode(mode)
                .set_client_to_redis_certificates(certificates.clone())
                .set_client_to_sentinel_certificates(certificates.clone());
        }
        builder.build()
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.target.fmt(f)
    }
}

fn tcp() -> TcpSettings {
    TcpSettings::default().set_nodelay(true)
}

fn certificates(tls: &Tls) -> io::Result<TlsCertificates> {
    let client_tls = match (&tls.certificate_file, &tls.key_file) {
        (Some(certificate), Some(key)) => {
            Some(ClientTlsConfig { client_cert: file(certificate)?, client_key: file(key)? })
        }
        _ => None,
    };
    let root_cert = tls.ca_file.as_deref().map(file).transpose()?;
    Ok(TlsCertificates { client_tls, root_cert })
}

fn file(path: &Path) -> io::Result<Vec<u8>> {
    std::fs::read(path)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}
