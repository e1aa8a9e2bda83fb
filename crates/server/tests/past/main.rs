//! The commands over what was: the audit trail, and the contents that are kept.

mod audit;
mod diff;
mod history;
mod restore;
mod written;
