//! The trail of who changed what.

use std::num::NonZeroU64;
use std::path::PathBuf;

crate::setting_group! {
    /// The trail of who changed what.
    pub struct Audit is "audit trail" {
        /// Keep the trail.
        HORDE_MODEL_REFERENCE_AUDIT__ENABLED => enabled: bool = true,
        /// Bytes after which a new segment is begun.
        HORDE_MODEL_REFERENCE_AUDIT__MAX_SEGMENT_BYTES => max_segment_bytes: NonZeroU64 =
            super::SEGMENT_BYTES,
        /// Its folder under the data.
        HORDE_MODEL_REFERENCE_AUDIT__RELATIVE_SUBDIR => relative_subdir: String = "audit".into(),
        /// Its folder, if it lies elsewhere.
        HORDE_MODEL_REFERENCE_AUDIT__ROOT_PATH_OVERRIDE => root_path_override: Option<PathBuf> = None,
    }
}
