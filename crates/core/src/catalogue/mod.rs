//! The three catalogues beside the categories: image baselines, text guidance, licensing.
//!
//! Each is one small document (licensing: two) that is read whole, without tolerance for unknown
//! members, and answered from memory. Replicas validate the exports in the same way, so an answer
//! has exactly the members of the shape, all of them, nulls included, in a fixed order.
//!
//! Everything here is a plain function over [`Json`](crate::json::Json). Where the documents lie,
//! and what to do about a broken one, is the caller's business.
//!
//! ```text
//! ROOT/baselines/catalog.json       Baselines
//! ROOT/text_guidance/catalog.json   Guidance
//! ROOT/licensing/licenses.json      licensing::Definitions
//! ROOT/licensing/assets.json        licensing::Assets
//! ```

pub mod baselines;
pub(crate) mod change_set;
pub mod guidance;
pub mod licensing;

mod metadata;
mod refusal;
mod stored;

mod case_folding;

pub use baselines::{Baseline, Baselines, Capabilities, HordePolicy};
pub use change_set::{Stamp, States, Title, set_id};
pub use guidance::Guidance;
pub use metadata::{CatalogueMetadata, RecordMetadata, Revision};
pub use refusal::{Obstacle, Refusal};
pub use stored::{Keyed, Records, Stored};
