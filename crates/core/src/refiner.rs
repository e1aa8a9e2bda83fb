//! The threads that compress published bodies: one fast, as soon as they are published, the other
//! better, when there is time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::body::{Body, Coding};
use crate::made::{Forms, Outcome, Statistics, Store};

/// How long a body must have been published before time is spent on it: what is written again and
/// again is not worth it, and the processor has better things to do meanwhile.
const SETTLED: Duration = Duration::from_secs(1);

/// Bodies that may wait for either; beyond that the forms they have must do.
const WAITING: usize = 256;

/// How often it is asked again for a form that another process is making.
const ASK_AGAIN: Duration = Duration::from_millis(400);
/// How long others may take to make a form. It is made here then.
const OTHERS_TAKE: Duration = Duration::from_secs(15);
/// How long a body must have lasted for its forms to be kept for those who start later.
const LASTING: Duration = Duration::from_secs(5 * 60);

/// Owns the threads. Dropping it ends one after the bodies it has, the other after the form it is at.
pub(crate) struct Refiner {
    published: Option<SyncSender<Weak<Body>>>,
    all_compressed: Arc<AtomicBool>,
    forms: Arc<Forms>,
    threads: Vec<JoinHandle<()>>,
}

impl Refiner {
    /// Starts with the bodies of a start: all of them get their fast forms before any gets better
    /// ones. Better forms are shared through `store`, if there is one.
    pub(crate) fn start(
        first: Vec<Weak<Body>>,
        store: Option<Arc<dyn Store>>,
    ) -> std::io::Result<Self> {
        let (published, to_compress) = std::sync::mpsc::sync_channel(WAITING);
        let (compressed, to_refine) = std::sync::mpsc::sync_channel(WAITING);
        let all_compressed = Arc::new(AtomicBool::new(false));
        let done = Arc::clone(&all_compressed);
        let compressor =
            std::thread::Builder::new().name("compressor".into()).spawn(move || {
                first.iter().filter_map(Weak::upgrade).for_each(|body| body.compress());
                done.store(true, Ordering::Release);
                first.into_iter().for_each(|body| pass_on(&compressed, body));
                compress(&to_compress, &compressed);
            })?;
        let forms = Arc::new(Forms::new(store));
        let improved = Arc::clone(&forms);
        let refiner = std::thread::Builder::new()
            .name("refiner".into())
            .spawn(move || refine(&to_refine, &improved))?;
        // The compressor first: it owns the sender, and the refiner ends when that is gone.
        let threads = vec![compressor, refiner];
        Ok(Self { published: Some(published), all_compressed, forms, threads })
    }

    /// Whether the bodies of the start have their fast forms.
    pub(crate) fn has_caught_up(&self) -> bool {
        self.all_compressed.load(Ordering::Acquire)
    }

    /// What became of better forms.
    pub(crate) fn statistics(&self) -> Statistics {
        self.forms.statistics()
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

/// Something to do about a form of a body.
struct Task {
    body: Weak<Body>,
    coding: Coding,
    due: Instant,
    step: Step,
}

#[derive(Clone, Copy)]
enum Step {
    /// Make it better, or leave that to others: until then, if it has been left before.
    Improve { patience: Option<Instant> },
    /// Have it kept.
    Keep,
}

/// Does what is due. What waits for others stands in nobody's way.
fn refine(compressed: &Receiver<Settling>, forms: &Forms) {
    let mut tasks: Vec<Task> = Vec::new();
    loop {
        let next = (0..tasks.len()).min_by_key(|place| tasks[*place].due);
        let received = match next {
            Some(next) => compressed.recv_timeout(until(tasks[next].due)),
            None => compressed.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match (received, next) {
            (Ok(settling), _) => add(&mut tasks, settling),
            (Err(RecvTimeoutError::Timeout), Some(next)) => {
                let next = tasks.remove(next).take_step(forms);
                tasks.extend(next);
                let time = clock_gettime(ClockId::ThreadCPUTime);
                forms.note_processor_time(time.try_into().unwrap_or_default());
            }
            (Err(_), _) => return,
        }
    }
}

fn until(due: Instant) -> Duration {
    due.saturating_duration_since(Instant::now())
}

fn add(tasks: &mut Vec<Task>, (published, body): Settling) {
    tasks.retain(|task| task.body.strong_count() > 0);
    if tasks.len() >= WAITING * Coding::COMPRESSED.len() {
        return;
    }
    let (due, step) = (published + SETTLED, Step::Improve { patience: None });
    let task = |coding| Task { body: Weak::clone(&body), coding, due, step };
    tasks.extend(Coding::COMPRESSED.map(task));
}

impl Task {
    /// Takes the step, and says which is next. A body that was replaced meanwhile is gone.
    fn take_step(self, forms: &Forms) -> Option<Self> {
        let body = self.body.upgrade()?;
        let Step::Improve { patience } = self.step else {
            forms.keep(&body, self.coding);
            return None;
        };
        let may_wait = patience.is_none_or(|patience| Instant::now() < patience);
        let outcome = forms.improve(&body, self.coding, may_wait);
        let now = Instant::now();
        match outcome {
            Outcome::Done => None,
            Outcome::Stored => Some(Self { due: now + LASTING, step: Step::Keep, ..self }),
            Outcome::Later => {
                let patience = Some(patience.unwrap_or(now + OTHERS_TAKE));
                Some(Self { due: now + ASK_AGAIN, step: Step::Improve { patience }, ..self })
            }
        }
    }
}

impl Drop for Refiner {
    fn drop(&mut self) {
        self.published = None;
        for thread in self.threads.drain(..) {
            // A panic there was already reported by the panic hook.
            let _ = thread.join();
        }
    }
}
