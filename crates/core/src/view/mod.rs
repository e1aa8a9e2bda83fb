//! What is served, built from snapshots and never changed afterwards.
//!
//! Views are pure functions of the snapshots they were built from: no clock, no disk, no await. They
//! are rebuilt when one of those changes, off the path of every request.

pub mod catalogue;
pub mod category;
mod legacy;
pub mod metadata;
mod pending;
mod records_body;

pub use catalogue::{CatalogueView, Catalogues};
pub use category::{CategoryView, Derivation, Note};
pub(crate) use legacy::{derive_v2, keep_times};
pub use metadata::MetadataView;
pub use pending::PendingView;
pub use records_body::RecordsBody;
