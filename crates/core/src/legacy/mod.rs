//! The legacy format: its records, the table of text models, and the ways to v2 and back.

mod common;
mod csv;
mod decimal;
mod from_csv;
mod from_legacy;
mod kind;
mod normalise;
mod publish;
mod record;
mod row;
mod to_legacy;
mod v1_entry;
mod view;

pub use common::{Common, Config, Fetch, File};
pub use csv::{GUIDED_COLUMNS, NotATable, PUBLIC_COLUMNS, Table, line_numbers};
pub use from_csv::{table_to_v1, table_to_v2};
pub use from_legacy::{Converted, Rejected, SlowRule, convert, convert_record};
pub use kind::{Clip, Image, Kind, Text, types};
pub use normalise::{SETTINGS, normalise, unknown_settings};
pub use publish::{Published, publish};
pub use record::{Origin, Record};
pub use row::Row;
pub use to_legacy::to_legacy;
pub use view::{View, same_in_legacy, text_view, view};
