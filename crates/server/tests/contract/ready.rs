//! Which files of the contract the service is expected to satisfy today.
//!
//! Every file is, unless it is listed here. So nothing is left out unseen.

use crate::exchange::Exchange;

/// How much of a file is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// These steps, counted from 0.
    Steps(Vec<usize>),
    NotYet,
}

/// Files that need routes which do not exist yet.
const NOT_YET: &[&str] =
    &["n86-statistics", "n86-statistics-empty-store", "root-heartbeat-degraded"];

/// Files of which some steps are satisfied, because others need routes that do not exist yet.
const SOME_STEPS: &[(&str, &[usize])] = &[
    (
        "n86-guidance-life",
        &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 18, 19, 20, 21, 22],
    ),
    (
        "n86-model-licensing-write",
        &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20],
    ),
];

/// Steps that are answered otherwise on purpose, and why.
const REFUSED: &[(&str, usize, &str)] = &[
    // Recorded with an earlier release, in which such a change was reported as applied.
    (
        "d13-unconvertible-legacy-record",
        10,
        "a record without v2 form is refused when it is applied",
    ),
    ("d43-slow-download-flag", 3, "the flag is made as in the published files"),
    ("v2-add-generic", 5, "the type is that of the category in the path (D03)"),
];

/// What is expected of this file.
pub fn readiness(file: &Exchange) -> Readiness {
    let name = file.name.as_str();
    if NOT_YET.contains(&name) {
        return Readiness::NotYet;
    }
    let listed = SOME_STEPS.iter().find(|(listed, _)| *listed == name);
    let steps: Vec<usize> = match listed {
        Some((_, steps)) => steps.to_vec(),
        None => (0..file.steps.len()).collect(),
    };
    Readiness::Steps(steps)
}

/// Whether the step is sent, but answered otherwise on purpose.
pub fn is_refused(file: &Exchange, index: usize) -> bool {
    REFUSED.iter().any(|(name, step, _)| *name == file.name && *step == index)
}
