//! What the targets need beside the code under test.

mod category;
pub mod negotiation;

pub use category::category;
