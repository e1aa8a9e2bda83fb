//! Lines appended to numbered segments, flushed before they count.
//!
//! A segment that has reached its size is followed by the next number.

use std::path::{Path, PathBuf};

use super::atomic::make_folder;
use super::lines;
use crate::error::{Error, Result};

/// Segments `<stem>-000001.jsonl`, `<stem>-000002.jsonl`, … of one folder.
#[derive(Debug)]
pub(crate) struct Journal {
    folder: PathBuf,
    stem: &'static str,
}

impl Journal {
    /// The segments in `folder`, which need not exist.
    pub(crate) fn new(folder: PathBuf, stem: &'static str) -> Self {
        Self { folder, stem }
    }

    /// The segments there are, in their order.
    pub(crate) fn segments(&self) -> Result<Vec<PathBuf>> {
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if super::is_absence(&error) => return Ok(Vec::new()),
            Err(error) => return Err(Error::io("list", &self.folder, &error)),
        };
        let is_segment = |name: &str| {
            let rest = name.strip_prefix(self.stem).and_then(|rest| rest.strip_prefix('-'));
            rest.is_some_and(|rest| rest.ends_with(".jsonl"))
        };
        let mut names: Vec<String> = entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| is_segment(name))
            .collect();
        names.sort_unstable();
        Ok(names.into_iter().map(|name| self.folder.join(name)).collect())
    }

    /// Appends whole lines, each without its end, and flushes them. A segment of `largest` bytes or
    /// more is not appended to.
    pub(crate) fn append(&self, lines: &[String], largest: u64) -> Result<()> {
        make_folder(&self.folder)?;
        let mut segment = self.segments()?.pop().unwrap_or_else(|| self.segment(1));
        let mut length = segment.metadata().map_or(0, |metadata| metadata.len());
        let mut pending = String::new();
        for line in lines {
            if length >= largest {
                if !pending.is_empty() {
                    append(&segment, &std::mem::take(&mut pending))?;
                }
                (segment, length) = (self.after(&segment), 0);
            }
            pending.push_str(line);
            pending.push('\n');
            length += line.len() as u64 + 1;
        }
        append(&segment, &pending)
    }

    /// Flushes what somebody else may have appended without living to flush it.
    pub(crate) fn flush(&self) -> Result<()> {
        for segment in self.segments()?.iter().rev().take(2) {
            super::flush(segment)?;
        }
        Ok(())
    }

    fn segment(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{}-{number:06}.jsonl", self.stem))
    }

    fn after(&self, path: &Path) -> PathBuf {
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let number = name.rsplit('-').next().and_then(|number| number.parse::<u64>().ok());
        self.segment(number.unwrap_or(0) + 1)
    }
}

fn append(path: &Path, lines: &str) -> Result<()> {
    lines::append(path, lines).map_err(|error| Error::io("append to", path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(journal: &Journal) -> Vec<String> {
        let segments = journal.segments().unwrap();
        segments.into_iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
    }

    #[test]
    fn a_full_segment_is_followed_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::new(folder.path().join("v2/clip"), "audit");
        let lines: Vec<String> = ["1234", "5", "6789"].map(str::to_owned).into();
        journal.append(&lines, 6).unwrap();
        journal.append(&["0".to_owned()], 6).unwrap();
        assert_eq!(texts(&journal), ["1234\n5\n", "6789\n0\n"]);
        assert!(journal.segments().unwrap()[1].ends_with("audit-000002.jsonl"));
    }
}
