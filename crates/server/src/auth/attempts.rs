//! Counts of attempts with keys that belong to nobody, so that keys cannot be guessed at leisure.
//!
//! Counted in windows of a minute that begin with the first failure. Bounded: when there are too
//! many to count, the oldest windows go first.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// How long failures count.
const WINDOW: Duration = Duration::from_secs(60);
/// Most windows at a time.
const MOST: usize = 10_000;

/// Failed attempts by whoever they are counted for.
#[derive(Debug)]
pub(super) struct Attempts<K> {
    /// Failures in a window after which nothing more is tried; 0: any number.
    most: u32,
    windows: HashMap<K, Window>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    since: Instant,
    failures: u32,
}

impl<K: Eq + Hash + Copy> Attempts<K> {
    pub(super) fn new(most: u32) -> Self {
        Self { most, windows: HashMap::new() }
    }

    /// How long nothing more is tried for `key`, if it failed too often.
    pub(super) fn refused_for(&self, key: &K, now: Instant) -> Option<Duration> {
        let window = self.windows.get(key).filter(|_| self.most > 0)?;
        let left = (window.since + WINDOW).checked_duration_since(now)?;
        (window.failures >= self.most && !left.is_zero()).then_some(left)
    }

    /// An attempt failed.
    pub(super) fn failed(&mut self, key: K, now: Instant) {
        if self.most == 0 {
            return;
        }
        if self.windows.len() >= MOST && !self.windows.contains_key(&key) {
            self.make_room(now);
        }
        let fresh = Window { since: now, failures: 0 };
        let window = self.windows.entry(key).or_insert(fresh);
        if now >= window.since + WINDOW {
            *window = fresh;
        }
        window.failures = window.failures.saturating_add(1);
    }

    fn make_room(&mut self, now: Instant) {
        self.windows.retain(|_, window| now < window.since + WINDOW);
        if self.windows.len() < MOST {
            return;
        }
        // Half of them at once: looking through all for each newcomer would be slow.
        let mut times: Vec<Instant> = self.windows.values().map(|window| window.since).collect();
        let (_, middle, _) = times.select_nth_unstable(MOST / 2);
        let middle = *middle;
        self.windows.retain(|_, window| window.since > middle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_count_for_a_minute() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut attempts = Attempts::new(2);
        attempts.failed('a', start);
        assert_eq!(attempts.refused_for(&'a', start), None);
        attempts.failed('a', after(20));
        assert_eq!(attempts.refused_for(&'a', after(50)), Some(Duration::from_secs(10)));
        assert_eq!(attempts.refused_for(&'b', after(50)), None);
        assert_eq!(attempts.refused_for(&'a', after(60)), None);
        attempts.failed('a', after(60));
        assert_eq!(attempts.refused_for(&'a', after(61)), None, "a window of its own");
    }

    #[test]
    fn there_is_room_for_new_ones() {
        let start = Instant::now();
        let mut attempts = Attempts::new(1);
        for number in 0..3 * MOST {
            attempts.failed(number, start + Duration::from_micros(number as u64));
            assert!(attempts.windows.len() <= MOST);
        }
        assert!(attempts.refused_for(&(3 * MOST - 1), start).is_some());
        assert!(attempts.refused_for(&0, start).is_none());
    }

    #[test]
    fn without_a_number_nothing_is_counted() {
        let mut attempts = Attempts::new(0);
        attempts.failed(1, Instant::now());
        assert!(attempts.windows.is_empty());
    }
}
