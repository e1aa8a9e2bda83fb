//! The commit: from bytes to the document's content, by one atomic step.
//!
//! The order is the whole point. The next content is staged and named, and both are on the device
//! before it is called the swap file; one system call then exchanges the swap file with the document.
//! What was displaced must be what the change was made from; else somebody without a lock wrote in
//! between, the name is revoked, the exchange is undone, and the caller starts over from what they
//! wrote. So a swap file is always either a named content that never stood, or what it displaced.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::atomic::{remove_if_there, stage};
use super::control::{write_slot, write_state};
use super::faults::{self, Point, Rule};
use super::{Base, ContentId, Kept, Locked, Place, Slot, State, is_absence, read};
use crate::Json;
use crate::backend::Stamp;
use crate::error::{Error, Result};
use crate::generation::{Digest, Generation};

/// How often an exchange is undone again before the commit gives up.
const UNDO_ATTEMPTS: usize = 8;

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
    /// Digest of its bytes.
    pub(crate) digest: Digest,
    /// Which slot names it.
    slot: usize,
    /// How long the device took.
    pub(crate) flushes: Flushes,
}

/// How long a commit waited for the device; nothing where it did not.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Flushes {
    /// For the content and its name.
    pub(crate) content: Duration,
    /// For the name of the file.
    pub(crate) folder: Duration,
}

impl Locked {
    /// Makes `bytes` the document's content, if that is still what `base` says. `note` is what is
    /// needed to do what follows from it. With `keep`, the content is kept as well, so that it can be
    /// restored should somebody without a lock replace it by an older one.
    pub(crate) fn commit(
        &mut self,
        base: &Base,
        bytes: &[u8],
        note: Json,
        flush: Flush,
        keep: bool,
    ) -> Result<Put, CommitError> {
        let staged = faults::pass(Point::Stage)
            .and_then(|()| stage(&self.place.staged, &self.place.path, bytes))
            .map_err(|error| self.before(&error))?;
        let generation = self.next_name(base.generation);
        let digest = Digest::of(bytes);
        let slot = Slot {
            generation,
            content: ContentId::Bytes(digest),
            base: (base.generation, base.content),
            state: State::Prepared,
            time_ms: faults::clock_ms(),
            note,
        };
        let place = self.place_beside(base.content);
        self.place.names.committed.store(generation.get(), Ordering::Relaxed);
        let mut flushes = Flushes::default();
        let named = faults::pass(Point::Slot)
            .and_then(|()| write_slot(self.lock.file(), place, &slot))
            .and_then(|()| faults::pass(Point::FlushStaged))
            .and_then(|()| match flush {
                Flush::Now => {
                    let begun = Instant::now();
                    let flushed = flush_both(&staged, self.lock.file());
                    flushes.content = begun.elapsed();
                    flushed
                }
                Flush::Later => Ok(()),
            })
            .and_then(|()| match keep {
                true => Kept::new(&self.place.kept).link(&self.place.staged, generation),
                false => Ok(()),
            });
        self.slots[place] = Some(slot);
        if let Err(error) = named {
            self.give_up(place);
            return Err(self.before(&error));
        }
        // The exchange would find out, too; but until it is undone, others would read and build upon
        // a content that lacks what was just written.
        let is_base =
            Stamp::at(&self.place.path) == base.stamp || faults::is_left_out(Rule::DisplacedCheck);
        if !is_base || !self.is_still_ours(&self.place.staged, &staged) {
            self.give_up(place);
            return Err(CommitError::Displaced);
        }
        self.put_in_place(base, place)?;
        if !self.is_still_ours(&self.place.path, &staged) {
            // Somebody else replaced it at once. The change is made again on top of theirs, so nothing
            // may follow from this commit.
            self.mark(place, State::Revoked);
            return Err(CommitError::Displaced);
        }
        let begun = Instant::now();
        if flush == Flush::Now
            && !faults::is_left_out(Rule::FolderFlush)
            && let Err(error) = faults::pass(Point::FlushFolder).and_then(|()| self.flush_folder())
        {
            return Err(CommitError::Unknown(generation, self.place.io("flush", &error)));
        }
        flushes.folder = begun.elapsed();
        Ok(Put { generation, digest, slot: place, flushes })
    }

    /// All that follows from a commit is done: its slot says so from now on. Returns the time from
    /// which on looks see all of it, and nobody takes the document for what it was before: until now
    /// an older content that somebody else put back had its old name.
    pub(crate) fn mark_done(&mut self, put: &Put) -> Instant {
        self.mark(put.slot, State::Done);
        Instant::now()
    }

    /// Ends a commit: what was displaced is kept, with at most `most` others, and so is what was put
    /// in its place.
    pub(crate) fn finish(&mut self, base: &Base, put: &Put, bytes: &[u8], most: usize) {
        let kept = Kept::new(&self.place.kept);
        let tidied = faults::pass(Point::Keep).and_then(|()| {
            if most == 0 {
                return remove_if_there(&self.place.swap);
            }
            // What its slot tells must be known to have stood, also after a power cut and a foreign
            // write, before what tells it otherwise is gone.
            self.lock.file().sync_data()?;
            // Until now it shares its bytes with the document, which others may write in place.
            kept.replace(put.generation, bytes)?;
            kept.take_in_if_there(&self.place.swap, base.generation)
        });
        let tidied = self.place.step("keep", tidied).and_then(|()| match most {
            0 => Ok(()),
            most => kept.prune(most),
        });
        if let Err(error) = tidied {
            tracing::warn!(%error, "the replaced content could not be kept");
        }
        let _ = faults::pass(Point::Unlock);
    }

