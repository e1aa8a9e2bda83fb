//! Writing a document as a whole, for those whose content follows from something else.

use std::time::Instant;

use super::{Files, LOCK_WAIT};
use crate::disk::{Base, CommitError, Flush, Locked, Put};
use crate::error::{Error, Result};
use crate::{Document, Json};

/// How a document is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rewrite {
    /// When it is on the device.
    pub(crate) flush: Flush,
    /// How many replaced contents are kept.
    pub(crate) keep: usize,
}

impl Files {
    /// Makes what `make` says of the present content the next one, under the lock. It says `None` if
    /// that is right already, and is asked again if somebody else writes meanwhile.
    pub(crate) fn rewrite(
        &self,
        document: Document,
        how: Rewrite,
        mut make: impl FnMut(&Base) -> Result<Option<String>>,
    ) -> Result<Option<Put>> {
        let place = self.place(document);
        let begun = Instant::now();
        while begun.elapsed() < LOCK_WAIT {
            let mut locked = Locked::take(place.clone(), LOCK_WAIT)?;
            locked.recover(&mut |unfinished| self.follow_up(document, unfinished))?;
            let base = locked.read(self.floor(document))?;
            let Some(text) = make(&base)? else { return Ok(None) };
            if base.bytes.as_deref() == Some(text.as_bytes()) {
                return Ok(None);
            }
            match locked.commit(&base, text.as_bytes(), Json::Null, how.flush, how.keep > 0) {
                Ok(put) => {
                    locked.mark_done(&put);
                    locked.finish(&base, &put, text.as_bytes(), how.keep);
                    return Ok(Some(put));
                }
                Err(CommitError::Displaced) => {}
                Err(CommitError::Before(error) | CommitError::Unknown(_, error)) => {
                    return Err(error);
                }
            }
        }
        Err(Error::Unsettled { path: place.path })
    }

    /// Does once more what follows from the commit that made the present content, to no effect if it
    /// is done. A power cut may have taken back what was not flushed before the acknowledgement.
    pub(super) fn redo(&self, document: Document) -> Result<()> {
        let mut locked = Locked::take(self.place(document), LOCK_WAIT)?;
        locked.recover(&mut |unfinished| self.follow_up(document, unfinished))?;
        locked.redo(&mut |unfinished| self.follow_up(document, unfinished))
    }
}
