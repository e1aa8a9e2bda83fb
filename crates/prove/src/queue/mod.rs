//! The proof of the queue over HTTP. Real servers share one directory and a Redis; clients propose,
//! decide, apply and purge at random while servers are killed and Redis comes and goes. Every call
//! is written down, and a checker compares what was answered with what is left in the files.
//!
//! The modules stand in reading order, as those of the whole crate do.

pub mod history;
pub mod left;

pub mod checker;

pub mod client;
pub mod plan;
pub mod stage;
