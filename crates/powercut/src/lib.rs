//! What a power cut can leave of what a process wrote.
//!
//! A real process runs under strace ([`record`](fn@record)); its system calls become a list of
//! [`Operation`]s below one folder; a [`Disk`] knows after each of them what is flushed and what is
//! not; and [`replay`](fn@replay) builds every folder a power cut at that point could leave, for a
//! check that starts upon it.

mod crash;
mod descriptors;
mod disk;
mod operation;
mod record;
mod replay;
mod strace;
mod trace;
mod tree;

pub use disk::Disk;
pub use operation::{Handle, Operation, Place};
pub use record::{Recording, can_record, record};
pub use replay::{Conviction, Known, Plan, Report, replay, replay_beyond, states};
pub use tree::{Blob, Entry, Tree};
