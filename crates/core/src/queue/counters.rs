//! The last numbers given away, which are never given again: in a file of their own beside the queue,
//! because entries may go.

use std::path::{Path, PathBuf};

use crate::disk;
use crate::error::Result;
use crate::json::{Json, Object, Style};

/// The last numbers given away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counters {
    pub(crate) change: i64,
    pub(crate) batch: i64,
}

impl Counters {
    /// Reads them from beside the queue at `changes`. What cannot be read counts as nothing: the
    /// entries themselves have numbers, too.
    pub(crate) fn beside(changes: &Path) -> Result<Self> {
        let path = index(changes);
        let Some(content) = disk::read(&path)? else { return Ok(Self::default()) };
        let stored = Json::parse(&content.bytes).ok();
        let stored = stored.as_ref().and_then(Json::as_object);
        if stored.is_none() {
            tracing::error!(path = %path.display(), "the numbers of the queue cannot be read; those of its entries are gone on from");
        }
        Ok(stored.map(Self::read).unwrap_or_default())
    }

    /// Numbers are met as text, too.
    fn read(stored: &Object) -> Self {
        let number = |name: &str| {
            let value = stored.get(name)?;
            value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
        };
        Self {
            change: number("last_change_id").unwrap_or(0),
            batch: number("last_batch_id").unwrap_or(0),
        }
    }

    pub(crate) fn of_json(value: &Json) -> Option<Self> {
        value.as_object().map(Self::read)
    }

    pub(crate) fn to_json(self) -> Json {
        Json::from([
            ("last_change_id", Json::Int(self.change)),
            ("last_batch_id", Json::Int(self.batch)),
        ])
    }

    /// The larger of each.
    pub(crate) fn max(self, other: Self) -> Self {
        Self { change: self.change.max(other.change), batch: self.batch.max(other.batch) }
    }

    /// Stores them, for whoever holds the queue's lock; smaller ones than are stored do nothing.
    pub(crate) fn store(self, changes: &Path) -> Result<()> {
        let stored = Self::beside(changes)?;
        let wanted = self.max(stored);
        if wanted == stored {
            return Ok(());
        }
        let text = wanted.to_json().to_text(Style::INDENT_2_ASCII);
        disk::replace_locked(&index(changes), text.as_bytes())
    }
}

fn index(changes: &Path) -> PathBuf {
    changes.with_file_name("index.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_never_go_back() {
        let folder = tempfile::tempdir().unwrap();
        let changes = folder.path().join("changes.json");
        assert_eq!(Counters::beside(&changes).unwrap(), Counters::default());
        Counters { change: 5, batch: 2 }.store(&changes).unwrap();
        Counters { change: 4, batch: 3 }.store(&changes).unwrap();
        assert_eq!(Counters::beside(&changes).unwrap(), Counters { change: 5, batch: 3 });
        let index = folder.path().join("index.json");
        let text = std::fs::read_to_string(&index).unwrap();
        assert_eq!(text, "{\n  \"last_change_id\": 5,\n  \"last_batch_id\": 3\n}");
        std::fs::write(&index, r#"{"last_change_id":"7"}"#).unwrap();
        assert_eq!(Counters::beside(&changes).unwrap(), Counters { change: 7, batch: 0 });
        std::fs::write(&index, "{ not json}").unwrap();
        assert_eq!(Counters::beside(&changes).unwrap(), Counters::default());
    }
}
