//! Which files of the contract the service is expected to satisfy today.
//!
//! A file that only reads is, unless it is listed here; a file that writes is not, unless it is
//! listed here. So a route that arrives needs a line, and nothing is left out unseen.

use crate::exchange::Exchange;

/// How much of a file is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    Whole,
    /// Only these steps, counted from 0.
    Steps(&'static [usize]),
    NotYet,
}

/// Files that only read, through routes that do not exist yet.
const READS_NOT_YET: &[&str] =
    &["n86-statistics", "n86-statistics-empty-store", "root-heartbeat-degraded"];

/// Files with other methods than reading ones that are satisfied.
const WRITES_SERVED: &[&str] = &[
    "n86-baselines-change-set-refused",
    "n86-baselines-conflict-and-delete",
    "n86-baselines-life",
    "n86-baselines-reference-by-pending-model",
    "n86-change-sets-bulk",
    "n86-change-sets-legacy",
    "n86-change-sets-replica-offline",
    "n86-change-sets-v2-nolists",
    "n86-change-sets-v2-noqueue",
    "n86-guidance-refused",
    "n86-licensing-assets",
    "n86-licensing-definitions",
    "n86-licensing-no-editors",
    "n86-licensing-write-in-replica",
    "n86-licensing-write-legacy-canonical",
    "root-method-not-allowed",
    "root-trailing-slash",
    "v1-single-model-not-readable-legacy",
    "v1-write-absent-in-replica",
    "v1-write-absent-when-v2-canonical",
];

/// Files of which some steps are satisfied. The others need routes that write; so do the first two
/// of d17, which want the methods of such routes listed.
const SOME_STEPS: &[(&str, &[usize])] = &[
    ("auth-approver-is-requestor", &[2, 3]),
    ("auth-horde-drops-connection", &[0]),
    ("auth-horde-unreachable", &[0, 2, 3, 4]),
    ("auth-no-allowlists", &[2, 3]),
    ("d01-slash-in-name", &[0, 3, 5]),
    ("d17-allow-and-head", &[2]),
    ("direct-mode-has-no-queue", &[0]),
    (
        "n86-guidance-life",
        &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 18, 19, 20, 21, 22],
    ),
    ("v2-pending-view", &[0, 1, 2, 3, 4]),
    ("v2-write-in-replica", &[7, 8]),
    ("v2-write-queue-disabled", &[6, 7]),
];

/// What is expected of this file.
pub fn readiness(file: &Exchange) -> Readiness {
    let name = file.name.as_str();
    if let Some((_, steps)) = SOME_STEPS.iter().find(|(listed, _)| *listed == name) {
        return Readiness::Steps(steps);
    }
    let served = if file.only_reads() {
        !READS_NOT_YET.contains(&name)
    } else {
        WRITES_SERVED.contains(&name)
    };
    if served { Readiness::Whole } else { Readiness::NotYet }
}
