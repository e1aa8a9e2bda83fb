//! Workers of the reference and of ours on one folder and one Redis server: each sees at once what the
//! other writes, and nothing the other keeps in Redis misleads ours.
//!
//! Skipped, with a word, where the released client of the reference cannot be run.

use std::collections::BTreeSet;

#[expect(dead_code, reason = "not all of it is needed here")]
#[path = "../redis/stage.rs"]
mod stage;

mod peer;

mod copies;
mod races;
mod seen;

/// The names a plain read of ours shows. It may be marked as stale: while one of theirs replaces the
/// file, there is none.
fn shown(worker: &stage::Worker) -> BTreeSet<String> {
    let read = worker.primary.category_blocking(stage::CLIP);
    read.view.records().unwrap().keys().cloned().collect()
}
