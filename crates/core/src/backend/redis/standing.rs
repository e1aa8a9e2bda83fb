//! How one document stands: what this process holds of it, against what Redis says.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::record::Named;
use crate::Snapshot;
use crate::generation::Generation;

/// How long after an announcement its copy is stored: workers of the reference delete the copy on
/// every message, and a document that is written again at once is not worth it.
const FILL_AFTER: Duration = Duration::from_millis(50);
/// Within which time one of those who miss a copy stores it.
const FILL_WITHIN: Duration = Duration::from_millis(600);
/// For how long a server that has no room is not asked to store copies.
const NO_ROOM: Duration = Duration::from_secs(30);

/// What is known of one document.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// The newest named content this process has read or written.
    held: Option<Arc<Snapshot>>,
    /// What the record says; the outer `None` when nobody has looked since the connection was made.
    recorded: Option<Option<Named>>,
    fill: Option<Fill>,
    /// A copy was found that is not what was announced: somebody else's.
    is_foreign: bool,
    /// The generation whose copies were dropped because the record could not be raised.
    dropped: Generation,
    /// What the record says that is newer than what is held, as first found.
    ahead: Option<Named>,
    /// What the record said when a new name was last found to be needed.
    renamed_for: Option<Named>,
    /// The record is ahead of the files for good: they get a name above this.
    name_above: Option<Named>,
}

/// A copy that is to be stored.
#[derive(Debug, Clone, Copy)]
struct Fill {
    due: Instant,
    /// Whether somebody else may have stored it meanwhile.
    is_shared: bool,
}

/// What a comparison says must be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Same,
    /// The record lacks the document, or lags behind.
    Announce(Repair),
    /// The record is ahead: look at the file.
    Look,
    /// The record is still ahead of a file that was looked at: it gets a new name.
    Rename,
}

/// Why a record had to be raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repair {
    Missing,
    Behind,
    /// It named a number that nobody gives.
    Unbelievable,
}

impl Standing {
    /// Notes a named content. Whether it is newer than what was held.
    pub(super) fn hold(&mut self, snapshot: &Arc<Snapshot>) -> bool {
        let held = self.held.as_ref().map(|held| held.generation);
        if !snapshot.generation.is_some() || held >= Some(snapshot.generation) {
            return false;
        }
        self.held = Some(Arc::clone(snapshot));
        (self.fill, self.ahead, self.name_above) = (None, None, None);
        true
    }

    pub(super) fn held(&self) -> Option<&Arc<Snapshot>> {
        self.held.as_ref()
    }

    pub(super) fn generation(&self) -> Generation {
        self.held.as_ref().map(|held| held.generation).unwrap_or_default()
    }

    /// Its name, if that is one that others accept.
    pub(super) fn named(&self) -> Option<Named> {
        let held = self.held.as_ref().filter(|held| Named::can_name(held.generation))?;
        let digest = held.is_present().then_some(held.digest);
        Some(Named { generation: held.generation, digest })
    }

    /// Nothing is known of the record any more.
    pub(super) fn forget(&mut self) {
        self.recorded = None;
        self.ahead = None;
    }

    /// What is to be announced, as far as is known.
    pub(super) fn to_announce(&self) -> Option<Named> {
        let (named, recorded) = (self.named()?, self.recorded?);
        let is_behind = recorded.is_none_or(|recorded| {
            recorded.generation < named.generation || !recorded.is_believed(named.generation)
        });
        is_behind.then_some(named)
    }

    pub(super) fn note_record(&mut self, recorded: Option<Named>) {
        self.recorded = Some(recorded);
    }

    /// The record was raised by this process, which stores the copy, too, if copies are stored.
    pub(super) fn raised(&mut self, named: Named, copied_from: Option<Instant>) {
        self.recorded = Some(Some(named));
        let is_copied = self.named() == Some(named) && named.digest.is_some();
        if let Some(now) = copied_from.filter(|_| is_copied) {
            self.fill = Some(Fill { due: now + FILL_AFTER, is_shared: false });
        }
    }

    /// Whether copies are yet to be dropped, because the record cannot be raised.
    pub(super) fn claim_drop(&mut self, named: Named) -> bool {
        std::mem::replace(&mut self.dropped, named.generation) != named.generation
    }

    /// They could not be dropped, and are yet to be.
    pub(super) fn put_drop_back(&mut self) {
        self.dropped = Generation::default();
    }

