//! Who is asking: from the key in a request's head to a user of the AI-Horde.
//!
//! The AI-Horde is asked about a key once, however many requests come with it at that moment, and its
//! answer is remembered for a short while. Nobody is let in because the AI-Horde does not answer.
//! An AI-Horde that does not answer is left alone for a while, and whoever tries too many keys too.
//! Keys themselves are not kept, only digests of them that mean nothing outside of this process.

mod admission;
mod attempts;
mod breaker;
mod find_user;
mod key;
mod memory;
mod roles;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use horde_model_reference::queue::Actor;
use horde_model_reference::settings::HordeApi;
use tokio::sync::watch;

use crate::settings::Auth;
use attempts::Attempts;
use breaker::Breaker;
use find_user::FindUser;
pub use find_user::SetupError;
pub use key::{ApiKey, Caller};
use memory::{Digest, Memory};
pub use roles::{Role, Roles};

/// How long a key is remembered as invalid, unless valid ones are remembered for less.
const INVALID_FOR: Duration = Duration::from_secs(5);
/// Keys the AI-Horde may be asked about at a time; beyond that nobody is let in.
const MOST_ASKED: usize = 1024;

/// A user of the AI-Horde.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The number, as text.
    pub id: String,
    /// The name with the number: `name#id`.
    pub name: String,
}

impl User {
    /// As whom the queue knows them.
    pub fn actor(&self) -> Actor {
        Actor { id: self.id.clone(), name: self.name.clone() }
    }
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The key belongs to nobody.
    InvalidKey,
    /// The AI-Horde took too long to tell.
    TimedOut,
    /// The AI-Horde cannot tell.
    Unavailable,
    /// The key, or keys from the same address, belonged to nobody too often.
    TooManyFailures {
        /// After how many seconds it may be tried again.
        retry_after: u64,
    },
}

/// What is known about a key.
type Answer = Result<Arc<User>, Refusal>;

/// The AI-Horde's users, by their keys. Cheap to clone.
#[derive(Clone)]
pub struct Users {
    inner: Arc<Inner>,
}

struct Inner {
    find_user: FindUser,
    /// Makes digests that nobody can compute elsewhere.
    secret: [u8; 32],
    valid_for: Duration,
    /// Held for a few lines and never across an await.
    known: Mutex<Known>,
}

struct Known {
    memory: Memory,
    breaker: Breaker,
    by_address: Attempts<IpAddr>,
    by_key: Attempts<Digest>,
    /// Keys the AI-Horde is being asked about, and where its answer will arrive.
    asked: HashMap<Digest, watch::Receiver<Option<Answer>>>,
}

impl Users {
    /// Prepares to ask the AI-Horde. Nothing is sent yet.
    pub fn new(horde: &HordeApi, settings: &Auth) -> Result<Self, SetupError> {
        let limit = Duration::from_secs(settings.timeout_seconds.get().into());
        Ok(Self {
            inner: Arc::new(Inner {
                find_user: FindUser::new(&horde.url, limit),
                secret: find_user::random()?,
                valid_for: Duration::from_secs(settings.cache_seconds.into()),
                known: Mutex::new(Known::new(settings)),
            }),
        })
    }

    /// Whose key it is.
    pub async fn find(&self, caller: &Caller) -> Answer {
        let network = network_of(caller.address);
        let digest = Digest::of(&self.inner.secret, &caller.key);
        self.inner.known().check(network, &digest, Instant::now())?;
        let answer = self.ask_about(&caller.key).await;
        if answer == Err(Refusal::InvalidKey) {
            self.inner.known().failed(network, digest, Instant::now());
        }
        answer
    }

    async fn ask_about(&self, key: &ApiKey) -> Answer {
        if !key.is_plausible() {
            return Err(Refusal::InvalidKey);
        }
        let mut arriving = match self.known_or_asked(key)? {
            Stage::Known(answer) => return answer,
            Stage::Asked(arriving) => arriving,
        };
        // The asking ends without an answer only when its thread ends, at a stop.
        let arrived = arriving.wait_for(Option::is_some).await;
        arrived.ok().and_then(|answer| answer.clone()).unwrap_or(Err(Refusal::Unavailable))
    }

    /// Finds what is known, or who asks already, or begins to ask.
    fn known_or_asked(&self, key: &ApiKey) -> Result<Stage, Refusal> {
        let digest = Digest::of(&self.inner.secret, key);
        let mut known = self.inner.known();
        if let Some(answer) = known.memory.recall(&digest, Instant::now()) {
            return Ok(Stage::Known(answer));
        }
        let under_way = known.asked.get(&digest).filter(|arriving| arriving.has_changed().is_ok());
        if let Some(arriving) = under_way {
            return Ok(Stage::Asked(arriving.clone()));
        }
        if known.asked.len() >= MOST_ASKED {
            tracing::warn!(keys = MOST_ASKED, "too many keys are being looked up at a time");
            return Err(Refusal::Unavailable);
        }
        if !known.breaker.lets_through(Instant::now()) {
            return Err(Refusal::Unavailable);
        }
        let (sender, arriving) = watch::channel(None);
        known.asked.insert(digest, arriving.clone());
        // A task of its own: the client that began it may leave while others wait. The limit of
        // time ends it.
        tokio::spawn(Arc::clone(&self.inner).ask(digest, key.clone(), sender));
        Ok(Stage::Asked(arriving))
    }
}

enum Stage {
    Known(Answer),
    Asked(watch::Receiver<Option<Answer>>),
}

impl Inner {
    async fn ask(
        self: Arc<Self>,
        digest: Digest,
        key: ApiKey,
        sender: watch::Sender<Option<Answer>>,
    ) {
        let answer = self.find_user.ask(&key).await.map(Arc::new);
        let lifetime = match &answer {
            Ok(_) => self.valid_for,
            Err(Refusal::InvalidKey) => self.valid_for.min(INVALID_FOR),
            Err(_) => Duration::ZERO,
        };
        {
            let (mut known, now) = (self.known(), Instant::now());
            match &answer {
                Ok(_) | Err(Refusal::InvalidKey) => known.breaker.answered(),
                Err(_) => known.breaker.failed(now),
            }
            known.memory.remember(digest, answer.clone(), now, lifetime);
            known.asked.remove(&digest);
        }
        // Nobody may be waiting any more.
        sender.send_replace(Some(answer));
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn new(settings: &Auth) -> Self {
        let rest = Duration::from_secs(settings.breaker_seconds.get().into());
        Self {
            memory: Memory::default(),
            breaker: Breaker::new(settings.breaker_failures, rest),
            by_address: Attempts::new(settings.failures_per_address),
            by_key: Attempts::new(settings.failures_per_key),
            asked: HashMap::new(),
        }
    }

    /// Whether another attempt is made. Keys that are known to be good always may: an address may be
    /// shared by many.
    fn check(&self, network: IpAddr, digest: &Digest, now: Instant) -> Result<(), Refusal> {
        let by_address = self.by_address.refused_for(&network, now);
        let Some(left) = by_address.max(self.by_key.refused_for(digest, now)) else {
            return Ok(());
        };
        if matches!(self.memory.recall(digest, now), Some(Ok(_))) {
            return Ok(());
        }
        Err(Refusal::TooManyFailures { retry_after: left.as_secs() + 1 })
    }

    fn failed(&mut self, network: IpAddr, digest: Digest, now: Instant) {
        self.by_address.failed(network, now);
        self.by_key.failed(digest, now);
    }
}

/// What failed attempts are counted for: whoever has one IPv6 address has a network of them.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        IpAddr::V4(address) => address.into(),
    }
}
