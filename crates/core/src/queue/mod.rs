//! The queue of proposed changes: what somebody wants to be done to a record, and what became of it.

mod change;

pub use crate::change::Operation;
pub use change::{Change, Status};
