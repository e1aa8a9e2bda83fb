//! Sharing of what is costly to make: a result is known by its kind and by the digest of what it
//! was made of, so whoever needs the same finds it made.
//!
//! It only saves time. Nothing depends on it, what comes from it is checked before it is used, and
//! no read ever asks it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;

use crate::body::{Body, Coding};
use crate::decoding;
use crate::generation::Digest;

/// Larger results are not shared.
pub const LARGEST: usize = 8 << 20;

/// Where results are shared.
///
/// The calls may take up to a second, so they are made from background threads only; none is
/// repeated within. A store that cannot be asked has nothing, takes nothing and grants every claim.
pub trait Store: Send + Sync + 'static {
    /// The first `at_most` bytes of what is stored there, by anybody: it may be anything.
    fn get(&self, kind: &str, digest: Digest, at_most: usize) -> Option<Bytes>;

    /// Whether nobody else is known to be making it now. A claim runs out by itself.
    fn claim(&self, kind: &str, digest: Digest) -> bool;

    /// Stores a result of at most [`LARGEST`] bytes. Whether that was done.
    fn put(&self, kind: &str, digest: Digest, result: &Bytes) -> bool;

    /// What it is made of has lasted: the result is worth keeping for whoever starts later. Until
    /// then it is kept only for those who need it now, so that a busy day does not fill the store.
    fn keep(&self, kind: &str, digest: Digest);
}

/// What became of the better forms of bodies since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Forms that another process had made.
    pub hits: u64,
    /// Forms that were made here.
    pub misses: u64,
    /// Results of others that were not what they should be.
    pub refused: u64,
    /// Forms made here and stored for others.
    pub stored: u64,
    /// Forms made here that could not be stored: too large, no room, or no answer.
    pub not_stored: u64,
    /// Times that a form was left to another process which was making it.
    pub left: u64,
    /// Processor time spent on all this.
    pub processor_time: Duration,
}

/// Counts.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    hits: AtomicU64,
    misses: AtomicU64,
    refused: AtomicU64,
    stored: AtomicU64,
    not_stored: AtomicU64,
    left: AtomicU64,
    processor_ns: AtomicU64,
}

/// Better forms of bodies, taken from others or made here.
pub(crate) struct Forms {
    store: Option<Arc<dyn Store>>,
    counts: Counts,
}

/// What there is still to do about a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing.
    Done,
    /// It was stored for others, and is to be kept if it lasts.
    Stored,
    /// Another process is making it.
    Later,
}

impl Forms {
    pub(crate) fn new(store: Option<Arc<dyn Store>>) -> Self {
        Self { store, counts: Counts::default() }
    }

    /// Gives the body its better form. Leaves it to another process that is making it, if `may_wait`.
    pub(crate) fn improve(&self, body: &Body, coding: Coding, may_wait: bool) -> Outcome {
        let Some(store) = &self.store else {
            self.make(body, coding);
            return Outcome::Done;
        };
        let (kind, digest) = (coding.kind(), Digest::of(&body.identity.bytes));
        // A form is smaller than what it is a form of, or there is none.
        let at_most = body.identity.bytes.len().min(LARGEST);
        let found = store.get(&kind, digest, at_most);
        let is_refused = match found {
            Some(form) if decoding::yields(coding, &form, &body.identity.bytes) => {
                count(&self.counts.hits);
                body.improve(coding, form);
                return Outcome::Done;
            }
            found => found.is_some(),
        };
        if is_refused {
            count(&self.counts.refused);
        } else if may_wait && !store.claim(&kind, digest) {
            count(&self.counts.left);
            return Outcome::Later;
        }
        let Some(form) = self.make(body, coding) else { return Outcome::Done };
        if form.len() <= LARGEST && store.put(&kind, digest, &form) {
            count(&self.counts.stored);
            return Outcome::Stored;
        }
        count(&self.counts.not_stored);
        Outcome::Done
    }

    /// Has the stored form of a body that has lasted kept.
    pub(crate) fn keep(&self, body: &Body, coding: Coding) {
        if let Some(store) = &self.store {
            store.keep(&coding.kind(), Digest::of(&body.identity.bytes));
        }
    }

