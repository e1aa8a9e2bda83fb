//! Lines appended to numbered segments, flushed before they count.
//!
//! A segment that has reached its size is followed by the next number. A crash may leave half a line
//! at the end; the next append ends it, so that it spoils nothing but itself.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::atomic::{flush_folder, make_folder};
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
        let last = self.segments()?.pop();
        let mut segment = match last {
            Some(path) => Segment::open(path)?,
            None => self.first()?,
        };
        for line in lines {
            if segment.length >= largest {
                segment.flush()?;
                segment = self.after(&segment.path)?;
            }
            segment.push(line)?;
        }
        segment.flush()
    }

    /// Flushes what somebody else may have appended without living to flush it.
    pub(crate) fn flush(&self) -> Result<()> {
        for segment in self.segments()?.iter().rev().take(2) {
            super::flush(segment)?;
        }
        Ok(())
    }

    fn first(&self) -> Result<Segment> {
        make_folder(&self.folder)?;
        self.create(1)
    }

    fn after(&self, path: &Path) -> Result<Segment> {
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let number = name.rsplit('-').next().and_then(|number| number.parse::<u64>().ok());
        self.create(number.unwrap_or(0) + 1)
    }

    fn create(&self, number: u64) -> Result<Segment> {
        let path = self.folder.join(format!("{}-{number:06}.jsonl", self.stem));
        let segment = Segment::open(path)?;
        flush_folder(&segment.path)?;
        Ok(segment)
    }
}

/// The segment that is being appended to.
struct Segment {
    path: PathBuf,
    file: File,
    length: u64,
    /// Lines not written yet.
    pending: String,
}

impl Segment {
    fn open(path: PathBuf) -> Result<Self> {
        let open = OpenOptions::new().read(true).append(true).create(true).open(&path);
        let attempt = open.and_then(|mut file| {
            let length = file.seek(SeekFrom::End(0))?;
            let mut pending = String::new();
            if length > 0 {
                file.seek(SeekFrom::End(-1))?;
                let mut last = [0];
                file.read_exact(&mut last)?;
                if last != *b"\n" {
                    pending.push('\n');
                }
            }
            Ok((file, length, pending))
        });
        let (file, length, pending) = attempt.map_err(|error| Error::io("open", &path, &error))?;
        Ok(Self { path, file, length, pending })
    }

    fn push(&mut self, line: &str) -> Result<()> {
        self.pending.push_str(line);
        self.pending.push('\n');
        self.length += line.len() as u64 + 1;
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        let written = self.file.write_all(pending.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|error| Error::io("append to", &self.path, &error))
    }
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

    #[test]
    fn half_a_line_spoils_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::new(folder.path().to_owned(), "audit");
        std::fs::write(folder.path().join("audit-000001.jsonl"), "{\"half").unwrap();
        journal.append(&["{}".to_owned()], 100).unwrap();
        assert_eq!(texts(&journal), ["{\"half\n{}\n"]);
    }
}
