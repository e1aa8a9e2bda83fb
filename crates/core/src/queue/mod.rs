//! The queue of proposed changes: what somebody wants to be done to a record, and what became of it.

mod change;
mod diff;

pub use crate::change::Operation;
pub use change::{Change, Status};
pub use diff::{FieldChange, FieldDiff, NetOperation, Proposal, field_diffs, is_critical, same};
