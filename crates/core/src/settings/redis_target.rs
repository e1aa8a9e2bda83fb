//! Where Redis is, and how it is spoken to. It shows itself without its passwords.

use std::fmt;
use std::path::PathBuf;

use super::Secret;
use super::redis_node::before_port;
use super::secret::MASK;

/// Where Redis is, and how it is spoken to.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// What is found at the nodes.
    pub topology: Topology,
    /// The server; the sentinels; or any nodes of the cluster. Never empty.
    pub nodes: Vec<Node>,
    /// The user of the servers that hold data; never without a password.
    pub username: Option<String>,
    /// Its password, or that of the user `default`.
    pub password: Option<Secret>,
    /// The number of the database; 0 in a cluster.
    pub database: i64,
    /// Encryption, of connections to sentinels too.
    pub tls: Option<Tls>,
}

/// What is found at the nodes.
#[derive(Clone, PartialEq, Eq)]
pub enum Topology {
    /// One server.
    Standalone,
    /// Sentinels, who know the server.
    Sentinel {
        /// The name the sentinels know it by.
        service: String,
        /// The user of the sentinels themselves; never without a password.
        username: Option<String>,
        /// Its password.
        password: Option<Secret>,
    },
    /// A cluster.
    Cluster,
}

/// Where one server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// At a port.
    Tcp {
        /// Name or address of the host; IPv6 without brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// At a socket of this machine.
    Socket(PathBuf),
}

/// How encryption is set up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// PEM file of the authorities believed instead of those of the system.
    pub ca_file: Option<PathBuf>,
    /// PEM file of the certificate to show; never without its key.
    pub certificate_file: Option<PathBuf>,
    /// PEM file of its key.
    pub key_file: Option<PathBuf>,
    /// Believe every server.
    pub insecure: bool,
}

impl fmt::Display for Node {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => write!(formatter, "{}:{port}", before_port(host)),
            Self::Socket(path) => {
                write!(formatter, "{}", path.display().to_string().escape_debug())
            }
        }
    }
}

impl fmt::Display for Topology {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standalone => write!(formatter, "standalone"),
            Self::Sentinel { service, .. } => write!(formatter, "sentinel {service}"),
            Self::Cluster => write!(formatter, "cluster"),
        }
    }
}

/// One server as its address, others as a phrase.
impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.topology == Topology::Standalone
            && let [node] = self.nodes.as_slice()
        {
            return self.write_address(node, formatter);
        }
        let nodes: Vec<_> = self.nodes.iter().map(Node::to_string).collect();
        write!(formatter, "{} at {}", self.topology, nodes.join(", "))?;
        if self.database != 0 {
            write!(formatter, ", database {}", self.database)?;
        }
        match &self.tls {
            None => Ok(()),
            Some(tls) if tls.insecure => write!(formatter, ", with TLS that verifies nobody"),
            Some(_) => write!(formatter, ", with TLS"),
        }
    }
}

impl Target {
    fn write_address(&self, node: &Node, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.shown_user();
        let database = self.database;
        match (node, &self.tls) {
            (Node::Socket(_), _) => write!(formatter, "unix://{user}{node}?db={database}"),
            (Node::Tcp { .. }, None) => write!(formatter, "redis://{user}{node}/{database}"),
            (Node::Tcp { .. }, Some(tls)) => {
                let fragment = if tls.insecure { "#insecure" } else { "" };
                write!(formatter, "rediss://{user}{node}/{database}{fragment}")
            }
        }
    }

    /// A name without a password may be a password in the wrong place.
    fn shown_user(&self) -> String {
        match (&self.username, &self.password) {
            (None, None) => String::new(),
            (Some(_), None) => format!("{MASK}@"),
            (name, Some(_)) => {
                format!("{}:{MASK}@", name.as_deref().unwrap_or_default().escape_debug())
            }
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl fmt::Debug for Topology {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// A setting of Redis that makes no sense, by itself or beside the others.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} cannot be {value}\n    accepted: {accepted}")]
pub struct Refusal {
    /// Name of the variable.
    pub variable: &'static str,
    /// Its value, masked if it may be a secret.
    pub value: String,
    /// What it could be.
    pub accepted: String,
}

/// The settings do not say where Redis is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetError {
    /// Everything that is wrong; never empty.
    pub refusals: Vec<Refusal>,
}

impl std::error::Error for TargetError {}

impl fmt::Display for TargetError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the settings do not say where Redis is:")?;
        for refusal in &self.refusals {
            write!(formatter, "\n  {refusal}")?;
        }
        Ok(())
    }
}
