//! What an operator can be told of this tier.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ::redis::{FromRedisValue, Value, cmd};

use super::link::LinkCounters;
use super::listener::Subscription;
use super::{Redis, Shared, lock};

/// Comparisons that may be missed before what is known of the record is old.
const MISSED: u32 = 3;

/// How this tier is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Where the server is, without secrets.
    pub server: String,
    /// Name of this process in messages.
    pub worker: String,
    /// Whether small commands find a connection: the breaker is closed.
    pub is_connected: bool,
    /// Whether copies find one.
    pub has_values: bool,
    /// How far the subscription has come.
    pub subscription: Subscription,
    /// How long ago everything was last compared.
    pub compared_ago: Option<Duration>,
    /// Whether news arrive and comparisons are made: changes of others are known at once. Looks find
    /// them all the same.
    pub is_live: bool,
    /// Whether scripts are run, rather than transactions.
    pub scripts: bool,
    /// Identity of another data directory that the key prefix belongs to: then Redis is not used.
    pub other_directory: Option<String>,
    /// Whether a worker of the reference has been heard.
    pub is_mixed: bool,
    /// Everything that is counted.
    pub counters: Counters,
}

/// Counters of this tier since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Documents taken from their copies instead of their files.
    pub copy_hits: u64,
    /// Copies asked for that were not there, or not in time.
    pub copy_misses: u64,
    /// Copies that were not what was announced.
    pub copies_refused: u64,
    /// Copies served because a file could not be read.
    pub copies_instead: u64,
    /// Records raised.
    pub announced: u64,
    /// Announcements that came too late.
    pub announcements_refused: u64,
    /// Records that a comparison found missing.
    pub repaired_missing: u64,
    /// Records that a comparison found behind.
    pub repaired_behind: u64,
    /// Files named anew because the record was ahead of them.
    pub renamed: u64,
    /// Copies stored.
    pub fills: u64,
    /// Copies not stored because the document had changed.
    pub fills_refused: u64,
    /// Documents whose copies were dropped because there was no room for their record.
    pub dropped: u64,
    /// Copies of others removed because they meant something else than the document.
    pub stale_removed: u64,
    /// Calls refused for lack of room.
    pub no_room: u64,
    /// Comparisons of everything.
    pub comparisons: u64,
    /// Messages of other processes of ours.
    pub changes_heard: u64,
    /// Messages of workers of the reference.
    pub invalidations_heard: u64,
    /// Messages that made no sense.
    pub nonsense_heard: u64,
    /// Subscriptions that ended.
    pub gaps: u64,
    /// Connections made, of both kinds.
    pub connects: u64,
    /// Commands sent.
    pub commands: u64,
    /// Commands and connections that failed, other than by the server's refusal.
    pub failures: u64,
}

/// What the server tells of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerStatistics {
    /// Whether it answered.
    pub connected: bool,
    /// Keys in the database; of one node in a cluster.
    pub keys_count: u64,
    /// Connections it has accepted since its start.
    pub total_connections: u64,
    /// Commands it has done since its start.
    pub total_commands: u64,
    /// Memory it uses, in bytes.
    pub memory_used_bytes: u64,
    /// The same for people.
    pub memory_used_human: String,
}

impl Redis {
    /// How this tier is doing, as known here: nothing is asked.
    pub fn status(&self) -> Status {
        let shared = &self.shared;
        let subscription = *shared.heard.state.borrow();
        let compared_ago = lock(&shared.kept.compared).map(|at| at.elapsed());
        Status {
            server: shared.server.to_string(),
            worker: shared.speaker.worker.clone(),
            is_connected: shared.commands.is_up(),
            has_values: shared.values.is_up(),
            subscription,
            compared_ago,
            is_live: shared.is_live(subscription, compared_ago),
            scripts: shared.can_script(),
            other_directory: lock(&shared.other_directory).clone(),
            is_mixed: shared.heard.is_mixed.load(Ordering::Relaxed),
            counters: shared.counters(),
        }
    }

    /// Identity of this process on the channels.
    pub fn worker(&self) -> &str {
        &self.shared.speaker.worker
    }
}

impl Shared {
    fn is_live(&self, subscription: Subscription, compared_ago: Option<Duration>) -> bool {
        let has_news = subscription == Subscription::Live || !self.habits.listens;
        let in_time = self.habits.compare_every * MISSED;
        has_news && self.may_share() && compared_ago.is_some_and(|ago| ago <= in_time)
    }

    fn counters(&self) -> Counters {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let links = [self.commands.counters(), self.values.counters()];
        let sum = |of: fn(&LinkCounters) -> u64| links.iter().map(of).sum();
        let (kept, heard, copies) = (&self.kept, &self.heard, &self.copies);
        Counters {
            copy_hits: count(&copies.hits),
            copy_misses: count(&copies.misses),
            copies_refused: count(&copies.refused),
            copies_instead: count(&copies.instead),
            announced: count(&kept.announced),
            announcements_refused: count(&kept.refused),
            repaired_missing: count(&kept.missing),
            repaired_behind: count(&kept.behind),
            renamed: count(&kept.renamed),
            fills: count(&kept.filled),
            fills_refused: count(&kept.refused_fills),
            dropped: count(&kept.dropped),
            stale_removed: count(&kept.stale_removed),
            no_room: count(&kept.no_room),
            comparisons: count(&kept.comparisons),
            changes_heard: count(&heard.changes),
            invalidations_heard: count(&heard.invalidations),
            nonsense_heard: count(&heard.nonsense),
            gaps: count(&heard.gaps),
            connects: sum(|link| link.connects),
            commands: sum(|link| link.commands),
            failures: sum(|link| link.failures),
        }
    }

    pub(super) async fn ask_statistics(&self) -> ServerStatistics {
        let budget = self.habits.command_budget;
        let Ok(info) = self.commands.ask(&cmd("INFO"), budget).await else {
            return ServerStatistics::default();
        };
        let info = one_text(info).unwrap_or_default();
        let field = |name: &str| {
            let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.unwrap_or_default().trim().to_owned()
        };
        let number = |name: &str| field(name).parse().unwrap_or(0);
        let keys = self.commands.ask(&cmd("DBSIZE"), budget).await;
        let keys = keys.ok().and_then(|count| u64::from_redis_value(count).ok());
        ServerStatistics {
            connected: true,
            keys_count: keys.unwrap_or(0),
            total_connections: number("total_connections_received"),
            total_commands: number("total_commands_processed"),
            memory_used_bytes: number("used_memory"),
            memory_used_human: field("used_memory_human"),
        }
    }
}

/// A text; on a cluster that of one node.
fn one_text(value: Value) -> Option<String> {
    match value {
        Value::Map(nodes) => one_text(nodes.into_iter().next()?.1),
        Value::Array(nodes) => one_text(nodes.into_iter().nth(1)?),
        text => String::from_redis_value(text).ok(),
    }
}
