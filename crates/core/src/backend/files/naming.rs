//! Which generation a content has that was read from a file.
//!
//! The control file is read after the document: a content of ours was named before it could be seen,
//! so it has a name by then, unless two more commits have passed since; then the document is read
//! again. What still has no name was written by somebody else, or is an older content that came
//! back, and is *adopted*: named under the write lock. Where that cannot be done the content is
//! served all the same, without a name. The first load of a document names nothing, so that a start
//! waits for no flush; the next look does it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;

use super::parse::is_table;
use super::{Files, Loaded};
use crate::disk;
use crate::disk::{
    Base, ContentId, FileContent, Kept, Locked, Place, State, Unlockable, label, read_slots,
};
use crate::error::{Error, Result};
use crate::generation::Generation;
use crate::shrink::has_shrunk;
use crate::{Document, Json, Snapshot};

/// How long an adoption waits for the lock; the content is served without a name meanwhile.
const ADOPTION_WAIT: Duration = Duration::from_millis(20);
/// How long a table that has lost many lines must have been left alone before it is believed: writers
/// of the reference empty it, and fill it again in place.
const FILLING_TIME: Duration = Duration::from_millis(250);
/// How often a document is read anew because it changed while it was being named.
const ATTEMPTS: usize = 4;

/// How long what failed is left alone: the document is read thirty times a second meanwhile, and each
/// attempt flushes, and is told in the log.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// When the recovery of each document, which failed, may be tried again.
#[derive(Debug, Default)]
pub(super) struct Retries(Mutex<HashMap<Document, Instant>>);

impl Retries {
    fn is_too_early(&self, document: Document) -> bool {
        self.failures().get(&document).is_some_and(|failed| failed.elapsed() < RETRY_AFTER)
    }

    fn put_off(&self, document: Document) {
        self.failures().insert(document, Instant::now());
    }

    fn failures(&self) -> MutexGuard<'_, HashMap<Document, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A document as its file has it.
pub(super) type Content<'a> = Option<(&'a Path, FileContent)>;

impl Files {
    /// Reads a document and finds or makes its name.
    pub(super) fn load_named(&self, document: Document) -> Result<Loaded> {
        let mut content = self.read(document)?;
        for attempt in 0..ATTEMPTS {
            if let Some((generation, is_finished)) = self.label(document, &content)? {
                return self.loaded(document, generation, &content, is_finished);
            }
            // Only what others write is ever half there.
            let meanwhile = self
                .being_filled(document, &content)
                .or_else(|| self.being_replaced(document, &content));
            if let Some(loaded) = meanwhile {
                return Ok(loaded);
            }
            match self.held(document).last() {
                // It may have been replaced twice between the two reads.
                _ if attempt == 0 => content = self.read(document)?,
                None => break,
                Some(_) => match self.adopt(document, &content)? {
                    Adoption::Read => content = self.read(document)?,
                    Adoption::Later => break,
                    Adoption::Never => {
                        return self.loaded(document, Generation::default(), &content, true);
                    }
                },
            }
        }
        self.loaded(document, Generation::default(), &content, false)
    }

    fn loaded(
        &self,
        document: Document,
        generation: Generation,
        content: &Content<'_>,
        is_final: bool,
    ) -> Result<Loaded> {
        let stamp = content.as_ref().map(|(_, content)| content.stamp);
        let read = content.as_ref().map(|(path, content)| (*path, content.bytes.clone()));
        let snapshot = self.snapshot(document, generation, read)?;
        self.keep(&snapshot);
        if is_final {
            self.prove(&snapshot, stamp);
        }
        Ok(Loaded { snapshot, stamp, is_final, is_settled: false })
    }

    /// The name of a content by the control file, and whether its writer finished. Names below what
    /// this process has seen do not count.
    fn label(
        &self,
        document: Document,
        content: &Content<'_>,
    ) -> Result<Option<(Generation, bool)>> {
        let place = self.place_read(document, content);
        let slots = read_slots(&place.control);
        let slots = slots.map_err(|error| Error::io("read", &place.control, &error))?;
        let id = id_of(content);
        let never_was = id == ContentId::Absent && slots == [None, None];
        if never_was && !self.floor(document).is_some() {
            return Ok(Some((Generation::default(), true)));
        }
        let Some(label) = label(&slots, id, self.floor(document)) else {
            let newest = slots.iter().flatten().map(|slot| slot.generation).max();
            self.held(document).note_missed(newest.unwrap_or_default(), newest.unwrap_or_default());
            return Ok(None);
        };
        self.held(document).note_missed(label.generation, label.base.0);
        let is_finished = label.state != State::Prepared || self.finish(document, place);
        Ok(Some((label.generation, is_finished)))
    }

