//! Questions about the audit trail, asked from requests: files are read on threads that may wait for
//! them, and never by more than a few requests at a time.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use horde_model_reference::audit::Archive;
use horde_model_reference::error;
use tokio::sync::Semaphore;

use crate::error::ApiError;

/// How many requests read at a time. More would only wait for one another's disk.
const AT_A_TIME: usize = 2;
/// How long a request waits for its turn.
const WAIT: Duration = Duration::from_secs(10);

/// Reads the audit trail for requests.
pub struct TrailReader {
    archive: Arc<Archive>,
    turns: Arc<Semaphore>,
}

impl TrailReader {
    /// The trail in `root`, which need not exist.
    pub fn new(root: PathBuf) -> Self {
        let archive = Arc::new(Archive::new(root));
        Self { archive, turns: Arc::new(Semaphore::new(AT_A_TIME)) }
    }

    /// What `question` makes of the trail.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Archive) -> error::Result<T> + Send + 'static,
    ) -> Result<T, ApiError> {
        let turn = tokio::time::timeout(WAIT, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            tracing::warn!(seconds = WAIT.as_secs(), "the audit trail is read too slowly for all");
            return Err(ApiError::TrailBusy);
        };
        let archive = Arc::clone(&self.archive);
        // A client may leave meanwhile; the turn lasts as long as the reading does.
        let reading = tokio::task::spawn_blocking(move || {
            let answer = question(&archive);
            drop(turn);
            answer
        });
        match reading.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                tracing::error!(%error, "the audit trail cannot be read");
                Err(ApiError::Internal)
            }
            Err(error) => {
                tracing::error!(%error, "reading the audit trail ended early");
                Err(ApiError::Internal)
            }
        }
    }
}
