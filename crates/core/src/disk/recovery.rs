//! What a dead writer left, set right under its lock.
//!
//! A staged file was never a swap file, and goes. A swap file is told by its content: if a slot names
//! it that is only prepared, it was never exchanged, and goes; if it is what the present content was
//! made from, the commit stands, and what follows from it is done; if nobody knows it, somebody
//! without a lock had written it and our dead writer displaced it: it goes back. Each step leaves a
//! state that the next recovery understands, because this one may be cut off, too.

use bytes::Bytes;

use super::atomic::remove_if_there;
use super::faults::{self, Point, Rule};
use super::{ContentId, Kept, Locked, Slot, State, read, set_aside};
use crate::error::{Error, Result};

/// How many things a dead writer can have left, one uncovering the next, and some to spare.
const STEPS: usize = 8;

/// A commit whose writer died before it had done what follows from it.
#[derive(Debug)]
pub(crate) struct Unfinished<'a> {
    /// Its slot.
    pub(crate) slot: &'a Slot,
    /// The content it put in place, if that can still be told.
    pub(crate) bytes: Option<&'a Bytes>,
    /// What it replaced, if that can still be told: otherwise all that needs it was done.
    pub(crate) base: Option<Option<Bytes>>,
    /// Whether somebody without a lock has written since: then only what tells of the commit itself
    /// follows from it.
    pub(crate) is_overtaken: bool,
}

