//! The contract of a backend: where documents come from.
//!
//! A backend answers two questions about a [`Document`]: *has it changed* ([`Backend::look`], cheap,
//! asked many times a second) and *what does it hold* ([`Backend::load`]). Whoever implements it
//! owes this:
//!
//! - a snapshot is whole: its bytes, digest and parsed form are of one content, never of two;
//! - a generation names one content; what is later has a larger one; a content that could not be
//!   given one yet has none, and is asked for again;
//! - two equal stamps, the later of them settled, mean equal content; a stamp is *settled* once it
//!   has been seen unchanged for longer than any clock the stamp is made of may stand still;
//! - an absent document is a snapshot too, not an error; an error means that nothing can be said.
//!
//! Both calls may block on a disk or a network. They are made from threads that L1 owns, never from
//! an async runtime. Tiers wrap one another through this trait.

pub mod files;
pub mod memory;
#[cfg(feature = "redis")]
pub mod redis;

use std::sync::Arc;
use std::time::Duration;

use crate::generation::{Digest, Generation};
use crate::{Document, Snapshot, error::Result, made};

/// Where documents come from. See the module for what an implementation owes.
pub trait Backend: Send + Sync + 'static {
    /// What can be told of the document without reading it; `None` when there is none.
    fn look(&self, document: Document) -> Result<Option<Stamp>>;

    /// [`Backend::look`] at every document, in any order.
    fn look_at_all(&self, found: &mut dyn FnMut(Document, Result<Option<Stamp>>)) {
        for document in Document::all() {
            found(document, self.look(document));
        }
    }

    /// How long a look lasts, where all who read the same documents must agree on it.
    fn lease(&self) -> Option<Duration> {
        None
    }

    /// Reads the document. The stamp belongs to the content that was read.
    fn load(&self, document: Document) -> Result<Loaded>;

    /// Takes whom to tell when something may have changed, where the backend hears of it before a look
    /// would find out. News prove nothing: they only say where to look.
    fn listen(&self, _: Hint) {}

    /// The last good content that is known without reading, such as one that was written here, and
    /// whether it is the last there was. For when the document cannot be read, or makes no sense.
    fn last_good(&self, _: Document) -> Option<LastGood> {
        None
    }

    /// What the source of the document holds now, read past everything that is kept here; `None` where
    /// nobody can tell. For whoever checks this tier and those above.
    fn witness(&self, _: Document) -> Result<Option<Witness>> {
        Ok(None)
    }

    /// Where tiers that are shared with others say something else than `snapshot`, which is what the
    /// source holds. May remove what misleads others.
    fn disagreements(&self, _: &Arc<Snapshot>) -> Vec<Disagreement> {
        Vec::new()
    }

    /// Where processes that read the same documents share what they make of them.
    fn made(&self) -> Option<Arc<dyn made::Store>> {
        None
    }

    /// Who named the content of this generation, as far as this process knows. Asked only to tell how
    /// long contents take.
    fn origin(&self, _: Document, _: Generation) -> Origin {
        Origin::Remote
    }
}

/// Who named a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// This process, which committed it.
    Own,
    /// This process, which found that somebody without a lock had written it.
    Adopted,
    /// Another process.
    Remote,
}

impl Origin {
    /// One word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Adopted => "adopted",
            Self::Remote => "remote",
        }
    }
}

/// A document as read, and the stamp it had then.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The content. The very same `Arc` as last time when nothing changed.
    pub snapshot: Arc<Snapshot>,
    /// What [`Backend::look`] says while this content stays; `None` when absent.
    pub stamp: Option<Stamp>,
    /// Whether nothing more is to be learnt of this content. If not, it is loaded again soon, even if
    /// its stamp stays.
    pub is_final: bool,
    /// Whether the stamp is known to be old enough to be trusted, though it is new to whoever asks.
    pub is_settled: bool,
}

/// What a source held when it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// The content's name; none while nobody has named it.
    pub generation: Generation,
    /// Digest of the exact bytes; of no bytes where the document is absent.
    pub digest: Digest,
    /// Whether there is a document.
    pub is_present: bool,
    /// What [`Backend::look`] says while this content stays.
    pub stamp: Option<Stamp>,
}

impl Witness {
    /// Whether this is the content of `snapshot`.
    pub(crate) fn is_of(&self, snapshot: &Snapshot) -> bool {
        (self.digest, self.is_present) == (snapshot.digest, snapshot.is_present())
    }
}

/// How a shared tier differs from the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disagreement {
    /// Its note of the newest content is missing or behind.
    RecordOld,
    /// Its copy has other bytes and the same meaning.
    CopyForeign,
    /// Its copy means something else.
    CopyStale,
}

/// Told that something may have changed.
pub type Hint = Box<dyn Fn(News) + Send + Sync>;

/// What may have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// This document.
    Of(Document),
    /// Anything: news may have been missed.
    Unknown,
}

/// What is known of a document that makes no sense now.
#[derive(Debug, Clone)]
pub struct LastGood {
    /// The last one that made sense and was read or written here.
    pub snapshot: Arc<Snapshot>,
    /// Whether nobody put another one in place after it.
    pub is_newest: bool,
}

/// Identity of a file's content as the file system tells it. Compared for equality only: clocks go
/// back, and tools keep old times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Device the file is on.
    pub device: u64,
    /// Number of the file on that device.
    pub inode: u64,
    /// Length in bytes.
    pub size: u64,
    /// Modification time in nanoseconds since 1970.
    pub modified_ns: i128,
    /// Change time in nanoseconds since 1970; tools cannot set it.
    pub changed_ns: i128,
}
