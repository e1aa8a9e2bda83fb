//! Which files the service is expected to satisfy today. A route that arrives needs a line here;
//! what is not listed is counted as not yet served.

use crate::exchange::{Exchange, Step};

/// How much of a file is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    Whole,
    /// Only these steps, counted from 0.
    Steps(&'static [usize]),
    NotYet,
}

/// Files of which every step is satisfied.
const SERVED: &[&str] = &[
    "audit-disabled",
    "audit-net-changes",
    "audit-net-changes-gaps",
    "audit-reader-tolerance",
    "audit-rotation",
    "audit-views",
    "auth-timeout",
    "heartbeat-shape",
    "queue-apply-batch",
    "queue-apply-bulk",
    "queue-apply-single",
    "queue-apply-text-v2",
    "queue-batch-id-burn",
    "queue-batches",
    "queue-concurrent-apply",
    "queue-disabled",
    "queue-list-get-diff",
    "queue-propose",
    "queue-propose-errors",
    "queue-purge",
    "queue-recovery",
    "queue-restart-persistence",
    "queue-v1-mirror",
];

/// Files of which these steps are satisfied. The others of `queue-no-allowlist`, `queue-replica` and
/// `queue-replica-legacy` ask for groups, families and names of text models, or search.
const SOME_STEPS: &[(&str, &[usize])] = &[
    ("legacy-queue-image", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 18, 19, 20]),
    ("legacy-queue-text", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12]),
    ("queue-no-allowlist", &[0, 1, 2, 3, 4]),
    ("queue-replica", &[0, 1, 2, 3, 4, 5, 6, 7]),
    ("queue-replica-legacy", &[0, 1, 2, 5]),
];

/// What is expected of this file.
pub fn readiness(file: &Exchange) -> Readiness {
    let name = file.name.as_str();
    if let Some((_, steps)) = SOME_STEPS.iter().find(|(listed, _)| *listed == name) {
        return Readiness::Steps(steps);
    }
    if SERVED.contains(&name) { Readiness::Whole } else { Readiness::NotYet }
}

/// What is listed but stands in no file, for lists that cannot rot.
pub fn unknown(files: &[Exchange]) -> Vec<&'static str> {
    let listed = SERVED.iter().chain(SOME_STEPS.iter().map(|(name, _)| name));
    listed.filter(|name| !files.iter().any(|file| file.name == **name)).copied().collect()
}

/// The steps of a file that compare something.
pub fn comparing(steps: &[Step]) -> usize {
    steps.iter().filter(|step| !matches!(step, Step::Control(_))).count()
}
