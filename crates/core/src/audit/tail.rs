//! Reading the trail, from its beginning and on as it grows.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::event::Event;
use crate::Format;
use crate::disk::{Journal, lines};
use crate::error::{Error, Result};

/// Which events are wanted; what is not said is any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Format that was written.
    pub domain: Option<Format>,
    /// Category by its word, or `pending_queue`.
    pub category: Option<String>,
    /// Key of the record.
    pub model_name: Option<String>,
    /// Who did it.
    pub logical_user_id: Option<String>,
    /// First second since 1970 that is wanted.
    pub since: Option<i64>,
    /// Last second since 1970 that is wanted.
    pub until: Option<i64>,
}

impl Filter {
    /// Whether the event is wanted.
    pub fn wants(&self, event: &Event) -> bool {
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == found)
        };
        self.domain.is_none_or(|domain| domain == event.domain)
            && is(&self.category, &event.category)
            && is(&self.model_name, &event.model_name)
            && is(&self.logical_user_id, &event.logical_user_id)
            && self.since.is_none_or(|since| event.timestamp >= since)
            && self.until.is_none_or(|until| event.timestamp <= until)
    }

    fn wants_folder(&self, domain: Format, category: &str) -> bool {
        self.domain.is_none_or(|wanted| wanted == domain)
            && self.category.as_deref().is_none_or(|wanted| wanted == category)
    }
}

/// A reader of the trail that knows how far it has come.
#[derive(Debug)]
pub struct Tail {
    root: PathBuf,
    filter: Filter,
    /// How many bytes of each segment were read.
    read: HashMap<PathBuf, u64>,
}

impl Tail {
    /// A reader of the trail in `root`, which need not exist, that has read nothing.
    pub fn new(root: impl Into<PathBuf>, filter: Filter) -> Self {
        Self { root: root.into(), filter, read: HashMap::new() }
    }

    /// The events that are wanted and were appended since the last call, in the order of their
    /// numbers. Lines that are no events, or stand in a folder they do not belong to, are left out.
    pub fn read_on(&mut self) -> Result<Vec<Event>> {
        Ok(self.read_lines()?.into_iter().map(|(event, _)| event).collect())
    }

    /// As [`Tail::read_on`], each event with its line as it was written.
    pub fn read_lines(&mut self) -> Result<Vec<(Event, String)>> {
        let mut events = Vec::new();
        for domain in [Format::Legacy, Format::V2] {
            let folder = self.root.join(domain.name());
            for category in folders(&folder)? {
                if !self.filter.wants_folder(domain, &category) {
                    continue;
                }
                for segment in Journal::new(folder.join(&category), "audit").segments()? {
                    self.read_segment(&segment, domain, &category, &mut events)?;
                }
            }
        }
        events.sort_by_key(|(event, _)| event.id);
        Ok(events)
    }

    fn read_segment(
        &mut self,
        segment: &Path,
        domain: Format,
        category: &str,
        events: &mut Vec<(Event, String)>,
    ) -> Result<()> {
        let begin = self.read.get(segment).copied().unwrap_or(0);
        let text =
            lines::read_from(segment, begin).map_err(|error| Error::io("read", segment, &error))?;
        // What has no end yet is still being written, or never will be.
        let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let of_segment = text[..end].split(|byte| *byte == b'\n');
        let text_of = |line: &[u8]| String::from_utf8_lossy(line).into_owned();
        let read = of_segment.map(<[u8]>::trim_ascii);
        let read = read.filter_map(|line| Some((Event::read(line)?, text_of(line))));
        let belongs = |event: &Event| event.domain == domain && event.category == category;
        events.extend(read.filter(|(event, _)| belongs(event) && self.filter.wants(event)));
        self.read.insert(segment.to_owned(), begin + end as u64);
        Ok(())
    }
}

/// Names of the folders in `folder`, in their order.
pub(super) fn folders(folder: &Path) -> Result<Vec<String>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if crate::disk::is_absence(&error) => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("list", folder, &error)),
    };
    let is_folder = |entry: &std::fs::DirEntry| entry.path().is_dir();
    let mut names: Vec<String> = entries
        .flatten()
        .filter(is_folder)
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort_unstable();
    Ok(names)
}
