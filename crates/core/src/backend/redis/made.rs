//! Results that processes share in Redis, so that each is made once: compressed forms above all.
//!
//! They go over the connection for values, and are forgotten without harm.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::redis::{Cmd, Value, cmd};
use bytes::Bytes;

use super::Shared;
use super::link::Failure;
use super::requests::Request;
use crate::generation::Digest;
use crate::made::Store;

/// How long a new result is kept: everybody who sees the same change needs it soon.
const LIFE: Duration = Duration::from_secs(10 * 60);
/// How long one of a lasting content is.
const LONG_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a claim lasts: longer than anything takes to be made.
const CLAIM: Duration = Duration::from_secs(10);

/// Asks the thread that owns the connections. When that has ended there are no results.
pub(super) struct Results {
    shared: Arc<Shared>,
}

impl Results {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The answer to a command; `None` without one in time.
    fn ask(&self, command: Cmd) -> Option<Value> {
        let shared = &self.shared;
        if !shared.values.is_up() || !shared.may_share() {
            return None;
        }
        let budget = shared.habits.value_budget;
        let deadline = Instant::now() + budget;
        let (answer, answered) = std::sync::mpsc::sync_channel(1);
        shared.requests.try_send(Request::Made { command, deadline, answer }).ok()?;
        answered.recv_timeout(budget).ok()?
    }
}

impl Store for Results {
    fn get(&self, kind: &str, digest: Digest, at_most: usize) -> Option<Bytes> {
        let key = self.shared.speaker.keys.made(kind, digest);
        let last = at_most.checked_sub(1)?;
        // Whatever somebody has put there, no more than this of it is sent.
        match self.ask(cmd("GETRANGE").arg(key).arg(0).arg(last).to_owned())? {
            Value::BulkString(bytes) if !bytes.is_empty() => Some(bytes.into()),
            _ => None,
        }
    }

    fn claim(&self, kind: &str, digest: Digest) -> bool {
        let key = self.shared.speaker.keys.claim(kind, digest);
        let mut claim = cmd("SET");
        claim.arg(key).arg(&self.shared.speaker.worker).arg("NX");
        claim.arg("PX").arg(CLAIM.as_millis() as u64);
        // Only a server that answers can know of somebody else.
        self.ask(claim) != Some(Value::Nil)
    }

    fn put(&self, kind: &str, digest: Digest, result: &Bytes) -> bool {
        let key = self.shared.speaker.keys.made(kind, digest);
        let mut put = cmd("SET");
        put.arg(key).arg(&result[..]).arg("EX").arg(LIFE.as_secs());
        self.ask(put) == Some(Value::Okay)
    }

    fn keep(&self, kind: &str, digest: Digest) {
        let key = self.shared.speaker.keys.made(kind, digest);
        self.ask(cmd("EXPIRE").arg(key).arg(LONG_LIFE.as_secs()).to_owned());
    }
}

impl Shared {
    /// Asked once: what is refused or lost is made by whoever needs it.
    pub(super) async fn ask_about_made(&self, command: &Cmd, deadline: Instant) -> Option<Value> {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.values.ask(command, left).await {
            Ok(answer) => Some(answer),
            Err(Failure::Server(error)) => {
                self.complain(&error.to_string());
                None
            }
            Err(_) => None,
        }
    }
}
