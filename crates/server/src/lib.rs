//! The AI-Horde model reference over HTTP.

pub mod settings;

pub mod app;
pub mod auth;
mod client_address;
mod metrics;
mod openapi;
pub mod past;
pub mod router;
mod routes;
pub mod settler;

mod conditions;
pub mod cors;
pub mod error;
mod extract;
mod hot;
pub mod layers;
pub mod preconditions;
pub mod process;
pub mod request_body;
pub mod respond;
pub mod traffic;

mod connection;
pub mod serve;
