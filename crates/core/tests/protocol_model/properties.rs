//! What must hold in every state, and what must hold once all is quiet and one recovery has run.

use crate::commit;
use crate::rules::{Mutation, Rules};
use crate::state::{ADOPTER, At, ForeignAt, MISSING, Ours, Property, ReaderAt, State, TORN};

/// The properties that `state` breaks.
pub(crate) fn broken(rules: &Rules, state: &State) -> Vec<Property> {
    let standing = state.folder.standing();
    let owed = state.acknowledged & !state.folder.dropped;
    let mut broken: Vec<Property> = state.broken.into_iter().collect();
    if standing == TORN {
        broken.push(Property::WhollyOrNot);
    } else if owed & !standing != 0 {
        broken.push(Property::AcknowledgedStays);
    }
    if is_quiet(state) {
        let healed = heal(rules, state);
        broken.extend(healed.broken);
        judge_healed(&healed, state.reader.floor, &mut broken);
    }
    broken
}

/// Nobody of ours is at work, and the foreign writer is not half way.
fn is_quiet(state: &State) -> bool {
    let rests = |own: &Ours| matches!(own.at, At::Start | At::Ended | At::Dead);
    state.ours.iter().all(rests)
        && !matches!(state.foreign.at, ForeignAt::Put | ForeignAt::RemoveAside)
        && matches!(state.reader.at, ReaderAt::Look | ReaderAt::Dead)
}

fn judge_healed(healed: &State, floor: u8, broken: &mut Vec<Property>) {
    let folder = &healed.folder;
    let gone = !folder.document;
    if healed.acknowledged & gone & !folder.kept != 0 {
        broken.push(Property::LostVersionIsKept);
    }
    let foreign = folder.foreign_missing();
    if foreign & !folder.collided != 0 {
        broken.push(Property::ForeignCommitStays);
    }
    if foreign & folder.collided & !folder.kept != 0 {
        broken.push(Property::CollidedCommitIsKept);
    }
    let label = healed.label(folder.document).map(|slot| healed.slots[slot].generation);
    let labelled = label.is_some_and(|generation| generation >= floor);
    if folder.document >= TORN || folder.swap != MISSING || !labelled || healed.prepared().is_some()
    {
        broken.push(Property::Heals);
    }
    if healed.audit != folder.commits || healed.counters != folder.commits {
        broken.push(Property::FollowedUpOnce);
    }
}

/// One process takes the lock, recovers, and labels what it finds.
fn heal(rules: &Rules, state: &State) -> State {
    let mut healed = *state;
    let at = if rules.without(Mutation::NoRecovery) { At::Read } else { At::Recover };
    healed.ours[ADOPTER] = Ours::new(at, 0);
    healed.reader.at = ReaderAt::Adopting;
    for _ in 0..64 {
        match commit::step(rules, &healed, ADOPTER) {
            Some(next) => healed = next,
            None => return healed,
        }
    }
    healed.breaks(Property::Heals);
    healed
}
