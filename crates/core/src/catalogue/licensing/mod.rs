//! Licensing: which licences exist, and what is known of the licences of models and software.
//!
//! Two files hold definitions and assets. What is known of a model stands in its own record, so the
//! [`Register`] that answers most questions is drawn up from both files and all categories.

mod asset;
mod definition;
mod edit;
mod export;
mod register;
mod store;
mod summary;
mod view;

pub use asset::{Asset, AssetKind, Assets};
pub use definition::{Definition, Definitions};
pub use edit::{Edit, Editable, check_assignable};
pub use export::read_export;
pub use register::{AssetFilter, LeftOut, Page, Register};
pub use store::Store;
pub use view::{AssetView, not_recorded, unknown_assignment};
