//! The copy in Redis that processes share.

use std::num::{NonZeroU16, NonZeroU32};
use std::path::PathBuf;
use std::time::Duration;

use super::{Choice, Host, NodeList, RedisUrl, Secret, positive};

/// What is found where Redis is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedisMode {
    /// One server.
    Standalone,
    /// Sentinels, who know the server.
    Sentinel,
    /// A cluster.
    Cluster,
}

impl Choice for RedisMode {
    const CHOICES: &'static [(&'static str, Self)] = &[
        ("standalone", Self::Standalone),
        ("sentinel", Self::Sentinel),
        ("cluster", Self::Cluster),
    ];
}

/// When the copies in Redis are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum L2Read {
    /// Before the file is.
    Prefer,
    /// When the file cannot be read.
    Fallback,
    /// Never.
    Off,
}

impl Choice for L2Read {
    const CHOICES: &'static [(&'static str, Self)] =
        &[("prefer", Self::Prefer), ("fallback", Self::Fallback), ("off", Self::Off)];
}

crate::setting_group! {
    /// The copy in Redis that processes share.
    pub struct Redis is "redis" {
        /// Share copies and news of changes through Redis; PRIMARY only.
        HORDE_MODEL_REFERENCE_REDIS__USE_REDIS => use_redis: bool = false,
        /// Address of the server: redis, rediss, valkey, valkeys or unix://, with a user, a password
        /// and the number of the database; rediss with #insecure verifies nobody; `protocol` is
        /// accepted and has no effect. What it leaves out may be said by the variables below; null:
        /// redis://localhost:6379/0, but for what these say.
        HORDE_MODEL_REFERENCE_REDIS__URL => url: Option<RedisUrl> = None,
        /// What is found there: one server, sentinels who know it, or a cluster.
        HORDE_MODEL_REFERENCE_REDIS__MODE => mode: RedisMode = RedisMode::Standalone,
        /// Host of the server; null: as the URL says.
        HORDE_MODEL_REFERENCE_REDIS__HOST => host: Option<Host> = None,
        /// Its port, and that of nodes given without one; null: as the URL says, or 6379, or 26379 of
        /// sentinels.
        HORDE_MODEL_REFERENCE_REDIS__PORT => port: Option<NonZeroU16> = None,
        /// Path of the socket of a server on this machine, instead of a host.
        HORDE_MODEL_REFERENCE_REDIS__SOCKET => socket: Option<PathBuf> = None,
        /// The sentinels, or some nodes of the cluster: host:port, with IPv6 in brackets; empty: the
        /// one that the URL or the host names.
        HORDE_MODEL_REFERENCE_REDIS__NODES => nodes: NodeList = NodeList::none(),
        /// User of the servers that hold data; null: as the URL says.
        HORDE_MODEL_REFERENCE_REDIS__USERNAME => username: Option<String> = None,
        /// Password of that user; null: as the URL says.
        HORDE_MODEL_REFERENCE_REDIS__PASSWORD => password: Option<Secret> = None,
        /// Number of the database, 0 in a cluster; null: as the URL says, or 0.
        HORDE_MODEL_REFERENCE_REDIS__DATABASE => database: Option<u32> = None,
        /// Encrypt connections, to sentinels too; null: as the URL says, or not.
        HORDE_MODEL_REFERENCE_REDIS__TLS => tls: Option<bool> = None,
        /// PEM file of the authorities to believe; null: those of the system.
        HORDE_MODEL_REFERENCE_REDIS__TLS_CA_FILE => tls_ca_file: Option<PathBuf> = None,
        /// PEM file of a certificate to show to the server.
        HORDE_MODEL_REFERENCE_REDIS__TLS_CERTIFICATE_FILE => tls_certificate_file: Option<PathBuf> =
            None,
        /// PEM file of the key of that certificate.
        HORDE_MODEL_REFERENCE_REDIS__TLS_KEY_FILE => tls_key_file: Option<PathBuf> = None,
        /// Name by which sentinels know the server.
        HORDE_MODEL_REFERENCE_REDIS__SENTINEL_SERVICE => sentinel_service: String = "mymaster".into(),
        /// User of the sentinels themselves.
        HORDE_MODEL_REFERENCE_REDIS__SENTINEL_USERNAME => sentinel_username: Option<String> = None,
        /// Password of the sentinels themselves.
        HORDE_MODEL_REFERENCE_REDIS__SENTINEL_PASSWORD => sentinel_password: Option<Secret> = None,
        /// No effect, but read as the reference reads it: a process has three connections.
        HORDE_MODEL_REFERENCE_REDIS__POOL_SIZE => pool_size: NonZeroU32 = positive(10),
        /// Seconds after which an answer is no longer waited for: upper limit of LOAD_BUDGET_MS,
        /// COMMAND_BUDGET_MS and VALUE_BUDGET_MS.
        HORDE_MODEL_REFERENCE_REDIS__SOCKET_TIMEOUT => socket_timeout_seconds: NonZeroU32 = positive(5),
        /// Seconds after which a connection is no longer waited for: upper limit of CONNECT_BUDGET_MS.
        HORDE_MODEL_REFERENCE_REDIS__SOCKET_CONNECT_TIMEOUT => connect_timeout_seconds: NonZeroU32 =
            positive(5),
        /// Milliseconds that loading a category may spend on Redis in all.
        HORDE_MODEL_REFERENCE_REDIS__LOAD_BUDGET_MS => load_budget_ms: NonZeroU32 = positive(10),
        /// Milliseconds that a small command may take.
        HORDE_MODEL_REFERENCE_REDIS__COMMAND_BUDGET_MS => command_budget_ms: NonZeroU32 = positive(50),
        /// Milliseconds that sending or fetching a copy in the background may take.
        HORDE_MODEL_REFERENCE_REDIS__VALUE_BUDGET_MS => value_budget_ms: NonZeroU32 = positive(1000),
        /// Milliseconds that connecting may take.
        HORDE_MODEL_REFERENCE_REDIS__CONNECT_BUDGET_MS => connect_budget_ms: NonZeroU32 = positive(250),
        /// Milliseconds between two comparisons with what Redis says, which find lost news.
        HORDE_MODEL_REFERENCE_REDIS__COMPARE_EVERY_MS => compare_every_ms: NonZeroU32 = positive(1000),
        /// How often a command is tried in all when the connection fails.
        HORDE_MODEL_REFERENCE_REDIS__RETRY_MAX_ATTEMPTS => max_attempts: NonZeroU32 = positive(3),
        /// Seconds from which the pauses between attempts grow, doubling; at least 0.01 is waited for.
        /// The reference has 0.5 here, which is long for those who wait for news.
        HORDE_MODEL_REFERENCE_REDIS__RETRY_BACKOFF_SECONDS => backoff_seconds: f64 = 0.05,
        /// Seconds that these pauses do not exceed.
        HORDE_MODEL_REFERENCE_REDIS__RETRY_BACKOFF_CAP_SECONDS => backoff_cap_seconds: f64 = 1.0,
        /// Beginning of every key and channel, without blanks; may hold a hash tag in braces.
        HORDE_MODEL_REFERENCE_REDIS__KEY_PREFIX => key_prefix: String = "horde:model_ref".into(),
        /// Seconds a copy lives in Redis; 0: for ever; null: the usual hour.
        HORDE_MODEL_REFERENCE_REDIS__TTL_SECONDS => ttl_seconds: Option<u32> = None,
        /// Read copies in Redis before the file is read (prefer), when it cannot be (fallback), or
        /// never (off).
        HORDE_MODEL_REFERENCE_REDIS__L2_READ => l2_read: L2Read = L2Read::Prefer,
        /// Tell other processes of changes at once.
        HORDE_MODEL_REFERENCE_REDIS__USE_PUBSUB => use_pubsub: bool = true,
        /// Send news through the shard of the keys; only in a cluster of Redis 7 or Valkey, and the
        /// same in all processes.
        HORDE_MODEL_REFERENCE_REDIS__SHARDED_PUBSUB => sharded_pubsub: bool = false,
    }
}

