//! What must hold in every state, and what must hold once all is quiet and one recovery has run.

use crate::commit;
use crate::rules::{Mutation, Rules};
use crate::state::{ADOPTER, At, FIRST_FOREIGN, ForeignAt, MISSING, Mark, Ours, Property, ReaderAt, State, TORN};

/// The first property that `state` breaks.
pub(crate) fn broken(rules: &Rules, state: &State) -> Option<Property> {
    if state.broken.is_some() {
        return state.broken;
    }
    let standing = state.folder.standing();
    if standing == TORN {
        return Some(Property::WhollyOrNot);
    }
    let owed = state.acknowledged & !state.folder.dropped;
    if owed & !standing != 0 {
        return Some(Property::AcknowledgedStays);
    }
    if is_quiet(state) { broken_after_healing(rules, state) } else { None }
}

/// Nobody of ours is at work, and the foreign writer is not half way.
fn is_quiet(state: &State) -> bool {
    let rests = |own: &Ours| matches!(own.at, At::Start | At::Ended | At::Dead);
    state.ours.iter().all(rests)
        && !matches!(state.foreign.at, ForeignAt::Put | ForeignAt::RemoveAside)
        && matches!(state.reader.at, ReaderAt::Look | ReaderAt::Dead)
}

fn broken_after_healing(rules: &Rules, state: &State) -> Option<Property> {
    let healed = heal(rules, state)?;
    let folder = &healed.folder;
    if healed.broken.is_some() {
        return healed.broken;
    }
    let labelled = healed.label(folder.document);
    let generation = labelled.map_or(0, |slot| healed.slots[slot].generation);
    let unfinished = folder.document >= TORN || folder.swap != MISSING;
    if unfinished || generation == 0 || generation < state.reader.floor {
        return Some(Property::Heals);
    }
    if healed.slots.iter().any(|slot| slot.generation != 0 && slot.mark == Mark::Prepared) {
        return Some(Property::Heals);
    }
    if healed.audit != folder.commits || healed.counters != folder.commits {
        return Some(Property::FollowedUpOnce);
    }
    let ours = FIRST_FOREIGN - 1;
    let gone = !folder.document;
    let kept = folder.kept;
    if healed.acknowledged & ours & gone & !kept != 0 {
        return Some(Property::LostVersionIsKept);
    }
    let foreign = folder.committed & !ours & gone & !folder.dropped;
    if foreign & !folder.collided != 0 {
        return Some(Property::ForeignCommitStays);
    }
    (foreign & folder.collided & !kept != 0).then_some(Property::CollidedCommitIsKept)
}

/// One process takes the lock, recovers, and labels what it finds.
fn heal(rules: &Rules, state: &State) -> Option<State> {
    let mut healed = *state;
    let at = if rules.without(Mutation::NoRecovery) { At::Read } else { At::Recover };
    healed.ours[ADOPTER] = Ours::new(at, 0);
    healed.reader.at = ReaderAt::Adopting;
    for _ in 0..64 {
        match commit::step(rules, &healed, ADOPTER) {
            Some(next) => healed = next,
            None => return Some(healed),
        }
    }
    healed.breaks(Property::Heals);
    Some(healed)
}
