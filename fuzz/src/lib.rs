//! What the targets need beside the code under test.

mod category;
pub mod negotiation;
pub mod service;

pub use category::category;
