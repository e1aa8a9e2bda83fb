//! What becomes of files: commits, what others wrote, what a replica fetched.

use std::fmt::Result;

use super::page::Page;
use crate::app::App;

/// Only the authority writes.
pub(super) fn file_tier(page: &mut Page<'_>, app: &App) -> Result {
    let Some(primary) = &app.primary else { return Ok(()) };
    let files = primary.file_statistics();
    page.counter(
        ("files_adoptions", "Contents written without a lock that were named here"),
        files.adoptions,
    )?;
    page.counter(
        ("files_overwritten", "Of those, contents that lacked records of the one before"),
        files.overwritten,
    )?;
    page.counter(("files_shrunk", "Of those, contents that lacked many"), files.shrunk)?;
    page.counter(
        ("files_recovered_commits", "Commits of writers that died, finished here"),
        files.recovered,
    )
}

/// Only the authority writes.
pub(super) fn writer(page: &mut Page<'_>, app: &App) -> Result {
    let Some(primary) = &app.primary else { return Ok(()) };
    let writes = primary.write_statistics();
    let results = writes.changes.iter().map(|(result, count)| ([("result", *result)], *count));
    page.counters(("changes", "Changes asked for, by what became of them"), results)?;
    page.histogram(
        ("commit_seconds", "From asking for the lock until all that follows is done"),
        &writes.commit,
    )?;
    page.histogram(
        ("lock_wait_seconds", "Waiting for other writers of a document"),
        &writes.lock_wait,
    )?;
    let flushes = [
        ([("what", "content")], &writes.flush_content),
        ([("what", "folder")], &writes.flush_folder),
    ];
    page.histograms(("flush_seconds", "Waiting for the device during commits"), flushes)
}

/// Only a replica follows.
pub(super) fn replication(page: &mut Page<'_>, app: &App) -> Result {
    let Some(follower) = &app.follower else { return Ok(()) };
    let status = follower.status();
    page.counter(("replication_rounds", "Rounds of asking the PRIMARY"), status.rounds)?;
    page.counter(("replication_files_written", "Files that were fetched"), status.written)?;
    page.gauge(
        ("replication_failures", "Rounds since the last in which everything could be asked for"),
        status.failures.into(),
    )?;
    match status.last_success {
        None => Ok(()),
        Some(at) => page.gauge(
            ("replication_last_success_timestamp_seconds", "When that round ended"),
            at as f64,
        ),
    }
}
