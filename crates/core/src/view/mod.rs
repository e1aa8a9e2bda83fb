//! What is served, built from snapshots and never changed afterwards.
//!
//! Views are pure functions of the snapshots they were built from: no clock, no disk, no await. They
//! are rebuilt when one of those changes, off the path of every request.

pub mod category;
pub mod metadata;

pub use category::CategoryView;
pub use metadata::MetadataView;
