//! Writing the trail.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::event::{Draft, Event};
use super::tail::folders;
use crate::disk::{self, Journal, LOCK_WAIT, Lock, Place, lines};
use crate::error::{Error, Result};
use crate::generation::Generation;
use crate::json::{Json, Object, Style};
use crate::{Format, settings};

/// How much of a segment's end is read to find its last events.
const END: u64 = 1 << 20;

/// The trail of one data directory, as processes append to it.
#[derive(Debug)]
pub struct Trail {
    root: PathBuf,
    largest_segment: u64,
    /// Whether the last id was compared with the segments since this process began: a power cut may
    /// have taken the index back, but no event that was acknowledged.
    is_verified: AtomicBool,
}

impl Trail {
    /// The trail in `root`, which need not exist. A segment of `largest_segment` bytes or more is
    /// followed by the next.
    pub fn new(root: impl Into<PathBuf>, largest_segment: u64) -> Self {
        Self { root: root.into(), largest_segment, is_verified: AtomicBool::new(false) }
    }

    /// The trail that the settings tell of, below `data_root`; `None` where none is kept.
    pub fn from_settings(settings: &settings::Audit, data_root: &Path) -> Option<Self> {
        let root = Self::root_of(settings, data_root);
        settings.enabled.then(|| Self::new(root, settings.max_segment_bytes.get()))
    }

    /// Where the settings put the trail.
    pub fn root_of(settings: &settings::Audit, data_root: &Path) -> PathBuf {
        match &settings.root_path_override {
            Some(path) if !path.as_os_str().is_empty() => path.clone(),
            _ if settings.relative_subdir.is_empty() => data_root.join("audit"),
            _ => data_root.join(&settings.relative_subdir),
        }
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Numbers the events and appends them; they are on the device when this returns.
    pub(crate) fn append(&self, drafts: Vec<Draft>) -> Result<Vec<Event>> {
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        let index = self.root.join("index.json");
        let _lock = Lock::take(&Place::of(&index).control, LOCK_WAIT)?;
        let mut last = self.last_id(&index)?;
        let mut events = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let next = last.checked_add(1).ok_or_else(|| Error::Corrupt {
                path: index.clone(),
                reason: "there is no number after the last one".into(),
            })?;
            last = next;
            events.push(draft.numbered(last));
        }
        let text = Object::from_iter([("last_event_id".to_owned(), Json::Int(last))]);
        let text = Json::Object(text).to_text(Style::INDENT_2_ASCII);
        disk::replace_locked(&index, text.as_bytes())?;
        for chunk in events.chunk_by(belong_together) {
            let lines: Vec<String> = chunk.iter().map(Event::to_line).collect();
            let journal = self.journal(chunk[0].domain, &chunk[0].category);
            journal.append(&lines, self.largest_segment)?;
        }
        Ok(events)
    }

    /// The events of a generation that were appended already; they are the last ones.
    pub(crate) fn events_of(
        &self,
        domain: Format,
        category: &str,
        generation: Generation,
    ) -> Result<Vec<Event>> {
        let segments = self.journal(domain, category).segments()?;
        let mut events = Vec::new();
        // A commit may have begun one segment after another, and died before the last had a line.
        for (index, segment) in segments.iter().rev().enumerate() {
            let before = events.len();
            let of_segment = events_from(segment, 0)?;
            events.extend(
                of_segment.into_iter().filter(|event| event.generation == Some(generation)),
            );
            if index > 0 && events.len() == before {
                break;
            }
        }
        Ok(events)
    }

    /// Puts the last events of a category on the device, whoever appended them.
    pub(crate) fn flush(&self, domain: Format, category: &str) -> Result<()> {
        self.journal(domain, category).flush()
    }

    fn journal(&self, domain: Format, category: &str) -> Journal {
        Journal::new(self.root.join(domain.name()).join(category), "audit")
    }

    /// The last number given away.
    fn last_id(&self, index: &Path) -> Result<i64> {
        let stored = disk::read(index)?.and_then(|content| Json::parse(&content.bytes).ok());
        let stored = stored.as_ref().and_then(|value| read_number(value.get("last_event_id")?));
        let Some(stored) = stored.filter(|_| self.is_verified.load(Ordering::Acquire)) else {
            let found = self.largest_id()?;
            self.is_verified.store(true, Ordering::Release);
            return Ok(found.max(stored.unwrap_or(0)));
        };
        Ok(stored)
    }

    fn largest_id(&self) -> Result<i64> {
        let mut largest = 0;
        for domain in [Format::Legacy, Format::V2] {
            for category in folders(&self.root.join(domain.name()))? {
                // Who began a segment may have died before it had a line.
                for segment in self.journal(domain, &category).segments()?.iter().rev() {
                    let ids = last_events(segment)?.into_iter().map(|event| event.id);
                    if let Some(id) = ids.max() {
                        largest = largest.max(id);
                        break;
                    }
                }
            }
        }
        Ok(largest)
    }
}

/// Numbers are met as text, too.
fn read_number(value: &Json) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn belong_together(one: &Event, next: &Event) -> bool {
    one.domain == next.domain && one.category == next.category
}

