//! Names of text models: their parts, their variants, and the groups they form.

mod groups;
mod name;
mod parts;
mod schema;

pub use groups::{GroupSummary, size_order, with_groups};
pub use name::{
    BACKEND_PREFIXES, backend_prefix, display_name, group_of, related_names, short_name,
    split_author, variants, without_backend_prefix,
};
pub use parts::{Extra, ExtraKind, NameParts};
pub use schema::NameSchema;