    /// The place of the file that was read; the document's own, where there is none.
    pub(super) fn place_read(&self, document: Document, content: &Content<'_>) -> Place {
        let is_fallback =
            |path: &Path| self.layout().fallback(document).is_some_and(|other| other == path);
        match content {
            Some((path, _)) if is_fallback(path) => {
                let names = Arc::clone(&self.names[document.index()]);
                Place { names, ..Place::of(path) }
            }
            _ => self.place(document),
        }
    }

    /// Finishes a commit whose writer seems to have died. Whether nothing is left to be done: if the
    /// lock is held, the writer is alive and does it.
    fn finish(&self, document: Document, place: Place) -> bool {
        if !self.can_follow_up() {
            return true;
        }
        if self.retries.is_too_early(document) {
            return false;
        }
        let Ok(mut locked) = Locked::take(place, Duration::ZERO) else { return false };
        let done = locked.recover(&mut |unfinished| self.follow_up(document, unfinished));
        if let Err(error) = &done {
            self.retries.put_off(document);
            tracing::error!(%document, %error, "what follows from a commit could not be done");
        }
        done.is_ok()
    }

    fn adopt(&self, document: Document, content: &Content<'_>) -> Result<Adoption> {
        if self.retries.is_too_early(document) {
            return Ok(Adoption::Later);
        }
        let mut locked = match Locked::take(self.place_read(document, content), ADOPTION_WAIT) {
            Ok(locked) => locked,
            Err(Unlockable::Busy(_)) => return Ok(Adoption::Later),
            Err(Unlockable::Failed(error)) => {
                tracing::debug!(%document, %error, "a foreign content stays without a generation");
                return Ok(Adoption::Never);
            }
        };
        let recovered = locked.recover(&mut |unfinished| self.follow_up(document, unfinished));
        if let Err(error) = recovered {
            // To name anything now would overwrite what tells of the unfinished commit.
            self.retries.put_off(document);
            tracing::warn!(%document, %error, "a foreign content stays without a generation for now");
            return Ok(Adoption::Later);
        }
        let base = match locked.read(self.floor(document)) {
            Ok(base) => base,
            Err(Error::Unavailable { .. }) => return Ok(Adoption::Never),
            Err(error) => return Err(error),
        };
        self.note_adopted(document, &locked, &base);
        Ok(Adoption::Read)
    }

    /// Counts what somebody else wrote, if it was named just now, and keeps what it replaced.
    pub(crate) fn note_adopted(&self, document: Document, locked: &Locked, base: &Base) {
        if !base.is_adopted {
            return;
        }
        self.alarms.adoptions.fetch_add(1, Ordering::Relaxed);
        let replaced = self.replaced(document, locked, base);
        if let Some(replaced) = replaced.filter(|replaced| replaced.is_present()) {
            self.keep_replaced(document, &replaced, base.bytes.as_ref());
            self.tell_what_is_gone(document, &replaced, base.bytes.as_ref());
        }
    }

    /// What somebody else's content replaced. This process may not have seen it: then it is what its
    /// writer kept.
    fn replaced(&self, document: Document, locked: &Locked, base: &Base) -> Option<Arc<Snapshot>> {
        // While the lock was waited for, this process may have written what is replaced now.
        let held = self.held(document).named();
        let unseen = locked
            .replaced(base)
            .filter(|(before, _)| held.as_ref().is_none_or(|held| held.generation < *before));
        let kept = unseen.and_then(|(generation, content)| {
            let place = self.place(document);
            let bytes = Kept::new(&place.kept).read(generation).ok()??;
            let is_it = ContentId::of(Some(&bytes)) == content;
            let read = is_it.then_some((place.path.as_path(), bytes))?;
            self.snapshot(document, generation, Some(read)).ok()
        });
        kept.or(held)
    }

    /// Keeps what somebody else has replaced, so that it can be restored.
    fn keep_replaced(&self, document: Document, held: &Snapshot, now: Option<&Bytes>) {
        if !held.generation.is_some() || now == Some(&held.bytes) {
            return;
        }
        let place = self.place(document);
        let kept = Kept::new(&place.kept);
        if let Err(error) = kept.put(held.generation, &held.bytes) {
            tracing::warn!(%document, %error, "what somebody else replaced could not be kept");
        }
        if let Err(error) = kept.prune(crate::shrink::KEPT_GENERATIONS) {
            tracing::warn!(%document, %error, "old contents could not be removed");
        }
    }

