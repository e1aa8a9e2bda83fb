//! Looking at all documents at once, thirty times a second, for next to nothing.
//!
//! Folders are kept open, and looked at by their path first: names are then looked up in the folder
//! that the path leads to now. A name that was not in a folder is not looked for again while the
//! folder's own stamp stays, once that has stayed long enough to be trusted.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat, openat, stat, statat};

use super::layout::Layout;
use crate::Document;
use crate::backend::Stamp;
use crate::disk::is_absence;
use crate::error::{Error, Result};

/// How long a folder's stamp must have stayed before it proves anything: file systems stamp in ticks.
const YOUNG_FOLDER: Duration = Duration::from_secs(2);

/// The folders of a data directory, with the documents in each.
#[derive(Debug)]
pub(super) struct Looks {
    folders: Vec<Folder>,
}

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    documents: Vec<Entry>,
    opened: Option<Opened>,
}

#[derive(Debug)]
struct Entry {
    document: Document,
    /// Names to look for; the first one there is counts.
    names: Vec<Vec<u8>>,
    /// Whether none of them was there at the last look.
    is_missing: bool,
}

#[derive(Debug)]
struct Opened {
    folder: OwnedFd,
    stamp: Stamp,
    since: Instant,
}

impl Looks {
    pub(super) fn new(layout: &Layout) -> Self {
        let mut folders: Vec<Folder> = Vec::new();
        for document in Document::all() {
            let path = layout.path(document);
            let parent = path.parent().unwrap_or(Path::new("")).to_owned();
            let names = std::iter::once(path).chain(layout.fallback(document));
            let names = names.map(|path| name_of(&path)).collect();
            let entry = Entry { document, names, is_missing: false };
            match folders.iter_mut().find(|folder| folder.path == parent) {
                Some(folder) => folder.documents.push(entry),
                None => {
                    folders.push(Folder { path: parent, documents: vec![entry], opened: None });
                }
            }
        }
        Self { folders }
    }

    /// Tells of every document what its file looks like now.
    pub(super) fn look_at_all(&mut self, found: &mut dyn FnMut(Document, Result<Option<Stamp>>)) {
        for folder in &mut self.folders {
            match folder.settle() {
                Ok(is_settled) => folder.look_at_all(is_settled, found),
                Err(error) => {
                    for entry in &folder.documents {
                        found(entry.document, Err(error.clone()));
                    }
                }
            }
        }
    }
}

impl Folder {
    /// Finds the folder that the path leads to now. Whether its names are known to be as they were.
    fn settle(&mut self) -> Result<bool> {
        let failed = |error: std::io::Error| Error::io("look at", &self.path, &error);
        let now = match stat(&self.path) {
            Ok(stat) => stamp_of(&stat),
            Err(error) if is_absence(&error.into()) => {
                self.opened = None;
                return Ok(false);
            }
            Err(error) => return Err(failed(error.into())),
        };
        if let Some(opened) = &mut self.opened
            && (opened.stamp.device, opened.stamp.inode) == (now.device, now.inode)
        {
            if opened.stamp != now {
                (opened.stamp, opened.since) = (now, Instant::now());
                return Ok(false);
            }
            return Ok(opened.since.elapsed() >= YOUNG_FOLDER);
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = openat(CWD, &self.path, flags, Mode::empty());
        let folder = opened.map_err(|error| failed(error.into()))?;
        // What was opened may be another one than what was looked at; then the next look finds out.
        self.opened = Some(Opened { folder, stamp: now, since: Instant::now() });
        Ok(false)
    }

    fn look_at_all(
        &mut self,
        is_settled: bool,
        found: &mut dyn FnMut(Document, Result<Option<Stamp>>),
    ) {
        let Some(opened) = &self.opened else {
            for entry in &self.documents {
                found(entry.document, Ok(None));
            }
            return;
        };
        for entry in &mut self.documents {
            if is_settled && entry.is_missing {
                found(entry.document, Ok(None));
                continue;
            }
            let look = entry.look_in(&opened.folder);
            let look = look.map_err(|error| Error::io("look at", &self.path, &error));
            found(entry.document, look);
        }
    }
}

impl Entry {
    fn look_in(&mut self, folder: &OwnedFd) -> std::io::Result<Option<Stamp>> {
        self.is_missing = false;
        let mut is_missing = true;
        for name in &self.names {
            match statat(folder, name.as_slice(), AtFlags::empty()) {
                Ok(stat) => return Ok(Some(stamp_of(&stat))),
                Err(error) if is_absence(&error.into()) => {
                    // A link whose target is missing: the target's folder is not watched.
                    let link = statat(folder, name.as_slice(), AtFlags::SYMLINK_NOFOLLOW);
                    is_missing &= link.is_err();
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.is_missing = is_missing;
        Ok(None)
    }
}

fn name_of(path: &Path) -> Vec<u8> {
    path.file_name().unwrap_or(OsStr::new("")).as_bytes().to_vec()
}

fn stamp_of(stat: &Stat) -> Stamp {
    let ns = |seconds: i64, ns: u64| i128::from(seconds) * 1_000_000_000 + i128::from(ns);
    Stamp {
        device: stat.st_dev,
        inode: stat.st_ino,
        size: stat.st_size.cast_unsigned(),
        modified_ns: ns(stat.st_mtime, stat.st_mtime_nsec),
        changed_ns: ns(stat.st_ctime, stat.st_ctime_nsec),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Category;

    fn seen(looks: &mut Looks, document: Document) -> Option<Stamp> {
        let mut stamp = None;
        looks.look_at_all(&mut |looked, look| {
            if looked == document {
                stamp = look.unwrap();
            }
        });
        stamp
    }

    #[test]
    fn a_look_sees_what_a_stat_sees_also_after_the_folder_was_replaced() {
        let root = tempfile::tempdir().unwrap();
        let layout = Layout::below(root.path().join("data"));
        let mut looks = Looks::new(&layout);
        let document = Document::V2(Category::Clip);
        assert_eq!(seen(&mut looks, document), None);
        std::fs::create_dir(&layout.root).unwrap();
        assert_eq!(seen(&mut looks, document), None);
        let path = layout.path(document);
        std::fs::write(&path, "{}").unwrap();
        let of_file = || Stamp::of(&std::fs::metadata(&path).unwrap());
        assert_eq!(seen(&mut looks, document), Some(of_file()));
        std::fs::rename(&layout.root, root.path().join("old")).unwrap();
        assert_eq!(seen(&mut looks, document), None);
        std::fs::create_dir(&layout.root).unwrap();
        std::fs::write(&path, "{ }").unwrap();
        assert_eq!(seen(&mut looks, document), Some(of_file()));
    }

    #[test]
    fn a_missing_name_is_looked_for_again_once_its_folder_changes() {
        let root = tempfile::tempdir().unwrap();
        let layout = Layout::below(root.path());
        let mut looks = Looks::new(&layout);
        let document = Document::V2(Category::Clip);
        assert_eq!(seen(&mut looks, document), None);
        for folder in &mut looks.folders {
            // As if it had stayed as it is for long.
            if let Some(opened) = &mut folder.opened {
                opened.since -= YOUNG_FOLDER;
            }
        }
        assert_eq!(seen(&mut looks, document), None);
        assert!(looks.folders[0].documents.iter().any(|entry| entry.is_missing));
        std::fs::write(layout.path(document), "{}").unwrap();
        assert!(seen(&mut looks, document).is_some());
    }
}
