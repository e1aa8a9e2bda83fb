//! A document under its write lock: what it holds, and which name that has.
//!
//! The lock is the only way to commit ([`commit`](super::commit)) and to set right what a dead writer
//! left ([`recovery`](super::recovery)).

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use std::os::unix::fs::MetadataExt;

use bytes::Bytes;

use super::atomic::sync_folder;
use super::control::{label, read_slots_of, write_slot};
use super::faults::{self, Point};
use super::{ContentId, FileContent, Kept, Lock, Place, Slot, State, Unlockable, is_absence, read};
use crate::Json;
use crate::backend::Stamp;
use crate::error::{Error, Result};
use crate::generation::Generation;

/// How long a missing file is waited for: writers of the reference move it away for an instant.
const ABSENCE_TIME: Duration = Duration::from_millis(250);
/// How long a file must have been set aside before its writer is taken for dead.
pub(crate) const WRITER_TIME: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(10);

/// A document's write lock, and what its control file says.
#[derive(Debug)]
pub(crate) struct Locked {
    pub(super) place: Place,
    pub(super) lock: Lock,
    pub(super) slots: [Option<Slot>; 2],
}

/// The content a change is made from.
#[derive(Debug, Clone)]
pub(crate) struct Base {
    /// The bytes; `None` where there is no file.
    pub(crate) bytes: Option<Bytes>,
    /// The stamp they had.
    pub(crate) stamp: Option<Stamp>,
    /// What they are.
    pub(crate) content: ContentId,
    /// Their name; none where there never was a file.
    pub(crate) generation: Generation,
    /// Whether somebody else had written them, and they were named only now.
    pub(crate) is_adopted: bool,
}

impl Locked {
    /// Takes the lock, waiting for at most `patience`.
    pub(crate) fn take(place: Place, patience: Duration) -> Result<Self, Unlockable> {
        let lock = Lock::take(&place.control, patience)?;
        let failed = |error: &_| Unlockable::Failed(Error::io("read", &place.control, error));
        if lock.file().metadata().map_err(|error| failed(&error))?.len() == 0 {
            // It is new, and a power cut must not take its name, and with it what is flushed into it.
            sync_folder(&place.control).map_err(|error| failed(&error))?;
        }
        let slots = read_slots_of(lock.file()).map_err(|error| failed(&error))?;
        Ok(Self { slots, place, lock })
    }

    /// Reads the document and its name. Content without one was written by somebody else and gets
    /// one now; so does an older content that came back.
    pub(crate) fn read(&mut self, floor: Generation) -> Result<Base> {
        self.place.step("read", faults::pass(Point::Read))?;
        let (bytes, stamp) = self.read_present()?.map(|file| (file.bytes, file.stamp)).unzip();
        let content = ContentId::of(bytes.as_deref());
        if let Some(slot) = label(&self.slots, content, floor) {
            let generation = slot.generation;
            return Ok(Base { bytes, stamp, content, generation, is_adopted: false });
        }
        let never_was = content == ContentId::Absent && self.slots == [None, None];
        if never_was && !floor.is_some() {
            let generation = Generation::default();
            return Ok(Base { bytes, stamp, content, generation, is_adopted: false });
        }
        let generation = self.adopt(content, floor)?;
        Ok(Base { bytes, stamp, content, generation, is_adopted: true })
    }

    /// What stood before the present content, which somebody else wrote.
    pub(crate) fn replaced(&self, base: &Base) -> Option<(Generation, ContentId)> {
        let stood = |slot: &&Slot| slot.content != base.content && slot.state != State::Revoked;
        let newest = self.slots.iter().flatten().filter(stood).max_by_key(|slot| slot.generation);
        newest.map(|slot| (slot.generation, slot.content))
    }

    /// What the slot of the present content says of it besides its name.
    pub(crate) fn note(&self, base: &Base) -> Option<&Json> {
        self.naming(base.content)
            .and_then(|place| self.slots[place].as_ref())
            .map(|slot| &slot.note)
    }

    fn adopt(&mut self, content: ContentId, floor: Generation) -> Result<Generation> {
        // Before a slot goes, the content it names must not come back by a power cut, and what it
        // could tell of must be told.
        self.place.step("flush", self.flush_present())?;
        for path in &self.place.told_by {
            super::flush_if_there(path)?;
        }
        let generation = self.next_name(floor);
        let before = self.slots.iter().flatten().max_by_key(|slot| slot.generation);
        let slot = Slot {
            generation,
            content,
            base: before.map_or((Generation::default(), ContentId::Absent), |slot| {
                (slot.generation, slot.content)
            }),
            state: State::Adopted,
            time_ms: faults::clock_ms(),
            note: Json::Null,
        };
        self.place.names.adopted.store(generation.get(), Ordering::Relaxed);
        let place = self.place_of_oldest();
        let written =
            write_slot(self.lock.file(), place, &slot).and_then(|()| self.lock.file().sync_data());
        written.map_err(|error| Error::io("write", &self.place.control, &error))?;
        self.slots[place] = Some(slot);
        Ok(generation)
    }

    /// Puts the present content, whoever wrote it, on the device.
    pub(crate) fn flush_present(&self) -> io::Result<()> {
        match File::open(&self.place.path) {
            Ok(file) => file.sync_all()?,
            Err(error) if is_absence(&error) => {}
            Err(error) => return Err(error),
        }
        self.flush_folder()
    }

