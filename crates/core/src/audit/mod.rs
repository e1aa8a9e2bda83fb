//! The audit trail: who changed what, and when, in lines that are only ever appended.
//!
//! ```text
//! audit/index.json                                 the last event id
//! audit/<v2|legacy>/<category>/audit-000001.jsonl  one event a line
//! ```
//!
//! The reference's tools read it, and it reads theirs. Ids rise over the whole trail, for all
//! processes; an event is on the device before the change it tells of is acknowledged.

mod archive;
mod event;
mod net;
mod past;
mod replay;
mod story;
mod tail;
mod trail;

pub use archive::Archive;
pub(crate) use event::Draft;
pub use event::{Delta, Event, Payload};
pub use net::{NetChange, NetChanges};
pub use replay::replay;
pub use story::{Act, Batch, Change, Page, QUEUE, Step, Story};
pub use tail::{Filter, Tail};
pub use trail::Trail;
