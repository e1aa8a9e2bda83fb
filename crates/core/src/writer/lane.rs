//! The queue of changes of one document, and the thread that makes commits of them.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::batch::Committer;
use super::job::Job;
use crate::change::WriteError;

/// How many changes may wait.
const LONGEST_QUEUE: usize = 1024;
/// How many changes are made in one commit.
const LARGEST_BATCH: usize = 256;

/// Takes changes; dropping it ends the thread after the commit it is at.
pub(super) struct Lane {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Queue {
    /// Locked for a few lines.
    state: Mutex<State>,
    some: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    is_over: bool,
}

impl Lane {
    pub(super) fn start(committer: Committer) -> std::io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let served = Arc::clone(&queue);
        let name = format!("writer {}", committer.document);
        let thread =
            std::thread::Builder::new().name(name).spawn(move || served.serve(committer))?;
        Ok(Self { queue, thread: Some(thread) })
    }

    /// Queues a job, or refuses it if too many wait.
    pub(super) fn push(&self, job: Job) -> Result<(), WriteError> {
        let mut state = self.queue.lock();
        if state.jobs.len() >= LONGEST_QUEUE {
            return Err(WriteError::Busy(format!("{LONGEST_QUEUE} changes are waiting already")));
        }
        state.jobs.push_back(job);
        self.queue.some.notify_one();
        Ok(())
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.queue.lock().is_over = true;
        self.queue.some.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic there was already reported by the panic hook.
            let _ = thread.join();
        }
    }
}

impl Queue {
    fn serve(&self, mut committer: Committer) {
        while let Some(jobs) = self.take() {
            // A bug met by odd data must not end the writing of all other data. The panic hook has
            // told of it; who waited for this commit learns that its outcome is not known.
            let made = std::panic::catch_unwind(AssertUnwindSafe(|| committer.commit(jobs)));
            let deferred = made.unwrap_or_default();
            let mut state = self.lock();
            for job in deferred.into_iter().rev() {
                state.jobs.push_front(job);
            }
        }
        // Whoever still waits learns that the writer has ended, when its sender is dropped.
        self.lock().jobs.clear();
    }

    /// Waits for jobs and takes as many as go into one commit; `None` when it is over.
    fn take(&self) -> Option<Vec<Job>> {
        let state = self.lock();
        let nothing = |state: &mut State| state.jobs.is_empty() && !state.is_over;
        let mut state =
            self.some.wait_while(state, nothing).unwrap_or_else(PoisonError::into_inner);
        if state.is_over {
            return None;
        }
        let count = state.jobs.len().min(LARGEST_BATCH);
        Some(state.jobs.drain(..count).collect())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
