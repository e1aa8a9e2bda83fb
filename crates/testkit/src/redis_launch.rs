//! How a Redis server is started: what its configuration file says.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

use crate::{Certificates, RedisServer};

/// A server to be. Unless more is asked for it listens on the loopback, at a socket in its own
/// folder as well, and writes nothing to disk.
#[derive(Debug, Clone)]
pub struct RedisLaunch {
    executable: PathBuf,
    arguments: Vec<&'static str>,
    password: Option<String>,
    tls: Option<Certificates>,
    lines: Vec<String>,
}

impl Default for RedisLaunch {
    fn default() -> Self {
        Self::new()
    }
}

impl RedisLaunch {
    /// The executable is `HMR_REDIS_SERVER`, else `redis-server`.
    pub fn new() -> Self {
        let executable = std::env::var_os("HMR_REDIS_SERVER");
        Self {
            executable: executable.map_or_else(|| "redis-server".into(), PathBuf::from),
            arguments: Vec::new(),
            password: None,
            tls: None,
            lines: Vec::new(),
        }
    }

    /// The same with another executable, such as one of [`crate::other_redis_servers`].
    #[must_use]
    pub fn executable(mut self, executable: impl Into<PathBuf>) -> Self {
        self.executable = executable.into();
        self
    }

    /// The same with a password of the default user.
    #[must_use]
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// The same with one more line of configuration, such as `maxmemory 2mb`.
    #[must_use]
    pub fn config(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }

    /// The same with TLS at its port and nothing but TLS; clients may show a certificate.
    #[must_use]
    pub fn tls(mut self, certificates: &Certificates) -> Self {
        self.tls = Some(certificates.clone());
        self.config("tls-auth-clients optional")
    }

    /// The same with TLS, and only for clients with a certificate.
    #[must_use]
    pub fn mutual_tls(mut self, certificates: &Certificates) -> Self {
        self.tls = Some(certificates.clone());
        self.config("tls-auth-clients yes")
    }

    /// The same as a Sentinel.
    #[must_use]
    pub(crate) fn sentinel(mut self) -> Self {
        self.arguments.push("--sentinel");
        self
    }

    /// Starts the server on a free port and waits for its PONG; the error holds its log.
    pub fn start(self) -> Result<RedisServer> {
        RedisServer::launch(self)
    }

    pub(crate) fn has_tls(&self) -> bool {
        self.tls.is_some()
    }

    pub(crate) fn password_set(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// Writes the configuration of a server in `folder`.
    pub(crate) fn configure(&self, port: u16, folder: &Path) -> Result<()> {
        let mut lines = vec![
            "bind 127.0.0.1".to_owned(),
            format!("dir {}", quoted(folder)),
            format!("unixsocket {}", quoted(socket_in(folder))),
            r#"save """#.to_owned(),
        ];
        match &self.tls {
            None => lines.push(format!("port {port}")),
            Some(certificates) => lines.extend([
                "port 0".to_owned(),
                format!("tls-port {port}"),
                format!("tls-ca-cert-file {}", quoted(certificates.authority())),
                format!("tls-cert-file {}", quoted(certificates.server_certificate())),
                format!("tls-key-file {}", quoted(certificates.server_key())),
            ]),
        }
        if let Some(password) = &self.password {
            lines.push(format!("requirepass {}", quoted(password)));
        }
        lines.extend_from_slice(&self.lines);
        Ok(std::fs::write(config_in(folder), lines.join("\n") + "\n")?)
    }

    /// Runs it with what was configured, or what the server has made of that since.
    pub(crate) fn spawn(&self, folder: &Path) -> Result<Child> {
        let log = File::options().create(true).append(true).open(log_in(folder))?;
        Command::new(&self.executable)
            .arg(config_in(folder))
            .args(&self.arguments)
            .current_dir(folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", self.executable.display()))
    }
}

pub(crate) fn log_in(folder: &Path) -> PathBuf {
    folder.join("redis.log")
}

pub(crate) fn socket_in(folder: &Path) -> PathBuf {
    folder.join("redis.sock")
}

fn config_in(folder: &Path) -> PathBuf {
    folder.join("redis.conf")
}

/// A value as one word of a configuration file.
pub(crate) fn quoted(value: impl AsRef<Path>) -> String {
    let value = value.as_ref().to_string_lossy();
    format!("\"{}\"", value.replace('\\', r"\\").replace('"', "\\\""))
}
