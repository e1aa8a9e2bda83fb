//! How soon every process sees a change, and how hard it looks.

use std::num::NonZeroU32;

use super::positive;

crate::setting_group! {
    /// How soon every process sees a change, and how hard it looks.
    pub struct Coherence is "coherence" {
        /// Milliseconds within which every process sees a change, and that a write waits at most; at
        /// least 30, and 1000 suits network file systems. Read at each start: give every process that
        /// serves the folder the same.
        HORDE_MODEL_REFERENCE_COHERENCE__LEASE_MS => lease_ms: NonZeroU32 = positive(100),
        /// Milliseconds between two looks at the files, at most half of the lease; null: a third of it.
        HORDE_MODEL_REFERENCE_COHERENCE__LOOK_EVERY_MS => look_every_ms: Option<NonZeroU32> = None,
        /// Milliseconds a file must be old before its time stamp alone is believed.
        HORDE_MODEL_REFERENCE_COHERENCE__YOUNG_STAMP_MS => young_stamp_ms: u32 = 2000,
        /// Seconds after which files are read again whatever their time stamps say.
        HORDE_MODEL_REFERENCE_COHERENCE__DEEP_LOOK_S => deep_look_s: NonZeroU32 = positive(60),
    }
}

impl Coherence {
    /// Milliseconds between two looks at the files.
    pub fn look_every_ms(&self) -> u32 {
        self.look_every_ms.map_or_else(|| (self.lease_ms.get() / 3).max(1), NonZeroU32::get)
    }
}
