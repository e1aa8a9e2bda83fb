//! The copy in Redis that processes share.

use std::num::NonZeroU32;

use super::{RedisUrl, positive};

crate::setting_group! {
    /// The copy in Redis that processes share.
    pub struct Redis is "redis" {
        /// Share copies and news of changes through Redis; PRIMARY only.
        HORDE_MODEL_REFERENCE_REDIS__USE_REDIS => use_redis: bool = false,
        /// Address of the server, with its password and the number of the database.
        HORDE_MODEL_REFERENCE_REDIS__URL => url: RedisUrl = RedisUrl::local(),
        /// Most connections of one process.
        HORDE_MODEL_REFERENCE_REDIS__POOL_SIZE => pool_size: NonZeroU32 = positive(10),
        /// Seconds after which an answer is no longer waited for.
        HORDE_MODEL_REFERENCE_REDIS__SOCKET_TIMEOUT => socket_timeout_seconds: NonZeroU32 = positive(5),
        /// Seconds after which a connection is no longer waited for.
        HORDE_MODEL_REFERENCE_REDIS__SOCKET_CONNECT_TIMEOUT => connect_timeout_seconds: NonZeroU32 =
            positive(5),
        /// How often a command is tried in all when the connection fails.
        HORDE_MODEL_REFERENCE_REDIS__RETRY_MAX_ATTEMPTS => max_attempts: NonZeroU32 = positive(3),
        /// Seconds of the shortest wait between two attempts.
        HORDE_MODEL_REFERENCE_REDIS__RETRY_BACKOFF_SECONDS => backoff_seconds: f64 = 0.5,
        /// Beginning of every key and channel.
        HORDE_MODEL_REFERENCE_REDIS__KEY_PREFIX => key_prefix: String = "horde:model_ref".into(),
        /// Seconds a copy lives in Redis; 0: for ever; null: the usual hour.
        HORDE_MODEL_REFERENCE_REDIS__TTL_SECONDS => ttl_seconds: Option<u32> = None,
        /// Tell other processes of changes at once.
        HORDE_MODEL_REFERENCE_REDIS__USE_PUBSUB => use_pubsub: bool = true,
    }
}
