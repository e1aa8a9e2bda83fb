//! Durable files: what is written here is there wholly or not at all, whoever dies and whenever the
//! power goes, and two writers never undo each other.
//!
//! ```text
//! F/X                          a document; only ever replaced whole
//! F/.X.new                     the next content while it is being written
//! F/.X.swap                    the next content while it is being put in place, then the last one
//! F/.coherence/X.ctl           two slots that name contents; its lock is the write lock of X
//! F/.coherence/kept/X/<g>      the last contents by generation, for restoring
//! F/.coherence/X.settled       what X holds as long as its stamp stays
//! F/.coherence/X.requests      answers of the last day by request
//! ```
//!
//! `Locked` is the write lock of one document and the only way to commit to it:
//! recover what a dead writer left, read, commit, do what follows from the commit, finish. Small
//! files without history are replaced by [`replace`]; lines are appended by a `Journal`.

mod atomic;
mod commit;
mod control;
pub mod faults;
mod journal;
mod kept;
pub(crate) mod lines;
mod lock;
mod locked;
mod place;
mod proof;
mod read;
mod recovery;
mod rewrite;

pub use atomic::{create, make_folder, replace};
pub(crate) use atomic::{flush, flush_if_there, replace_locked};
pub(crate) use commit::{CommitError, Flush, Flushes, Put};
pub(crate) use control::{ContentId, LARGEST_NOTE, Slot, State, label, read_slots};
pub(crate) use journal::Journal;
pub(crate) use kept::Kept;
pub(crate) use lock::{Lock, Unlockable};
pub(crate) use locked::{Base, Locked, WRITER_TIME, set_aside, time_set_aside};
pub(crate) use place::{Names, Place};
pub(crate) use proof::Proof;
pub(crate) use read::{FileContent, is_absence, read};
pub(crate) use recovery::{FollowUp, Unfinished};
pub(crate) use rewrite::{Rewrite, put, rewrite};

/// How long somebody who writes waits for others that write the same.
pub(crate) const LOCK_WAIT: std::time::Duration = std::time::Duration::from_secs(5);
