//! What the next holder of the lock does with a dead writer's leavings, and how a foreign commit
//! that an exchange displaced is put back.

use crate::commit::{known_counters, mark};
use crate::rules::{Mutation, Rules};
use crate::state::{At, MISSING, Mark, Ours, State};

/// Looks at the swap file and the slots and chooses the way on.
pub(crate) fn decide(rules: &Rules, next: &mut State, own: &mut Ours) {
    if next.folder.document == MISSING {
        next.folder.restore_missing();
        return;
    }
    next.counters = known_counters(rules, next);
    if next.folder.swap == MISSING { without_swap(next, own) } else { with_swap(rules, next, own) }
}

fn without_swap(next: &mut State, own: &mut Ours) {
    let Some(prepared) = next.prepared() else {
        own.at = At::Read;
        return;
    };
    let slot = next.slots[prepared];
    let stands = next.label(next.folder.document) == Some(prepared);
    if stands || next.audit & (1 << slot.generation) != 0 {
        follow_up(own, slot.generation);
        return;
    }
    mark(next, slot.generation, Mark::Revoked);
}

fn with_swap(rules: &Rules, next: &mut State, own: &mut Ours) {
    let swap = next.folder.swap;
    let current = next.label(next.folder.document);
    if let Some(prepared) = next.prepared() {
        let slot = next.slots[prepared];
        let overtaken = current != Some(prepared);
        let skips = overtaken && rules.without(Mutation::OvertakenNotFollowedUp);
        if swap == slot.base && !skips {
            follow_up(own, slot.generation);
            return;
        }
    }
    if let Some(current) = current {
        let slot = next.slots[current];
        let ours = matches!(slot.mark, Mark::Prepared | Mark::Revoked);
        if ours && swap != slot.digest && swap != slot.base {
            own.put = slot.digest;
        }
    }
    own.at = At::Revoke;
}

/// Goes on where the dead writer stopped after its commit.
fn follow_up(own: &mut Ours, generation: u8) {
    own.generation = generation;
    own.recovering = true;
    own.at = At::Flush;
}

/// Marks what is prepared as revoked, so that nobody takes it for a commit, and goes on to put the
/// displaced content back or to clear the swap file away.
pub(crate) fn revoke(rules: &Rules, next: &mut State, own: &mut Ours) {
    if let Some(prepared) = next.prepared()
        && !rules.without(Mutation::RevocationUnmarked)
    {
        let generation = next.slots[prepared].generation;
        mark(next, generation, Mark::Revoked);
    }
    own.at = if own.put == MISSING { At::Drop } else { At::Back };
}

/// Puts the content in the swap file in place, until what comes out is what was last put in: then no
/// foreign commit came in between.
pub(crate) fn back(next: &mut State, own: &mut Ours) {
    if next.folder.document == MISSING {
        next.folder.restore_missing();
        return;
    }
    let put = next.folder.swap;
    next.folder.exchange();
    if next.folder.swap == own.put {
        own.put = MISSING;
        own.at = At::Drop;
    } else {
        own.put = put;
        next.folder.collided |= next.folder.foreign_missing();
    }
}

/// Deletes the swap file if a slot describes it, else keeps it.
pub(crate) fn drop_swap(rules: &Rules, next: &mut State, own: &mut Ours) {
    let swap = next.folder.swap;
    let current_stands = next.label(next.folder.document).is_some();
    let deleted = rules.without(Mutation::UnknownSwapDeleted) && current_stands;
    if next.label(swap).is_none() && !deleted {
        next.folder.keep(swap);
    }
    next.folder.swap = MISSING;
    *own = own.anew(At::Recover);
}
