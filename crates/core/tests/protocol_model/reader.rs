//! A reader with a snapshot: it looks, labels, and adopts under the lock or serves provisionally.

use crate::rules::{Mutation, Rules};
use crate::state::{ADOPTER, At, MISSING, Ours, Property, ReaderAt, State};

/// All the ways the reader can go on; its adoption is a process of ours of its own.
pub(crate) fn steps(rules: &Rules, state: &State, add: &mut impl FnMut(&'static str, State)) {
    let mut next = *state;
    match state.reader.at {
        ReaderAt::Look => {
            if look(rules, &mut next).is_some() {
                add("reader looks", next);
            }
        }
        ReaderAt::Label => {
            if !label(rules, &mut next) {
                add("reader serves provisionally", next);
                if state.lock.is_some() {
                    return;
                }
                adopt(rules, &mut next);
            }
            add("reader labels", next);
        }
        ReaderAt::Adopting | ReaderAt::Dead => {}
    }
}

fn look(rules: &Rules, next: &mut State) -> Option<()> {
    if next.folder.document == MISSING {
        // Five looks see what set it aside, or see it again.
        if next.folder.aside != MISSING && !rules.without(Mutation::MissingBelieved) {
            return None;
        }
        next.breaks(Property::NeverBelievedAbsent);
        return Some(());
    }
    next.reader.seen = next.folder.document;
    next.reader.at = ReaderAt::Label;
    Some(())
}

/// Whether there is a label to believe.
fn label(rules: &Rules, next: &mut State) -> bool {
    let label = next.label(next.reader.seen).map(|slot| next.slots[slot].generation);
    next.reader.at = ReaderAt::Look;
    next.reader.seen = MISSING;
    let floor = if rules.without(Mutation::NoFloor) { 0 } else { next.reader.floor };
    let label = label.filter(|&generation| generation >= floor);
    if let Some(generation) = label {
        believe(next, generation);
    }
    label.is_some()
}

fn adopt(rules: &Rules, next: &mut State) {
    next.lock = Some(ADOPTER as u8);
    let at = match rules.without {
        Some(Mutation::AdoptionWithoutRecovery | Mutation::NoRecovery) => At::Read,
        _ => At::Recover,
    };
    next.ours[ADOPTER] = Ours::new(at, 0);
    next.reader.at = ReaderAt::Adopting;
}

/// Swaps the snapshot for the one with this generation.
pub(crate) fn believe(next: &mut State, generation: u8) {
    if generation < next.reader.floor {
        next.breaks(Property::ReaderNeverFallsBack);
    }
    next.reader.floor = generation;
    if next.reader.at == ReaderAt::Adopting {
        next.reader.at = ReaderAt::Look;
    }
}
