//! The protocol's rules that can be left out, each to be convicted by a property, and which faults
//! may come.

/// A rule of the protocol left out or bent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutation {
    /// Rename over the document instead of exchanging with it.
    PlainRename,
    /// Nobody waits for the lock.
    NoLock,
    /// A dead writer's leavings are not looked at.
    NoRecovery,
    /// What the exchange displaced is not compared with the base.
    NoDisplacedCheck,
    /// The slot is written after the exchange.
    SlotAfterExchange,
    /// A label below the reader's floor is believed.
    NoFloor,
    /// Acknowledged without flushing the folder.
    NoDirectoryFlush,
    /// Recovery does not redo a dead writer's follow-ups.
    FollowUpsNotRedone,
    /// Recovery redoes follow-ups without looking whether they were done.
    FollowUpsRedoneBlindly,
    /// A missing document is believed at the first look.
    MissingBelieved,
    /// A reader adopts without recovering first.
    AdoptionWithoutRecovery,
    /// Recovery deletes a swap file no slot describes, if the document's slot is not prepared.
    UnknownSwapDeleted,
    /// The swap file is put under its name before the slot is flushed.
    SwapBesideSlot,
    /// Only what was displaced is kept, not what was committed.
    OwnContentNotKept,
    /// A commit that a foreign one followed before its follow-ups is not followed up.
    OvertakenNotFollowedUp,
    /// Counters lost with the power are not looked up in the notes of slots marked done.
    NotesOfDoneIgnored,
    /// The folder is not flushed before a slot is written for a base that is not our latest commit.
    BaseUnflushed,
    /// The counters are not flushed before a slot is written for such a base.
    CountersUnflushed,
    /// Marking done rewrites more than can be written whole.
    MarkCanTear,
    /// What is taken back is not marked as revoked first.
    RevocationUnmarked,
    /// A change that is already there is acknowledged without a flush.
    PresentUnflushed,
}

/// Which faults may come, and which rule is left out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) without: Option<Mutation>,
    pub(crate) fault: Fault,
    pub(crate) faults: u8,
    pub(crate) foreign_commits: u8,
}

/// The kind of fault that comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Any one process is killed.
    Kill,
    /// The machine loses power.
    PowerCut,
}

impl Rules {
    pub(crate) fn without(&self, mutation: Mutation) -> bool {
        self.without == Some(mutation)
    }
}
