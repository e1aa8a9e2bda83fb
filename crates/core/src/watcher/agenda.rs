//! What is to be checked when: for each document its newest generation, and at most one doubt.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::AGES;
use crate::backend::Witness;
use crate::generation::Generation;
use crate::{Document, Snapshot};

/// Filled by whoever sees changes, emptied by one thread.
#[derive(Default)]
pub(crate) struct Agenda {
    /// Locked for a few lines.
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    tasks: [Option<Task>; Document::COUNT],
    doubts: [Option<Doubt>; Document::COUNT],
    is_over: bool,
}

/// A generation, and at which of the ages it is checked next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Task {
    pub(super) generation: Generation,
    noted: Instant,
    /// Place in [`AGES`].
    pub(super) age: usize,
}

/// Memory held something else than was read, which is to be decided later.
#[derive(Debug)]
pub(super) struct Doubt {
    /// Of the check that found it.
    pub(super) age: usize,
    pub(super) due: Instant,
    pub(super) served: Arc<Snapshot>,
    pub(super) witness: Witness,
}

/// Something whose time has come.
#[derive(Debug)]
pub(super) enum Due {
    Task(Document, Task),
    Doubt(Document, Doubt),
}

impl Agenda {
    /// Checks this generation from now on, in place of older ones.
    pub(super) fn note(&self, document: Document, generation: Generation, now: Instant) {
        self.lock().note(document, generation, now);
        self.changed.notify_one();
    }

    /// Remembers a doubt, unless there is an older one about the document.
    pub(super) fn doubt(&self, document: Document, doubt: Doubt) {
        self.lock().doubts[document.index()].get_or_insert(doubt);
    }

    /// Waits for what is due; `None` when it is over.
    pub(super) fn take(&self) -> Option<Due> {
        let mut state = self.lock();
        loop {
            if state.is_over {
                return None;
            }
            let now = Instant::now();
            if let Some(due) = state.take_due(now) {
                return Some(due);
            }
            state = match state.next() {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(next) => {
                    let wait = next.saturating_duration_since(now);
                    let waited = self.changed.wait_timeout(state, wait);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Nobody takes anything any more.
    pub(super) fn end(&self) {
        self.lock().is_over = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for State {
    fn default() -> Self {
        let doubts = std::array::from_fn(|_| None);
        Self { tasks: [None; Document::COUNT], doubts, is_over: false }
    }
}

impl State {
    fn note(&mut self, document: Document, generation: Generation, now: Instant) {
        let task = &mut self.tasks[document.index()];
        // What has no name yet may be anything.
        let is_newer = |task: &Task| generation > task.generation || !generation.is_some();
        if task.as_ref().is_none_or(is_newer) {
            *task = Some(Task { generation, noted: now, age: 0 });
        }
    }

    fn take_due(&mut self, now: Instant) -> Option<Due> {
        for document in Document::all() {
            let doubt = &mut self.doubts[document.index()];
            if let Some(doubt) = doubt.take_if(|doubt| doubt.due <= now) {
                return Some(Due::Doubt(document, doubt));
            }
            let task = &mut self.tasks[document.index()];
            if let Some(due) = task.filter(|task| task.due() <= now) {
                *task = due.following();
                return Some(Due::Task(document, due));
            }
        }
        None
    }

    fn next(&self) -> Option<Instant> {
        let tasks = self.tasks.iter().flatten().map(Task::due);
        tasks.chain(self.doubts.iter().flatten().map(|doubt| doubt.due)).min()
    }
}

impl Task {
    fn due(&self) -> Instant {
        self.noted + AGES[self.age]
    }

    fn following(self) -> Option<Self> {
        (self.age + 1 < AGES.len()).then_some(Self { age: self.age + 1, ..self })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Category;

    const DOCUMENT: Document = Document::V2(Category::Clip);

    fn generation(number: u64) -> Generation {
        number.to_string().parse().unwrap()
    }

    /// The generation and the age that are due.
    fn due(state: &mut State, now: Instant) -> Option<(u64, usize)> {
        match state.take_due(now)? {
            Due::Task(_, task) => Some((task.generation.get(), task.age)),
            Due::Doubt(..) => None,
        }
    }

    #[test]
    fn a_generation_is_checked_at_each_age_once_and_then_nothing_is_to_be_done() {
        let (mut state, now) = (State::default(), Instant::now());
        state.note(DOCUMENT, generation(5), now);
        for (place, age) in AGES.into_iter().enumerate() {
            assert_eq!(state.next(), Some(now + age));
            assert_eq!(due(&mut state, now + age - Duration::from_millis(1)), None);
            assert_eq!(due(&mut state, now + age), Some((5, place)));
            assert_eq!(due(&mut state, now + age), None);
        }
        assert_eq!(state.next(), None);
    }

    #[test]
    fn a_newer_generation_begins_anew_and_an_older_one_changes_nothing() {
        let (mut state, now) = (State::default(), Instant::now());
        state.note(DOCUMENT, generation(5), now);
        assert_eq!(due(&mut state, now + AGES[0]), Some((5, 0)));
        for older in [4, 5] {
            state.note(DOCUMENT, generation(older), now + AGES[0]);
            assert_eq!(state.next(), Some(now + AGES[1]));
        }
        state.note(DOCUMENT, generation(6), now + AGES[0]);
        assert_eq!(state.next(), Some(now + AGES[0] + AGES[0]));
        assert_eq!(due(&mut state, now + AGES[1]), Some((6, 0)));
    }

    #[test]
    fn whoever_waits_is_told_of_the_end() {
        let agenda = Agenda::default();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| agenda.take().is_none());
            agenda.end();
            assert!(waiting.join().unwrap());
        });
    }
}
