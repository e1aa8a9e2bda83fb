//! Workers of the reference and of ours on one folder and one Redis server: each sees at once what the
//! other writes, and nothing the other keeps in Redis misleads ours.
//!
//! Skipped, with a word, where the released client of the reference cannot be run.

#[expect(dead_code, reason = "not all of it is needed here")]
#[path = "../redis/stage.rs"]
mod stage;

mod peer;

mod copies;
mod races;
mod seen;
