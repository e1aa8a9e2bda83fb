//! One writer at a time, across threads, processes and hosts. The system frees the lock of a process
//! that dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::atomic::make_folder;
use super::faults::{self, Point, Rule};
use crate::error::{Error, Result};

/// Longest pause between two attempts; the first are much shorter.
const LONGEST_PAUSE: Duration = Duration::from_millis(5);

/// An exclusive lock on a file, held until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

/// Why there is no lock.
#[derive(Debug)]
pub(crate) enum Unlockable {
    /// Somebody else held it all the time.
    Busy(PathBuf),
    /// The file cannot be opened or locked.
    Failed(Error),
}

impl Lock {
    /// Locks the file at `path`, which is created if need be. Waits for at most `patience`.
    pub(crate) fn take(path: &Path, patience: Duration) -> Result<Self, Unlockable> {
        let deadline = Instant::now() + patience;
        faults::pass(Point::Lock).map_err(|error| failed(path, &error))?;
        loop {
            let file = open(path)?;
            wait_for(&file, path, deadline)?;
            // Somebody may have removed the file, or its folder, while we waited: then others lock
            // another file by this name.
            let held = file.metadata().map_err(|error| failed(path, &error))?;
            match std::fs::metadata(path) {
                Ok(named) if (named.dev(), named.ino()) == (held.dev(), held.ino()) => {
                    return Ok(Self { file });
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(path, &error)),
            }
        }
    }

    /// The locked file.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }
}

impl Drop for Lock {
    /// Closing the file is not enough where a forked child has inherited it.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

fn open(path: &Path) -> Result<File, Unlockable> {
    let open = || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    let opened = match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = path.parent().unwrap_or(Path::new("."));
            make_folder(folder).map_err(Unlockable::Failed)?;
            open()
        }
        opened => opened,
    };
    opened.map_err(|error| failed(path, &error))
}

fn wait_for(file: &File, path: &Path, deadline: Instant) -> Result<(), Unlockable> {
    if faults::is_left_out(Rule::Lock) {
        return Ok(());
    }
    let mut pause = Duration::from_micros(100);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(failed(path, &error)),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                return Err(Unlockable::Busy(path.to_owned()));
            }
            Err(TryLockError::WouldBlock) => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

fn failed(path: &Path, error: &io::Error) -> Unlockable {
    Unlockable::Failed(Error::io("lock", path, error))
}

impl From<Unlockable> for Error {
    fn from(unlockable: Unlockable) -> Self {
        match unlockable {
            Unlockable::Busy(path) => Self::Busy { path },
            Unlockable::Failed(error) => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOT_LONG: Duration = Duration::from_millis(20);

    #[test]
    fn it_excludes_others_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made/on/demand.ctl");
        let held = Lock::take(&path, NOT_LONG).unwrap();
        assert!(matches!(Lock::take(&path, NOT_LONG), Err(Unlockable::Busy(_))));
        drop(held);
        assert!(Lock::take(&path, NOT_LONG).is_ok());
    }

    #[test]
    fn it_ends_though_somebody_has_inherited_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.ctl");
        let held = Lock::take(&path, NOT_LONG).unwrap();
        // As a child has it that was forked meanwhile.
        let inherited = held.file().try_clone().unwrap();
        drop(held);
        assert!(Lock::take(&path, NOT_LONG).is_ok());
        drop(inherited);
    }

    #[test]
    fn a_removed_file_is_not_mistaken_for_the_one_that_replaced_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.ctl");
        let held = Lock::take(&path, NOT_LONG).unwrap();
        std::fs::remove_file(&path).unwrap();
        let second = Lock::take(&path, NOT_LONG).unwrap();
        assert!(matches!(Lock::take(&path, NOT_LONG), Err(Unlockable::Busy(_))));
        drop((held, second));
    }
}
