//! What checks of what is served, and of what is shared, came to.

use std::fmt::Result;

use horde_model_reference::watcher::{AGES, Verdict};

use super::page::Page;
use crate::app::App;

/// The ages, as labels.
const NAMES: [&str; AGES.len()] = ["0.2", "1", "10"];

pub(super) fn checks(page: &mut Page<'_>, app: &App) -> Result {
    let Some(checks) = app.reference.checks() else { return Ok(()) };
    let of_age = |(place, age): (usize, &'static str)| {
        Verdict::ALL.into_iter().map(move |verdict| {
            let labels = [("age", age), ("verdict", verdict.name())];
            (labels, checks.count(place, verdict))
        })
    };
    page.counters(
        (
            "watch_checks",
            "Checks against the file after each change, by its age in seconds and what was found",
        ),
        NAMES.into_iter().enumerate().flat_map(of_age),
    )
}