    /// The document. A missing file is waited for, and put back if its writer died after
    /// moving it away.
    fn read_present(&self) -> Result<Option<FileContent>> {
        let begun = Instant::now();
        let was_there = |slot: &&Slot| slot.content != ContentId::Absent;
        let newest = self.slots.iter().flatten().max_by_key(|slot| slot.generation);
        let is_expected = newest.filter(was_there).is_some();
        loop {
            if let Some(content) = read(&self.place.path)? {
                return Ok(Some(content));
            }
            let is_aside = self.put_back_if_abandoned(begun.elapsed())?;
            if !is_aside && (!is_expected || begun.elapsed() >= ABSENCE_TIME) {
                return Ok(None);
            }
            std::thread::sleep(POLL);
        }
    }

    /// Waits for a file that a writer of the reference has set aside, or puts it back.
    pub(crate) fn wait_for_present(&self) -> Result<()> {
        let begun = Instant::now();
        while !self.place.path.exists() && begun.elapsed() < 2 * WRITER_TIME {
            if !self.put_back_if_abandoned(begun.elapsed())? && begun.elapsed() >= ABSENCE_TIME {
                return Ok(());
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// Puts a file back that has been set aside for too long. Whether it was set aside.
    fn put_back_if_abandoned(&self, waited: Duration) -> Result<bool> {
        let aside = set_aside(&self.place.path);
        let age = time_set_aside(&aside);
        if age.is_some_and(|age| age.max(waited) >= WRITER_TIME) {
            self.place.step("recover", put_back(&aside, &self.place.path))?;
        }
        Ok(age.is_some())
    }

    pub(super) fn flush_folder(&self) -> io::Result<()> {
        sync_folder(&self.place.path)
    }

    /// The slot that names `content`: the one with the larger generation, if both do.
    pub(super) fn naming(&self, content: ContentId) -> Option<usize> {
        let of_place = |place: &usize| self.slots[*place].as_ref();
        let names = |place: &usize| of_place(place).is_some_and(|slot| slot.content == content);
        (0..2).filter(names).max_by_key(|place| of_place(place).map(|slot| slot.generation))
    }

    pub(super) fn largest(&self) -> Generation {
        self.slots.iter().flatten().map(|slot| slot.generation).max().unwrap_or_default()
    }

    /// A name that no content has: larger than those in the slots and `floor`, and not that of a kept
    /// content, which others may have named when the clock was ahead or the slots were lost.
    pub(super) fn next_name(&self, floor: Generation) -> Generation {
        let kept = Kept::new(&self.place.kept);
        let mut name = self.largest().max(floor).next();
        // The largest number has none after it.
        while kept.has(name) && name.next() > name {
            name = name.next();
        }
        name
    }

    fn place_of_oldest(&self) -> usize {
        let generation = |place: &usize| self.slots[*place].as_ref().map(|slot| slot.generation);
        (0..2).min_by_key(generation).unwrap_or(0)
    }

    /// The slot that may be overwritten while `content` is the document's.
    pub(super) fn place_beside(&self, content: ContentId) -> usize {
        self.naming(content).map_or_else(|| self.place_of_oldest(), |place| 1 - place)
    }
}

/// Where writers of the reference set a file aside before they put the new one in place.
pub(crate) fn set_aside(path: &Path) -> PathBuf {
    path.with_extension("bak")
}

/// For how long a file has been set aside, by the wall clock; `None` if it is not.
pub(crate) fn time_set_aside(aside: &Path) -> Option<Duration> {
    let metadata = aside.metadata().ok()?;
    let changed = Duration::new(metadata.ctime().try_into().ok()?, 0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // The change time is that of the rename. Whole seconds, rounded down, and one to be sure. One
    // ahead of the clock is from before the clock was set back.
    Some(now.abs_diff(changed).saturating_sub(Duration::from_secs(1)))
}

fn put_back(aside: &Path, path: &Path) -> io::Result<()> {
    match std::fs::hard_link(aside, path) {
        // It came back by itself, or somebody else was faster.
        Err(error) if matches!(error.kind(), io::ErrorKind::AlreadyExists) => Ok(()),
        Err(error) if is_absence(&error) => Ok(()),
        Err(error) => Err(error),
        Ok(()) => {
            tracing::warn!(path = %path.display(), "recovered a file that a writer had set aside");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Flush;

    #[test]
    fn the_name_of_a_kept_content_is_not_given_again() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::of(&folder.path().join("x.json"));
        std::fs::write(&place.path, "theirs").unwrap();
        // As if the clock had been ahead when they were made.
        let floor: Generation = (1_u64 << 50).to_string().parse().unwrap();
        let kept = Kept::new(&place.kept);
        for name in [floor.next(), floor.next().next().next()] {
            kept.put(name, b"kept").unwrap();
        }
        let mut locked = Locked::take(place.clone(), POLL).unwrap();
        let base = locked.read(floor).unwrap();
        assert_eq!(base.generation, floor.next().next());
        let put = locked.commit(&base, b"ours", Json::Null, Flush::Later, true).unwrap();
        assert_eq!(put.generation, base.generation.next().next());
        assert_eq!(kept.read(floor.next()).unwrap().unwrap(), "kept");
    }
}
