//! The queue of proposed changes, and who may propose and approve.

use std::num::NonZeroU64;
use std::path::PathBuf;

use super::Words;

crate::setting_group! {
    /// The queue of proposed changes, and who may propose and approve.
    pub struct Queue is "pending queue" {
        /// Queue changes for approval.
        HORDE_MODEL_REFERENCE_PENDING_QUEUE__ENABLED => enabled: bool = true,
        /// Horde user ids of those who may propose changes.
        HORDE_MODEL_REFERENCE_PENDING_QUEUE__REQUESTOR_IDS => requestor_ids: Words = Words::none(),
        /// Horde user ids of those who may approve them, and propose too.
        HORDE_MODEL_REFERENCE_PENDING_QUEUE__APPROVER_IDS => approver_ids: Words = Words::none(),
        /// Its folder under the data.
        HORDE_MODEL_REFERENCE_PENDING_QUEUE__RELATIVE_SUBDIR => relative_subdir: String =
            "pending_queue".into(),
        /// Its folder, if it lies elsewhere.
        HORDE_MODEL_REFERENCE_PENDING_QUEUE__ROOT_PATH_OVERRIDE =>
            root_path_override: Option<PathBuf> = None,
        /// Has no effect; known because existing installations set it.
        HORDE_MODEL_REFERENCE_PENDING_QUEUE__MAX_SEGMENT_BYTES => max_segment_bytes: NonZeroU64 =
            super::SEGMENT_BYTES,
    }
}

impl Queue {
    /// Whether the user may propose changes.
    pub fn is_requestor(&self, user_id: &str) -> bool {
        self.requestor_ids.contains(user_id) || self.is_approver(user_id)
    }

    /// Whether the user may approve changes.
    pub fn is_approver(&self, user_id: &str) -> bool {
        self.approver_ids.contains(user_id)
    }

    /// Whether everybody is refused because nobody was named.
    pub fn refuses_everybody(&self) -> bool {
        self.requestor_ids.as_slice().is_empty() && self.approver_ids.as_slice().is_empty()
    }
}
