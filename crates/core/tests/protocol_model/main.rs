//! The write protocol as a small model, searched whole: two writers of ours, a foreign one without a
//! lock, a reader that adopts, and a kill or a power cut at any step. The protocol holds in every
//! state; with any one of its rules left out, a property says so.

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
use state::Property;

fn holds(fault: Fault, faults: u8, foreign_commits: u8) {
    let outcome = search::explore(&Rules { without: None, fault, faults, foreign_commits }, None);
    println!("{faults} {fault:?}, {foreign_commits} foreign commits: {} states", outcome.states);
    if let Some((property, trace)) = outcome.broken {
        panic!("{property:?} is broken:\n{}", trace.join("\n"));
    }
}

/// Leaving the rule out must break the property.
fn convicts(mutation: Mutation, fault: Fault, foreign_commits: u8, property: Property) {
    let rules = Rules { without: Some(mutation), fault, faults: 1, foreign_commits };
    let outcome = search::explore(&rules, Some(property));
    let Some((_, trace)) = outcome.broken else {
        panic!("{property:?} held without the rule, in {} states", outcome.states);
    };
    println!("{mutation:?} breaks {property:?} ({} states):", outcome.states);
    println!("{}", trace.join("\n"));
}

#[test]
fn holds_when_any_process_is_killed() {
    holds(Fault::Kill, 1, 2);
}

#[test]
fn holds_when_the_recovering_process_is_killed_too() {
    holds(Fault::Kill, 2, 1);
}

#[test]
fn holds_when_the_power_is_cut() {
    holds(Fault::PowerCut, 1, 1);
}

#[test]
fn convicts_plain_rename() {
    convicts(Mutation::PlainRename, Fault::Kill, 1, Property::ForeignCommitStays);
}

#[test]
fn convicts_no_lock() {
    convicts(Mutation::NoLock, Fault::Kill, 1, Property::OneGenerationOneContent);
}

#[test]
fn convicts_no_recovery() {
    convicts(Mutation::NoRecovery, Fault::Kill, 1, Property::Heals);
}

#[test]
fn convicts_no_displaced_check() {
    convicts(Mutation::NoDisplacedCheck, Fault::Kill, 1, Property::ForeignCommitStays);
}

#[test]
fn convicts_slot_after_exchange() {
    convicts(Mutation::SlotAfterExchange, Fault::Kill, 1, Property::FollowedUpOnce);
}

#[test]
fn convicts_no_floor() {
    convicts(Mutation::NoFloor, Fault::Kill, 1, Property::ReaderNeverFallsBack);
}

#[test]
fn convicts_no_directory_flush() {
    convicts(Mutation::NoDirectoryFlush, Fault::PowerCut, 1, Property::AcknowledgedStays);
}

#[test]
fn convicts_follow_ups_not_redone() {
    convicts(Mutation::FollowUpsNotRedone, Fault::Kill, 1, Property::FollowedUpOnce);
}

#[test]
fn convicts_follow_ups_redone_blindly() {
    convicts(Mutation::FollowUpsRedoneBlindly, Fault::Kill, 1, Property::FollowedUpOnce);
}

#[test]
fn convicts_missing_believed() {
    convicts(Mutation::MissingBelieved, Fault::Kill, 1, Property::NeverBelievedAbsent);
}

#[test]
fn convicts_adoption_without_recovery() {
    convicts(Mutation::AdoptionWithoutRecovery, Fault::Kill, 2, Property::FollowedUpOnce);
}

#[test]
fn convicts_unknown_swap_deleted() {
    convicts(Mutation::UnknownSwapDeleted, Fault::Kill, 2, Property::CollidedCommitIsKept);
}

#[test]
fn convicts_swap_beside_slot() {
    convicts(Mutation::SwapBesideSlot, Fault::PowerCut, 1, Property::WhollyOrNot);
}

#[test]
fn convicts_own_content_not_kept() {
    convicts(Mutation::OwnContentNotKept, Fault::Kill, 1, Property::LostVersionIsKept);
}

#[test]
fn convicts_overtaken_not_followed_up() {
    convicts(Mutation::OvertakenNotFollowedUp, Fault::Kill, 1, Property::FollowedUpOnce);
}

#[test]
fn convicts_notes_of_done_ignored() {
    convicts(Mutation::NotesOfDoneIgnored, Fault::PowerCut, 1, Property::FollowedUpOnce);
}

#[test]
fn convicts_base_unflushed() {
    convicts(Mutation::BaseUnflushed, Fault::PowerCut, 1, Property::FollowedUpOnce);
}

#[test]
fn convicts_counters_unflushed() {
    convicts(Mutation::CountersUnflushed, Fault::PowerCut, 1, Property::FollowedUpOnce);
}

#[test]
fn convicts_mark_can_tear() {
    convicts(Mutation::MarkCanTear, Fault::PowerCut, 1, Property::FollowedUpOnce);
}

#[test]
fn convicts_revocation_unmarked() {
    convicts(Mutation::RevocationUnmarked, Fault::Kill, 2, Property::FollowedUpOnce);
}

#[test]
fn convicts_present_unflushed() {
    convicts(Mutation::PresentUnflushed, Fault::PowerCut, 2, Property::AcknowledgedStays);
}
