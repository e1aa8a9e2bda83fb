//! The legacy format: its records, the table of text models, and the ways to v2 and back.

mod csv;
mod decimal;
mod from_csv;
mod from_legacy;
mod normalise;
mod publish;
mod record;
mod row;
mod to_legacy;
mod view;

pub use csv::{GUIDED_COLUMNS, NotATable, PUBLIC_COLUMNS, Table};
pub use from_csv::{table_to_v1, table_to_v2};
pub use from_legacy::{Converted, Rejected, SlowRule, convert, convert_record};
pub use normalise::{SETTINGS, normalise, unknown_settings};
pub use publish::{Published, publish};
pub use record::{Clip, Common, Config, Fetch, File, Image, Kind, Origin, Record, Text, types};
pub use row::Row;
pub use to_legacy::to_legacy;
pub use view::{View, text_view, view};
