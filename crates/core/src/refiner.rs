//! The threads that compress published bodies: one fast, as soon as they are published, the other
//! better, when there is time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::body::Body;

/// How long a body must have been published before time is spent on it: what is written again and
/// again is not worth it, and the processor has better things to do meanwhile.
const SETTLED: Duration = Duration::from_secs(1);

/// Bodies that may wait for either; beyond that the forms they have must do.
const WAITING: usize = 256;

/// Owns the threads. Dropping it ends each after the body it is at.
pub(crate) struct Refiner {
    published: Option<SyncSender<Weak<Body>>>,
    /// Its end wakes the thread that waits for bodies to settle.
    stop: Option<Sender<()>>,
    all_compressed: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Refiner {
    /// Starts with the bodies of a start: all of them get their fast forms before any gets better
    /// ones.
    pub(crate) fn start(first: Vec<Weak<Body>>) -> std::io::Result<Self> {
        let (published, to_compress) = std::sync::mpsc::sync_channel(WAITING);
        let (compressed, to_refine) = std::sync::mpsc::sync_channel(WAITING);
        let (stop, stopped) = std::sync::mpsc::channel();
        let all_compressed = Arc::new(AtomicBool::new(false));
        let done = Arc::clone(&all_compressed);
        let compressor =
            std::thread::Builder::new().name("compressor".into()).spawn(move || {
                first.iter().filter_map(Weak::upgrade).for_each(|body| body.compress());
                done.store(true, Ordering::Release);
                first.into_iter().for_each(|body| pass_on(&compressed, body));
                compress(&to_compress, &compressed);
            })?;
        let refiner = std::thread::Builder::new()
            .name("refiner".into())
            .spawn(move || refine(&to_refine, &stopped))?;
        // The compressor first: it owns the sender, and the refiner ends when that is gone.
        let threads = vec![compressor, refiner];
        Ok(Self { published: Some(published), stop: Some(stop), all_compressed, threads })
    }

    /// Whether the bodies of the start have their fast forms.
    pub(crate) fn has_caught_up(&self) -> bool {
        self.all_compressed.load(Ordering::Acquire)
    }

    /// Compresses a body that was published.
    pub(crate) fn compress(&self, body: &Arc<Body>) {
        if let Some(published) = &self.published
            && published.try_send(Arc::downgrade(body)).is_err()
        {
            body.compress();
        }
    }
}

/// A body that was replaced meanwhile is gone.
fn compress(published: &Receiver<Weak<Body>>, compressed: &SyncSender<Settling>) {
    for body in published {
        if let Some(body) = body.upgrade() {
            body.compress();
            pass_on(compressed, Arc::downgrade(&body));
        }
    }
}

/// A body and when it was published.
type Settling = (Instant, Weak<Body>);

fn pass_on(compressed: &SyncSender<Settling>, body: Weak<Body>) {
    if body.upgrade().is_some_and(|body| body.is_compressed()) {
        let _ = compressed.try_send((Instant::now(), body));
    }
}

fn refine(compressed: &Receiver<Settling>, stopped: &Receiver<()>) {
    for (published, body) in compressed {
        let left = SETTLED.saturating_sub(published.elapsed());
        if stopped.recv_timeout(left) == Err(RecvTimeoutError::Disconnected) {
            return;
        }
        if let Some(body) = body.upgrade() {
            body.refine();
        }
    }
}

impl Drop for Refiner {
    fn drop(&mut self) {
        (self.published, self.stop) = (None, None);
        for thread in self.threads.drain(..) {
            // A panic there was already reported by the panic hook.
            let _ = thread.join();
        }
    }
}
