//! The legacy format: its records, and the ways from it to v2 and back.

mod from_legacy;
mod record;

pub use from_legacy::{Converted, Rejected, SlowRule, convert, convert_record};
pub use record::{Clip, Common, Config, Fetch, File, Image, Kind, Origin, Record, Text, types};
