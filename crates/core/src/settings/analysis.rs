//! Statistics, and which models are candidates to be removed.

use super::Words;

crate::setting_group! {
    /// Statistics, and which models are candidates to be removed.
    pub struct Analysis is "statistics and deletion risk" {
        /// Seconds that statistics are kept.
        HORDE_MODEL_REFERENCE_STATISTICS_CACHE_TTL => statistics_cache_ttl_seconds: i64 = 300,
        /// Seconds that deletion risks are kept.
        HORDE_MODEL_REFERENCE_DELETION_RISK_CACHE_TTL => deletion_risk_cache_ttl_seconds: i64 = 300,
        /// Has no effect; known because existing installations set it.
        HORDE_MODEL_REFERENCE_ENABLE_STATISTICS_PRECOMPUTE => statistics_precompute: bool = false,
        /// Hosts whose downloads speak for a model.
        HORDE_MODEL_REFERENCE_PREFERRED_FILE_HOSTS => preferred_file_hosts: Words =
            ["huggingface.co"].into_iter().collect(),
        /// Share of its category's use, in percent, below which a model counts as little used.
        HORDE_MODEL_REFERENCE_LOW_USAGE_THRESHOLD_PERCENTAGE => low_usage_percentage: f64 = 0.0065,
        /// The same for text models.
        HORDE_MODEL_REFERENCE_TEXT_GEN_LOW_USAGE_THRESHOLD_PERCENTAGE => text_low_usage_percentage: f64 =
            0.02,
        /// Leave the hosts of downloads out of account for text models.
        HORDE_MODEL_REFERENCE_TEXT_GEN_IGNORE_DOWNLOAD_HOSTS => text_ignore_download_hosts: bool = true,
        /// Uses a month at which a text model becomes critical.
        HORDE_MODEL_REFERENCE_TEXT_GEN_CRITICAL_USAGE_THRESHOLD => text_critical_usage: i64 = 10,
        /// Workers at which a text model becomes critical.
        HORDE_MODEL_REFERENCE_TEXT_GEN_CRITICAL_WORKER_THRESHOLD => text_critical_workers: i64 = 1,
    }
}
