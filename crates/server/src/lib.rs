//! The AI-Horde model reference over HTTP.

pub mod settings;

pub mod app;
pub mod auth;
pub mod router;
mod openapi;
mod routes;

pub mod layers;
pub mod cors;
mod extract;
pub mod preconditions;
pub mod respond;
pub mod error;

mod connection;
pub mod serve;
