//! Finishes what workers that died were applying: at a start, and whenever an entry of the queue is
//! found being applied for long.

use std::thread::JoinHandle;
use std::time::Duration;

use horde_model_reference::queue::Queue;
use tokio_util::sync::CancellationToken;

/// How often the queue is looked at; from memory, so that it costs nothing.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Owns the thread that looks; dropping it ends it.
pub struct Settler {
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Settler {
    /// Looks at the queue until `stop`, or until this is dropped.
    pub fn start(queue: Queue, stop: &CancellationToken) -> std::io::Result<Self> {
        let stop = stop.child_token();
        let stopped = stop.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("settler".into()).spawn(move || {
            runtime.block_on(async {
                // Whoever dies has its locks taken from it; a stop need not wait for them.
                stopped.run_until_cancelled(look(&queue)).await;
            });
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

async fn look(queue: &Queue) {
    let mut was_applying = true;
    loop {
        let is_applying = queue.is_applying().await;
        // Somebody may just be at it; only what lasts is worth a lock.
        if is_applying
            && was_applying
            && let Err(error) = queue.settle().await
        {
            tracing::info!(%error, "changes that are being applied are left to whoever applies them");
        }
        was_applying = is_applying;
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

impl Drop for Settler {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic there was already reported by the panic hook.
            let _ = thread.join();
        }
    }
}
