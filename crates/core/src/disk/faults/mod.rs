//! Faults on purpose: where a commit may be killed or fail, and which rule may be left out, so that
//! tests can show that each is needed. Without the feature `faults` all of it is nothing.

#[cfg(feature = "faults")]
mod armed;
#[cfg(not(feature = "faults"))]
mod none;

#[cfg(feature = "faults")]
pub use armed::{Action, Plan, install, set_clock_offset_ms};
#[cfg(feature = "faults")]
pub(crate) use armed::{clock_ms, is_left_out, pass};
#[cfg(not(feature = "faults"))]
pub(crate) use none::{clock_ms, is_left_out, pass};

/// A step of a commit, just before it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the steps")]
pub enum Point {
    Lock,
    Recover,
    Read,
    Stage,
    Slot,
    FlushStaged,
    Exchange,
    Check,
    FlushFolder,
    Derived,
    Metadata,
    Audit,
    Requests,
    Done,
    Keep,
    Unlock,
}

/// A rule that a test may leave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Plain reads look at the lease.
    Lease,
    /// A write seen everywhere waits for the leases of others.
    CommitWait,
    /// One writer at a time.
    Lock,
    /// A stamp seen for less than two seconds proves nothing.
    YoungStamp,
    /// A label below what was held is no label.
    Floor,
    /// The folder is flushed before a write is acknowledged.
    FolderFlush,
    /// What was displaced is compared with what the commit was based on.
    DisplacedCheck,
    /// What a dead writer left is recovered.
    Recovery,
    /// A copy in Redis is taken only if it is what the control file proves.
    CopyProof,
    /// The record in Redis never falls.
    RisingRecord,
    /// A copy is stored in Redis only while the record names it.
    LateFill,
    /// What Redis says is compared with what is held again and again.
    Comparison,
    /// Who subscribes anew looks at everything.
    Gap,
}

impl Point {
    /// Every point, in the order of a commit.
    pub const ALL: [Self; 16] = [
        Self::Lock,
        Self::Recover,
        Self::Read,
        Self::Stage,
        Self::Slot,
        Self::FlushStaged,
        Self::Exchange,
        Self::Check,
        Self::FlushFolder,
        Self::Derived,
        Self::Metadata,
        Self::Audit,
        Self::Requests,
        Self::Done,
        Self::Keep,
        Self::Unlock,
    ];
}
