//! What is set, in the units it is used in.

use std::time::Duration;

use crate::backoff::Backoff;
use crate::settings::{self, L2Read};

/// How Redis is used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Habits {
    pub(super) reads: L2Read,
    /// How long a copy lives; `None` for ever.
    pub(super) life: Option<Duration>,
    /// Whether copies are stored at all.
    pub(super) fills: bool,
    /// Whether news are published and listened to.
    pub(super) listens: bool,
    /// How often something is announced before it is left to the next comparison.
    pub(super) attempts: u32,
    pub(super) backoff: Backoff,
    pub(super) connect_budget: Duration,
    pub(super) load_budget: Duration,
    pub(super) command_budget: Duration,
    pub(super) value_budget: Duration,
    pub(super) compare_every: Duration,
}

impl Habits {
    pub(super) fn of(settings: &settings::Redis, ttl_seconds: Option<u32>) -> Self {
        Self {
            reads: settings.l2_read,
            life: settings.ttl(ttl_seconds),
            fills: settings.l2_read != L2Read::Off,
            listens: settings.use_pubsub,
            attempts: settings.max_attempts.get(),
            backoff: Backoff { base: settings.backoff_base(), cap: settings.backoff_cap() },
            connect_budget: settings.connect_budget(),
            load_budget: settings.load_budget(),
            command_budget: settings.command_budget(),
            value_budget: settings.value_budget(),
            compare_every: settings.compare_every(),
        }
    }
}
