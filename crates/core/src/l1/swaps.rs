//! How long contents took from being named to being read here: the last few, and counts of all.
//!
//! A generation is the wall clock in milliseconds at which its content was named, unless that would
//! not have been larger than the one before. So the time since is how long the content took to get
//! here, as exactly as the clocks of both hosts agree. What somebody without a lock wrote is named
//! late, by whoever sees it first: there the time counts from when the file system says it was put
//! in place.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::disk::faults::clock_ms;
use crate::generation::Generation;
use crate::measure::{Histogram, PROPAGATION, Reading};
use crate::{Document, backend::Origin};

/// How many swaps are remembered.
pub const REMEMBERED_SWAPS: usize = 64;
/// A generation further ahead of the clock, or further back, says nothing of when it was made.
const AHEAD_MS: u64 = 10_000;
const BACK_MS: u64 = 24 * 60 * 60 * 1000;

/// A content that took the place of another in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swap {
    /// Whose content.
    pub document: Document,
    /// The content's name.
    pub generation: Generation,
    /// Who named it.
    pub origin: Origin,
    /// When it could be read here, in milliseconds since 1970.
    pub at_ms: u64,
    /// How long it took to get here; `None` where nobody can tell.
    pub delay_ms: Option<u64>,
}

/// How long contents took, by who named them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Propagation {
    /// Committed by this process.
    pub own: Reading,
    /// Written by somebody without a lock, and named by this process.
    pub adopted: Reading,
    /// Named by another process.
    pub remote: Reading,
}

#[derive(Debug)]
pub(super) struct Swaps {
    /// Locked for a few lines, by the loader and by whoever asks.
    last: Mutex<VecDeque<Swap>>,
    own: Histogram,
    adopted: Histogram,
    remote: Histogram,
}

/// What the loader knows of a swap.
pub(super) struct Swapped {
    pub(super) document: Document,
    pub(super) generation: Generation,
    pub(super) origin: Origin,
    /// When the file system says the content was put in place, in milliseconds since 1970.
    pub(super) placed_ms: Option<u64>,
    /// Whether the content is another one, and not only its name.
    pub(super) is_content: bool,
}

impl Swaps {
    pub(super) fn new() -> Self {
        let histogram = || Histogram::new(PROPAGATION);
        Self { last: Mutex::default(), own: histogram(), adopted: histogram(), remote: histogram() }
    }

    /// The content can be read from now on. Metadata are left out: they follow from other documents,
    /// and would take the place of what is of interest.
    pub(super) fn note(&self, swapped: &Swapped) {
        let Swapped { document, generation, origin, .. } = *swapped;
        let is_metadata = matches!(document, Document::V2Metadata(_) | Document::LegacyMetadata(_));
        if is_metadata || !generation.is_some() {
            return;
        }
        let at_ms = clock_ms();
        let since = match origin {
            Origin::Adopted => swapped.placed_ms,
            Origin::Own | Origin::Remote => Some(generation.get()),
        };
        // A name alone comes late, and the content was there before.
        let since = since.filter(|_| swapped.is_content);
        let delay_ms = since.and_then(|since| delay(since, at_ms));
        if let Some(delay) = delay_ms {
            self.histogram(origin).observe(Duration::from_millis(delay));
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == REMEMBERED_SWAPS {
            last.pop_front();
        }
        last.push_back(Swap { document, generation, origin, at_ms, delay_ms });
    }

    fn histogram(&self, origin: Origin) -> &Histogram {
        match origin {
            Origin::Own => &self.own,
            Origin::Adopted => &self.adopted,
            Origin::Remote => &self.remote,
        }
    }

    /// The last ones, the oldest first.
    pub(super) fn last(&self) -> Vec<Swap> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    pub(super) fn propagation(&self) -> Propagation {
        Propagation {
            own: self.own.read(),
            adopted: self.adopted.read(),
            remote: self.remote.read(),
        }
    }
}

/// The time from `since` to `at`; none where `since` is hardly the time of anything. Two clocks, and
/// generations made within one millisecond, may be a little ahead.
fn delay(since: u64, at: u64) -> Option<u64> {
    let is_plausible = since <= at + AHEAD_MS && at <= since.saturating_add(BACK_MS);
    is_plausible.then(|| at.saturating_sub(since))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Category;

    fn swapped(generation: u64, origin: Origin) -> Swapped {
        let generation = generation.to_string().parse().unwrap();
        let document = Document::V2(Category::Clip);
        Swapped { document, generation, origin, placed_ms: None, is_content: true }
    }

    #[test]
    fn only_the_last_ones_are_remembered_but_all_are_counted() {
        let swaps = Swaps::new();
        let now = clock_ms();
        for _ in 0..REMEMBERED_SWAPS + 5 {
            swaps.note(&swapped(now, Origin::Remote));
        }
        swaps.note(&swapped(now, Origin::Own));
        assert_eq!(swaps.last().len(), REMEMBERED_SWAPS);
        assert_eq!(swaps.last().last().map(|swap| swap.origin), Some(Origin::Own));
        let propagation = swaps.propagation();
        let counts = [&propagation.own, &propagation.adopted, &propagation.remote];
        assert_eq!(counts.map(Reading::count), [1, 0, REMEMBERED_SWAPS as u64 + 5]);
    }

    #[test]
    fn what_is_no_time_has_no_delay() {
        assert_eq!(delay(5, 1_700_000_000_000), None);
        assert_eq!(delay(1_700_000_020_000, 1_700_000_000_000), None);
        assert_eq!(delay(1_700_000_001_000, 1_700_000_000_000), Some(0));
        assert_eq!(delay(1_700_000_000_000, 1_700_000_000_033), Some(33));
        let swaps = Swaps::new();
        swaps.note(&swapped(0, Origin::Remote));
        swaps.note(&swapped(7, Origin::Remote));
        swaps.note(&swapped(clock_ms(), Origin::Adopted));
        let delays: Vec<_> = swaps.last().iter().map(|swap| swap.delay_ms).collect();
        assert_eq!(delays, [None, None]);
    }
}
