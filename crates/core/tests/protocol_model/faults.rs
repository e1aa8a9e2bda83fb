//! The one fault of a run: a kill of any one process, or a power cut that leaves what was flushed
//! and, of the rest, any part the disk may have got to.

use crate::rules::{Fault, Mutation, Rules};
use crate::state::{ADOPTER, At, ForeignAt, MISSING, ReaderAt, Slot, State, TORN};

/// All that the fault can do to `state`, and what comes after it.
pub(crate) fn steps(rules: &Rules, state: &State, add: &mut impl FnMut(&'static str, State)) {
    restarts(state, add);
    if state.faults >= rules.faults {
        return;
    }
    match rules.fault {
        Fault::Kill => kills(rules, state, add),
        Fault::PowerCut => {
            let mut written = *state;
            written.durable_folder = state.folder;
            add("the disk takes the names", written);
            cuts(rules, state, add);
        }
    }
}

fn restarts(state: &State, add: &mut impl FnMut(&'static str, State)) {
    for who in 0..ADOPTER {
        if state.ours[who].at == At::Dead && !state.ours[who].restarted {
            let mut next = *state;
            next.ours[who] = state.ours[who].anew(At::Start);
            next.ours[who].restarted = true;
            add("is started again", next);
        }
    }
}

fn kills(rules: &Rules, state: &State, add: &mut impl FnMut(&'static str, State)) {
    for who in 0..=ADOPTER {
        kill(rules, state, who, add);
    }
    if matches!(state.foreign.at, ForeignAt::Put | ForeignAt::RemoveAside) {
        let mut next = *state;
        next.faults += 1;
        next.foreign.at = ForeignAt::Dead;
        next.foreign.seen = MISSING;
        add("the foreign writer is killed", next);
    }
}

/// Kills one process of ours, if the fault is still to come and it is at work.
pub(crate) fn kill(
    rules: &Rules,
    state: &State,
    who: usize,
    add: &mut impl FnMut(&'static str, State),
) {
    if state.faults >= rules.faults
        || matches!(state.ours[who].at, At::Start | At::Ended | At::Dead)
    {
        return;
    }
    let mut next = *state;
    next.faults += 1;
    next.ours[who] = state.ours[who].anew(At::Dead);
    if state.lock == Some(who as u8) {
        next.lock = None;
    }
    if who == ADOPTER {
        next.reader.at = ReaderAt::Dead;
    }
    add("is killed", next);
}

fn cuts(rules: &Rules, state: &State, add: &mut impl FnMut(&'static str, State)) {
    let mut next = *state;
    next.faults += 1;
    next.clock = state.named;
    next.lock = None;
    next.folder = state.durable_folder;
    if next.folder.swap != MISSING && !next.folder.swap_flushed {
        next.folder.swap = TORN;
    }
    for who in 0..=ADOPTER {
        if state.ours[who].at != At::Ended {
            next.ours[who] = state.ours[who].anew(At::Dead);
        }
    }
    next.foreign.at = ForeignAt::Dead;
    next.reader.at = ReaderAt::Dead;
    for first in survivors(rules, state, 0) {
        for second in survivors(rules, state, 1) {
            for counters in [state.counters, state.durable_counters] {
                next.slots = [first, second];
                next.counters = counters;
                next.durable_slots = next.slots;
                next.durable_counters = next.counters;
                add("the power is cut", next);
            }
        }
    }
}

/// What may be found of a slot: what was flushed, what was written since, or neither.
fn survivors(rules: &Rules, state: &State, index: usize) -> Vec<Slot> {
    let (flushed, written) = (state.durable_slots[index], state.slots[index]);
    if flushed == written {
        return vec![written];
    }
    // A mark is one sector, written whole; a new slot may be torn.
    let only_marked = flushed.generation == written.generation;
    if only_marked && !rules.without(Mutation::MarkCanTear) {
        return vec![flushed, written];
    }
    vec![flushed, written, Slot::INVALID]
}
