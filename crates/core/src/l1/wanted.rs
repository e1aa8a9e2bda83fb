//! Documents the loader has been asked for, each at most once.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::Document;

#[derive(Default)]
pub(super) struct Wanted {
    /// Locked for a few lines.
    state: Mutex<State>,
    some: Condvar,
}

#[derive(Default)]
struct State {
    documents: Vec<Document>,
    is_over: bool,
}

impl Wanted {
    /// Asks for a document; its next load begins after this call.
    pub(super) fn ask(&self, document: Document) {
        let mut state = self.lock();
        if !state.documents.contains(&document) {
            state.documents.push(document);
            self.some.notify_one();
        }
    }

    /// Waits for documents and takes all that are wanted; `None` when it is over.
    pub(super) fn take(&self) -> Option<Vec<Document>> {
        let state = self.lock();
        let nothing = |state: &mut State| state.documents.is_empty() && !state.is_over;
        let mut state =
            self.some.wait_while(state, nothing).unwrap_or_else(PoisonError::into_inner);
        (!state.is_over).then(|| std::mem::take(&mut state.documents))
    }

    /// Nobody will ask any more.
    pub(super) fn end(&self) {
        self.lock().is_over = true;
        self.some.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
