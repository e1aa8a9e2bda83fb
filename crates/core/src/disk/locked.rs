//! A document under its write lock: recovery, reading, the commit, and its end.
//!
//! The order of the steps is the whole point. The next content is staged and named, and both are on
//! the device before one system call exchanges it with the present one. What was displaced must be
//! what the change was made from; else somebody without a lock wrote in between, the exchange is
//! undone, and the caller starts over from what they wrote.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::control::{naming, read_slots_of, write_slot, write_state};
use super::faults::{self, Point, Rule};
use super::{ContentId, Kept, Lock, Place, Slot, State, Unlockable, is_absence, read};
use crate::Json;
use crate::backend::Stamp;
use crate::error::{Error, Result};
use crate::generation::Generation;

/// How long a missing file is waited for: writers of the reference move it away for an instant.
const ABSENCE_TIME: Duration = Duration::from_millis(250);
/// How long a file must have been set aside before its writer is taken for dead.
const WRITER_TIME: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(10);
/// How often an exchange is undone again before the commit gives up.
const UNDO_ATTEMPTS: usize = 8;

/// A document's write lock, and what its control file says.
#[derive(Debug)]
pub(crate) struct Locked {
    place: Place,
    lock: Lock,
    slots: [Option<Slot>; 2],
}

/// The content a change is made from.
#[derive(Debug, Clone)]
pub(crate) struct Base {
    /// The bytes; `None` where there is no file.
    pub(crate) bytes: Option<Bytes>,
    /// What they are.
    pub(crate) content: ContentId,
    /// Their name; none where there never was a file.
    pub(crate) generation: Generation,
    /// Whether somebody else had written them, and they were named only now.
    pub(crate) is_adopted: bool,
}

/// A commit whose writer died before it had done what follows from it.
#[derive(Debug)]
pub(crate) struct Unfinished<'a> {
    /// The slot of the present content.
    pub(crate) slot: &'a Slot,
    /// Its content, if it is still there: somebody else may have replaced it.
    pub(crate) bytes: Option<&'a Bytes>,
    /// What it replaced, if that can still be told: otherwise all that needs it was done.
    pub(crate) base: Option<Option<Bytes>>,
}

/// When a commit is on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flush {
    /// Before the commit returns.
    Now,
    /// Whenever the system likes; the content can be made again from elsewhere.
    Later,
}

/// A commit that did not come about.
#[derive(Debug)]
pub(crate) enum CommitError {
    /// Somebody else wrote meanwhile, and their content stands; or the control file was removed, and
    /// with it the lock. Take the lock again and start over.
    Displaced,
    /// Nothing has changed.
    Before(Error),
    /// The content is in place, but perhaps not on the device.
    Unknown(Generation, Error),
}

/// A content that has become the document's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Put {
    /// Its name.
    pub(crate) generation: Generation,
    /// What it is.
    pub(crate) content: ContentId,
    /// When it could first be seen.
    pub(crate) at: Instant,
    /// What its file looked like then.
    stamp: Option<Stamp>,
}

impl Locked {
    /// Takes the lock, waiting for at most `patience`.
    pub(crate) fn take(place: Place, patience: Duration) -> Result<Self, Unlockable> {
        let lock = Lock::take(&place.control, patience)?;
        let slots = read_slots_of(lock.file());
        let slots = slots.map_err(|error| Error::io("read", &place.control, &error));
        Ok(Self { slots: slots.map_err(Unlockable::Failed)?, place, lock })
    }

    /// Whether there may be something to set right.
    pub(crate) fn is_unfinished(&self) -> bool {
        let is_prepared =
            |slot: &Option<Slot>| slot.as_ref().is_some_and(|slot| slot.state == State::Prepared);
        self.place.swap.symlink_metadata().is_ok() || self.slots.iter().any(is_prepared)
    }

