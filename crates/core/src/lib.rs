//! The AI-Horde model reference: which AI models exist, where their files are, and what they are.
//!
//! JSON and CSV files are the source of truth; every process answers from immutable snapshots in
//! memory. `ARCHITECTURE.md` in the repository is the map; the modules below stand in reading order.

pub mod error;
pub mod generation;
pub mod json;
pub mod measure;
pub mod nearest;
pub mod settings;

mod category;
mod document;
mod format;

pub mod shape;

pub mod record;

pub mod legacy;
pub mod text;

pub mod catalogue;
mod model_alias;

pub mod change;
pub mod proposal;
pub mod queue;

pub mod body;
mod decoding;
pub mod disk;
pub mod made;
mod shrink;
pub mod snapshot;
pub mod view;

pub mod audit;
pub mod backend;
#[cfg(any(feature = "fetch", feature = "redis"))]
mod backoff;
pub mod l1;
mod writer;

#[cfg(feature = "fetch")]
pub mod fetch;
#[cfg(feature = "fetch")]
mod published;
#[cfg(feature = "fetch")]
pub mod replica;
#[cfg(feature = "fetch")]
pub mod seed;

pub mod category_file;
pub mod diff;
pub mod history;
pub mod stored;

pub mod check;
pub mod import;

pub mod blocking;
#[cfg(feature = "redis")]
mod cache;
mod licensing_edits;
mod primary;
mod reference;
mod refiner;
mod subscription;
pub mod watcher;

#[cfg(feature = "redis")]
pub use cache::{Capabilities, Health};
pub use category::{Category, Domain, Purpose, UnknownCategory};
pub use document::{Document, TopLevel};
pub use error::{Error, Result};
pub use format::Format;
pub use json::Json;
pub use model_alias::controlnet_alias;
pub use primary::Primary;
pub use reference::{Condition, ModelReference, NotKnownHere, Options, Published, Read};
pub use snapshot::Snapshot;
pub use subscription::{Changes, Subscription};
pub use view::{CatalogueView, CategoryView, MetadataView, PendingView};
pub use writer::Statistics as WriteStatistics;
