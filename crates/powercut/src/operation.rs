//! What a process did below one folder, as a list of operations: what a recording comes to, and what
//! a disk carries out.

use std::path::PathBuf;

/// One opening of a file or folder; numbers are not used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Handle(pub usize);

/// Where a write goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// At this byte.
    At(u64),
    /// At the end, wherever that is.
    End,
}

/// What a process did below the folder. Paths are relative to it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields say it")]
pub enum Operation {
    /// A file or folder was opened, and perhaps created or emptied.
    Open { handle: Handle, path: PathBuf, create: bool, truncate: bool },
    /// Bytes were written.
    Write { handle: Handle, place: Place, data: Vec<u8> },
    /// A file was cut or extended.
    Resize { handle: Handle, length: u64 },
    /// A flush ended. It covers for certain only the first `begun` operations: those that had ended
    /// when it began.
    Flush { handle: Handle, begun: usize },
    /// A name now means another name's file or folder, and the old name is gone.
    Rename { from: PathBuf, to: PathBuf },
    /// Two names changed places.
    Exchange { one: PathBuf, other: PathBuf },
    /// A second name was made.
    Link { from: PathBuf, to: PathBuf },
    /// The name of a file or of an empty folder was removed.
    Remove { path: PathBuf },
    /// A folder was made.
    MakeFolder { path: PathBuf },
    /// A line `ack …` was about to leave through standard output; this is what followed the word.
    Acknowledge(String),
}