    fn make(&self, body: &Body, coding: Coding) -> Option<Bytes> {
        let form = body.better(coding)?;
        count(&self.counts.misses);
        body.improve(coding, form.clone());
        Some(form)
    }

    /// Notes how much processor time its thread has taken so far.
    pub(crate) fn note_processor_time(&self, time: Duration) {
        let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.counts.processor_ns.store(ns, Ordering::Relaxed);
    }

    pub(crate) fn statistics(&self) -> Statistics {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counts = &self.counts;
        Statistics {
            hits: read(&counts.hits),
            misses: read(&counts.misses),
            refused: read(&counts.refused),
            stored: read(&counts.stored),
            not_stored: read(&counts.not_stored),
            left: read(&counts.left),
            processor_time: Duration::from_nanos(read(&counts.processor_ns)),
        }
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Has one value under every name, and keeps what is put.
    #[derive(Default)]
    struct OneValue {
        value: Option<Bytes>,
        is_claimed: bool,
        put: Mutex<Vec<(String, Bytes)>>,
    }

    impl Store for OneValue {
        fn get(&self, _: &str, _: Digest, at_most: usize) -> Option<Bytes> {
            self.value.as_ref().map(|value| value.slice(..value.len().min(at_most)))
        }

        fn claim(&self, _: &str, _: Digest) -> bool {
            !self.is_claimed
        }

        fn put(&self, kind: &str, _: Digest, result: &Bytes) -> bool {
            self.put.lock().unwrap().push((kind.to_owned(), result.clone()));
            true
        }

        fn keep(&self, _: &str, _: Digest) {}
    }

    fn body() -> Arc<Body> {
        let lines: Vec<_> = (0..2000).map(|n| format!("model number {n} of many")).collect();
        Body::ready(lines.join("\n"))
    }

    fn brotli(body: &Body) -> Bytes {
        body.compressed().brotli.as_ref().unwrap().bytes.clone()
    }

    #[test]
    fn a_form_that_is_there_is_taken_and_one_made_here_is_given() {
        let (body, other) = (body(), body());
        let giving = Arc::new(OneValue::default());
        let forms = Forms::new(Some(giving.clone()));
        assert_eq!(forms.improve(&body, Coding::Brotli, true), Outcome::Stored);
        let (kind, form) = giving.put.lock().unwrap().pop().unwrap();
        assert_eq!((&form, kind.starts_with("br-")), (&brotli(&body), true));
        assert_eq!((forms.statistics().misses, forms.statistics().stored), (1, 1));

        let having = Arc::new(OneValue { value: Some(form), ..OneValue::default() });
        let forms = Forms::new(Some(having.clone()));
        forms.improve(&other, Coding::Brotli, true);
        assert_eq!(brotli(&other), brotli(&body));
        let statistics = forms.statistics();
        assert_eq!((statistics.hits, statistics.misses, statistics.stored), (1, 0, 0));
        assert!(having.put.lock().unwrap().is_empty());
    }

    #[test]
    fn too_large_a_form_is_not_given() {
        // Hexadecimal digits of hashes: only half of them can be saved.
        let digits: String =
            (0..280_000_u32).map(|n| Digest::of(&n.to_ne_bytes()).to_string()).collect();
        let store = Arc::new(OneValue::default());
        let forms = Forms::new(Some(store.clone()));
        let body = Body::new(digits);
        forms.improve(&body, Coding::Gzip, true);
        let statistics = forms.statistics();
        assert_eq!((statistics.misses, statistics.stored, statistics.not_stored), (1, 0, 1));
        assert!(store.put.lock().unwrap().is_empty());
    }

    #[test]
    fn what_another_makes_is_left_to_it_for_a_while_only() {
        let (body, before) = (body(), brotli(&body()));
        let claimed = Arc::new(OneValue { is_claimed: true, ..OneValue::default() });
        let forms = Forms::new(Some(claimed));
        assert_eq!(forms.improve(&body, Coding::Brotli, true), Outcome::Later);
        assert_eq!(brotli(&body), before);
        assert_eq!(forms.improve(&body, Coding::Brotli, false), Outcome::Stored);
        assert_ne!(brotli(&body), before);
        assert_eq!((forms.statistics().left, forms.statistics().misses), (1, 1));
    }
}
