//! Real processes and sockets for the tests.
//!
//! Everything here blocks and uses plain threads, so that a test reads as one straight line of
//! steps and shares no runtime with what it tests.

#![expect(
    clippy::disallowed_methods,
    reason = "tests are told by the environment where things are"
)]

mod command;
mod dataset;
mod eventually;
mod horde_stub;
mod http;
mod http_stub;
mod python;
mod server_process;
mod shared;

pub use command::{Ran, run};
pub use dataset::DataFolder;
pub use eventually::eventually;
pub use horde_stub::HordeStub;
pub use http::{Connection, Request, Response, send};
pub use http_stub::{Answer, HttpStub, closed_port};
pub use python::python;
pub use server_process::{Launch, ServerProcess};
pub use shared::shared;
