//! A writer that knows nothing of us: it reads, sets the document aside, puts its own in place and
//! removes what it set aside, without a lock. Its second commit may be made from what it read for
//! its first, and may put back what it read as it was.

use crate::rules::Rules;
use crate::state::{FIRST_FOREIGN, ForeignAt, MISSING, State};

/// All the ways the foreign writer can go on.
pub(crate) fn steps(rules: &Rules, state: &State, add: &mut impl FnMut(&'static str, State)) {
    match state.foreign.at {
        ForeignAt::Read => {
            if state.foreign.commits >= rules.foreign_commits {
                return;
            }
            if state.foreign.seen != MISSING {
                add_both(state, "uses its old copy", add);
            }
            if state.folder.document == MISSING {
                return;
            }
            let mut next = *state;
            next.foreign.seen = state.folder.document;
            add_both(&next, "reads", add);
        }
        ForeignAt::SetAside => {
            let mut next = *state;
            if state.folder.document != MISSING {
                next.folder.aside = state.folder.document;
                next.folder.document = MISSING;
            }
            next.foreign.at = ForeignAt::Put;
            add("sets the document aside", next);
        }
        ForeignAt::Put => add("puts its own in place", put(state)),
        ForeignAt::RemoveAside => {
            let mut next = *state;
            next.folder.aside = MISSING;
            next.foreign.at = ForeignAt::Read;
            if next.foreign.commits >= rules.foreign_commits {
                next.foreign.seen = MISSING;
            }
            add("removes what it set aside", next);
        }
        ForeignAt::Dead => {}
    }
}

fn add_both(state: &State, what: &'static str, add: &mut impl FnMut(&'static str, State)) {
    for adds in [true, false] {
        let mut next = *state;
        next.foreign.at = ForeignAt::SetAside;
        next.foreign.adds = adds;
        add(what, next);
    }
}

fn put(state: &State) -> State {
    let mut next = *state;
    let own = if state.foreign.adds { FIRST_FOREIGN << state.foreign.commits } else { 0 };
    let content = state.foreign.seen | own;
    let standing = state.folder.standing();
    let folder = &mut next.folder;
    let lost = folder.committed & !content & !folder.dropped & !folder.collided;
    let ours_or_standing = (FIRST_FOREIGN - 1) | standing;
    folder.dropped |= lost & ours_or_standing;
    folder.dropped &= !content | (FIRST_FOREIGN - 1);
    folder.collided = (folder.collided | (lost & !ours_or_standing)) & !content;
    folder.committed |= own;
    folder.document = content;
    next.foreign.at = ForeignAt::RemoveAside;
    next.foreign.adds = true;
    next.foreign.commits += 1;
    next
}
