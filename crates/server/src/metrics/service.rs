//! The process and what is asked of it.

use std::fmt::Result;

use super::page::Page;
use crate::app::App;
use crate::process::Usage;

pub(super) fn identity(page: &mut Page<'_>, app: &App) -> Result {
    let labels = [
        ("version", env!("CARGO_PKG_VERSION")),
        ("mode", app.mode_name()),
        ("canonical", app.canonical.name()),
    ];
    page.info(("build", "Which version runs, and how"), &labels)
}

pub(super) fn requests(page: &mut Page<'_>, app: &App) -> Result {
    let counts = app.traffic.read();
    let reads = [([("result", "fresh")], counts.fresh), ([("result", "stale")], counts.stale)];
    page.counters(("reads", "Reads of data answered, as current or marked stale"), reads)?;
    let answers = counts.answers.iter();
    let answers = answers.map(|it| ([("group", it.group), ("status", it.class)], it.count));
    page.counters(("http_requests", "Requests answered, by group of routes"), answers)?;
    page.gauge(
        ("http_requests_in_flight", "Requests being answered; plain reads never show"),
        counts.in_flight as f64,
    )?;
    page.gauge(("http_connections_open", "Connections being served"), counts.open as f64)?;
    page.counter(("http_connections", "Connections served"), counts.accepted)
}

pub(super) fn process(page: &mut Page<'_>, app: &App) -> Result {
    let usage = Usage::now();
    let started = app.worker.started_ms / 1000;
    page.of_process(
        ("process_start_time_seconds", "When the process was started, since 1970"),
        Some(started),
    )?;
    page.of_process(("process_resident_memory_bytes", "Resident memory"), usage.resident)?;
    page.of_process(("process_open_fds", "Open file descriptors"), usage.descriptors)?;
    page.of_process(("process_threads", "Threads"), usage.threads)
}
