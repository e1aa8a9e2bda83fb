//! The source of truth: documents in files.
//!
//! A file is read whole, and its stamp is taken before and after, so that a snapshot never mixes two
//! contents of a file that is being rewritten in place. Its generation is then looked up in the
//! control file beside it (`naming.rs`): writers of ours name a content before it can be seen, so
//! whatever is read of theirs has a name; what others wrote gets one here.

mod directory;
mod held;
pub mod layout;
mod looks;
mod naming;
mod parse;
mod preparation;
mod proof;
mod rewrite;
mod witness;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{Backend, LastGood, Loaded, Origin, Stamp, Witness};
use crate::disk::{self, FileContent, Names, Place, State, Unfinished};
use crate::error::{Error, Result};
use crate::generation::{Digest, Generation};
use crate::snapshot::Content;
use crate::{Document, Snapshot};
pub use directory::Directory;
use held::Held;
use layout::Layout;
use looks::Looks;
use naming::Retries;
pub(crate) use parse::parse;
use proof::Told;

/// Does what follows from a commit whose writer died.
pub(crate) type FollowUp =
    Box<dyn Fn(&Files, Document, Unfinished<'_>) -> Result<()> + Send + Sync>;

/// Documents in the files of one data directory.
pub struct Files {
    layout: Layout,
    /// The file of each document and, where there is one, the other place to look for it. Looks are
    /// many; the names are put together once.
    paths: Vec<(PathBuf, Option<PathBuf>)>,
    /// Used by whoever looks at everything: one thread.
    looks: Mutex<Looks>,
    held: [Held; Document::COUNT],
    /// Names given here.
    names: [Arc<Names>; Document::COUNT],
    /// Set by whoever writes here, and can finish what others began.
    follow_up: OnceLock<FollowUp>,
    /// Set by a tier that wants to know of every content.
    told: OnceLock<Told>,
    retries: Retries,
    alarms: Alarms,
}

/// What should not happen, counted.
#[derive(Debug, Default)]
struct Alarms {
    adoptions: AtomicU64,
    overwritten: AtomicU64,
    shrunk: AtomicU64,
    recovered: AtomicU64,
}

/// Counters of the file tier since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statistics {
    /// Contents written by somebody else that were given a generation here.
    pub adoptions: u64,
    /// Of those, contents that lacked some records of the one before.
    pub overwritten: u64,
    /// Of those, contents that lacked many.
    pub shrunk: u64,
    /// Commits of writers that died, finished here.
    pub recovered: u64,
}

impl Files {
    /// The files of `layout`, none of which needs to exist.
    pub fn new(layout: Layout) -> Self {
        let places = |document| (layout.path(document), layout.fallback(document));
        let paths = Document::all().map(places).collect();
        let looks = Mutex::new(Looks::new(&layout));
        Self {
            layout,
            paths,
            looks,
            held: std::array::from_fn(|_| Held::default()),
            names: std::array::from_fn(|_| Arc::default()),
            follow_up: OnceLock::new(),
            told: OnceLock::new(),
            retries: Retries::default(),
            alarms: Alarms::default(),
        }
    }

    /// Where its documents are.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Counters since the start.
    pub fn statistics(&self) -> Statistics {
        Statistics {
            adoptions: self.alarms.adoptions.load(Ordering::Relaxed),
            overwritten: self.alarms.overwritten.load(Ordering::Relaxed),
            shrunk: self.alarms.shrunk.load(Ordering::Relaxed),
            recovered: self.alarms.recovered.load(Ordering::Relaxed),
        }
    }

    /// Where `document` is written, with all that belongs to it.
    pub(crate) fn place(&self, document: Document) -> Place {
        let told_by = match document {
            Document::V2(category) | Document::Legacy(category) => {
                let metadata = [Document::V2Metadata(category), Document::LegacyMetadata(category)];
                metadata.map(|document| self.paths[document.index()].0.clone()).into()
            }
            _ => Vec::new(),
        };
        let names = Arc::clone(&self.names[document.index()]);
        Place { told_by, names, ..Place::of(&self.paths[document.index()].0) }
    }

