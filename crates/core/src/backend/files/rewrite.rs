//! Writing a document of these files whose content follows from another one.

use super::Files;
use crate::Document;
use crate::disk::{self, Base, LOCK_WAIT, Locked, Rewrite};
use crate::error::Result;

impl Files {
    /// [`disk::rewrite`] of a document. Whether something was written.
    pub(crate) fn rewrite(
        &self,
        document: Document,
        how: Rewrite,
        mut make: impl FnMut(&Base) -> Result<Option<String>>,
    ) -> Result<bool> {
        let mut follow_up = |unfinished: disk::Unfinished<'_>| self.follow_up(document, unfinished);
        let floor = self.floor(document);
        disk::rewrite(&self.place(document), floor, how, &mut follow_up, |base| {
            Ok(make(base)?.map(String::into_bytes))
        })
    }

    /// Does once more what follows from the commits that its slots tell of, to no effect if it is
    /// done. A power cut may have taken back what was not flushed before the acknowledgement.
    pub(super) fn redo(&self, document: Document) -> Result<()> {
        let mut locked = Locked::take(self.place(document), LOCK_WAIT)?;
        locked.recover(&mut |unfinished| self.follow_up(document, unfinished))?;
        locked.redo(&mut |unfinished| self.follow_up(document, unfinished))
    }
}
