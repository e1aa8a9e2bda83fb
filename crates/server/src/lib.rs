//! The AI-Horde model reference over HTTP.

pub mod app;
pub mod cors;
pub mod error;
mod extract;
pub mod layers;
pub mod preconditions;
pub mod respond;
pub mod router;
mod routes;

mod connection;
pub mod serve;
