//! Our executable as a real process: started with a given environment, paused, stopped, killed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::signal::{pause, signal};
use crate::{Request, Response, eventually, send};

const READY_WITHIN: Duration = Duration::from_secs(30);
const STOPPED_WITHIN: Duration = Duration::from_secs(30);
/// Another process may take a free port between our finding it and the server's binding it.
const ATTEMPTS: usize = 3;

/// How a server is started. The environment is what is given here, and `PATH`.
#[derive(Debug, Clone)]
pub struct Launch {
    executable: PathBuf,
    cache_home: PathBuf,
    arguments: Vec<OsString>,
    environment: BTreeMap<String, String>,
    ready_within: Duration,
}

/// A running server. It is killed when dropped.
#[derive(Debug)]
pub struct ServerProcess {
    launch: Launch,
    child: Child,
    address: SocketAddr,
    /// Also the working folder, so that relative paths of the defaults end up nowhere else.
    folder: TempDir,
}

impl Launch {
    /// `executable serve` on the data below `cache_home`.
    pub fn new(executable: impl Into<PathBuf>, cache_home: &Path) -> Self {
        Self {
            executable: executable.into(),
            cache_home: cache_home.to_owned(),
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            ready_within: READY_WITHIN,
        }
    }

    /// The same with one more variable, or another value for it.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// The same with one more argument after those for the address.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// The same with another patience for the first answer of `/readyz`.
    #[must_use]
    pub fn ready_within(mut self, limit: Duration) -> Self {
        self.ready_within = limit;
        self
    }

    /// Starts the server on a free port and waits until it is ready; the error holds its log.
    pub fn start(self) -> Result<ServerProcess> {
        let mut attempt = 1;
        loop {
            let server = self.clone().spawn(free_port()?)?;
            match server.wait_until_ready() {
                Ok(server) => return Ok(server),
                Err(error) if attempt < ATTEMPTS && error.to_string().contains("in use") => {
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Starts the server on `port` and returns at once, for tests of the start itself.
    pub fn spawn(self, port: u16) -> Result<ServerProcess> {
        let folder = tempfile::Builder::new().prefix("server-").tempdir()?;
        let child = self.command(port, folder.path())?.spawn();
        let child = child.with_context(|| format!("cannot start {}", self.executable.display()))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Ok(ServerProcess { launch: self, child, address, folder })
    }

    fn command(&self, port: u16, folder: &Path) -> Result<Command> {
        let log = File::options().create(true).append(true).open(log_in(folder))?;
        let mut command = Command::new(&self.executable);
        command
            .args(["serve", "--host", "127.0.0.1", "--port", &port.to_string()])
            .args(&self.arguments)
            .current_dir(folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("AIWORKER_CACHE_HOME", &self.cache_home)
            .envs(&self.environment)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        Ok(command)
    }
}

impl ServerProcess {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Scheme, host and port.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends one request.
    pub fn send(&self, request: &Request) -> Result<Response> {
        send(self.address, request)
    }

    /// All it has written so far, to standard output and standard error alike.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(log_in(self.folder.path())).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits until `/readyz` says 200; the error holds the log.
    pub fn wait_until_ready(mut self) -> Result<Self> {
        self.await_readiness()?;
        Ok(self)
    }

    /// Stops its threads where they are, as a machine that hangs would.
    pub fn pause(&self) -> Result<()> {
        pause(&self.child)
    }

    /// Lets its threads go on.
    pub fn resume(&self) -> Result<()> {
        signal(&self.child, Signal::CONT)
    }

    /// Asks it to stop, and waits until it has.
    pub fn terminate(&mut self) -> Result<ExitStatus> {
        signal(&self.child, Signal::TERM)?;
        eventually(STOPPED_WITHIN, || match self.child.try_wait() {
            Ok(Some(status)) => Ok(status),
            Ok(None) => Err(anyhow!("still running")),
            Err(error) => Err(error.into()),
        })
        .with_context(|| format!("after SIGTERM\n{}", self.log()))
    }

    /// Ends it without a chance to clean up, and waits until it is gone.
    pub fn kill(&mut self) -> Result<ExitStatus> {
        self.child.kill()?;
        Ok(self.child.wait()?)
    }

    /// Stops it, if it runs, and starts it again: same port, data, environment and log.
    pub fn restart(&mut self) -> Result<()> {
        if self.child.try_wait()?.is_none() {
            self.terminate()?;
        }
        let port = self.address.port();
        self.child = self.launch.command(port, self.folder.path())?.spawn()?;
        self.await_readiness()
    }

    fn await_readiness(&mut self) -> Result<()> {
        let (address, limit) = (self.address, self.launch.ready_within);
        let child = &mut self.child;
        let ready = eventually(limit, || {
            if let Some(status) = child.try_wait()? {
                // No use in waiting for what has ended.
                return Ok(Err(anyhow!("it ended with {status}")));
            }
            match send(address, &Request::get("/readyz"))?.status {
                200 => Ok(Ok(())),
                status => bail!("/readyz says {status}"),
            }
        });
        let ready = ready.and_then(|ended| ended);
        ready.map_err(|error| anyhow!("the server is not ready: {error:#}\n{}", self.log()))
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

fn log_in(folder: &Path) -> PathBuf {
    folder.join("server.log")
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}