    /// Compares what is held with the record, and with whether there is a copy.
    pub(super) fn compare(
        &mut self,
        recorded: Option<Named>,
        has_copy: Option<bool>,
        now: Instant,
    ) -> Verdict {
        self.recorded = Some(recorded);
        let Some(held) = self.named() else {
            // Others have a name for what is held without one here.
            let is_named = recorded.is_some_and(|recorded| recorded.is_believed(self.generation()));
            return if is_named { Verdict::Look } else { Verdict::Same };
        };
        let Some(recorded) = recorded else { return Verdict::Announce(Repair::Missing) };
        if recorded == held {
            self.ahead = None;
            let is_foreign = std::mem::take(&mut self.is_foreign);
            let is_wanted = held.digest.is_some() && (is_foreign || has_copy == Some(false));
            if is_wanted && self.fill.is_none() {
                let wait = FILL_WITHIN.mul_f64(fastrand::f64());
                self.fill = Some(Fill { due: now + wait, is_shared: !is_foreign });
            }
            return Verdict::Same;
        }
        if recorded.generation < held.generation {
            return Verdict::Announce(Repair::Behind);
        }
        if self.ahead.replace(recorded) == Some(recorded) {
            if !recorded.is_believed(held.generation) {
                return Verdict::Announce(Repair::Unbelievable);
            }
            self.name_above = Some(recorded);
            // It may take several attempts, and is told once.
            let is_told = self.renamed_for.replace(recorded) == Some(recorded);
            return if is_told { Verdict::Look } else { Verdict::Rename };
        }
        Verdict::Look
    }

    /// The content above which the file is to be named, once.
    pub(super) fn take_name_above(&mut self) -> Option<Named> {
        self.name_above.take()
    }

    /// When the copy is to be stored.
    pub(super) fn fill_due(&self) -> Option<Instant> {
        self.fill.map(|fill| fill.due)
    }

    /// The copy to store now, by what name, and whether somebody else may have stored it.
    pub(super) fn take_fill(&mut self, now: Instant) -> Option<(Arc<Snapshot>, Named, bool)> {
        let fill = self.fill.filter(|fill| fill.due <= now)?;
        self.fill = None;
        let named = self.named()?;
        let is_announced = self.recorded == Some(Some(named));
        let snapshot = self.held.clone().filter(|held| is_announced && held.is_present())?;
        Some((snapshot, named, fill.is_shared))
    }

    /// Makes the copy due at once, if there is something to copy.
    pub(super) fn fill_now(&mut self) -> bool {
        let is_present = self.held.as_ref().is_some_and(|held| held.is_present());
        if is_present {
            self.fill = Some(Fill { due: Instant::now(), is_shared: false });
        }
        is_present
    }

    /// The copy could not be stored. A comparison need not find that: an older one may be in its place.
    pub(super) fn fill_again(&mut self, now: Instant) {
        if self.fill.is_none() {
            self.fill = Some(Fill { due: now + FILL_WITHIN, is_shared: false });
        }
    }

    /// The server has no room; it is asked again later, if the copy is missing then.
    pub(super) fn put_fill_off(&mut self, now: Instant) {
        if self.fill.is_none() {
            self.fill = Some(Fill { due: now + NO_ROOM, is_shared: true });
        }
    }

