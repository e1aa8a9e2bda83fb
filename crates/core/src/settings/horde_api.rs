//! The AI-Horde's own API: whose key, how much use.

use std::num::NonZeroU32;

use super::{BaseUrl, Secret, positive};

crate::setting_group! {
    /// The AI-Horde's own API: whose key, how much use.
    pub struct HordeApi is "AI-Horde API" {
        /// Address of the API, above its `v2`; with or without a final slash. HORDE_URL wins.
        AI_HORDE_URL or HORDE_URL => url: BaseUrl = BaseUrl::known("https://aihorde.net/api/"),
        /// Seconds after which an answer is no longer waited for.
        HORDE_MODEL_REFERENCE_HORDE_API_TIMEOUT => timeout_seconds: NonZeroU32 = positive(30),
        /// Seconds its answers are kept.
        HORDE_MODEL_REFERENCE_HORDE_API_CACHE_TTL => cache_ttl_seconds: i64 = 60,
        /// Key of a Horde user, for tools; the service does not use it.
        API_KEY => api_key: Option<Secret> = None,
    }
}
