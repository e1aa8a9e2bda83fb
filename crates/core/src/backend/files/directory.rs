//! What is true of a data directory as a whole: its identity, and the lease in force for all who read
//! it. A writer waits for the leases of everybody else, so they must agree on its length; whoever
//! comes first says it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Files;
use super::layout::Layout;
use crate::disk;
use crate::error::Result;
use crate::json::{Json, Style};

/// Leases that can be in force, in milliseconds.
const LEASES_MS: std::ops::RangeInclusive<u64> = 10..=600_000;

/// Identity and lease of a data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// A random name, made once.
    pub identity: String,
    /// How long a reader may answer from memory after a look.
    pub lease: Duration,
}

impl Files {
    /// Reads what is true of the directory, or makes it with the lease that is `wanted`. `None` where
    /// nothing is written yet and nothing can be: then nobody writes, and any lease will do.
    pub fn directory(&self, wanted: Duration) -> Option<Directory> {
        if let Some(directory) = Directory::of(self.layout()) {
            return Some(directory);
        }
        if let Err(error) = Directory::create(&Directory::path(self.layout()), wanted) {
            tracing::debug!(%error, "the data directory cannot be given an identity");
        }
        Directory::of(self.layout())
    }
}

impl Directory {
    fn path(layout: &Layout) -> PathBuf {
        layout.root.join(".coherence").join("directory")
    }

    /// What is written of the directory.
    pub(super) fn of(layout: &Layout) -> Option<Self> {
        Self::read(&Self::path(layout))
    }

    fn read(path: &Path) -> Option<Self> {
        let content = disk::read(path).ok()??;
        let value = Json::parse(&content.bytes).ok()?;
        let lease_ms = u64::try_from(value.get("lease_ms")?.as_i64()?).ok()?;
        // What nobody can have meant would spin, or wait for ever.
        if !LEASES_MS.contains(&lease_ms) {
            return None;
        }
        let identity = value.get("identity")?.as_str()?.to_owned();
        Some(Self { identity, lease: Duration::from_millis(lease_ms) })
    }

    fn create(path: &Path, lease: Duration) -> Result<()> {
        if let Some(folder) = path.parent() {
            disk::make_folder(folder)?;
        }
        let lease_ms = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX);
        let members =
            Json::from([("identity", identity().into()), ("lease_ms", Json::Int(lease_ms))]);
        disk::create(path, members.to_text(Style::INDENT_2).as_bytes())?;
        Ok(())
    }
}

/// 128 random bits.
fn identity() -> String {
    use std::hash::{BuildHasher, RandomState};
    let random = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", random(), random())
}
