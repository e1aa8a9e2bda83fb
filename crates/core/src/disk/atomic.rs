//! Files that are never half there: stage beside the target, flush, rename, flush the folder.

use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
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
    stage_flushed(staged, path, bytes)?;
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
    stage_flushed(&staged, path, bytes)?;
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

/// Like [`flush`], where nothing need be there: workers of the reference move a file away before they
/// put the new one in place, and may do so at any moment.
pub(crate) fn flush_if_there(path: &Path) -> Result<()> {
    match File::open(path).and_then(|file| file.sync_all()) {
        Ok(()) => flush_folder(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::io("flush", path, &error)),
    }
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
fn stage_flushed(staged: &Path, path: &Path, bytes: &[u8]) -> Result<()> {
    let written = stage(staged, path, bytes).and_then(|file| file.sync_all());
    written.map_err(|error| {
        let _ = std::fs::remove_file(staged);
        Error::io("write", path, &error)
    })
}

/// Writes `bytes`, the next content of `path`, to a new file `staged` with the mode and owner of what
/// is there.
pub(super) fn stage(staged: &Path, path: &Path, bytes: &[u8]) -> io::Result<File> {
    remove_if_there(staged)?;
    let old = std::fs::metadata(path).ok();
    let mode = old.as_ref().map_or(0o644, mode_of);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(staged)?;
    file.write_all(bytes)?;
    let Some(old) = old else { return Ok(file) };
    let new = file.metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        // Only the superuser may give files away; the others keep what they write.
        let _ = std::os::unix::fs::fchown(&file, Some(old.uid()), Some(old.gid()));
    }
    if mode_of(&new) != mode {
        // The mode given at creation is subject to the umask.
        file.set_permissions(Permissions::from_mode(mode))?;
    }
    Ok(file)
}

pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if super::is_absence(&error) => Ok(()),
        removed => removed,
    }
}

fn mode_of(metadata: &Metadata) -> u32 {
    metadata.permissions().mode() & 0o7777
}

/// A name no reader looks at, and no other process or thread uses.
fn staging_path(path: &Path) -> PathBuf {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!(".{name}.{}-{count}.staged", std::process::id()))
}

fn flush_folder(path: &Path) -> Result<()> {
    sync_folder(path).map_err(|error| Error::io("flush folder of", path, &error))
}

/// Puts the names in the folder of `path` on the device.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()
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
        assert_eq!(mode_of(&std::fs::metadata(&path).unwrap()), 0o640);
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
