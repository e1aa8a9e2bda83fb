//! Clients of the library, made from where Redis is said to be. None of them connects to anything yet.

use std::io;
use std::path::Path;

use ::redis::io::tcp::TcpSettings;
use ::redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use ::redis::{
    Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo,
    RedisConnectionInfo, RedisResult, TlsCertificates, TlsMode,
};

use crate::settings::redis_target::{Node, Target, Tls, Topology};

impl Target {
    pub(super) fn connection_info(&self, node: &Node) -> RedisResult<ConnectionInfo> {
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

    pub(super) fn address(&self, node: &Node) -> ConnectionAddr {
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

    /// How to connect to a Sentinel itself.
    pub(super) fn sentinel_info(&self, node: &Node) -> RedisResult<ConnectionInfo> {
        let Topology::Sentinel { username, password, .. } = &self.topology else {
            unreachable!("asked for a target behind Sentinels only")
        };
        let mut redis = RedisConnectionInfo::default().set_skip_set_lib_name();
        if let Some(username) = username {
            redis = redis.set_username(username);
        }
        if let Some(password) = password {
            redis = redis.set_password(password.expose());
        }
        let info = self.address(node).into_connection_info()?;
        Ok(info.set_redis_settings(redis).set_tcp_settings(tcp()))
    }

    /// Who asks a Sentinel for the primary, and tries that it is one.
    pub(super) fn finder(
        &self,
        node: &Node,
        certificates: Option<&TlsCertificates>,
    ) -> RedisResult<SentinelClient> {
        let Topology::Sentinel { service, username, password } = &self.topology else {
            unreachable!("asked for a target behind Sentinels only")
        };
        let node = [self.address(node)];
        let mut builder = SentinelClientBuilder::new(node, service, SentinelServerType::Master)?
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

pub(super) fn client(
    info: ConnectionInfo,
    certificates: Option<&TlsCertificates>,
) -> RedisResult<Client> {
    match certificates {
        Some(certificates) => Client::build_with_tls(info, certificates.clone()),
        None => Client::open(info),
    }
}

pub(super) fn tcp() -> TcpSettings {
    TcpSettings::default().set_nodelay(true)
}

pub(super) fn certificates(tls: &Tls) -> io::Result<TlsCertificates> {
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
