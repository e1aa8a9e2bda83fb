//! The source of truth: documents in files.
//!
//! Reading only. A file is read whole, and its stamp is taken before and after, so that a snapshot
//! never mixes two contents of a file that is being rewritten in place. Equal bytes keep their
//! generation and their `Arc`, so a repeated load costs a read and a hash.

pub mod layout;
mod preparation;

use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rustix::fs::OFlags;

use super::{Backend, Loaded, Stamp};
use crate::error::{Error, Result};
use crate::generation::{Digest, Generation};
use crate::legacy::Table;
use crate::snapshot::Content;
use crate::{Document, Json, Snapshot};
use layout::Layout;

/// How often a file may change under the reader before the load gives up.
const READ_ATTEMPTS: usize = 5;

/// Largest file that is read, in bytes: far beyond any model reference, small enough to survive.
const LARGEST_FILE: u64 = 1 << 30;

/// Documents in the files of one data directory.
#[derive(Debug)]
pub struct Files {
    layout: Layout,
    /// The file of each document and, where there is one, the other place to look for it. Looks are
    /// many; the names are put together once.
    paths: Vec<(PathBuf, Option<PathBuf>)>,
    /// The last snapshot of each document, to keep generations. Locked for a few lines.
    last: Mutex<[Option<Arc<Snapshot>>; Document::COUNT]>,
}

impl Files {
    /// The files of `layout`, none of which needs to exist.
    pub fn new(layout: Layout) -> Self {
        let places = |document| (layout.path(document), layout.fallback(document));
        let paths = Document::all().map(places).collect();
        Self { layout, paths, last: Mutex::new([const { None }; Document::COUNT]) }
    }

    /// Where its documents are.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Gives `content` its generation, or finds the snapshot that holds these bytes already.
    fn snapshot(&self, document: Document, read: Option<(&Path, FileContent)>) -> Result<Loaded> {
        let (bytes, stamp) = match &read {
            Some((_, file)) => (file.bytes.clone(), Some(file.stamp)),
            None => (Bytes::new(), None),
        };
        let digest = Digest::of(&bytes);
        let held = self.last(document);
        if let Some(held) = &held
            && held.digest == digest
            && held.is_present() == read.is_some()
        {
            return Ok(Loaded { snapshot: Arc::clone(held), stamp });
        }
        let content = match &read {
            Some((path, file)) => parse(document, path, &file.bytes)?,
            None => Content::Absent,
        };
        let generation = held.map_or_else(Generation::default, |held| held.generation).next();
        let snapshot = Snapshot { document, generation, digest, bytes, content };
        let snapshot = Arc::new(snapshot);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last[document.index()] = Some(Arc::clone(&snapshot));
        Ok(Loaded { snapshot, stamp })
    }

    fn last(&self, document: Document) -> Option<Arc<Snapshot>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)[document.index()].clone()
    }

    fn candidates(&self, document: Document) -> impl Iterator<Item = &Path> {
        let (path, fallback) = &self.paths[document.index()];
        std::iter::once(path.as_path()).chain(fallback.as_deref())
    }
}

impl Backend for Files {
    fn look(&self, document: Document) -> Result<Option<Stamp>> {
        for path in self.candidates(document) {
            match std::fs::metadata(path) {
                Ok(metadata) => return Ok(Some(Stamp::of(&metadata))),
                Err(error) if is_absence(&error) => {}
                Err(error) => return Err(Error::io("look at", path, &error)),
            }
        }
        Ok(None)
    }

    fn load(&self, document: Document) -> Result<Loaded> {
        for path in self.candidates(document) {
            match read(path) {
                Ok(Some(content)) => return self.snapshot(document, Some((path, content))),
                Ok(None) => {}
                Err(error) => return Err(error),
            }
        }
        self.snapshot(document, None)
    }
}

/// A file's bytes, and the stamp it had before and after they were read.
#[derive(Debug)]
struct FileContent {
    bytes: Bytes,
    stamp: Stamp,
}

fn read(path: &Path) -> Result<Option<FileContent>> {
    for _ in 0..READ_ATTEMPTS {
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
fn is_absence(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn parse(document: Document, path: &Path, bytes: &[u8]) -> Result<Content> {
    let corrupt = |reason: String| Error::Corrupt { path: path.to_owned(), reason };
    if path.extension().is_some_and(|extension| extension == "csv") {
        // Writers of the reference fill this file in place: what is left of it in between is no table.
        return match Table::parse(bytes) {
            Ok(table) if table.columns().iter().any(|column| column == "name") => Ok(Content::Csv),
            Ok(_) => Err(corrupt("expected a first line with a column `name`".into())),
            Err(error) => Err(corrupt(error.to_string())),
        };
    }
    let value = Json::parse(bytes).map_err(|error| format!("not JSON: {error}"));
    let value = value.and_then(|value| document.top_level().check(value));
    value.map(Content::Json).map_err(corrupt)
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
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