    /// Somebody else's content that lacks records may have undone what somebody wrote meanwhile.
    fn tell_what_is_gone(&self, document: Document, held: &Snapshot, now: Option<&Bytes>) {
        let before = held.object().map_or_else(|| lines(&held.bytes), |records| records.len());
        let gone = match (held.object(), now) {
            (_, None) => before,
            (Some(records), Some(bytes)) => {
                // What cannot be read is told as that; it may only be half written yet.
                let Ok(Json::Object(now)) = Json::parse(bytes) else { return };
                let is_gone = |name: &&String| !now.contains_key(*name);
                records.keys().filter(is_gone).count()
            }
            (None, Some(bytes)) => before.saturating_sub(lines(bytes)),
        };
        if gone == 0 {
            return;
        }
        let replaced = held.generation;
        if has_shrunk(before, gone) {
            self.alarms.shrunk.fetch_add(1, Ordering::Relaxed);
            tracing::error!(%document, gone, before, %replaced, "somebody else removed many records at once; the replaced content is kept");
        } else {
            self.alarms.overwritten.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(%document, gone, before, %replaced, "somebody else's content lacks records; the replaced content is kept");
        }
    }

    /// What to serve while a writer of the reference has set the file aside. One that is dead is
    /// waited for by nobody: whoever names the absence puts the file back.
    fn being_replaced(&self, document: Document, content: &Content<'_>) -> Option<Loaded> {
        let held =
            self.held(document).last().filter(|held| content.is_none() && held.is_present())?;
        let aside = disk::set_aside(&self.place(document).path);
        let age = disk::time_set_aside(&aside)?;
        (age < disk::WRITER_TIME).then_some(Loaded {
            snapshot: held,
            stamp: None,
            is_final: false,
            is_settled: false,
        })
    }

    /// What to serve while a table is being filled again.
    fn being_filled(&self, document: Document, content: &Content<'_>) -> Option<Loaded> {
        let (path, content) = content.as_ref()?;
        let held = self.held(document).last().filter(|held| is_table(path) && held.is_present())?;
        let (before, after) = (lines(&held.bytes), lines(&content.bytes));
        if !has_shrunk(before, before.saturating_sub(after)) {
            return None;
        }
        let modified = u64::try_from(content.stamp.modified_ns / 1_000_000_000).unwrap_or(0);
        let nanos = u32::try_from(content.stamp.modified_ns % 1_000_000_000).unwrap_or(0);
        let modified = SystemTime::UNIX_EPOCH + Duration::new(modified, nanos);
        // A time ahead of the clock is no proof of youth: clocks are set back, and tools keep times.
        let age =
            SystemTime::now().duration_since(modified).unwrap_or_else(|ahead| ahead.duration());
        (age < FILLING_TIME).then(|| Loaded {
            snapshot: Arc::clone(&held),
            stamp: Some(content.stamp),
            is_final: false,
            is_settled: false,
        })
    }
}

/// What came of an adoption.
enum Adoption {
    /// The content has a name now, or was replaced: read again.
    Read,
    /// Somebody else is writing.
    Later,
    /// It cannot be written here.
    Never,
}

pub(super) fn id_of(content: &Content<'_>) -> ContentId {
    ContentId::of(content.as_ref().map(|(_, content)| &content.bytes[..]))
}

fn lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::Category;
    use crate::backend::files::layout::Layout;
    use crate::disk::Flush;

    const CLIP: Document = Document::V2(Category::Clip);

    #[test]
    fn what_cannot_be_finished_is_served_and_not_tried_at_every_read() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::new(Layout::below(folder.path()));
        let mut locked = Locked::take(files.place(CLIP), ADOPTION_WAIT).unwrap();
        let base = locked.read(Generation::default()).unwrap();
        let put = locked.commit(&base, b"{}", Json::Null, Flush::Now, false).unwrap();
        drop(locked);
        let attempts = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&attempts);
        files.follow_up_with(Box::new(move |_, _, _| {
            counted.fetch_add(1, Ordering::Relaxed);
            Err(Error::Busy { path: "elsewhere".into() })
        }));
        for _ in 0..10 {
            let loaded = files.load_named(CLIP).unwrap();
            assert_eq!((loaded.snapshot.generation, loaded.is_final), (put.generation, false));
        }
        assert_eq!(attempts.load(Ordering::Relaxed), 1);
    }
}