/// Does what follows from a commit that stands.
pub(crate) type FollowUp<'a> = &'a mut dyn FnMut(Unfinished<'_>) -> Result<()>;

/// A file's content, if there is the file.
struct Found {
    bytes: Option<Bytes>,
    content: ContentId,
}

impl Locked {
    /// Sets right what a dead writer left. `follow_up` does what follows from a commit that stands,
    /// as far as it is not done yet.
    pub(crate) fn recover(&mut self, follow_up: FollowUp<'_>) -> Result<()> {
        if faults::is_left_out(Rule::Recovery) {
            return Ok(());
        }
        self.place.step("recover", faults::pass(Point::Recover))?;
        self.place.step("tidy up after", remove_if_there(&self.place.staged))?;
        for _ in 0..STEPS {
            let has_swap = self.place.swap.symlink_metadata().is_ok();
            let is_open = |slot: &Slot| slot.state == State::Prepared;
            if !has_swap && !self.slots.iter().flatten().any(is_open) {
                return Ok(());
            }
            self.recover_one(follow_up)?;
        }
        Err(Error::Unsettled { path: self.place.swap.clone() })
    }

    fn recover_one(&mut self, follow_up: FollowUp<'_>) -> Result<()> {
        // Who has set the file aside for an instant has not undone the commit that made it.
        if set_aside(&self.place.path).exists() {
            self.wait_for_present()?;
        }
        let present = Found::at(&self.place.path)?;
        let swap = Found::at(&self.place.swap)?;
        let named = self.naming(present.content);
        let state = named.and_then(|place| self.slots[place].as_ref()).map(|slot| slot.state);
        if swap.bytes.is_none() {
            return match (named, state) {
                (Some(place), Some(State::Prepared)) => self.conclude(place, &present, follow_up),
                _ => self.revoke_open(named),
            };
        }
        if let Some(never_stood) = self.staged_as(&swap, named) {
            self.mark(never_stood, State::Revoked);
            let generation = self.slots[never_stood].as_ref().map(|slot| slot.generation);
            let removed = remove_if_there(&self.place.swap).and_then(|()| {
                generation.map_or(Ok(()), |it| Kept::new(&self.place.kept).forget(it))
            });
            return self.place.step("tidy up after", removed);
        }
        let base = named.and_then(|place| self.slots[place].as_ref()).map(|slot| slot.base.1);
        match (named, state) {
            (Some(place), Some(State::Prepared)) if base == Some(swap.content) => {
                self.conclude(place, &present, follow_up)
            }
            (Some(place), Some(State::Prepared | State::Revoked)) => {
                tracing::warn!(path = %self.place.path.display(), "undoing a commit that had displaced somebody else's");
                self.undo_exchange(place)?;
                self.place.step("flush", self.flush_folder())
            }
            _ => match self.overtaken(&swap) {
                Some(place) => self.conclude_overtaken(place, swap.bytes, follow_up),
                None => self.set_swap_aside(&swap),
            },
        }
    }

    /// The commit of this slot stands.
    fn conclude(&mut self, place: usize, present: &Found, follow_up: FollowUp<'_>) -> Result<()> {
        let Some(slot) = self.slots[place].clone() else { return Ok(()) };
        tracing::warn!(path = %self.place.path.display(), generation = %slot.generation, "finishing the commit of a writer that died");
        self.place.step("flush", self.flush_present())?;
        let folder = self.place.kept.clone();
        let kept = Kept::new(&folder);
        let base = match (Found::at(&self.place.swap)?.bytes, slot.base.1) {
            (_, ContentId::Absent) => Some(None),
            (Some(swap), _) => Some(Some(swap)),
            (None, content) => {
                let kept = kept.read(slot.base.0)?;
                kept.filter(|bytes| ContentId::of(Some(bytes)) == content).map(Some)
            }
        };
        let bytes = present.bytes.as_ref();
        follow_up(Unfinished { slot: &slot, bytes, base, is_overtaken: false })?;
        self.mark(place, State::Done);
        let is_kept = kept.has(slot.generation);
        let tidied = match bytes {
            Some(bytes) if is_kept => kept.replace(slot.generation, bytes),
            _ => Ok(()),
        };
        let tidied = tidied.and_then(|()| match is_kept {
            true => kept.take_in_if_there(&self.place.swap, slot.base.0),
            false => remove_if_there(&self.place.swap),
        });
        self.place.step("tidy up after", tidied)
    }

    /// The commit of this slot stood until somebody without a lock wrote.
    fn conclude_overtaken(
        &mut self,
        place: usize,
        base: Option<Bytes>,
        follow_up: FollowUp<'_>,
    ) -> Result<()> {
        let Some(slot) = self.slots[place].clone() else { return Ok(()) };
        let folder = self.place.kept.clone();
        let kept = Kept::new(&folder);
        let bytes = kept.read(slot.generation)?;
        let bytes = bytes.filter(|bytes| ContentId::of(Some(bytes)) == slot.content);
        let (bytes, base) = (bytes.as_ref(), base.map(Some));
        follow_up(Unfinished { slot: &slot, bytes, base, is_overtaken: true })?;
        self.mark(place, State::Done);
        let kept = kept.take_in_if_there(&self.place.swap, slot.base.0);
        self.place.step("tidy up after", kept)
    }

    /// Without a swap file, what is prepared and is not the document's never was.
    fn revoke_open(&mut self, named: Option<usize>) -> Result<()> {
        for place in (0..2).filter(|place| Some(*place) != named) {
            let Some(slot) = self.slots[place].as_ref() else { continue };
            if slot.state != State::Prepared {
                continue;
            }
            let generation = slot.generation;
            let is_later = named
                .and_then(|named| self.slots[named].as_ref())
                .is_some_and(|present| present.generation < generation);
            self.mark(place, State::Revoked);
            if is_later {
                let forgotten = Kept::new(&self.place.kept).forget(generation);
                self.place.step("tidy up after", forgotten)?;
            }
        }
        Ok(())
    }

    /// The slot that names the swap file's content without its ever having stood.
    fn staged_as(&self, swap: &Found, present: Option<usize>) -> Option<usize> {
        let never_stood = |place: &usize| {
            self.slots[*place].as_ref().is_some_and(|slot| {
                slot.content == swap.content
                    && matches!(slot.state, State::Prepared | State::Revoked)
            })
        };
        (0..2).filter(|place| Some(*place) != present).find(never_stood)
    }

    /// The slot of a commit that displaced the swap file's content.
    fn overtaken(&self, swap: &Found) -> Option<usize> {
        let displaced = |place: &usize| {
            self.slots[*place]
                .as_ref()
                .is_some_and(|slot| slot.state == State::Prepared && slot.base.1 == swap.content)
        };
        (0..2).find(displaced)
    }

    /// The commit it belonged to is over: what it displaced is kept.
    fn set_swap_aside(&self, swap: &Found) -> Result<()> {
        let known = self.naming(swap.content).and_then(|place| self.slots[place].as_ref());
        let of_base = self.slots.iter().flatten().find(|slot| slot.base.1 == swap.content);
        let generation = known.map(|slot| slot.generation);
        match generation.or(of_base.map(|slot| slot.base.0)) {
            Some(generation) => {
                let kept = Kept::new(&self.place.kept).take_in(&self.place.swap, generation);
                self.place.step("tidy up after", kept)
            }
            None => self.keep_collided(),
        }
    }

    /// Hands the commits that stood to `follow_up` once more: the one that made the present content
    /// with all of it, another only for what its slot alone can tell.
    pub(crate) fn redo(&mut self, follow_up: FollowUp<'_>) -> Result<()> {
        if self.slots.iter().flatten().all(|slot| slot.note.is_null()) {
            return Ok(());
        }
        let present = Found::at(&self.place.path)?;
        let named = self.naming(present.content);
        let mut places = [0, 1];
        places.sort_by_key(|place| self.slots[*place].as_ref().map(|slot| slot.generation));
        for place in places {
            let Some(slot) = &self.slots[place] else { continue };
            if slot.note.is_null() || !matches!(slot.state, State::Done | State::Adopted) {
                continue;
            }
            let is_overtaken = named != Some(place);
            let bytes = present.bytes.as_ref().filter(|_| !is_overtaken);
            follow_up(Unfinished { slot, bytes, base: None, is_overtaken })?;
        }
        Ok(())
    }
}

impl Found {
    fn at(path: &std::path::Path) -> Result<Self> {
        let bytes = read(path)?.map(|content| content.bytes);
        let content = ContentId::of(bytes.as_deref());
        Ok(Self { bytes, content })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Json;
    use crate::disk::{Flush, Place};
    use crate::generation::Generation;

    #[test]
    fn a_commit_whose_file_is_set_aside_for_an_instant_is_not_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::of(&folder.path().join("x.json"));
        let patience = std::time::Duration::from_secs(1);
        let mut locked = Locked::take(place.clone(), patience).unwrap();
        let base = locked.read(Generation::default()).unwrap();
        let put = locked.commit(&base, b"{}", Json::Null, Flush::Now, true).unwrap();
        drop(locked);
        std::fs::rename(&place.path, set_aside(&place.path)).unwrap();
        let mut finished = Vec::new();
        let mut locked = Locked::take(place, patience).unwrap();
        let recovered = locked.recover(&mut |unfinished| {
            finished.push(unfinished.slot.generation);
            Ok(())
        });
        recovered.unwrap();
        assert_eq!(finished, [put.generation]);
    }
}
