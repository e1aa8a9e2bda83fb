//! How following goes, for whoever runs the service.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How following goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FollowerStatus {
    /// Rounds that have ended.
    pub rounds: u64,
    /// Files written since the start.
    pub written: u64,
    /// Seconds since 1970 when the last round ended in which everything could be asked for.
    pub last_success: Option<u64>,
    /// Rounds since then.
    pub failures: u32,
    /// What was wrong in the last round: with the connection, or with what came over it.
    pub last_error: Option<String>,
}

/// Tells the status of a follower.
#[derive(Debug, Clone)]
pub struct FollowerWatch(Arc<Board>);

impl FollowerWatch {
    pub(super) fn new(board: Arc<Board>) -> Self {
        Self(board)
    }

    /// How it goes at present, or went when it ended.
    pub fn status(&self) -> FollowerStatus {
        self.0.read()
    }
}

/// Where the follower's thread writes how it goes. Locked for a few lines.
#[derive(Debug, Default)]
pub(super) struct Board {
    status: Mutex<FollowerStatus>,
    round_ended: Condvar,
}

/// What a round came to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Files that were written.
    pub(super) written: u64,
    /// What could not be asked for.
    pub(super) unanswered: Vec<String>,
    /// What was answered but cannot be used.
    pub(super) refused: Vec<String>,
}

impl Outcome {
    /// Everything that was wrong, in one line.
    pub(super) fn error(&self) -> Option<String> {
        let all: Vec<_> = self.unanswered.iter().chain(&self.refused).collect();
        let first = all.first()?;
        match all.len() {
            1 => Some((*first).clone()),
            count => Some(format!("{first}, and {} more", count - 1)),
        }
    }
}

impl Board {
    pub(super) fn read(&self) -> FollowerStatus {
        self.lock().clone()
    }

    /// Takes down a round. Returns what was there before, and what is now.
    pub(super) fn end_round(&self, outcome: &Outcome) -> (FollowerStatus, FollowerStatus) {
        let mut status = self.lock();
        let before = status.clone();
        status.rounds += 1;
        status.written += outcome.written;
        status.last_error = outcome.error();
        if outcome.unanswered.is_empty() {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            status.last_success = now.ok().map(|now| now.as_secs());
            status.failures = 0;
        } else {
            status.failures = status.failures.saturating_add(1);
        }
        self.round_ended.notify_all();
        (before, status.clone())
    }

    pub(super) fn first_round(&self, budget: Duration) -> bool {
        let waiting = |status: &mut FollowerStatus| status.rounds == 0;
        let waited = self.round_ended.wait_timeout_while(self.lock(), budget, waiting);
        waited.unwrap_or_else(PoisonError::into_inner).0.rounds > 0
    }

    fn lock(&self) -> MutexGuard<'_, FollowerStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_told_but_no_failure_to_ask() {
        let board = Board::default();
        assert!(!board.first_round(Duration::ZERO));
        let refused = Outcome { refused: vec!["a".into(), "b".into()], ..Outcome::default() };
        let (_, status) = board.end_round(&refused);
        assert!(board.first_round(Duration::ZERO));
        assert!(status.last_success.is_some());
        assert_eq!(status.last_error.as_deref(), Some("a, and 1 more"));
        let unanswered = Outcome { unanswered: vec!["c".into()], ..Outcome::default() };
        let (_, status) = board.end_round(&unanswered);
        assert_eq!((status.rounds, status.failures), (2, 1));
        assert_eq!(status.last_error.as_deref(), Some("c"));
    }
}
