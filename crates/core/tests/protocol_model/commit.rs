//! The steps of a process of ours that holds the lock: read, prepare, exchange, follow up.

use crate::rules::{Fault, Mutation, Rules};
use crate::state::{ADOPTER, At, Generations, MISSING, Mark, Ours, Property, Slot, State};

/// Takes the process `who` one step on; `None` if it cannot move.
pub(crate) fn step(rules: &Rules, state: &State, who: usize) -> Option<State> {
    let mut next = *state;
    let mut own = state.ours[who];
    match own.at {
        At::Ended | At::Dead => return None,
        At::Start => start(rules, &mut next, &mut own, who)?,
        At::Recover => crate::recovery::decide(rules, &mut next, &mut own),
        At::Revoke => crate::recovery::revoke(rules, &mut next, &mut own),
        At::Back => crate::recovery::back(&mut next, &mut own),
        At::Drop => crate::recovery::drop_swap(rules, &mut next, &mut own),
        At::Read => read(rules, &mut next, &mut own, who),
        At::BaseFlush => {
            flush_base(rules, &mut next);
            after_base(rules, &mut next, &mut own, who);
        }
        At::Adopt => adopt(&mut next, &mut own),
        At::AdoptFlush => {
            flush_slots(rules, &mut next);
            after_label(rules, &mut next, &mut own);
        }
        At::Prepare => {
            prepare(rules, &mut next, &own);
            own.at = At::PrepareFlush;
        }
        At::PrepareFlush => {
            flush_slots(rules, &mut next);
            next.folder.swap_flushed = true;
            let placed = rules.without(Mutation::SwapBesideSlot);
            own.at = if placed { At::Exchange } else { At::Place };
        }
        At::Place => place(rules, &mut next, &mut own),
        At::Exchange => exchange(rules, &mut next, &mut own),
        At::SlotLate => {
            prepare(rules, &mut next, &own);
            own.at = At::Flush;
        }
        At::Flush => flush(rules, &mut next, &mut own),
        At::Counters => {
            count(&mut next, &own);
            own.at = At::Audit;
        }
        At::Audit => audit(rules, &mut next, &mut own),
        At::MarkDone => {
            mark(&mut next, own.generation, Mark::Done);
            own.at = At::Keep;
        }
        At::Keep => {
            let displaced = next.folder.swap;
            next.folder.keep(displaced);
            next.folder.swap = MISSING;
            own = if own.recovering { own.anew(At::Recover) } else { own.anew(At::Unlock) };
        }
        At::Confirm => {
            if !rules.without(Mutation::PresentUnflushed) {
                flush_folder(rules, &mut next);
            }
            own.at = At::Unlock;
        }
        At::Unlock => unlock(&mut next, &mut own, who),
        At::Acknowledge => {
            next.acknowledged |= own.record;
            own = own.anew(At::Ended);
        }
    }
    next.ours[who] = own;
    Some(next)
}

fn start(rules: &Rules, next: &mut State, own: &mut Ours, who: usize) -> Option<()> {
    if !rules.without(Mutation::NoLock) {
        if next.lock.is_some() {
            return None;
        }
        next.lock = Some(who as u8);
    }
    own.at = if rules.without(Mutation::NoRecovery) { At::Read } else { At::Recover };
    Some(())
}

fn read(rules: &Rules, next: &mut State, own: &mut Ours, who: usize) {
    if next.folder.document == MISSING {
        next.folder.restore_missing();
        return;
    }
    own.base = next.folder.document;
    own.generation = next.next_generation();
    if own.wanted() == own.base {
        // Already there, by a dead self or by a foreign writer that saw what was taken back.
        next.folder.committed |= own.record;
        next.folder.dropped &= !own.record;
    }
    // A base that is not our latest commit came by somebody's rename, which may not be on the disk.
    let latest = next.slots[0].generation.max(next.slots[1].generation);
    let label = next.label(own.base).map(|slot| next.slots[slot].generation);
    if label == Some(latest) {
        after_base(rules, next, own, who);
    } else {
        own.at = At::BaseFlush;
    }
}

fn after_base(rules: &Rules, next: &mut State, own: &mut Ours, who: usize) {
    let floor = if who == ADOPTER { next.reader.floor } else { 0 };
    let label = next.label(own.base).map(|slot| next.slots[slot].generation);
    match label.filter(|&generation| generation >= floor) {
        None => own.at = At::Adopt,
        Some(generation) if who == ADOPTER => {
            own.generation = generation;
            own.at = At::Unlock;
        }
        Some(_) => after_label(rules, next, own),
    }
}

fn after_label(rules: &Rules, next: &mut State, own: &mut Ours) {
    if own.record == 0 {
        own.at = At::Unlock;
        return;
    }
    if own.wanted() == own.base {
        own.at = At::Confirm;
        return;
    }
    own.generation = next.next_generation();
    own.at = match rules.without {
        Some(Mutation::SwapBesideSlot | Mutation::SlotAfterExchange) => At::Place,
        _ => At::Prepare,
    };
}

