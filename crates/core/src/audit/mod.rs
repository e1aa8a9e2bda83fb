//! The audit trail: who changed what, and when, in lines that are only ever appended.
//!
//! ```text
//! audit/index.json                                 the last event id
//! audit/<v2|legacy>/<category>/audit-000001.jsonl  one event a line
//! ```
//!
//! The reference's tools read it, and it reads theirs. Ids rise over the whole trail, for all
//! processes; an event is on the device before the change it tells of is acknowledged.

mod event;
mod replay;
mod tail;
mod trail;

pub(crate) use event::Draft;
pub use event::{Delta, Event, Payload};
pub use replay::replay;
pub use tail::{Filter, Tail};
pub use trail::Trail;
