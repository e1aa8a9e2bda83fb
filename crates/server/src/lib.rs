//! The service over HTTP.

pub mod settings;