/// How long a copy lives if nobody says.
const USUAL_TTL_SECONDS: u32 = 3600;

/// Shortest and longest pause between attempts, in seconds: none at all would keep a processor busy
/// for as long as Redis is away, and nobody notices the return of Redis after an hour.
const PAUSES_SECONDS: (f64, f64) = (0.01, 3600.0);

impl Redis {
    /// How long a copy lives: as the `argument` says, else the setting, else an hour. 0 seconds, and
    /// so no answer, is for ever.
    pub fn ttl(&self, argument: Option<u32>) -> Option<Duration> {
        let seconds = argument.or(self.ttl_seconds).unwrap_or(USUAL_TTL_SECONDS);
        (seconds > 0).then(|| Duration::from_secs(seconds.into()))
    }

    /// What loading a category may spend on Redis in all.
    pub fn load_budget(&self) -> Duration {
        within(self.load_budget_ms, self.socket_timeout_seconds)
    }

    /// How long a small command may take.
    pub fn command_budget(&self) -> Duration {
        within(self.command_budget_ms, self.socket_timeout_seconds)
    }

    /// How long sending or fetching a copy in the background may take.
    pub fn value_budget(&self) -> Duration {
        within(self.value_budget_ms, self.socket_timeout_seconds)
    }

    /// How long connecting may take.
    pub fn connect_budget(&self) -> Duration {
        within(self.connect_budget_ms, self.connect_timeout_seconds)
    }

