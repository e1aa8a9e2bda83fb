//! The thread that compresses published bodies, better than there was time for before.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;

use crate::body::Body;

/// Bodies that may wait; beyond that the fast forms have to do.
const WAITING: usize = 256;

/// Owns the thread. Dropping it ends the thread after the body it is at.
pub(crate) struct Refiner {
    bodies: Option<SyncSender<Weak<Body>>>,
    all_compressed: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Refiner {
    /// Starts with the bodies of a start, which have no compressed forms yet: all of them get their
    /// fast forms first.
    pub(crate) fn start(first: Vec<Weak<Body>>) -> std::io::Result<Self> {
        let (bodies, waiting): (_, Receiver<Weak<Body>>) = std::sync::mpsc::sync_channel(WAITING);
        let all_compressed = Arc::new(AtomicBool::new(false));
        let done = Arc::clone(&all_compressed);
        let thread = std::thread::Builder::new().name("refiner".into()).spawn(move || {
            // A body that was replaced meanwhile is gone.
            first.iter().filter_map(Weak::upgrade).for_each(|body| body.compress());
            done.store(true, Ordering::Release);
            for body in first.into_iter().chain(waiting) {
                if let Some(body) = body.upgrade() {
                    body.refine();
                }
            }
        })?;
        Ok(Self { bodies: Some(bodies), all_compressed, thread: Some(thread) })
    }

    /// Whether the bodies of the start have their fast forms.
    pub(crate) fn has_caught_up(&self) -> bool {
        self.all_compressed.load(Ordering::Acquire)
    }

    pub(crate) fn refine(&self, body: &Arc<Body>) {
        if let Some(bodies) = self.bodies.as_ref().filter(|_| body.is_compressed()) {
            let _ = bodies.try_send(Arc::downgrade(body));
        }
    }
}

impl Drop for Refiner {
    fn drop(&mut self) {
        self.bodies = None;
        if let Some(thread) = self.thread.take() {
            // A panic there was already reported by the panic hook.
            let _ = thread.join();
        }
    }
}
