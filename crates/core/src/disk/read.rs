//! Reading a file whole, and knowing that it was.

use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use bytes::Bytes;
use rustix::fs::OFlags;

use crate::backend::Stamp;
use crate::error::{Error, Result};

/// How often a file may change under the reader before the read gives up.
const ATTEMPTS: usize = 5;

/// Largest file that is read, in bytes: far beyond any model reference, small enough to survive.
const LARGEST_FILE: u64 = 1 << 30;

/// A file's bytes, and the stamp it had before and after they were read.
#[derive(Debug, Clone)]
pub(crate) struct FileContent {
    /// The bytes.
    pub(crate) bytes: Bytes,
    /// The stamp.
    pub(crate) stamp: Stamp,
}

/// Reads the file at `path`; `None` where there is none.
pub(crate) fn read(path: &Path) -> Result<Option<FileContent>> {
    for _ in 0..ATTEMPTS {
        match read_once(path) {
            Ok(Some(content)) => return Ok(Some(content)),
            Ok(None) => {}
            Err(error) if is_absence(&error) => return Ok(None),
            Err(error) => return Err(Error::io("read", path, &error)),
        }
    }
    Err(Error::Unsettled { path: path.to_owned() })
}

/// One attempt; `None` when the file changed meanwhile.
fn read_once(path: &Path) -> std::io::Result<Option<FileContent>> {
    // Opening a pipe that somebody left there would otherwise wait for its writer.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let mut file = File::options().read(true).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    let before = Stamp::of(&metadata);
    if !metadata.is_file() {
        return Err(std::io::Error::new(ErrorKind::InvalidInput, "not a regular file"));
    }
    if before.size > LARGEST_FILE {
        return Err(std::io::Error::new(ErrorKind::FileTooLarge, "larger than 1 GiB"));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(before.size).unwrap_or(0) + 1);
    file.by_ref().take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    let after = Stamp::of(&file.metadata()?);
    let whole = before == after && bytes.len() as u64 == before.size;
    Ok(whole.then(|| FileContent { bytes: bytes.into(), stamp: before }))
}

/// Whether the system says that there is no such file, rather than that it cannot tell.
pub(crate) fn is_absence(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

impl Stamp {
    /// The stamp of the file at `path`, if it can be told.
    pub(crate) fn at(path: &Path) -> Option<Self> {
        Some(Self::of(&std::fs::metadata(path).ok()?))
    }

    /// The stamp of a file.
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let ns = |seconds: i64, ns: i64| i128::from(seconds) * 1_000_000_000 + i128::from(ns);
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified_ns: ns(metadata.mtime(), metadata.mtime_nsec()),
            changed_ns: ns(metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}