    /// The content of this slot will never stand.
    fn give_up(&mut self, slot: usize) {
        self.mark(slot, State::Revoked);
        let Some(generation) = self.slots[slot].as_ref().map(|slot| slot.generation) else {
            return;
        };
        let forgotten = remove_if_there(&self.place.staged)
            .and_then(|()| Kept::new(&self.place.kept).forget(generation));
        if let Err(error) = forgotten {
            tracing::warn!(path = %self.place.path.display(), %error, "a content that never stood could not be removed");
        }
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
    fn put_in_place(&mut self, base: &Base, slot: usize) -> Result<(), CommitError> {
        let Place { path, staged, swap, .. } = &self.place;
        let done = match base.content {
            ContentId::Absent => {
                faults::pass(Point::Exchange).and_then(|()| rename_to_nothing(staged, path))
            }
            ContentId::Bytes(_) => std::fs::rename(staged, swap)
                .and_then(|()| faults::pass(Point::Exchange))
                .and_then(|()| exchange(swap, path)),
        };
        match done {
            Ok(()) if base.content == ContentId::Absent => return Ok(()),
            Ok(()) => {}
            Err(error) if cannot_exchange(&error) => return self.rename_over(base),
            Err(error) => {
                let came_or_went =
                    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists);
                let failed = self.before(&explained(error));
                self.give_up(slot);
                return Err(if came_or_went { CommitError::Displaced } else { failed });
            }
        }
        if faults::is_left_out(Rule::DisplacedCheck) {
            return Ok(());
        }
        // Another file is undone at once, because others may read ours meanwhile; the same file may
        // have been written in place.
        let is_other = Stamp::at(&self.place.swap)
            .zip(base.stamp)
            .is_some_and(|(found, base)| (found.device, found.inode) != (base.device, base.inode));
        let displaced = faults::pass(Point::Check)
            .map_err(|error| self.place.io("check", &error))
            .and_then(|()| match is_other {
                true => Ok(ContentId::Absent),
                false => content_of(&self.place.swap),
            });
        match displaced {
            Ok(displaced) if displaced == base.content => Ok(()),
            // The exchange stands, but nobody can tell what it displaced.
            Err(error) => Err(CommitError::Unknown(self.largest(), error)),
            Ok(_) => match self.undo_exchange(slot) {
                Ok(()) => Err(CommitError::Displaced),
                Err(error) => Err(CommitError::Unknown(self.largest(), error)),
            },
        }
    }

    /// Puts back what the content of `slot` has displaced: somebody without a lock had written it
    /// after we read, and it stands.
    pub(super) fn undo_exchange(&mut self, slot: usize) -> Result<()> {
        self.mark(slot, State::Revoked);
        let Some(own) = self.slots[slot].as_ref().map(|slot| (slot.content, slot.generation))
        else {
            return Ok(());
        };
        for _ in 0..UNDO_ATTEMPTS {
            self.exchange_back()?;
            if content_of(&self.place.swap)? == own.0 {
                let forgotten = remove_if_there(&self.place.swap)
                    .and_then(|()| Kept::new(&self.place.kept).forget(own.1));
                return self.place.step("restore", forgotten);
            }
            // They wrote again in that instant. What they wrote last stands; the other is kept.
            self.exchange_back()?;
            if content_of(&self.place.swap)? != own.0 {
                return self.keep_collided();
            }
        }
        Err(Error::Unsettled { path: self.place.path.clone() })
    }

    fn exchange_back(&self) -> Result<()> {
        match exchange(&self.place.swap, &self.place.path) {
            Err(error) if is_absence(&error) => {
                self.wait_for_present()?;
                self.place.step("restore", exchange(&self.place.swap, &self.place.path))
            }
            exchanged => self.place.step("restore", exchanged),
        }
    }

    /// Keeps a content in the swap file that nobody has a name for.
    pub(super) fn keep_collided(&self) -> Result<()> {
        let generation = self.next_name(Generation::default());
        tracing::error!(path = %self.place.path.display(), %generation, "two others wrote at once; the earlier content is kept");
        let kept = Kept::new(&self.place.kept).take_in(&self.place.swap, generation);
        self.place.step("keep", kept)
    }

    /// Without an exchange all that can be done is to look once more, and to keep what goes.
    fn rename_over(&self, base: &Base) -> Result<(), CommitError> {
        let Place { path, swap, .. } = &self.place;
        match content_of(path) {
            Ok(content) if content == base.content => {}
            Ok(_) => {
                let _ = remove_if_there(swap);
                return Err(CommitError::Displaced);
            }
            Err(error) => {
                let _ = remove_if_there(swap);
                return Err(CommitError::Before(error));
            }
        }
        let kept = base
            .bytes
            .as_deref()
            .map_or(Ok(()), |bytes| Kept::new(&self.place.kept).put(base.generation, bytes));
        let renamed = kept.and_then(|()| std::fs::rename(swap, path));
        renamed.map_err(|error| self.before(&explained(error)))
    }

    pub(super) fn mark(&mut self, place: usize, state: State) {
        let marked = match state {
            State::Done => faults::pass(Point::Done),
            _ => Ok(()),
        };
        let marked = marked.and_then(|()| write_state(self.lock.file(), place, state));
        match (marked, &mut self.slots[place]) {
            (Ok(()), Some(slot)) => slot.state = state,
            // It will be found, and set right, once more.
            (Err(error), _) => {
                tracing::warn!(%error, ?state, "the state of a commit could not be written");
            }
            (Ok(()), None) => {}
        }
    }

    /// Nothing has changed, and nothing is left behind.
    fn before(&self, error: &io::Error) -> CommitError {
        let _ = remove_if_there(&self.place.staged);
        let _ = remove_if_there(&self.place.swap);
        CommitError::Before(self.place.io("write", error))
    }
}

pub(super) fn content_of(path: &Path) -> Result<ContentId> {
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
