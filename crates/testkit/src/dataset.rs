//! A temporary data folder, empty or filled from a folder of fixtures.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

/// A cache home with the data folder of a service in it. It disappears when dropped, so it must
/// outlive the servers started on it.
#[derive(Debug)]
pub struct DataFolder {
    home: TempDir,
}

impl DataFolder {
    /// No data files. The data folder itself is left for the server to create.
    pub fn empty() -> Result<Self> {
        let home = tempfile::Builder::new().prefix("model-reference-").tempdir()?;
        Ok(Self { home })
    }

    /// A copy of `fixtures`: `v2/*` directly in the data folder, then `legacy/*` in its `legacy`.
    pub fn filled_from(fixtures: &Path) -> Result<Self> {
        let folder = Self::empty()?;
        // The order matters: a legacy file older than its v2 file reads as converted already.
        copy_files(&fixtures.join("v2"), &folder.root())?;
        copy_files(&fixtures.join("legacy"), &folder.root().join("legacy"))?;
        Ok(folder)
    }

    /// What the server gets as `AIWORKER_CACHE_HOME`.
    pub fn cache_home(&self) -> &Path {
        self.home.path()
    }

    /// Where the data files lie.
    pub fn root(&self) -> PathBuf {
        self.home.path().join("horde_model_reference")
    }

    /// Writes a file below [`DataFolder::root`], with the folders above it.
    pub fn write(&self, relative: &str, content: &[u8]) -> Result<()> {
        let path = self.root().join(relative);
        let parent = path.parent().context("a file needs a folder")?;
        fs::create_dir_all(parent)?;
        fs::write(&path, content).with_context(|| path.display().to_string())
    }
}

/// Copies contents only: fixtures may be read-only, and their times would tell lies here.
fn copy_files(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            let content = fs::read(entry.path())?;
            fs::write(to.join(entry.file_name()), content)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v2_lies_at_the_root_and_legacy_below_it_and_is_younger() -> Result<()> {
        let fixtures = tempfile::tempdir()?;
        for folder in ["v2", "legacy"] {
            fs::create_dir(fixtures.path().join(folder))?;
            fs::write(fixtures.path().join(folder).join("clip.json"), folder)?;
        }
        let folder = DataFolder::filled_from(fixtures.path())?;
        let (v2, legacy) =
            (folder.root().join("clip.json"), folder.root().join("legacy/clip.json"));
        assert_eq!(fs::read_to_string(&v2)?, "v2");
        assert_eq!(fs::read_to_string(&legacy)?, "legacy");
        assert!(fs::metadata(legacy)?.modified()? >= fs::metadata(v2)?.modified()?);
        Ok(())
    }
}
