//! Where a document and what belongs to it lie: all in one folder, so that whoever names the document,
//! by whatever settings, finds the same lock.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::error::{Error, Result};

/// The folder beside documents that holds what is known of them.
const COHERENCE: &str = ".coherence";

/// The last names that this process gave to contents of a document. Each is told before its content
/// can be seen, so that whoever reads the content knows whose it is.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Of a content it committed.
    pub(crate) committed: AtomicU64,
    /// Of a content it found.
    pub(crate) adopted: AtomicU64,
}

/// The paths of one document.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The document itself.
    pub(crate) path: PathBuf,
    /// Its control file.
    pub(crate) control: PathBuf,
    /// The next content while it is being written.
    pub(crate) staged: PathBuf,
    /// The next content while it is being put in place, then what it displaced.
    pub(crate) swap: PathBuf,
    /// Folder of replaced contents.
    pub(crate) kept: PathBuf,
    /// Proof of what it holds.
    pub(crate) proof: PathBuf,
    /// Log of answered request ids.
    pub(crate) requests: PathBuf,
    /// Files that tell what was done to the document, and that its slots could tell anew: they are
    /// flushed before a slot is given to a content that says nothing of it.
    pub(crate) told_by: Vec<PathBuf>,
    /// Where names are told; to nobody, unless somebody holds on to it.
    pub(crate) names: Arc<Names>,
}

impl Place {
    /// The place of the document at `path`; of its target, if that is a symbolic link, so that the
    /// link survives a commit.
    pub(crate) fn of(path: &Path) -> Self {
        let is_link = path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
        let target = is_link.then(|| path.canonicalize().ok()).flatten();
        Self::beside(target.unwrap_or_else(|| path.to_owned()))
    }

    fn beside(path: PathBuf) -> Self {
        let name = path.file_name().unwrap_or_default().to_owned();
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let coherence = folder.join(COHERENCE);
        let named = |before: &str, after: &str| {
            let mut text = OsString::from(before);
            text.push(&name);
            text.push(after);
            text
        };
        Self {
            control: coherence.join(named("", ".ctl")),
            staged: folder.join(named(".", ".new")),
            swap: folder.join(named(".", ".swap")),
            kept: coherence.join("kept").join(&name),
            proof: coherence.join(named("", ".settled")),
            requests: coherence.join(named("", ".requests")),
            told_by: Vec::new(),
            names: Arc::default(),
            path,
        }
    }

    /// The lock of whoever applies proposed changes.
    pub(crate) fn apply_lock(&self) -> PathBuf {
        self.control.with_extension("apply")
    }

    /// Wraps what the system said about the document.
    pub(crate) fn io(&self, action: &'static str, error: &std::io::Error) -> Error {
        Error::io(action, &self.path, error)
    }

    /// Wraps a failed step of a commit.
    pub(crate) fn step<T>(&self, action: &'static str, done: std::io::Result<T>) -> Result<T> {
        done.map_err(|error| self.io(action, &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_lies_beside_the_document() {
        let place = Place::of(Path::new("/d/legacy/models.csv"));
        assert_eq!(place.control, Path::new("/d/legacy/.coherence/models.csv.ctl"));
        assert_eq!(place.swap, Path::new("/d/legacy/.models.csv.swap"));
        assert_eq!(place.kept, Path::new("/d/legacy/.coherence/kept/models.csv"));
    }

    #[test]
    fn a_link_leads_to_the_place_of_its_target() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("real.json");
        std::fs::write(&target, "{}").unwrap();
        let link = folder.path().join("link.json");
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let (linked, real) = (Place::of(&link), Place::of(&target.canonicalize().unwrap()));
        assert_eq!((linked.path, linked.control), (real.path, real.control));
    }
}