    /// Sets right what a dead writer left. `follow_up` does what follows from a commit that stands,
    /// as far as it is not done yet.
    pub(crate) fn recover(
        &mut self,
        follow_up: &mut dyn FnMut(Unfinished<'_>) -> Result<()>,
    ) -> Result<()> {
        if faults::is_left_out(Rule::Recovery) {
            return Ok(());
        }
        self.place.step("recover", faults::pass(Point::Recover))?;
        if !self.is_unfinished() {
            return Ok(());
        }
        let current = read(&self.place.path)?.map(|content| content.bytes);
        let swap = read(&self.place.swap)?.map(|content| content.bytes);
        let swap_content = swap.as_deref().map(|bytes| ContentId::of(Some(bytes)));
        let present = ContentId::of(current.as_deref());
        if let Some(place) = self.overwritten(present, swap_content) {
            return self.recover_overwritten(place, follow_up);
        }
        match self.naming(present) {
            Some(place) => self.recover_named(place, current.as_ref(), swap, follow_up),
            None => self.set_swap_aside(swap_content),
        }
    }

    /// The slot of a commit whose writer died, and whose content somebody else replaced before what
    /// follows from it was done: what it displaced is what it was made from, so it did take place.
    fn overwritten(&self, present: ContentId, swap: Option<ContentId>) -> Option<usize> {
        let newest =
            (0..2).max_by_key(|place| self.slots[*place].as_ref().map(|s| s.generation))?;
        let slot = self.slots[newest].as_ref()?;
        let is_it = slot.state == State::Prepared
            && slot.content != present
            && swap.is_some_and(|swap| swap == slot.base.1);
        is_it.then_some(newest)
    }

    fn recover_overwritten(
        &mut self,
        place: usize,
        follow_up: &mut dyn FnMut(Unfinished<'_>) -> Result<()>,
    ) -> Result<()> {
        let Some(slot) = self.slots[place].clone() else { return Ok(()) };
        tracing::warn!(path = %self.place.path.display(), generation = %slot.generation, "finishing the commit of a writer that died, which somebody else has overwritten");
        follow_up(Unfinished { slot: &slot, bytes: None, base: None })?;
        self.mark_done(place);
        let kept = Kept::new(&self.place.kept).take_in(&self.place.swap, slot.base.0);
        self.place.step("tidy up after", kept)
    }

    fn recover_named(
        &mut self,
        place: usize,
        current: Option<&Bytes>,
        swap: Option<Bytes>,
        follow_up: &mut dyn FnMut(Unfinished<'_>) -> Result<()>,
    ) -> Result<()> {
        let Some(slot) = self.slots[place].clone() else { return Ok(()) };
        let swap_content = swap.as_deref().map(|bytes| ContentId::of(Some(bytes)));
        if slot.state != State::Prepared {
            // Its writer died before the next commit, or after all was done but the tidying.
            return self.tidy(swap_content, slot.base, slot.content);
        }
        if let Some(displaced) = swap_content
            && displaced != slot.base.1
        {
            // Its writer died after displacing somebody else's content, which stands.
            tracing::warn!(path = %self.place.path.display(), "undoing a commit that had displaced somebody else's");
            self.place.step("recover", exchange(&self.place.swap, &self.place.path))?;
            self.place.step("recover", self.flush_folder())?;
            return self.place.step("recover", remove_if_there(&self.place.swap));
        }
        tracing::warn!(path = %self.place.path.display(), generation = %slot.generation, "finishing the commit of a writer that died");
        self.place.step("flush", self.flush_folder())?;
        let base = match (swap, slot.base.1) {
            (_, ContentId::Absent) => Some(None),
            (Some(swap), _) => Some(Some(swap)),
            (None, content) => {
                let kept = Kept::new(&self.place.kept).read(slot.base.0)?;
                kept.filter(|bytes| ContentId::of(Some(bytes)) == content).map(Some)
            }
        };
        follow_up(Unfinished { slot: &slot, bytes: current, base })?;
        self.mark_done(place);
        self.tidy(swap_content, slot.base, slot.content)
    }

    /// Puts the swap file where it belongs, once the commit it belonged to is over.
    fn tidy(
        &self,
        swap: Option<ContentId>,
        base: (Generation, ContentId),
        current: ContentId,
    ) -> Result<()> {
        let tidied = match swap {
            None => Ok(()),
            Some(swap) if swap == base.1 && swap != current => {
                Kept::new(&self.place.kept).take_in(&self.place.swap, base.0)
            }
            Some(_) => remove_if_there(&self.place.swap),
        };
        self.place.step("tidy up after", tidied)
    }

    /// Nobody knows the present content: somebody else wrote it after our writer died. What our
    /// writer left is kept, unless it never was the document's.
    fn set_swap_aside(&self, swap: Option<ContentId>) -> Result<()> {
        let Some(content) = swap else { return Ok(()) };
        let known = self.naming(content).and_then(|place| self.slots[place].as_ref());
        let done = match known {
            Some(slot) if slot.state == State::Prepared => remove_if_there(&self.place.swap),
            Some(slot) => Kept::new(&self.place.kept).take_in(&self.place.swap, slot.generation),
            None => {
                let generation = self.largest().next();
                tracing::error!(path = %self.place.path.display(), %generation, "two others wrote at once; the earlier content is kept");
                Kept::new(&self.place.kept).take_in(&self.place.swap, generation)
            }
        };
        self.place.step("tidy up after", done)
    }

    /// Reads the document and its name. Content without one was written by somebody else and gets
    /// one now; so does an older content that came back: see [`naming`].
    pub(crate) fn read(&mut self, floor: Generation) -> Result<Base> {
        self.place.step("read", faults::pass(Point::Read))?;
        let bytes = self.read_present()?;
        let content = ContentId::of(bytes.as_deref());
        if let Some(generation) = naming(&self.slots, content, floor).map(|slot| slot.generation) {
            return Ok(Base { bytes, content, generation, is_adopted: false });
        }
        let never_was = content == ContentId::Absent && self.slots == [None, None];
        if never_was && !floor.is_some() {
            let generation = Generation::default();
            return Ok(Base { bytes, content, generation, is_adopted: false });
        }
        let generation = self.adopt(content, floor)?;
        Ok(Base { bytes, content, generation, is_adopted: true })
    }

    fn adopt(&mut self, content: ContentId, floor: Generation) -> Result<Generation> {
        let generation = self.largest().max(floor).next();
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
        let place = self.place_of_oldest();
        let written =
            write_slot(self.lock.file(), place, &slot).and_then(|()| self.lock.file().sync_data());
        written.map_err(|error| Error::io("write", &self.place.control, &error))?;
        self.slots[place] = Some(slot);
        Ok(generation)
    }

    /// The document's bytes. A missing file is waited for, and put back if its writer died after
    /// moving it away.
    fn read_present(&self) -> Result<Option<Bytes>> {
        let begun = Instant::now();
        let was_there = |slot: &&Slot| slot.content != ContentId::Absent;
        let newest = self.slots.iter().flatten().max_by_key(|slot| slot.generation);
        let is_expected = newest.filter(was_there).is_some();
        let aside = self.place.path.with_extension("bak");
        loop {
            if let Some(content) = read(&self.place.path)? {
                return Ok(Some(content.bytes));
            }
            let is_aside = aside.exists();
            if is_aside && begun.elapsed() >= WRITER_TIME {
                put_back(&aside, &self.place.path)
                    .map_err(|error| Error::io("recover", &self.place.path, &error))?;
                continue;
            }
            if !is_aside && (!is_expected || begun.elapsed() >= ABSENCE_TIME) {
                return Ok(None);
            }
            std::thread::sleep(POLL);
        }
    }

    /// Makes `bytes` the document's content, if that is still what `base` says. `note` is what is
    /// needed to do what follows from it.
    pub(crate) fn commit(
        &mut self,
        base: &Base,
        bytes: &[u8],
        note: Json,
        flush: Flush,
    ) -> Result<Put, CommitError> {
        let before = |error: &io::Error| CommitError::Before(self.place.io("write", error));
        let staged = self.stage(bytes).map_err(|error| before(&error))?;
        let generation = self.largest().max(base.generation).next();
        let content = ContentId::of(Some(bytes));
        let slot = Slot {
            generation,
            content,
            base: (base.generation, base.content),
            state: State::Prepared,
            time_ms: faults::clock_ms(),
            note,
        };
        let place = self.place_beside(base.content);
        let named = faults::pass(Point::Slot)
            .and_then(|()| write_slot(self.lock.file(), place, &slot))
            .and_then(|()| faults::pass(Point::FlushStaged))
            .and_then(|()| match flush {
                Flush::Now => flush_both(&staged, self.lock.file()),
                Flush::Later => Ok(()),
            });
        if let Err(error) = named {
            let _ = remove_if_there(&self.place.swap);
            return Err(before(&error));
        }
        self.slots[place] = Some(slot);
        if !self.is_still_ours(&self.place.swap, &staged) {
            return Err(CommitError::Displaced);
        }
        self.exchange_with_base(base, content)?;
        if !self.is_still_ours(&self.place.path, &staged) {
            return Err(CommitError::Displaced);
        }
        let at = Instant::now();
        let stamp = self.stamp();
        if flush == Flush::Now
            && !faults::is_left_out(Rule::FolderFlush)
            && let Err(error) = faults::pass(Point::FlushFolder).and_then(|()| self.flush_folder())
        {
            return Err(CommitError::Unknown(generation, self.place.io("flush", &error)));
        }
        Ok(Put { generation, content, at, stamp })
    }

    /// Whether `path` is the file that we staged, and the lock we hold is the one others see. Whoever
    /// removes control files takes the lock from under a writer, and lets in another.
    fn is_still_ours(&self, path: &Path, staged: &File) -> bool {
        let same = |path: &Path, file: &File| {
            let (named, held) = (std::fs::metadata(path).ok()?, file.metadata().ok()?);
            Some((named.dev(), named.ino()) == (held.dev(), held.ino()))
        };
        let lock = same(&self.place.control, self.lock.file());
        faults::is_left_out(Rule::Lock) || lock == Some(true) && same(path, staged) == Some(true)
    }

    /// The commit itself, in one system call; afterwards the displaced content is in the swap file.
    fn exchange_with_base(&self, base: &Base, own: ContentId) -> Result<(), CommitError> {
        let Place { path, swap, .. } = &self.place;
        let done = faults::pass(Point::Exchange).and_then(|()| match base.content {
            ContentId::Absent => rename_to_nothing(swap, path),
            ContentId::Bytes(_) => exchange(swap, path),
        });
        match done {
            Ok(()) if base.content == ContentId::Absent => return Ok(()),
            Ok(()) => {}
            Err(error) if cannot_exchange(&error) => return self.rename_over(base),
            Err(error) => {
                let _ = remove_if_there(swap);
                let came_or_went =
                    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists);
                return Err(if came_or_went {
                    CommitError::Displaced
                } else {
                    CommitError::Before(self.place.io("replace", &explained(error)))
                });
            }
        }
        if faults::is_left_out(Rule::DisplacedCheck) {
            return Ok(());
        }
        let displaced = faults::pass(Point::Check)
            .map_err(|error| self.place.io("check", &error))
            .and_then(|()| content_of(swap));
        match displaced {
            Ok(displaced) if displaced == base.content => Ok(()),
            // The exchange stands, but nobody can tell what it displaced.
            Err(error) => Err(CommitError::Unknown(self.largest(), error)),
            Ok(_) => self.undo_exchange(own),
        }
    }

    /// Somebody without a lock wrote between our reading and our exchange: their content goes back.
    fn undo_exchange(&self, own: ContentId) -> Result<(), CommitError> {
        let Place { path, swap, .. } = &self.place;
        let unknown = |error| CommitError::Unknown(self.largest(), error);
        for _ in 0..UNDO_ATTEMPTS {
            let undone = exchange(swap, path).map_err(|error| self.place.io("restore", &error));
            undone.map_err(unknown)?;
            if content_of(swap).map_err(unknown)? == own {
                let _ = remove_if_there(swap);
                return Err(CommitError::Displaced);
            }
            // They wrote again in that instant. What they wrote last stands; the other is kept.
            let generation = self.largest().next();
            tracing::error!(path = %path.display(), %generation, "two others wrote at once; the earlier content is kept");
            exchange(swap, path).map_err(|error| unknown(self.place.io("restore", &error)))?;
            if content_of(swap).map_err(unknown)? != own {
                let kept = Kept::new(&self.place.kept).take_in(swap, generation);
                kept.map_err(|error| unknown(self.place.io("keep", &error)))?;
                return Err(CommitError::Displaced);
            }
        }
        Err(unknown(Error::Unsettled { path: path.clone() }))
    }

    /// Without an exchange all that can be done is to look once more, and to keep what goes.
    fn rename_over(&self, base: &Base) -> Result<(), CommitError> {
        let Place { path, swap, .. } = &self.place;
        let before = |error| {
            let _ = remove_if_there(swap);
            CommitError::Before(error)
        };
        if content_of(path).map_err(before)? != base.content {
            let _ = remove_if_there(swap);
            return Err(CommitError::Displaced);
        }
        let kept = base
            .bytes
            .as_deref()
            .map_or(Ok(()), |bytes| Kept::new(&self.place.kept).put(base.generation, bytes));
        let renamed = kept.and_then(|()| std::fs::rename(swap, path));
        renamed.map_err(|error| before(self.place.io("replace", &explained(error))))
    }

    /// Ends a commit after all that follows from it was done: the slot says so, and what was
    /// displaced is kept, with at most `most` others. Returns the time from which on nobody takes
    /// the document for what it was before.
    pub(crate) fn finish(&mut self, base: &Base, put: &Put, most: usize) -> Instant {
        if let Some(place) = self.naming(put.content) {
            self.mark_done(place);
        }
        let kept = Kept::new(&self.place.kept);
        let tidied = faults::pass(Point::Keep).and_then(|()| {
            if most == 0 || base.content == ContentId::Absent {
                return remove_if_there(&self.place.swap);
            }
            match kept.take_in(&self.place.swap, base.generation) {
                Err(error) if is_absence(&error) => Ok(()),
                taken => taken,
            }
        });
        let tidied = self.place.step("keep", tidied).and_then(|()| kept.prune(most));
        if let Err(error) = tidied {
            tracing::warn!(%error, "the replaced content could not be kept");
        }
        let _ = faults::pass(Point::Unlock);
        // As long as the slot did not say that the commit took place, an earlier content that
        // somebody else put back had its old name.
        if put.stamp.is_some() && put.stamp == self.stamp() { put.at } else { Instant::now() }
    }

    fn stamp(&self) -> Option<Stamp> {
        std::fs::metadata(&self.place.path).ok().map(|metadata| Stamp::of(&metadata))
    }

    fn mark_done(&mut self, place: usize) {
        let marked = faults::pass(Point::Done)
            .and_then(|()| write_state(self.lock.file(), place, State::Done));
        match (marked, &mut self.slots[place]) {
            (Ok(()), Some(slot)) => slot.state = State::Done,
            // It will be done once more, to no effect.
            (Err(error), _) => tracing::warn!(%error, "a commit could not be marked as done"),
            (Ok(()), None) => {}
        }
    }

    /// Stages the next content beside the document, with its mode and owner.
    fn stage(&self, bytes: &[u8]) -> io::Result<File> {
        let swap = &self.place.swap;
        faults::pass(Point::Stage)?;
        remove_if_there(swap)?;
        let old = std::fs::metadata(&self.place.path).ok();
        let mode = old.as_ref().map_or(0o644, |old| old.permissions().mode() & 0o7777);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(swap)?;
        let staged = file.write_all(bytes).and_then(|()| {
            let Some(old) = old else { return Ok(()) };
            let new = file.metadata()?;
            if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
                // Only the superuser may give files away; the others keep what they write.
                let _ = std::os::unix::fs::fchown(&file, Some(old.uid()), Some(old.gid()));
            }
            // The mode given at creation is subject to the umask.
            file.set_permissions(Permissions::from_mode(mode))
        });
        if staged.is_err() {
            let _ = remove_if_there(swap);
        }
        staged.map(|()| file)
    }

    fn flush_folder(&self) -> io::Result<()> {
        File::open(self.place.folder())?.sync_all()
    }

    /// The slot that names `content`: the one with the larger generation, if both do.
    fn naming(&self, content: ContentId) -> Option<usize> {
        let of_place = |place: &usize| self.slots[*place].as_ref();
        let names = |place: &usize| of_place(place).is_some_and(|slot| slot.content == content);
        (0..2).filter(names).max_by_key(|place| of_place(place).map(|slot| slot.generation))
    }

    fn largest(&self) -> Generation {
        self.slots.iter().flatten().map(|slot| slot.generation).max().unwrap_or_default()
    }

    fn place_of_oldest(&self) -> usize {
        let generation = |place: &usize| self.slots[*place].as_ref().map(|slot| slot.generation);
        (0..2).min_by_key(generation).unwrap_or(0)
    }

    /// The slot that may be overwritten while `content` is the document's.
    fn place_beside(&self, content: ContentId) -> usize {
        self.naming(content).map_or_else(|| self.place_of_oldest(), |place| 1 - place)
    }
}

fn content_of(path: &Path) -> Result<ContentId> {
    Ok(ContentId::of(read(path)?.map(|content| content.bytes).as_deref()))
}

/// Flushes both files at the same time: they do not depend on one another, and the device does the
/// work once.
fn flush_both(staged: &File, control: &File) -> io::Result<()> {
    std::thread::scope(|scope| {
        let other = scope.spawn(|| control.sync_data());
        let flushed = staged.sync_all();
        let other = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        flushed.and(other)
    })
}

fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

/// Renames, unless there is something by the new name.
fn rename_to_nothing(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(error) if cannot_exchange(&error.into()) => {
            std::fs::hard_link(from, to)?;
            std::fs::remove_file(from)
        }
        done => Ok(done?),
    }
}

