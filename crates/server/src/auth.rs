//! Who is asking: from the key in a request's head to a user of the AI-Horde.
//!
//! The AI-Horde is asked about a key once, however many requests come with it at that moment, and its
//! answer is remembered for a short while. Nobody is let in because the AI-Horde does not answer.
//! Keys themselves are not kept, only digests of them that mean nothing outside of this process.

mod find_user;
mod key;
mod memory;
mod roles;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use horde_model_reference::settings::HordeApi;
use tokio::sync::watch;

use crate::settings::Auth;
use find_user::FindUser;
pub use find_user::SetupError;
pub use key::ApiKey;
use memory::{Digest, Memory};
pub use roles::Roles;

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

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The key belongs to nobody.
    InvalidKey,
    /// The AI-Horde took too long to tell.
    TimedOut,
    /// The AI-Horde cannot tell.
    Unavailable,
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

#[derive(Default)]
struct Known {
    memory: Memory,
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
                known: Mutex::default(),
            }),
        })
    }

    /// Whose key it is.
    pub async fn find(&self, key: &ApiKey) -> Answer {
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
            Err(Refusal::TimedOut | Refusal::Unavailable) => Duration::ZERO,
        };
        {
            let mut known = self.known();
            known.memory.remember(digest, answer.clone(), Instant::now(), lifetime);
            known.asked.remove(&digest);
        }
        // Nobody may be waiting any more.
        sender.send_replace(Some(answer));
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
