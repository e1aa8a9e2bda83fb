//! Writing a document as a whole, for those whose content follows from something else, or who do not
//! know what it means.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{Base, CommitError, ContentId, Flush, FollowUp, LOCK_WAIT, Locked, Place};
use crate::Json;
use crate::error::{Error, Result};
use crate::generation::{Digest, Generation};

/// How long a document is written anew because somebody else writes it at the same time.
const PATIENCE: Duration = LOCK_WAIT;

/// How a document is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rewrite {
    /// When it is on the device.
    pub(crate) flush: Flush,
    /// How many replaced contents are kept.
    pub(crate) keep: usize,
}

/// Makes what `make` says of the present content the next one, under the lock. It says `None` if that
/// is right already, and is asked again if somebody else writes meanwhile. Whether something was
/// written.
pub(crate) fn rewrite(
    place: &Place,
    floor: Generation,
    how: Rewrite,
    follow_up: FollowUp<'_>,
    mut make: impl FnMut(&Base) -> Result<Option<Vec<u8>>>,
) -> Result<bool> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let mut locked = Locked::take(place.clone(), LOCK_WAIT)?;
        locked.recover(follow_up)?;
        let base = locked.read(floor)?;
        let next = make(&base)?.filter(|next| base.bytes.as_deref() != Some(next));
        let Some(next) = next else { return Ok(false) };
        match locked.commit(&base, &next, Json::Null, how.flush, how.keep > 0) {
            Ok(put) => {
                locked.mark_done(&put);
                locked.finish(&base, &put, &next, how.keep);
                return Ok(true);
            }
            Err(CommitError::Displaced) => {}
            Err(CommitError::Before(error) | CommitError::Unknown(_, error)) => return Err(error),
        }
    }
    Err(Error::Unsettled { path: place.path.clone() })
}

/// Makes `bytes` the content of the document at `path` if it still holds what `expected` stands for:
/// `None` for no file. Whether it did. What is replaced is kept, with at most `keep` others.
pub(crate) fn put(
    path: &Path,
    bytes: &[u8],
    expected: Option<Digest>,
    keep: usize,
) -> Result<bool> {
    let expected = expected.map_or(ContentId::Absent, ContentId::Bytes);
    let place = Place::of(path);
    let mut is_expected = false;
    let how = Rewrite { flush: Flush::Now, keep };
    // Only who serves the document can finish what a writer left unfinished.
    let mut leave = |_: super::Unfinished<'_>| Err(Error::Busy { path: path.to_owned() });
    rewrite(&place, Generation::default(), how, &mut leave, |base| {
        is_expected = base.content == expected;
        Ok(is_expected.then(|| bytes.to_vec()))
    })?;
    Ok(is_expected)
}
