//! The write protocol as a small model, searched whole.

mod commit;
mod faults;
mod foreign;
mod properties;
mod reader;
mod recovery;
mod rules;
mod search;
mod state;

use rules::{Fault, Mutation, Rules};

fn holds(rules: Rules) {
    let outcome = search::explore(&rules);
    println!("{rules:?}: {} states", outcome.states);
    if let Some((property, trace)) = outcome.broken {
        panic!("{property:?} is broken:\n{}", trace.join("\n"));
    }
}

#[test]
#[ignore]
fn all() {
    use Mutation::*;
    for m in [PlainRename,NoLock,NoRecovery,NoDisplacedCheck,SlotAfterExchange,NoFloor,NoDirectoryFlush,FollowUpsNotRedone,FollowUpsRedoneBlindly,MissingBelieved,AdoptionWithoutRecovery,UnknownSwapDeleted,SwapBesideSlot,OwnContentNotKept,OvertakenNotFollowedUp,NotesOfDoneIgnored,BaseUnflushed,CountersUnflushed,MarkCanTear,RevocationUnmarked,BackUnflushed,PresentUnflushed] {
        for (fault, foreign_commits) in [(Fault::Kill,1),(Fault::Kill,2), (Fault::PowerCut,1)] {
            let o = search::explore(&Rules{without:Some(m),fault,foreign_commits, faults: 1});
            println!("{m:?} {fault:?} {foreign_commits} {} {:?}", o.states, o.broken.as_ref().map(|b|b.0));
            if let Some(b)=o.broken { if std::env::args().any(|a| a=="--trace") {println!("{}", b.1.join("\n"));} break; }
        }
    }
}

#[test]
#[ignore]
fn two_kills() {
    holds(Rules { without: None, fault: Fault::Kill, foreign_commits: 1, faults: 2 });
}

#[test]
fn holds_when_any_process_is_killed() {
    holds(Rules { without: None, fault: Fault::Kill, foreign_commits: 2, faults: 1 });
}

#[test]
fn holds_when_the_power_is_cut() {
    holds(Rules { without: None, fault: Fault::PowerCut, foreign_commits: 1, faults: 1 });
}
