//! Whether this process owns the data or copies it, and from whom.

use std::num::NonZeroU32;

use super::{BaseUrl, Choice, positive};

/// Whether a process owns the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplicateMode {
    /// Owns the data and takes changes.
    Primary,
    /// Copies a PRIMARY and is read-only.
    Replica,
}

impl Choice for ReplicateMode {
    const CHOICES: &'static [(&'static str, Self)] =
        &[("PRIMARY", Self::Primary), ("REPLICA", Self::Replica)];
}

crate::setting_group! {
    /// Whether this process owns the data or copies it, and from whom.
    pub struct Replication is "replication" {
        /// PRIMARY owns the data and takes changes; REPLICA copies a PRIMARY and is read-only.
        HORDE_MODEL_REFERENCE_REPLICATE_MODE => mode: ReplicateMode = ReplicateMode::Replica,
        /// Use nothing but the own disk, read-only.
        HORDE_MODEL_REFERENCE_OFFLINE => offline: bool = false,
        /// Address of the PRIMARY that a REPLICA copies.
        HORDE_MODEL_REFERENCE_PRIMARY_API_URL => primary_api_url: Option<BaseUrl> =
            Some(BaseUrl::known("https://models.aihorde.net/api/")),
        /// Seconds a REPLICA waits for its PRIMARY.
        HORDE_MODEL_REFERENCE_PRIMARY_API_TIMEOUT => primary_api_timeout_seconds: NonZeroU32 = positive(10),
        /// Let a REPLICA read the published repositories while its PRIMARY is away.
        HORDE_MODEL_REFERENCE_ENABLE_GITHUB_FALLBACK => github_fallback: bool = true,
    }
}

impl Replication {
    /// Whether changes are taken.
    pub fn is_primary(&self) -> bool {
        self.mode == ReplicateMode::Primary
    }
}
