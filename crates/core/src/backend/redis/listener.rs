//! The subscription: told at once of what others changed, and never trusted to tell everything.
//!
//! Whenever it begins, everything is compared, because nobody knows what was said before. It ends when
//! the stream ends, when the server does not answer, or when somebody else has become the primary;
//! silence is no sign of anything.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ::redis::Msg;
use tokio::sync::watch;

use super::Shared;
use super::connect::Led;
use super::ear::{self, Line, Messages};
use super::message::{ChangeMessage, category_named};
use crate::disk::faults::{self, Rule};
use crate::{Category, Document};

/// How often the server is asked whether it is still there.
const PING_EVERY: Duration = Duration::from_secs(1);
/// After which time without an answer it is not.
const PING_WITHIN: Duration = Duration::from_secs(2);

/// How far a subscription has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subscription {
    /// It is not wanted.
    Off,
    /// There is no connection.
    Disconnected,
    /// Waiting for the server to confirm.
    Subscribing,
    /// Told of everything from now on; what was said before is being found out.
    Syncing,
    /// Nothing has been missed.
    Live,
}

impl fmt::Display for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::Disconnected => "disconnected",
            Self::Subscribing => "subscribing",
            Self::Syncing => "syncing",
            Self::Live => "live",
        })
    }
}

/// What was heard.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) state: watch::Sender<Subscription>,
    pub(super) led: Led,
    /// Subscriptions that ended.
    pub(super) gaps: AtomicU64,
    pub(super) changes: AtomicU64,
    pub(super) invalidations: AtomicU64,
    pub(super) nonsense: AtomicU64,
    /// Whether a worker of the reference has been heard.
    pub(super) is_mixed: AtomicBool,
}

impl Default for Heard {
    fn default() -> Self {
        Self {
            state: watch::Sender::new(Subscription::Off),
            led: Led::default(),
            gaps: AtomicU64::new(0),
            changes: AtomicU64::new(0),
            invalidations: AtomicU64::new(0),
            nonsense: AtomicU64::new(0),
            is_mixed: AtomicBool::new(false),
        }
    }
}

/// An announcement of ours that was just heard. The bare name of its category ends it.
struct Announced {
    payload: Vec<u8>,
    category: Category,
}

impl Announced {
    fn of(change: &ChangeMessage<'_>, payload: &[u8]) -> Option<Self> {
        let category = change.document.spoken_of()?;
        Some(Self { payload: payload.to_vec(), category })
    }
}

impl Shared {
    /// Subscribes, again and again, for ever.
    pub(super) async fn listen(&self) {
        if !self.habits.listens {
            return std::future::pending().await;
        }
        let mut failures = 0;
        loop {
            let begun = Instant::now();
            self.turn(Subscription::Subscribing);
            let mut since = self.arrivals.since_now();
            let (ended, was_refused) = match self.subscribe().await {
                Ok((line, messages)) => (self.follow(line, messages).await, false),
                Err(reason) => (reason, true),
            };
            if *self.heard.state.borrow() == Subscription::Live {
                tracing::warn!(server = %self.server, reason = ended, "the subscription ended; changes are found by looking until it is back");
                self.heard.gaps.fetch_add(1, Ordering::Relaxed);
            } else if failures == 0 {
                tracing::warn!(server = %self.server, reason = ended, "cannot subscribe; it is tried again");
            }
            self.turn(Subscription::Disconnected);
            // One that ends at once again and again must not be tried without a pause.
            let was_short = begun.elapsed() < PING_EVERY;
            failures = if was_short { failures + 1 } else { 1 };
            let pause = self.habits.backoff.pause(failures);
            if was_short && !was_refused {
                tokio::time::sleep(pause).await;
                continue;
            }
            if !was_refused {
                since = self.arrivals.since_now();
            }
            since.pause(pause).await;
        }
    }

    async fn subscribe(&self) -> Result<(Line, Messages), String> {
        let changes = self.speaker.keys.changes();
        let subscribed = async {
            if self.speaker.is_sharded {
                return ear::subscribe_to_shard(&self.server, &changes).await;
            }
            let invalidations = self.speaker.keys.invalidations();
            // In this order: an announcement heard half must not pass for one of the reference.
            ear::subscribe(&self.server, &self.heard.led, &[changes, invalidations]).await
        };
        match tokio::time::timeout(self.server.patience(), subscribed).await {
            Ok(Ok(both)) => Ok(both),
            Ok(Err(error)) => Err(self.server.explain(&error)),
            Err(_) => Err(self.server.silence()),
        }
    }

    /// Listens until there is a gap, and says why there is one.
    async fn follow(&self, mut line: Line, mut messages: Messages) -> String {
        self.arrivals.note();
        self.turn(Subscription::Syncing);
        let mut announced = None;
        let messages = async {
            loop {
                match messages.next().await {
                    Ok(message) => self.hear(&message, &mut announced),
                    Err(reason) => return reason.to_owned(),
                }
            }
        };
        let pings = async {
            loop {
                tokio::time::sleep(PING_EVERY).await;
                match tokio::time::timeout(PING_WITHIN, line.ping()).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => return self.server.explain(&error),
                    Err(_) => return "no answer to a ping".into(),
                }
            }
        };
        let sync = async {
            if !faults::is_left_out(Rule::Gap) {
                self.hint_at_everything();
                self.synchronise().await;
            }
            self.turn(Subscription::Live);
            tracing::info!(server = %self.server, "subscribed to changes");
            std::future::pending().await
        };
        tokio::select! {
            ended = messages => ended,
            ended = pings => ended,
            () = self.moved.notified() => "another server is the primary now".into(),
            ended = sync => ended,
        }
    }

    fn hear(&self, message: &Msg, announced: &mut Option<Announced>) {
        let payload = message.get_payload_bytes();
        let before = announced.take();
        if message.get_channel_name() == self.speaker.keys.changes() {
            match ChangeMessage::parse(payload) {
                // Whoever could not say the bare name says this twice.
                Some(_) if before.is_some_and(|before| before.payload == payload) => {}
                Some(change) => {
                    *announced = Announced::of(&change, payload);
                    self.hear_change(&change);
                }
                None => self.hear_nonsense(payload),
            }
            return;
        }
        match category_named(payload) {
            // The bare name that an announcement of ours ends with tells nothing new.
            Some(category) if before.is_some_and(|before| before.category == category) => {}
            Some(category) => self.hear_of(category),
            None => self.hear_nonsense(payload),
        }
    }

    fn hear_change(&self, change: &ChangeMessage<'_>) {
        if change.worker == self.speaker.worker {
            return;
        }
        self.heard.changes.fetch_add(1, Ordering::Relaxed);
        let held = self.standing(change.document).generation();
        if change.named.is_none_or(|named| named.generation > held) {
            self.hint(change.document);
        }
    }

    fn hear_of(&self, category: Category) {
        self.heard.invalidations.fetch_add(1, Ordering::Relaxed);
        if !self.heard.is_mixed.swap(true, Ordering::Relaxed) {
            tracing::info!(%category, "a worker of the reference shares this server");
        }
        self.hint(Document::V2(category));
        self.hint(Document::Legacy(category));
    }

    fn hear_nonsense(&self, payload: &[u8]) {
        if self.heard.nonsense.fetch_add(1, Ordering::Relaxed) == 0 {
            let payload = String::from_utf8_lossy(&payload[..payload.len().min(64)]).into_owned();
            tracing::warn!(?payload, "a message that nobody of us sends; it is ignored");
        }
    }

    fn turn(&self, state: Subscription) {
        self.heard.state.send_replace(state);
    }
}
