//! The AI-Horde model reference: which AI models exist, where their files are, and what they are.
//!
//! JSON and CSV files are the source of truth; every process answers from immutable snapshots in
//! memory. `ARCHITECTURE.md` in the repository is the map; the modules below stand in reading order.

pub mod json;
pub mod settings;

mod category;

pub use category::{Category, Domain, Purpose};