    fn held(&self, document: Document) -> &Held {
        &self.held[document.index()]
    }

    /// Largest generation seen of `document`.
    pub(crate) fn floor(&self, document: Document) -> Generation {
        self.held(document).floor()
    }

    /// Lets this process finish what writers that died had begun. The first one stays.
    pub(crate) fn follow_up_with(&self, follow_up: FollowUp) {
        let _ = self.follow_up.set(follow_up);
    }

    /// Does what follows from a commit. Who only reads cannot, and must leave it to others.
    pub(crate) fn follow_up(&self, document: Document, unfinished: Unfinished<'_>) -> Result<()> {
        let Some(follow_up) = self.follow_up.get() else {
            return Err(Error::Busy { path: self.place(document).path });
        };
        let was_open = unfinished.slot.state == State::Prepared;
        follow_up(self, document, unfinished)?;
        if was_open {
            self.alarms.recovered.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Whether this process can finish what others began.
    pub(crate) fn can_follow_up(&self) -> bool {
        self.follow_up.get().is_some()
    }

    /// A snapshot of these bytes. What is held already is not parsed again.
    pub(crate) fn snapshot(
        &self,
        document: Document,
        generation: Generation,
        read: Option<(&std::path::Path, Bytes)>,
    ) -> Result<Arc<Snapshot>> {
        let bytes = read.as_ref().map_or_else(Bytes::new, |(_, bytes)| bytes.clone());
        let digest = Digest::of(&bytes);
        if let Some(held) = self.held(document).last()
            && held.digest == digest
            && held.is_present() == read.is_some()
        {
            let same = held.generation == generation;
            return Ok(if same { held } else { Arc::new(held.named(generation)) });
        }
        let content = match &read {
            Some((path, bytes)) => parse(document, path, bytes)?,
            None => Content::Absent,
        };
        let content = Arc::new(content);
        Ok(Arc::new(Snapshot { document, generation, digest, bytes, content }))
    }

    /// The first place that holds the document.
    fn read(&self, document: Document) -> Result<Option<(&std::path::Path, FileContent)>> {
        let (path, fallback) = &self.paths[document.index()];
        let begun = Instant::now();
        for path in std::iter::once(path).chain(fallback) {
            if let Some(content) = disk::read(path)? {
                self.held(document).note_stamp(Some(content.stamp), begun);
                return Ok(Some((path, content)));
            }
        }
        Ok(None)
    }
}

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Files").field("root", &self.layout.root).finish_non_exhaustive()
    }
}

impl Backend for Files {
    fn look(&self, document: Document) -> Result<Option<Stamp>> {
        let (path, fallback) = &self.paths[document.index()];
        for path in std::iter::once(path).chain(fallback) {
            match std::fs::metadata(path) {
                Ok(metadata) => return Ok(Some(Stamp::of(&metadata))),
                Err(error) if disk::is_absence(&error) => {}
                Err(error) => return Err(Error::io("look at", path, &error)),
            }
        }
        Ok(None)
    }

    fn look_at_all(&self, found: &mut dyn FnMut(Document, Result<Option<Stamp>>)) {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner).look_at_all(found);
    }

    fn lease(&self) -> Option<Duration> {
        Directory::of(&self.layout).map(|directory| directory.lease)
    }

    fn load(&self, document: Document) -> Result<Loaded> {
        self.load_named(document)
    }

    fn last_good(&self, document: Document) -> Option<LastGood> {
        self.held(document).last_good()
    }

    fn witness(&self, document: Document) -> Result<Option<Witness>> {
        self.witness_of(document).map(Some)
    }

    fn origin(&self, document: Document, generation: Generation) -> Origin {
        let Names { committed, adopted } = &*self.names[document.index()];
        let is = |name: &AtomicU64| name.load(Ordering::Relaxed) == generation.get();
        match (is(committed), is(adopted)) {
            (true, _) => Origin::Own,
            (false, true) => Origin::Adopted,
            (false, false) => Origin::Remote,
        }
    }
}
