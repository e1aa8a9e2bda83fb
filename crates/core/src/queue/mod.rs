//! Proposed changes: who asked for what, what was decided, what became of it.
//!
//! An [`Entry`] is one proposal, as the queue's file spells it. `State` is the whole file with its
//! numbers, and what may happen to it: plain functions, no disk. [`Queue`] makes them durable, and
//! carries approved changes out.

mod counters;
mod decision;
mod desk;
mod diff;
mod entry;
mod events;
mod state;
#[cfg(test)]
mod state_test;

pub(crate) use counters::Counters;
pub use decision::{Decided, Decision, Filter, Refusal, Split};
pub(crate) use desk::unique;
pub use desk::{Applied, Queue, QueueError};
pub use diff::{FieldChange, FieldDiff, NetOperation, Proposal, field_diffs, is_critical, same};
pub use entry::{Act, Actor, Draft, Entry, ResourceKind, Status};
pub(crate) use events::events;
pub(crate) use state::{QueueChange, State};
