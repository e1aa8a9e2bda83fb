//! A connection for commands: there or not, never waited for.
//!
//! One loop owns it: it connects, asks the server whether it answers, and starts over when the
//! connection was given up. Whoever asks something while there is no connection is told so at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ::redis::aio::{ConnectionLike, MultiplexedConnection};
use ::redis::cluster_async::ClusterConnection;
use ::redis::{Cmd, ErrorKind, RedisError, RedisFuture, ServerErrorKind, Value, cmd};
use tokio::sync::{Notify, watch};

use super::arrivals::Arrivals;
use super::breaker::Breaker;
use super::connect::{Led, Server};
use crate::backoff::Backoff;

/// A connection that ends sooner was of no use.
const SHORT: Duration = Duration::from_secs(1);

/// A connection to one server, or to all nodes of a cluster.
#[derive(Clone)]
pub(super) enum Connection {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// Why a command came to nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// There is no connection at present.
    Away,
    /// No answer in time. The command may still be done.
    TimedOut,
    /// The connection broke. The command may have been done.
    Broken(RedisError),
    /// The server refused, or there is no way to ask this kind of server.
    Server(RedisError),
}

/// A connection, kept.
pub(super) struct Link {
    /// For the log.
    name: &'static str,
    /// With a number of its own: a late answer says nothing of the connection that came after.
    connection: Mutex<Option<(u64, Connection)>>,
    breaker: Mutex<Breaker>,
    led: Led,
    /// Told when the connection was given up.
    lost: Notify,
    state: watch::Sender<State>,
    connects: AtomicU64,
    commands: AtomicU64,
    failures: AtomicU64,
}

/// Whether there is a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// The first attempt is under way.
    Starting,
    Up,
    Down,
}

