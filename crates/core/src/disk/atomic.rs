//! Files that are never half there: stage beside the target, flush, rename, flush the folder.

use std::fs::{File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Makes `bytes` the content of `path` in one step: whoever opens it finds the old content or the
/// new one, also after a power cut. The file keeps the mode it had.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    rename_staged(&staging_path(path), path, bytes)?;
    flush_folder(path)
}

/// Like [`replace`], for whoever holds a lock that keeps others from `path`, and can do with the old
/// content after a power cut. What a crash leaves beside it has a name that is used again, so that it
/// does not stay.
pub(crate) fn replace_locked(path: &Path, bytes: &[u8]) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    rename_staged(&path.with_file_name(format!(".{name}.staged")), path, bytes)
}

fn rename_staged(staged: &Path, path: &Path, bytes: &[u8]) -> Result<()> {
    stage(staged, path, bytes)?;
    std::fs::rename(staged, path).map_err(|error| {
        let _ = std::fs::remove_file(staged);
        Error::io("replace", path, &error)
    })
}

/// Like [`replace`], but never touches a file that is there. Whether the file was created.
pub fn create(path: &Path, bytes: &[u8]) -> Result<bool> {
    if path.exists() {
        return Ok(false);
    }
    let staged = staging_path(path);
    stage(&staged, path, bytes)?;
    let linked = std::fs::hard_link(&staged, path);
    let _ = std::fs::remove_file(&staged);
    match linked {
        Ok(()) => flush_folder(path).map(|()| true),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(Error::io("create", path, &error)),
    }
}

/// Puts the file at `path`, and its name, on the device.
pub(crate) fn flush(path: &Path) -> Result<()> {
    let flushed = File::open(path).and_then(|file| file.sync_all());
    flushed.map_err(|error| Error::io("flush", path, &error))?;
    flush_folder(path)
}

/// Creates `folder` and those above it, so that they last: what is written into a folder that a power
/// cut takes away is lost with it.
pub fn make_folder(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
    if let Some(above) = above {
        make_folder(above)?;
    }
    match std::fs::create_dir(folder) {
        Ok(()) => flush_folder(folder),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && folder.is_dir() => {
            Ok(())
        }
        Err(error) => Err(Error::io("create folder", folder, &error)),
    }
}

/// Writes and flushes `bytes`, the next content of `path`, to `staged`. Nothing is left behind on
/// failure.
fn stage(staged: &Path, path: &Path, bytes: &[u8]) -> Result<()> {
    let _ = std::fs::remove_file(staged);
    let written = write_flushed(staged, mode_of(path), bytes);
    written.map_err(|error| {
        let _ = std::fs::remove_file(staged);
        Error::io("write", path, &error)
    })
}

fn write_flushed(staged: &Path, mode: Option<u32>, bytes: &[u8]) -> std::io::Result<()> {
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(mode.unwrap_or(0o644)).open(staged)?;
    if let Some(mode) = mode {
        // The mode given at creation is subject to the umask.
        file.set_permissions(Permissions::from_mode(mode))?;
    }
    file.write_all(bytes)?;
    file.sync_all()
}

fn mode_of(path: &Path) -> Option<u32> {
    Some(std::fs::metadata(path).ok()?.permissions().mode() & 0o7777)
}

/// A name no reader looks at, and no other process or thread uses.
fn staging_path(path: &Path) -> PathBuf {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!(".{name}.{}-{count}.staged", std::process::id()))
}

pub(super) fn flush_folder(path: &Path) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let flushed = File::open(folder).and_then(|folder| folder.sync_all());
    flushed.map_err(|error| Error::io("flush folder", folder, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacing_keeps_the_mode_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        replace(&path, b"one").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(mode_of(&path), Some(0o640));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn creating_never_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        assert!(create(&path, b"one").unwrap());
        assert!(!create(&path, b"two").unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = replace(Path::new("/nowhere/at/all.json"), b"").unwrap_err();
        assert!(error.to_string().starts_with("cannot write /nowhere/at/all.json:"), "{error}");
    }
}
