//! What this process holds of one document, and how far into its past that reaches.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::Snapshot;
use crate::backend::{LastGood, Stamp};
use crate::generation::Generation;

/// Shared by whoever loads the document and whoever writes it; locked for a few lines.
#[derive(Debug, Default)]
pub(super) struct Held(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The last snapshot, so that it need not be parsed again.
    last: Option<Arc<Snapshot>>,
    /// The last one that had a name: what somebody else replaces is kept from it.
    named: Option<Arc<Snapshot>>,
    /// Largest generation seen: no older name is believed.
    floor: Generation,
    /// Generation up to which nothing that makes sense came after the last named snapshot.
    senseless_until: Generation,
    /// Whether something came after the last named snapshot that was not seen here.
    has_missed: bool,
    /// The stamp the last read found, when the first read that found it ended, and when the last one
    /// began.
    stamp: Option<(Stamp, Instant, Instant)>,
}

impl Held {
    pub(super) fn last(&self) -> Option<Arc<Snapshot>> {
        self.state().last.clone()
    }

    pub(super) fn named(&self) -> Option<Arc<Snapshot>> {
        self.state().named.clone()
    }

    pub(super) fn floor(&self) -> Generation {
        self.state().floor
    }

    pub(super) fn last_good(&self) -> Option<LastGood> {
        let state = self.state();
        let snapshot = state.last.clone()?;
        Some(LastGood { snapshot, is_newest: !state.has_missed })
    }

    /// Keeps the snapshot, unless a later one is kept already.
    pub(super) fn keep(&self, snapshot: &Arc<Snapshot>) {
        let mut state = self.state();
        if !snapshot.generation.is_some() {
            state.last = Some(Arc::clone(snapshot));
        } else if snapshot.generation >= state.floor {
            state.floor = snapshot.generation;
            state.last = Some(Arc::clone(snapshot));
            state.named = Some(Arc::clone(snapshot));
            state.has_missed = false;
        }
    }

    /// Notes that a read which began at `begun` found this stamp.
    pub(super) fn note_stamp(&self, stamp: Option<Stamp>, begun: Instant) {
        let mut state = self.state();
        state.stamp = stamp.map(|stamp| match state.stamp {
            Some((known, since, _)) if known == stamp => (stamp, since, begun),
            // A change after the first read may have the same stamp, but only just after.
            _ => (stamp, Instant::now(), begun),
        });
    }

    /// How long after a first read found this stamp the last one began.
    pub(super) fn age_of(&self, stamp: Stamp) -> Duration {
        match self.state().stamp {
            Some((known, since, begun)) if known == stamp => begun.saturating_duration_since(since),
            _ => Duration::ZERO,
        }
    }

    /// Notes whether what came `before` the content of this generation is known here. If this content
    /// makes no sense, the last good one is what is served.
    pub(super) fn note_missed(&self, generation: Generation, before: Generation) {
        let mut state = self.state();
        let named = state.named.as_ref().map(|named| named.generation).unwrap_or_default();
        state.has_missed = generation > named && before > named.max(state.senseless_until);
        if !state.has_missed {
            state.senseless_until = state.senseless_until.max(generation);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
