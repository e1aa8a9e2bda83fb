//! The files of a replica as its follower writes them: only what differs, and nothing is ever lost.

use std::path::{Path, PathBuf};

use super::source::Files;
use crate::backend::files::layout::{before, gone};
use crate::error::{Error, Result};
use crate::generation::Digest;
use crate::{Json, disk};

/// Writes the files that hold something else. How many.
pub(super) fn write(files: &Files) -> Result<u64> {
    let mut written = 0;
    for (path, bytes) in files {
        let held = std::fs::read(path).ok();
        if held.as_deref() == Some(&bytes[..]) {
            continue;
        }
        if let Some(folder) = path.parent() {
            disk::make_folder(folder)?;
        }
        if let Some(held) = held.filter(|held| has_members(held) && !has_members(bytes)) {
            tracing::warn!(path = %path.display(), "the records are gone at the source; kept beside");
            disk::replace(&before(path), &held)?;
        }
        disk::replace(path, bytes)?;
        written += 1;
    }
    Ok(written)
}

/// Moves a file away, if it is there. Whether it was.
pub(super) fn move_away(path: &Path) -> Result<bool> {
    match std::fs::rename(path, gone(path)) {
        Ok(()) => {
            tracing::warn!(path = %path.display(), "there is no such document at the source; moved away");
            Ok(true)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("move away", path, &error)),
    }
}

/// Digest of what these files hold, one after the other; `None` if one cannot be read.
pub(super) fn digest_on_disk(paths: &[PathBuf]) -> Option<Digest> {
    let mut all = Vec::new();
    for path in paths {
        all.extend(std::fs::read(path).ok()?);
    }
    Some(Digest::of(&all))
}

/// The same of what was to be written.
pub(super) fn digest(files: &Files) -> Digest {
    let all: Vec<u8> = files.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect();
    Digest::of(&all)
}

/// Whether there is such a file with something in it.
pub(super) fn is_filled(path: &Path) -> bool {
    std::fs::read(path).is_ok_and(|held| has_members(&held))
}

/// Anything but an object without members counts: a broken file may still be of use to somebody.
pub(super) fn has_members(text: &[u8]) -> bool {
    Json::parse(text)
        .map_or(true, |value| value.as_object().is_none_or(|object| !object.is_empty()))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn records_that_vanish_are_kept_beside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("legacy/a.json");
        let write = |text: &'static str| {
            write(&vec![(path.clone(), Bytes::from_static(text.as_bytes()))]).unwrap()
        };
        let steps = [("{\"a\":1}", 1), ("{\"a\":1}", 0), ("{}", 1), ("{ }", 1), ("{\"b\":1}", 1)];
        for (text, written) in steps {
            assert_eq!(write(text), written, "{text}");
        }
        assert_eq!(std::fs::read(before(&path)).unwrap(), b"{\"a\":1}");
        assert!(move_away(&path).unwrap());
        assert!(!move_away(&path).unwrap());
        assert_eq!(std::fs::read(gone(&path)).unwrap(), b"{\"b\":1}");
        assert_eq!(digest_on_disk(&[path]), None);
    }
}
