//! Refreshing what was computed from the AI-Horde's API before somebody asks for it.

use std::num::NonZeroU32;

use super::positive;

crate::setting_group! {
    /// Refreshing what was computed from the AI-Horde's API before somebody asks for it.
    pub struct Hydration is "cache hydration" {
        /// Refresh in the background.
        HORDE_MODEL_REFERENCE_CACHE_HYDRATION_ENABLED => enabled: bool = false,
        /// Seconds between two refreshes.
        HORDE_MODEL_REFERENCE_CACHE_HYDRATION_INTERVAL_SECONDS => interval_seconds: NonZeroU32 =
            positive(240),
        /// Seconds an old answer may still be given while refreshing fails.
        HORDE_MODEL_REFERENCE_CACHE_HYDRATION_STALE_TTL_SECONDS => stale_ttl_seconds: u32 = 3600,
        /// Seconds to wait after the start.
        HORDE_MODEL_REFERENCE_CACHE_HYDRATION_STARTUP_DELAY_SECONDS => startup_delay_seconds: u32 = 5,
    }
}
