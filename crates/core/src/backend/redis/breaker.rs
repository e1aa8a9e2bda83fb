//! When a server is no longer asked: a decision of its own, so that it can be tested without a server.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Failures in a row after which nothing more is asked.
const IN_A_ROW: u32 = 3;
/// The time looked back upon, and how many calls in it say anything.
const WINDOW: Duration = Duration::from_secs(1);
const CALLS: usize = 10;
/// Calls remembered at most.
const REMEMBERED: usize = 256;

/// Counts how calls of one connection ended.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    in_a_row: u32,
    /// When calls ended, and whether they failed.
    calls: VecDeque<(Instant, bool)>,
}

impl Breaker {
    /// Notes how a call ended. `true` means that the connection is to be given up.
    pub(super) fn note(&mut self, failed: bool, now: Instant) -> bool {
        self.in_a_row = if failed { self.in_a_row + 1 } else { 0 };
        self.calls.push_back((now, failed));
        let is_old = |(at, _): &(Instant, bool)| now.duration_since(*at) > WINDOW;
        while self.calls.len() > REMEMBERED || self.calls.front().is_some_and(is_old) {
            self.calls.pop_front();
        }
        let failures = self.calls.iter().filter(|(_, failed)| *failed).count();
        let is_half = self.calls.len() >= CALLS && failures * 2 >= self.calls.len();
        failed && (self.in_a_row >= IN_A_ROW || is_half)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_in_a_row_open_it() {
        let mut breaker = Breaker::default();
        let now = Instant::now();
        let ends = [true, true, false, true, true, true].map(|failed| breaker.note(failed, now));
        assert_eq!(ends, [false, false, false, false, false, true]);
    }

    #[test]
    fn half_of_ten_calls_in_a_second_open_it() {
        let mut breaker = Breaker::default();
        let now = Instant::now();
        let mut every_other = (0..10).map(|call| breaker.note(call % 2 == 1, now));
        assert!(every_other.by_ref().take(9).all(|opens| !opens));
        assert!(every_other.next().unwrap());
        let mut slow = Breaker::default();
        for call in 0..20 {
            assert!(!slow.note(call % 2 == 1, now + WINDOW * call));
        }
    }
}