fn adopt(next: &mut State, own: &mut Ours) {
    let slot = Slot { generation: own.generation, digest: own.base, ..Slot::INVALID };
    write_slot(next, slot, own);
    own.at = At::AdoptFlush;
}

fn prepare(rules: &Rules, next: &mut State, own: &Ours) {
    let note = known_counters(rules, next) | (1 << own.generation);
    let mark = Mark::Prepared;
    let digest = own.wanted();
    write_slot(next, Slot { generation: own.generation, digest, base: own.base, mark, note }, own);
}

/// Overwrites the slot that does not describe the base; of two such the older.
fn write_slot(next: &mut State, slot: Slot, own: &Ours) {
    if slot.generation <= next.named {
        next.breaks(Property::OneGenerationOneContent);
    }
    next.named = next.named.max(slot.generation);
    let older = usize::from(next.slots[1].generation < next.slots[0].generation);
    let target = next.label(own.base).map_or(older, |current| 1 - current);
    next.slots[target] = slot;
}

/// The counters, from wherever they are furthest: the file, or the notes of what stands.
pub(crate) fn known_counters(rules: &Rules, state: &State) -> Generations {
    if rules.without(Mutation::NotesOfDoneIgnored) {
        return state.counters;
    }
    let stands = |slot: &&Slot| slot.generation != 0 && slot.mark == Mark::Done;
    let notes = state.slots.iter().filter(stands).map(|slot| slot.note);
    notes.fold(
        state.counters,
        |most, note| {
            if note.count_ones() > most.count_ones() { note } else { most }
        },
    )
}

/// Under its name at once, because it was written and flushed under another.
fn place(rules: &Rules, next: &mut State, own: &mut Ours) {
    if !rules.without(Mutation::OwnContentNotKept) {
        next.folder.keep(own.wanted());
    }
    next.folder.swap = own.wanted();
    let unflushed = rules.without(Mutation::SwapBesideSlot);
    next.folder.swap_flushed = !unflushed;
    own.at = if unflushed { At::Prepare } else { At::Exchange };
}

fn exchange(rules: &Rules, next: &mut State, own: &mut Ours) {
    let unchecked = rules.without(Mutation::NoDisplacedCheck);
    if rules.without(Mutation::PlainRename) {
        next.folder.document = next.folder.swap;
        next.folder.swap = MISSING;
    } else {
        if next.folder.document == MISSING {
            *own = own.anew(At::Read);
            return;
        }
        next.folder.exchange();
        if next.folder.swap != own.base && !unchecked {
            own.put = own.wanted();
            own.at = At::Revoke;
            return;
        }
    }
    next.folder.committed |= own.record;
    next.folder.dropped &= !own.record;
    next.folder.commits |= 1 << own.generation;
    let late = rules.without(Mutation::SlotAfterExchange);
    own.at = if late { At::SlotLate } else { At::Flush };
}

fn flush(rules: &Rules, next: &mut State, own: &mut Ours) {
    if !rules.without(Mutation::NoDirectoryFlush) {
        flush_folder(rules, next);
    }
    let skips = own.recovering && rules.without(Mutation::FollowUpsNotRedone);
    own.at = if skips { At::MarkDone } else { At::Counters };
}

fn flush_folder(rules: &Rules, next: &mut State) {
    if rules.fault == Fault::PowerCut {
        next.durable_folder = next.folder;
    }
}

/// What a slot says that is about to be overwritten must not be needed any more.
fn flush_base(rules: &Rules, next: &mut State) {
    if !rules.without(Mutation::BaseUnflushed) {
        flush_folder(rules, next);
    }
    if rules.fault == Fault::PowerCut && !rules.without(Mutation::CountersUnflushed) {
        next.durable_counters = next.counters;
    }
}

pub(crate) fn flush_slots(rules: &Rules, next: &mut State) {
    if rules.fault == Fault::PowerCut {
        next.durable_slots = next.slots;
    }
}

/// The note has the text as it must be: write it, unless the file is further.
fn count(next: &mut State, own: &Ours) {
    let Some(slot) = next.slots.iter().find(|slot| slot.generation == own.generation) else {
        return;
    };
    if next.counters.count_ones() < slot.note.count_ones() {
        next.counters = slot.note;
    }
}

fn audit(rules: &Rules, next: &mut State, own: &mut Ours) {
    let event = 1 << own.generation;
    if next.audit & event != 0 && rules.without(Mutation::FollowUpsRedoneBlindly) {
        next.breaks(Property::FollowedUpOnce);
    }
    next.audit |= event;
    own.at = At::MarkDone;
}

pub(crate) fn mark(next: &mut State, generation: u8, mark: Mark) {
    for slot in &mut next.slots {
        if slot.generation == generation {
            slot.mark = mark;
            if mark == Mark::Done {
                slot.base = MISSING;
            }
        }
    }
}

fn unlock(next: &mut State, own: &mut Ours, who: usize) {
    if next.lock == Some(who as u8) {
        next.lock = None;
    }
    if who != ADOPTER {
        *own = own.anew(At::Acknowledge);
        return;
    }
    crate::reader::believe(next, own.generation);
    *own = own.anew(At::Ended);
}