    /// The time between two comparisons.
    pub fn compare_every(&self) -> Duration {
        Duration::from_millis(self.compare_every_ms.get().into())
    }

    /// The first pause between attempts; at most the longest one.
    pub fn backoff_base(&self) -> Duration {
        pause(self.backoff_seconds).min(self.backoff_cap())
    }

    /// The longest pause between attempts.
    pub fn backoff_cap(&self) -> Duration {
        pause(self.backoff_cap_seconds)
    }
}

fn within(milliseconds: NonZeroU32, seconds: NonZeroU32) -> Duration {
    let limit = Duration::from_secs(seconds.get().into());
    Duration::from_millis(milliseconds.get().into()).min(limit)
}

fn pause(seconds: f64) -> Duration {
    let (shortest, longest) = PAUSES_SECONDS;
    Duration::from_secs_f64(seconds.clamp(shortest, longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_lives_as_the_argument_says_or_the_setting_or_an_hour() {
        let of =
            |setting, argument| Redis { ttl_seconds: setting, ..Redis::default() }.ttl(argument);
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(of(None, None), seconds(3600));
        assert_eq!(of(Some(60), None), seconds(60));
        assert_eq!(of(Some(60), Some(5)), seconds(5));
        assert_eq!(of(Some(0), None), None);
        assert_eq!(of(Some(60), Some(0)), None);
        assert_eq!(of(Some(0), Some(7)), seconds(7));
    }

    #[test]
    fn the_time_limits_of_the_reference_limit_ours() {
        let usual = Redis::default();
        assert_eq!(usual.load_budget(), Duration::from_millis(10));
        assert_eq!(usual.command_budget(), Duration::from_millis(50));
        assert_eq!(usual.value_budget(), Duration::from_secs(1));
        assert_eq!(usual.connect_budget(), Duration::from_millis(250));
        let generous = Redis {
            load_budget_ms: positive(9000),
            command_budget_ms: positive(9000),
            value_budget_ms: positive(9000),
            connect_budget_ms: positive(9000),
            socket_timeout_seconds: positive(2),
            connect_timeout_seconds: positive(3),
            ..Redis::default()
        };
        assert_eq!(generous.load_budget(), Duration::from_secs(2));
        assert_eq!(generous.command_budget(), Duration::from_secs(2));
        assert_eq!(generous.value_budget(), Duration::from_secs(2));
        assert_eq!(generous.connect_budget(), Duration::from_secs(3));
    }

    #[test]
    fn pauses_are_neither_nothing_nor_endless() {
        let of = |base, cap| {
            let redis =
                Redis { backoff_seconds: base, backoff_cap_seconds: cap, ..Redis::default() };
            (redis.backoff_base().as_secs_f64(), redis.backoff_cap().as_secs_f64())
        };
        assert_eq!(of(0.05, 1.0), (0.05, 1.0));
        assert_eq!(of(0.0, 0.0), (0.01, 0.01));
        assert_eq!(of(2.0, 0.5), (0.5, 0.5));
        assert_eq!(of(f64::MAX, f64::MAX), (3600.0, 3600.0));
    }
}