/// Counters of a link since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct LinkCounters {
    pub(super) connects: u64,
    pub(super) commands: u64,
    pub(super) failures: u64,
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::One(connection) => connection.req_packed_command(cmd),
            Self::Cluster(connection) => connection.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a ::redis::Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::One(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::One(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}

impl Link {
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            connection: Mutex::new(None),
            breaker: Mutex::new(Breaker::default()),
            led: Led::default(),
            lost: Notify::new(),
            state: watch::Sender::new(State::Starting),
            connects: AtomicU64::new(0),
            commands: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        }
    }

    /// Sends a command and waits for its answer, but not for a connection.
    pub(super) async fn ask(&self, cmd: &Cmd, budget: Duration) -> Result<Value, Failure> {
        let Some((number, mut connection)) = self.lock().clone() else {
            return Err(Failure::Away);
        };
        self.commands.fetch_add(1, Ordering::Relaxed);
        let answer = tokio::time::timeout(budget, connection.req_packed_command(cmd)).await;
        let answer = match answer {
            Err(_) => Err(Failure::TimedOut),
            // A refusal comes as a value or as an error, depending on where it was noticed.
            Ok(answer) => answer.and_then(Value::extract_error).map_err(Failure::of),
        };
        self.note(number, answer.as_ref().err());
        answer
    }

    /// Sends several commands at once.
    pub(super) async fn ask_all(
        &self,
        pipeline: &::redis::Pipeline,
        budget: Duration,
    ) -> Result<Vec<Value>, Failure> {
        let Some((number, mut connection)) = self.lock().clone() else {
            return Err(Failure::Away);
        };
        let count = pipeline.len();
        self.commands.fetch_add(count as u64, Ordering::Relaxed);
        let answer = connection.req_packed_commands(pipeline, 0, count);
        let answer = match tokio::time::timeout(budget, answer).await {
            Err(_) => Err(Failure::TimedOut),
            Ok(answer) => answer.map_err(Failure::of),
        };
        self.note(number, answer.as_ref().err());
        answer
    }

    pub(super) fn is_up(&self) -> bool {
        *self.state.borrow() == State::Up
    }

    /// Told of every change of state.
    pub(super) fn states(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    pub(super) fn counters(&self) -> LinkCounters {
        LinkCounters {
            connects: self.connects.load(Ordering::Relaxed),
            commands: self.commands.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
        }
    }

    /// Whether the connection leads to another server than the one at `address`.
    pub(super) fn leads_elsewhere(&self, address: &str) -> bool {
        self.led.is_elsewhere(address)
    }

    /// Gives the connection up if it leads to another server than the one at `address`.
    pub(super) fn leave_for(&self, address: &str) {
        if self.leads_elsewhere(address) {
            self.give_up();
        }
    }

    /// Gives the connection up; another one is made.
    pub(super) fn give_up(&self) {
        if self.lock().take().is_some() {
            self.lost.notify_one();
        }
    }

    /// Nobody keeps it any more.
    pub(super) fn end(&self) {
        drop(self.lock().take());
        self.turn(State::Down);
    }

    /// Connects, again and again, for ever.
    pub(super) async fn keep(&self, server: &Server, backoff: Backoff, arrivals: &Arrivals) {
        let mut failures = 0;
        loop {
            let mut since = arrivals.since_now();
            match self.connect(server).await {
                Ok(connection) => {
                    let begun = Instant::now();
                    *self.breaker() = Breaker::default();
                    let number = self.connects.fetch_add(1, Ordering::Relaxed);
                    *self.lock() = Some((number, connection));
                    self.turn(State::Up);
                    arrivals.note();
                    tracing::info!(link = self.name, %server, "connected to redis");
                    self.lost.notified().await;
                    self.turn(State::Down);
                    tracing::warn!(link = self.name, %server, "gave up a connection to redis");
                    // One that ends at once again and again must not be made without a pause.
                    if begun.elapsed() < SHORT {
                        failures += 1;
                        tokio::time::sleep(backoff.pause(failures)).await;
                        continue;
                    }
                    failures = 0;
                    since = arrivals.since_now();
                }
                Err(error) => {
                    if failures == 0 {
                        tracing::warn!(link = self.name, %server, %error, "cannot connect to redis; reads do not need it, and it is tried again");
                    }
                    failures += 1;
                    self.failures.fetch_add(1, Ordering::Relaxed);
                    self.turn(State::Down);
                }
            }
            since.pause(backoff.pause(failures)).await;
        }
    }

    /// A connection that answers.
    async fn connect(&self, server: &Server) -> Result<Connection, String> {
        let connected = async {
            let mut connection = server.connect(&self.led).await?;
            connection.req_packed_command(&cmd("PING")).await?.extract_error()?;
            Ok(connection)
        };
        match tokio::time::timeout(server.patience(), connected).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(server.explain(&error)),
            Err(_) => Err(server.silence()),
        }
    }

    fn note(&self, number: u64, failure: Option<&Failure>) {
        let failed = failure.is_some_and(Failure::is_of_the_connection);
        if failed {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
        if self.lock().as_ref().is_none_or(|(present, _)| *present != number) {
            return;
        }
        let is_open = self.breaker().note(failed, Instant::now());
        if is_open || failure.is_some_and(Failure::is_final) {
            self.give_up();
        }
    }

    fn turn(&self, state: State) {
        self.state.send_if_modified(|present| std::mem::replace(present, state) != state);
    }

    fn lock(&self) -> MutexGuard<'_, Option<(u64, Connection)>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failure {
    pub(super) fn of(error: RedisError) -> Self {
        match error.kind() {
            ErrorKind::Server(_)
            | ErrorKind::Extension
            | ErrorKind::UnexpectedReturnType
            | ErrorKind::InvalidClientConfig => Self::Server(error),
            _ => Self::Broken(error),
        }
    }

    /// Whether it tells of the connection rather than of the command.
    fn is_of_the_connection(&self) -> bool {
        match self {
            Self::Away | Self::TimedOut | Self::Broken(_) => true,
            Self::Server(_) => self.is_final(),
        }
    }

    /// Whether nothing else can be expected of this connection: it is broken, or what it leads to is no
    /// primary any more.
    fn is_final(&self) -> bool {
        let kind = match self {
            Self::Away | Self::TimedOut => return false,
            Self::Broken(error) if error.is_timeout() => return false,
            Self::Broken(_) => return true,
            Self::Server(error) => error.kind(),
        };
        matches!(
            kind,
            ErrorKind::Server(
                ServerErrorKind::ReadOnly
                    | ServerErrorKind::MasterDown
                    | ServerErrorKind::BusyLoading
            )
        )
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Away => f.write_str("there is no connection"),
            Self::TimedOut => f.write_str("no answer in time"),
            Self::Broken(error) | Self::Server(error) => error.fmt(f),
        }
    }
}
