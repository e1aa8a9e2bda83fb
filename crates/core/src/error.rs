//! What can go wrong with a document, as outcomes a caller treats differently.

use std::path::PathBuf;

/// A failure of a backend. Every variant says where and what; none carries a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A file was read but does not hold what it should.
    #[error("{}: {reason}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What was met, and what was expected.
        reason: String,
    },
    /// A file or folder could not be read or written.
    #[error("cannot {action} {}: {reason}", path.display())]
    Unavailable {
        /// What was tried: `read`, `write`, …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// Somebody else was writing all the time that was allowed for waiting.
    #[error("{} is being written by somebody else; try again", path.display())]
    Busy {
        /// The file that is locked.
        path: PathBuf,
    },
    /// The content kept changing while it was read.
    #[error("{} changed again and again while it was read", path.display())]
    Unsettled {
        /// The file.
        path: PathBuf,
    },
}

impl Error {
    /// Wraps what the system said about `path`.
    pub fn io(action: &'static str, path: impl Into<PathBuf>, error: &std::io::Error) -> Self {
        Self::Unavailable { action, path: path.into(), reason: error.to_string() }
    }

    /// The file or folder concerned.
    pub fn path(&self) -> &std::path::Path {
        match self {
            Self::Corrupt { path, .. }
            | Self::Unavailable { path, .. }
            | Self::Busy { path }
            | Self::Unsettled { path } => path,
        }
    }
}

/// Result, with the crate's [`Error`] unless another is named.
pub type Result<T, E = Error> = std::result::Result<T, E>;
