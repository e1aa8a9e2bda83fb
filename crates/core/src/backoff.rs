//! How long to pause before trying again.

use std::time::Duration;

/// Pauses that grow, drawn at random so that many who failed together do not come back together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Longest first pause; each later one may be twice as long.
    pub base: Duration,
    /// Longest pause at all.
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { base: Duration::from_millis(250), cap: Duration::from_secs(5) }
    }
}

impl Backoff {
    /// A pause after `failures` earlier ones: anything from nothing to the longest allowed then.
    pub fn pause(&self, failures: u32) -> Duration {
        self.longest(failures).mul_f64(fastrand::f64())
    }

    /// `duration`, changed by up to a tenth of it either way.
    pub fn around(duration: Duration) -> Duration {
        duration.mul_f64(0.9 + 0.2 * fastrand::f64())
    }

    fn longest(&self, failures: u32) -> Duration {
        let factor = 1_u32.checked_shl(failures).unwrap_or(u32::MAX);
        self.base.saturating_mul(factor).min(self.cap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_cap() {
        let backoff = Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(5) };
        let longest = |failures| backoff.longest(failures).as_secs();
        assert_eq!([0, 1, 2, 3, 40].map(longest), [1, 2, 4, 5, 5]);
        for failures in 0..100 {
            assert!(backoff.pause(failures) <= backoff.longest(failures));
        }
        let around = Backoff::around(Duration::from_secs(10)).as_secs_f64();
        assert!((9.0..=11.0).contains(&around), "{around}");
    }
}
