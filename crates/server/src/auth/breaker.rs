//! Stops asking an AI-Horde that does not answer, for a while.
//!
//! Without it every request with a key that is not remembered would wait as long as a look-up may
//! take. While it is open nobody is let in by asking; keys that are remembered still are.

use std::time::{Duration, Instant};

/// Opens after some failures in a row.
#[derive(Debug)]
pub(super) struct Breaker {
    /// Failures in a row that open it; 0: none do.
    failures_to_open: u32,
    /// How long it stays open before one look-up may try again.
    rest: Duration,
    failures: u32,
    /// When it is open: until when nobody asks.
    resting_until: Option<Instant>,
}

impl Breaker {
    pub(super) fn new(failures_to_open: u32, rest: Duration) -> Self {
        Self { failures_to_open, rest, failures: 0, resting_until: None }
    }

    /// Whether a look-up may begin. An open breaker lets one through each time it has rested.
    pub(super) fn lets_through(&mut self, now: Instant) -> bool {
        match self.resting_until {
            Some(until) if now < until => false,
            Some(_) => {
                self.resting_until = Some(now + self.rest);
                true
            }
            None => true,
        }
    }

    /// The AI-Horde said something about a key.
    pub(super) fn answered(&mut self) {
        if self.resting_until.take().is_some() {
            tracing::info!("the AI-Horde tells again whose keys they are");
        }
        self.failures = 0;
    }

    /// It did not.
    pub(super) fn failed(&mut self, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        if self.failures_to_open == 0 || self.failures < self.failures_to_open {
            return;
        }
        if self.resting_until.replace(now + self.rest).is_none() {
            tracing::warn!(
                failures = self.failures,
                rest = ?self.rest,
                "the AI-Horde does not tell whose keys they are; it is asked only now and then"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_rests_and_closes() {
        let (start, rest) = (Instant::now(), Duration::from_secs(10));
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut breaker = Breaker::new(2, rest);
        breaker.failed(start);
        breaker.answered();
        breaker.failed(start);
        assert!(breaker.lets_through(start), "one failure in a row is not two");
        breaker.failed(start);
        assert!(!breaker.lets_through(after(9)));
        assert!(breaker.lets_through(after(10)) && !breaker.lets_through(after(10)), "one try");
        breaker.failed(after(12));
        assert!(!breaker.lets_through(after(21)) && breaker.lets_through(after(22)));
        breaker.answered();
        assert!(breaker.lets_through(after(22)) && breaker.lets_through(after(22)));
    }

    #[test]
    fn without_a_number_it_never_opens() {
        let mut breaker = Breaker::new(0, Duration::from_secs(10));
        let now = Instant::now();
        for _ in 0..100 {
            breaker.failed(now);
        }
        assert!(breaker.lets_through(now));
    }
}