/// The events at the end of a segment; some, if there are any.
fn last_events(segment: &Path) -> Result<Vec<Event>> {
    let length = segment.metadata().map_err(|error| Error::io("read", segment, &error))?.len();
    let mut begin = length.saturating_sub(END);
    loop {
        let events = events_from(segment, begin)?;
        if begin == 0 || !events.is_empty() {
            return Ok(events);
        }
        // A line may be longer than what was read.
        begin = begin.saturating_sub(length - begin);
    }
}

/// The events of a segment that begin at `begin` or later.
fn events_from(segment: &Path, begin: u64) -> Result<Vec<Event>> {
    let text = lines::read_from(segment, begin);
    let text = text.map_err(|error| Error::io("read", segment, &error))?;
    let of_segment = text.split(|byte| *byte == b'\n');
    Ok(of_segment.map(<[u8]>::trim_ascii).filter_map(Event::read).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Filter, Tail};
    use crate::change::Operation;

    fn draft(category: &str, name: &str) -> Draft {
        Draft::new(Event {
            id: 0,
            timestamp: 5,
            domain: Format::V2,
            category: category.into(),
            model_name: name.into(),
            operation: Operation::Create,
            logical_user_id: "1".into(),
            request_id: None,
            payload: None,
            generation: None,
        })
    }

    fn names(root: &Path, filter: Filter) -> Vec<String> {
        let events = Tail::new(root, filter).read_on().unwrap();
        events.into_iter().map(|event| format!("{}:{}", event.id, event.model_name)).collect()
    }

    #[test]
    fn numbers_go_on_over_categories_and_trails_opened_anew() {
        let folder = tempfile::tempdir().unwrap();
        let trail = Trail::new(folder.path(), 1000);
        trail.append(vec![draft("clip", "a"), draft("blip", "b"), draft("clip", "c")]).unwrap();
        // The index was taken back by a power cut; the events were not.
        std::fs::write(folder.path().join("index.json"), "{\"last_event_id\":\"1\"}").unwrap();
        Trail::new(folder.path(), 1000).append(vec![draft("blip", "d")]).unwrap();
        assert_eq!(names(folder.path(), Filter::default()), ["1:a", "2:b", "3:c", "4:d"]);
        let blip = Filter { category: Some("blip".into()), ..Filter::default() };
        assert_eq!(names(folder.path(), blip), ["2:b", "4:d"]);
        let index = std::fs::read_to_string(folder.path().join("index.json")).unwrap();
        assert_eq!(index, "{\n  \"last_event_id\": 4\n}");
    }

    #[test]
    fn numbers_go_on_though_the_last_segment_is_empty_or_its_last_line_is_long() {
        let folder = tempfile::tempdir().unwrap();
        let long = "n".repeat(3 << 20);
        Trail::new(folder.path(), 1 << 30)
            .append(vec![draft("clip", "a"), draft("clip", &long)])
            .unwrap();
        std::fs::write(folder.path().join("v2/clip/audit-000002.jsonl"), "").unwrap();
        std::fs::write(folder.path().join("index.json"), "{\"last_event_id\":1}").unwrap();
        let events = Trail::new(folder.path(), 1 << 30).append(vec![draft("clip", "c")]).unwrap();
        assert_eq!(events[0].id, 3);
    }

    #[test]
    fn all_events_of_a_commit_are_found_however_many_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let generation = Generation::default().next();
        let of_commit = |name: String| {
            let event = draft("clip", &name).event().clone();
            Draft::new(Event { generation: Some(generation), ..event })
        };
        let trail = Trail::new(folder.path(), 1 << 20);
        trail.append(vec![draft("clip", "before")]).unwrap();
        let filler = "n".repeat(1 << 10);
        trail.append((0..4000).map(|n| of_commit(format!("{n}{filler}"))).collect()).unwrap();
        let found = trail.events_of(Format::V2, "clip", generation).unwrap();
        assert_eq!(found.len(), 4000);
    }

    #[test]
    fn a_number_that_cannot_be_counted_on_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let index = format!("{{\"last_event_id\":{}}}", i64::MAX);
        std::fs::write(folder.path().join("index.json"), index).unwrap();
        let refused = Trail::new(folder.path(), 1000).append(vec![draft("clip", "a")]);
        assert!(matches!(refused, Err(Error::Corrupt { .. })), "{refused:?}");
    }

    #[test]
    fn a_tail_goes_on_where_it_was_and_waits_for_the_end_of_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let trail = Trail::new(folder.path(), 1000);
        let mut tail = Tail::new(folder.path(), Filter::default());
        assert!(tail.read_on().unwrap().is_empty());
        trail.append(vec![draft("clip", "a")]).unwrap();
        assert_eq!(tail.read_on().unwrap().len(), 1);
        assert!(tail.read_on().unwrap().is_empty());
        let segment = folder.path().join("v2/clip/audit-000001.jsonl");
        let line = draft("clip", "b").numbered(2).to_line();
        let append = |text: &str| {
            use std::io::Write;
            let mut file = std::fs::File::options().append(true).open(&segment).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        };
        append(&line[..10]);
        assert!(tail.read_on().unwrap().is_empty());
        append(&format!("{}\n", &line[10..]));
        assert_eq!(tail.read_on().unwrap()[0].model_name, "b");
    }
}
