//! A real Redis server: paused, killed, started again with its data, without, or with older data.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Child;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::port::Port;
use crate::redis_launch::{log_in, socket_in};
use crate::signal::{pause, signal};
use crate::{RedisClient, RedisLaunch, Reply, eventually};

const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const READY_WITHIN: Duration = Duration::from_secs(20);
/// Somebody who does not ask us for ports may take one between our looking and the server's binding.
const ATTEMPTS: usize = 3;

/// A running server with its own port, folder and log. It is killed when dropped.
#[derive(Debug)]
pub struct RedisServer {
    launch: RedisLaunch,
    child: Child,
    port: Port,
    folder: TempDir,
}

/// What a server held at some moment.
#[derive(Debug, Clone)]
pub struct RedisDump(Vec<u8>);

impl RedisServer {
    /// Starts a plain one; [`RedisLaunch`] starts others.
    pub fn start() -> Result<Self> {
        RedisLaunch::new().start()
    }

    pub(crate) fn launch(launch: RedisLaunch) -> Result<Self> {
        let mut attempt = 1;
        loop {
            let port = Port::take()?;
            let folder = tempfile::Builder::new().prefix("redis-").tempdir()?;
            launch.configure(port.number(), folder.path())?;
            let child = launch.spawn(folder.path())?;
            let mut server = Self { launch: launch.clone(), child, port, folder };
            match server.await_readiness() {
                Ok(()) => return Ok(server),
                Err(error) if attempt < ATTEMPTS && error.to_string().contains("in use") => {
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// The same as an address.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port()))
    }

    /// The socket in its folder at which it listens too.
    pub fn socket(&self) -> PathBuf {
        socket_in(self.folder.path())
    }

    /// Scheme, password if any, host and port. A password is put in as it is: take one that needs
    /// no escapes in a URL.
    pub fn url(&self) -> String {
        let scheme = if self.launch.has_tls() { "rediss" } else { "redis" };
        let password = self.launch.password_set();
        let password = password.map_or_else(String::new, |password| format!(":{password}@"));
        format!("{scheme}://{password}127.0.0.1:{}", self.port())
    }

    /// Process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// All it has logged so far.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(log_in(self.folder.path())).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// A new connection of the default user. It is one over TCP, except with TLS, where it is one to
    /// the socket in its folder.
    pub fn client(&self) -> Result<RedisClient> {
        self.client_within(ANSWER_WITHIN)
    }

    /// The same, with this patience for answers, that to the password too.
    pub fn client_within(&self, patience: Duration) -> Result<RedisClient> {
        let mut client = if self.launch.has_tls() {
            RedisClient::connect_unix(&self.socket())?
        } else {
            RedisClient::connect(self.address())?
        };
        client.set_timeout(patience);
        if let Some(password) = self.launch.password_set() {
            client.command(&["AUTH", password])?;
        }
        Ok(client)
    }

    /// Sends one command on a connection of its own.
    pub fn command<A: AsRef<[u8]>>(&self, arguments: &[A]) -> Result<Reply> {
        self.client()?.command(arguments)
    }

    /// The value of a field in a section of INFO, such as `connected_clients` in `clients`.
    pub fn info(&self, section: &str, field: &str) -> Result<String> {
        let info = self.command(&["INFO", section])?.text().unwrap_or_default();
        let mut lines = info.lines().filter_map(|line| line.split_once(':'));
        let found = lines.find(|(name, _)| *name == field);
        found
            .map(|(_, value)| value.to_owned())
            .ok_or_else(|| anyhow!("INFO {section} has no {field}"))
    }

    /// Makes or changes a user by the rules of ACL SETUSER; a restart forgets it.
    pub fn set_acl(&self, user: &str, rules: &[&str]) -> Result<()> {
        let arguments: Vec<&str> = ["ACL", "SETUSER", user].iter().chain(rules).copied().collect();
        self.command(&arguments).map(|_| ())
    }

    /// Stops it where it is, as a machine that hangs would; returns when it stands still.
    /// Connections stay open, and new ones are still taken by the kernel.
    pub fn pause(&self) -> Result<()> {
        pause(&self.child)
    }

    /// Lets it go on.
    pub fn resume(&self) -> Result<()> {
        signal(&self.child, Signal::CONT)
    }

    /// Ends it without a chance to clean up, and waits until it is gone.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Writes down what it holds now, for [`Self::restart_from`].
    pub fn dump(&self) -> Result<RedisDump> {
        self.command(&["SAVE"])?;
        let dump = std::fs::read(self.dump_file())?;
        // A start must not find it unless it is meant to.
        std::fs::remove_file(self.dump_file())?;
        Ok(RedisDump(dump))
    }

    /// Kills it, if it runs, and starts it again on its port without its data. What it keeps on disk
    /// because it was configured to (append-only files, the state of a cluster) it finds again.
    pub fn restart(&mut self) -> Result<()> {
        self.kill()?;
        match std::fs::remove_file(self.dump_file()) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => self.start_again(),
        }
    }

    /// Kills it and starts it again on its port with what it held; it must be running.
    pub fn restart_with_data(&mut self) -> Result<()> {
        let dump = self.dump()?;
        self.restart_from(&dump)
    }

    /// Kills it, if it runs, and starts it again on its port with what was written down, as when an
    /// older copy is restored.
    pub fn restart_from(&mut self, dump: &RedisDump) -> Result<()> {
        self.kill()?;
        std::fs::write(self.dump_file(), &dump.0)?;
        self.start_again()
    }

    fn start_again(&mut self) -> Result<()> {
        self.child = self.launch.spawn(self.folder.path())?;
        self.await_readiness()
    }

    fn dump_file(&self) -> PathBuf {
        self.folder.path().join("dump.rdb")
    }

    fn await_readiness(&mut self) -> Result<()> {
        let ready = eventually(READY_WITHIN, || {
            if let Some(status) = self.child.try_wait()? {
                // No use in waiting for what has ended.
                return Ok(Err(anyhow!("it ended with {status}")));
            }
            let reply = self.command(&["PING"])?;
            ensure!(reply == Reply::Simple("PONG".into()), "PING was answered with {reply:?}");
            Ok(Ok(()))
        });
        let ready = ready.and_then(|ended| ended);
        ready.map_err(|error| anyhow!("Redis is not ready: {error:#}\n{}", self.log()))
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
