//! Replaced contents of a document, by generation: for restoring, and for telling what changed.

use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::atomic::remove_if_there;
use super::read;
use crate::error::{Error, Result};
use crate::generation::Generation;

/// The folder of a document's replaced contents.
#[derive(Debug, Clone)]
pub(crate) struct Kept<'a> {
    folder: &'a Path,
}

impl<'a> Kept<'a> {
    /// The contents kept in `folder`, which need not exist.
    pub(crate) fn new(folder: &'a Path) -> Self {
        Self { folder }
    }

    /// The generations that are kept, in their order.
    pub(crate) fn generations(&self) -> Result<Vec<Generation>> {
        let entries = match std::fs::read_dir(self.folder) {
            Ok(entries) => entries,
            Err(error) if super::is_absence(&error) => return Ok(Vec::new()),
            Err(error) => return Err(Error::io("list", self.folder, &error)),
        };
        let generation = |entry: std::fs::DirEntry| entry.file_name().to_str()?.parse().ok();
        let mut generations: Vec<Generation> = entries.flatten().filter_map(generation).collect();
        generations.sort_unstable();
        Ok(generations)
    }

    /// The content of a generation, if it is kept.
    pub(crate) fn read(&self, generation: Generation) -> Result<Option<Bytes>> {
        Ok(read(&self.path(generation))?.map(|content| content.bytes))
    }

    /// Moves the file at `path` here. What is kept under that generation already stays.
    pub(crate) fn take_in(&self, path: &Path, generation: Generation) -> std::io::Result<()> {
        if self.path(generation).exists() {
            return std::fs::remove_file(path);
        }
        std::fs::create_dir_all(self.folder)?;
        std::fs::rename(path, self.path(generation))
    }

    /// [`Kept::take_in`], if there is such a file.
    pub(crate) fn take_in_if_there(
        &self,
        path: &Path,
        generation: Generation,
    ) -> std::io::Result<()> {
        match self.take_in(path, generation) {
            Err(error) if super::is_absence(&error) => Ok(()),
            taken => taken,
        }
    }

    /// Keeps the content of the file at `path` as long as that is not written in place.
    pub(crate) fn link(&self, path: &Path, generation: Generation) -> std::io::Result<()> {
        match std::fs::hard_link(path, self.path(generation)) {
            Err(error) if super::is_absence(&error) => {
                std::fs::create_dir_all(self.folder)?;
                std::fs::hard_link(path, self.path(generation))
            }
            linked => linked,
        }
    }

    /// Whether a generation is kept.
    pub(crate) fn has(&self, generation: Generation) -> bool {
        self.path(generation).exists()
    }

    /// Removes a generation that never was.
    pub(crate) fn forget(&self, generation: Generation) -> std::io::Result<()> {
        remove_if_there(&self.path(generation))
    }

    /// Keeps a content whose file is gone already. It is not flushed: it is a convenience.
    pub(crate) fn put(&self, generation: Generation, bytes: &[u8]) -> std::io::Result<()> {
        if self.has(generation) {
            return Ok(());
        }
        self.replace(generation, bytes)
    }

    /// Keeps these bytes in a file of their own. It is not flushed.
    pub(crate) fn replace(&self, generation: Generation, bytes: &[u8]) -> std::io::Result<()> {
        std::fs::create_dir_all(self.folder)?;
        let path = self.path(generation);
        // Whoever is here holds the lock; what a crash left by this name is written over.
        let staged = self.folder.join(".staged");
        std::fs::write(&staged, bytes)?;
        std::fs::rename(&staged, &path)
    }

    /// Removes the oldest contents until `most` are left.
    pub(crate) fn prune(&self, most: usize) -> Result<()> {
        let generations = self.generations()?;
        let too_many = generations.len().saturating_sub(most);
        for generation in &generations[..too_many] {
            let path = self.path(*generation);
            remove_if_there(&path).map_err(|error| Error::io("remove", path, &error))?;
        }
        Ok(())
    }

    fn path(&self, generation: Generation) -> PathBuf {
        self.folder.join(generation.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Json;

    fn generation(number: i64) -> Generation {
        Generation::from_json(&Json::Int(number)).unwrap()
    }

    #[test]
    fn the_newest_stay_and_are_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("kept/x.json");
        let kept = Kept::new(&place);
        assert!(kept.generations().unwrap().is_empty());
        for number in [9, 10, 2] {
            kept.put(generation(number), number.to_string().as_bytes()).unwrap();
        }
        kept.put(generation(9), b"other").unwrap();
        kept.prune(2).unwrap();
        assert_eq!(kept.generations().unwrap(), [generation(9), generation(10)]);
        assert_eq!(&kept.read(generation(9)).unwrap().unwrap()[..], b"9");
        assert_eq!(kept.read(generation(2)).unwrap(), None);
    }
}