/// Whether the file system does not know how to exchange.
fn cannot_exchange(error: &io::Error) -> bool {
    let number = error.raw_os_error();
    [Errno::INVAL, Errno::NOSYS, Errno::NOTSUP].iter().any(|e| number == Some(e.raw_os_error()))
}

/// A file that is a mount point cannot be replaced; the system's words do not help anybody.
fn explained(error: io::Error) -> io::Error {
    let number = error.raw_os_error();
    if number == Some(Errno::BUSY.raw_os_error()) || number == Some(Errno::XDEV.raw_os_error()) {
        let words = "the file is mounted by itself, so nobody can replace it; mount its folder";
        return io::Error::new(error.kind(), words);
    }
    error
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

fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if is_absence(&error) => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    #[test]
    fn a_dead_writers_commit_is_finished_also_if_somebody_else_has_overwritten_it() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::of(&folder.path().join("x.json"));
        std::fs::write(&place.path, "one").unwrap();
        let mut dead = Locked::take(place.clone(), PATIENCE).unwrap();
        let base = dead.read(Generation::default()).unwrap();
        let put = dead.commit(&base, b"two", Json::Null, Flush::Now).unwrap();
        drop(dead);
        std::fs::write(&place.path, "foreign").unwrap();
        let mut found = Vec::new();
        for _ in 0..2 {
            let mut locked = Locked::take(place.clone(), PATIENCE).unwrap();
            let follow_up = &mut |unfinished: Unfinished<'_>| {
                found.push((unfinished.slot.generation, unfinished.bytes.cloned()));
                Ok(())
            };
            locked.recover(follow_up).unwrap();
        }
        assert_eq!(found, [(put.generation, None)]);
        assert_eq!(std::fs::read(&place.path).unwrap(), b"foreign");
        let kept = Kept::new(&place.kept).read(base.generation).unwrap();
        assert_eq!(kept.as_deref(), Some(&b"one"[..]));
        assert!(!place.swap.exists());
    }
}
