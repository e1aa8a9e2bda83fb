//! Licensing: which licences exist, and what is known of the licences of models and software.
//!
//! Two files hold definitions and assets. What is known of a model stands in its own record, so the
//! [`Register`] that answers most questions is drawn up from both files and all categories.

mod asset;
mod assignment;
mod definition;
mod export;
mod license_expression;
mod register;
mod store;
mod summary;
mod view;

pub use asset::{Asset, AssetKind, Assets};
pub use assignment::{Assignment, Evidence, ModelLicensing, unknown_assignment};
pub use definition::{Definition, Definitions};
pub use export::read_export;
pub use license_expression::{InvalidExpression, license_ids};
pub use register::{AssetFilter, LeftOut, Page, Register};
pub use store::{Store, Stored};
pub use view::AssetView;

use super::words::words;

words! {
    /// Whether something may be done with what is licensed.
    pub enum Permission {
        Allowed = "allowed",
        AllowedWithConditions = "allowed_with_conditions",
        Prohibited = "prohibited",
        Unknown = "unknown",
    }
}

words! {
    /// What must be done in return.
    pub enum Obligation {
        Attribution = "attribution",
        IncludeLicense = "include_license",
        ShareAlike = "share_alike",
        DiscloseSource = "disclose_source",
        NetworkSourceDisclosure = "network_source_disclosure",
        ResponsibleUseRestrictions = "responsible_use_restrictions",
        Other = "other",
    }
}
