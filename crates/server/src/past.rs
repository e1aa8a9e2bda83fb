//! The audit trail of a server that keeps one, for whoever asks about the past.

use std::sync::Arc;
use std::time::Duration;

use horde_model_reference::audit::Archive;
use tokio::sync::Semaphore;

use crate::error::ApiError;

/// Readings of the trail at a time: it may be long, and lies on a disk.
const AT_ONCE: usize = 4;
/// How long a request waits for a place.
const WAIT: Duration = Duration::from_secs(10);

/// The audit trail of a server that keeps one, for whoever asks about the past.
pub struct Past {
    archive: Arc<Archive>,
    places: Arc<Semaphore>,
}

impl Past {
    /// Nothing is read yet.
    pub fn new(archive: Archive) -> Self {
        Self { archive: Arc::new(archive), places: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// What `ask` finds, off the threads that serve others.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Archive) -> horde_model_reference::Result<T> + Send + 'static,
    ) -> Result<T, ApiError> {
        let place = Arc::clone(&self.places).acquire_owned();
        let Ok(Ok(place)) = tokio::time::timeout(WAIT, place).await else {
            tracing::warn!(seconds = WAIT.as_secs(), "the audit trail is read too slowly for all");
            return Err(ApiError::PastBusy);
        };
        let archive = Arc::clone(&self.archive);
        // A client may leave while files are read for it: the place is taken until that ends.
        let read = move || {
            let found = ask(&archive);
            drop(place);
            found
        };
        match tokio::task::spawn_blocking(read).await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(error)) => {
                tracing::error!(%error, "the audit trail cannot be read");
                Err(ApiError::Unwritten("The audit trail cannot be read.".into()))
            }
            Err(_) => Err(ApiError::Internal),
        }
    }
}