    /// A copy was found that is not what was announced; the next comparison replaces it.
    pub(super) fn note_foreign_copy(&mut self) {
        self.is_foreign = true;
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::generation::Digest;
    use crate::snapshot::Content;
    use crate::{Category, Document, Json};

    fn snapshot(generation: u64, bytes: &'static str) -> Arc<Snapshot> {
        Arc::new(Snapshot {
            document: Document::V2(Category::Clip),
            generation: generation.to_string().parse().unwrap(),
            digest: Digest::of(bytes.as_bytes()),
            bytes: Bytes::from_static(bytes.as_bytes()),
            content: Arc::new(Content::Json(Json::Null)),
        })
    }

    fn named(generation: u64, bytes: &str) -> Named {
        let digest = Some(Digest::of(bytes.as_bytes()));
        Named { generation: generation.to_string().parse().unwrap(), digest }
    }

    #[test]
    fn nothing_is_announced_before_somebody_looked() {
        let mut standing = Standing::default();
        assert!(standing.hold(&snapshot(5, "a")));
        assert!(!standing.hold(&snapshot(4, "b")));
        assert_eq!(standing.to_announce(), None);
        standing.note_record(None);
        assert_eq!(standing.to_announce(), Some(named(5, "a")));
        standing.note_record(Some(named(4, "b")));
        assert_eq!(standing.to_announce(), Some(named(5, "a")));
        standing.note_record(Some(named(5, "a")));
        assert_eq!(standing.to_announce(), None);
    }

    #[test]
    fn a_record_ahead_leads_to_a_look_and_then_to_a_new_name() {
        let now = Instant::now();
        let mut standing = Standing::default();
        assert_eq!(standing.compare(None, None, now), Verdict::Same);
        for _ in 0..3 {
            assert_eq!(standing.compare(Some(named(4, "b")), None, now), Verdict::Look);
        }
        standing.hold(&snapshot(5, "a"));
        for ahead in [named(9, "b"), named(5, "b")] {
            assert_eq!(standing.compare(Some(ahead), None, now), Verdict::Look);
            assert_eq!(standing.take_name_above(), None);
            assert_eq!(standing.compare(Some(ahead), None, now), Verdict::Rename);
            assert_eq!(standing.take_name_above(), Some(ahead));
            assert_eq!(standing.take_name_above(), None);
            // The first attempt may have failed.
            assert_eq!(standing.compare(Some(ahead), None, now), Verdict::Look);
            assert_eq!(standing.take_name_above(), Some(ahead));
        }
        // What was looked at was newer after all.
        standing.compare(Some(named(9, "b")), None, now);
        standing.hold(&snapshot(9, "b"));
        assert_eq!(standing.compare(Some(named(9, "b")), None, now), Verdict::Same);
    }

    #[test]
    fn a_record_that_nobody_can_have_written_is_overwritten() {
        let now = Instant::now();
        let mut standing = Standing::default();
        let far = named(1 << 52, "b");
        assert_eq!(standing.compare(Some(far), None, now), Verdict::Same);
        standing.hold(&snapshot(5, "a"));
        // The file may be there already.
        assert_eq!(standing.compare(Some(far), None, now), Verdict::Look);
        let verdict = standing.compare(Some(far), None, now);
        assert_eq!(verdict, Verdict::Announce(Repair::Unbelievable));
        assert_eq!(standing.to_announce(), Some(named(5, "a")));
        assert_eq!(standing.take_name_above(), None);
    }

    #[test]
    fn what_has_a_number_that_others_refuse_is_not_announced() {
        let mut standing = Standing::default();
        standing.hold(&snapshot((1 << 52) + 1, "a"));
        assert_eq!(standing.compare(None, None, Instant::now()), Verdict::Same);
        assert_eq!(standing.to_announce(), None);
    }

    #[test]
    fn a_copy_is_stored_once_it_is_announced_and_not_after_another_change() {
        let now = Instant::now();
        let mut standing = Standing::default();
        standing.hold(&snapshot(5, "a"));
        standing.raised(named(5, "a"), Some(now));
        assert!(standing.take_fill(now).is_none());
        let (copied, by, is_shared) = standing.take_fill(now + FILL_AFTER).unwrap();
        assert_eq!((&copied.bytes[..], by, is_shared), (&b"a"[..], named(5, "a"), false));
        assert!(standing.take_fill(now + FILL_AFTER).is_none());
        standing.raised(named(5, "a"), Some(now));
        standing.hold(&snapshot(6, "b"));
        assert!(standing.take_fill(now + FILL_AFTER).is_none());
    }

    #[test]
    fn a_copy_that_could_not_be_stored_is_stored_later_even_over_another() {
        let now = Instant::now();
        let mut standing = Standing::default();
        standing.hold(&snapshot(5, "a"));
        standing.compare(Some(named(5, "a")), None, now);
        standing.fill_again(now);
        assert!(standing.take_fill(now).is_none());
        let (_, _, is_shared) = standing.take_fill(now + FILL_WITHIN).unwrap();
        assert!(!is_shared);
    }

    #[test]
    fn a_missing_copy_is_stored_by_somebody_within_a_second() {
        let now = Instant::now();
        let mut standing = Standing::default();
        standing.hold(&snapshot(5, "a"));
        assert_eq!(standing.compare(Some(named(5, "a")), Some(true), now), Verdict::Same);
        assert_eq!(standing.fill_due(), None);
        assert_eq!(standing.compare(Some(named(5, "a")), None, now), Verdict::Same);
        assert_eq!(standing.fill_due(), None);
        standing.compare(Some(named(5, "a")), Some(false), now);
        let (_, _, is_shared) = standing.take_fill(now + FILL_WITHIN).unwrap();
        assert!(is_shared);
    }
}
