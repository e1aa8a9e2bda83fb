//! The thread that compresses published bodies better, when nobody waits for it.

use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;

use crate::body::Body;

/// Bodies that may wait; beyond that the fast forms have to do.
const WAITING: usize = 256;

/// Owns the thread. Dropping it ends the thread after the body it is at.
pub(crate) struct Refiner {
    bodies: Option<SyncSender<Weak<Body>>>,
    thread: Option<JoinHandle<()>>,
}

impl Refiner {
    pub(crate) fn start() -> std::io::Result<Self> {
        let (bodies, waiting): (_, Receiver<Weak<Body>>) = std::sync::mpsc::sync_channel(WAITING);
        let thread = std::thread::Builder::new().name("refiner".into()).spawn(move || {
            for body in waiting {
                // A body that was replaced meanwhile is gone.
                if let Some(body) = body.upgrade() {
                    body.refine();
                }
            }
        })?;
        Ok(Self { bodies: Some(bodies), thread: Some(thread) })
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
