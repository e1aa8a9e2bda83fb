//! The audit trail of a server that keeps one, for whoever asks about the past.

use std::sync::Arc;

use horde_model_reference::audit::Archive;
use tokio::sync::Semaphore;

use crate::error::ApiError;

/// Readings of the trail at a time: it may be long, and lies on a disk.
const AT_ONCE: usize = 4;

/// The audit trail of a server that keeps one, for whoever asks about the past.
pub struct Past {
    archive: Arc<Archive>,
    places: Semaphore,
}

impl Past {
    /// Nothing is read yet.
    pub fn new(archive: Archive) -> Self {
        Self { archive: Arc::new(archive), places: Semaphore::new(AT_ONCE) }
    }

    /// What `ask` finds, off the threads that serve others.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Archive) -> horde_model_reference::Result<T> + Send + 'static,
    ) -> Result<T, ApiError> {
        // Never closed, so there is always a place in the end.
        let _place = self.places.acquire().await;
        let archive = Arc::clone(&self.archive);
        match tokio::task::spawn_blocking(move || ask(&archive)).await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(error)) => {
                tracing::error!(%error, "the audit trail cannot be read");
                Err(ApiError::Unwritten("The audit trail cannot be read.".into()))
            }
            Err(_) => Err(ApiError::Internal),
        }
    }
}
