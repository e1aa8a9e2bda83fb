//! The proof of the tiers. Real worker processes write and read one data directory while faults
//! are made to them and to their files; every call is recorded; a checker decides from the records
//! alone whether what was promised was kept.
//!
//! `queue` is a proof of its own, of the queue over HTTP.
//!
//! The modules stand in reading order: what is recorded, how it is judged, who records it, what is
//! done to them, and who puts it all together.

pub mod clock;
pub mod history;
pub mod past;

pub mod checker;

pub mod online;
pub mod subject;
pub mod worker;

pub mod cache;
pub mod disk;
pub mod editor;
pub mod faults;

pub mod fleet;
pub mod process;
pub mod report;

pub mod queue;
