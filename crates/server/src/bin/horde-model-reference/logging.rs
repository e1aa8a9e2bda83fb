//! Where log lines go, and how they look.

use horde_model_reference_server::settings::{Log, LogFormat};
use std::io::IsTerminal;

/// Starts logging to standard error.
pub(crate) fn start(log: &Log) {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(log.level.filter())
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match log.format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
}
