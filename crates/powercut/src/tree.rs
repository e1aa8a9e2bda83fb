//! A folder with everything below it, as a value: read, written, compared, told apart by a number.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};

/// The content of a file, with its hash: most files are the same in most states.
#[derive(Clone)]
pub struct Blob {
    bytes: Arc<[u8]>,
    hash: u64,
}

/// What a name in a folder stands for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Entry {
    /// A file and its content.
    File(Blob),
    /// A folder and what is in it.
    Folder(Tree),
}

/// What is in a folder. Owners, modes and times are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Tree {
    /// By name.
    pub entries: BTreeMap<OsString, Entry>,
}

impl Blob {
    /// A content of these bytes.
    pub fn new(bytes: &[u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        Self { bytes: bytes.into(), hash: hasher.finish() }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl PartialEq for Blob {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.bytes == other.bytes
    }
}

impl Eq for Blob {}

impl Hash for Blob {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash.hash(state);
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = String::from_utf8_lossy(&self.bytes[..self.bytes.len().min(40)]);
        write!(formatter, "{} bytes {start:?}", self.bytes.len())
    }
}

impl Tree {
    /// What is in `folder` now. Only files and folders are understood.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut tree = Self::default();
        let listing =
            std::fs::read_dir(folder).with_context(|| format!("cannot list {folder:?}"))?;
        for item in listing {
            let item = item?;
            let (path, kind) = (item.path(), item.file_type()?);
            let entry = if kind.is_dir() {
                Entry::Folder(Self::read(&path)?)
            } else if kind.is_file() {
                let bytes =
                    std::fs::read(&path).with_context(|| format!("cannot read {path:?}"))?;
                Entry::File(Blob::new(&bytes))
            } else {
                bail!("{path:?} is neither a file nor a folder");
            };
            tree.entries.insert(item.file_name(), entry);
        }
        Ok(tree)
    }

    /// Puts everything into `folder`, which is there and empty.
    pub fn write(&self, folder: &Path) -> Result<()> {
        for (name, entry) in &self.entries {
            let path = folder.join(name);
            match entry {
                Entry::File(blob) => std::fs::write(&path, blob.bytes())
                    .with_context(|| format!("cannot write {path:?}"))?,
                Entry::Folder(tree) => {
                    std::fs::create_dir(&path)
                        .with_context(|| format!("cannot create {path:?}"))?;
                    tree.write(&path)?;
                }
            }
        }
        Ok(())
    }

    /// A number that two different trees share by rare accident only.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }

    /// Where two trees first differ, in words; `None` if nowhere.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let names = self.entries.keys().chain(other.entries.keys());
        names.into_iter().find_map(|name| {
            let told = match (self.entries.get(name), other.entries.get(name)) {
                (mine, theirs) if mine == theirs => return None,
                (Some(Entry::Folder(mine)), Some(Entry::Folder(theirs))) => {
                    mine.difference(theirs)?
                }
                (mine, theirs) => format!(": {mine:?} and {theirs:?}"),
            };
            Some(format!("/{}{told}", name.to_string_lossy()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_back_and_differences_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let mut tree = Tree::default();
        let file = |text: &str| Entry::File(Blob::new(text.as_bytes()));
        tree.entries.insert("a".into(), file("one"));
        let below = Tree { entries: BTreeMap::from([("b".into(), file("two"))]) };
        tree.entries.insert("below".into(), Entry::Folder(below));
        tree.write(folder.path()).unwrap();

        let read = Tree::read(folder.path()).unwrap();
        assert_eq!(read, tree);
        assert_eq!(read.fingerprint(), tree.fingerprint());
        assert_eq!(read.difference(&tree), None);

        std::fs::write(folder.path().join("below/b"), "three").unwrap();
        let changed = Tree::read(folder.path()).unwrap();
        assert_ne!(changed.fingerprint(), tree.fingerprint());
        assert!(changed.difference(&tree).unwrap().starts_with("/below/b: "));
    }
}
