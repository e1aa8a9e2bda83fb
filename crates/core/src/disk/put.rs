//! Replacing a document as a whole, for tools that do not know what its content means.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{CommitError, ContentId, Flush, Locked, Place};
use crate::Json;
use crate::error::{Error, Result};
use crate::generation::{Digest, Generation};

/// How long others that write the document are waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Makes `bytes` the content of the document at `path` if it still holds what `expected` stands for:
/// `None` for no file. Whether it did. What is replaced is kept, with at most `keep` others.
pub(crate) fn put(
    path: &Path,
    bytes: &[u8],
    expected: Option<Digest>,
    keep: usize,
) -> Result<bool> {
    let expected = expected.map_or(ContentId::Absent, ContentId::Bytes);
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let place = Place::of(path);
        let mut locked = Locked::take(place.clone(), PATIENCE)?;
        // Only who serves the document can finish what a writer left unfinished.
        locked.recover(&mut |_| Err(Error::Busy { path: place.path.clone() }))?;
        let base = locked.read(Generation::default())?;
        if base.content != expected {
            return Ok(false);
        }
        match locked.commit(&base, bytes, Json::Null, Flush::Now, keep > 0) {
            Ok(put) => {
                locked.mark_done(&put);
                locked.finish(&base, &put, bytes, keep);
                return Ok(true);
            }
            Err(CommitError::Displaced) => {}
            Err(CommitError::Before(error) | CommitError::Unknown(_, error)) => return Err(error),
        }
    }
    Err(Error::Busy { path: path.to_owned() })
}
