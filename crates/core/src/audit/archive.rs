//! The trail as those ask about it who want to know what became of a change.
//!
//! The queue's story is kept between questions, and each question first reads what was appended
//! since: so an answer is never older than its question, and a long trail is read once. Whoever
//! edits what was already read has it read again. Events about records are not kept.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use super::event::Event;
use super::net::{Key, NetChange, NetChanges, spans};
use super::story::{QUEUE, Story};
use super::tail::{Filter, Tail};
use crate::Format;
use crate::disk::{Journal, is_absence};
use crate::error::{Error, Result};

/// A story of more events is read anew for each question, that it may not take the memory of
/// everything else: at about 300 bytes each this is some 60 MB.
const MOST_KEPT: usize = 200_000;

/// Answers questions about the trail in one folder. Every call reads files and may block.
#[derive(Debug)]
pub struct Archive {
    root: PathBuf,
    legacy: Mutex<Kept>,
    v2: Mutex<Kept>,
}

/// What was read of the queue's events in one format.
#[derive(Debug, Default)]
struct Kept {
    story: Story,
    /// `None` before the first reading.
    tail: Option<Tail>,
    /// The segments as they were when they were last read.
    segments: Vec<Segment>,
    last_event: i64,
}

#[derive(Debug, PartialEq, Eq)]
struct Segment {
    path: PathBuf,
    length: u64,
    modified: Option<SystemTime>,
}

impl Archive {
    /// The trail in `root`, which need not exist. Nothing is read yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), legacy: Mutex::default(), v2: Mutex::default() }
    }

    /// What `ask` makes of the story that the events of this format tell up to now.
    pub fn story<T>(&self, domain: Format, ask: impl FnOnce(&Story) -> T) -> Result<T> {
        let kept = match domain {
            Format::Legacy => &self.legacy,
            Format::V2 => &self.v2,
        };
        // Whoever panicked while reading left no story that could be trusted.
        let mut kept = match kept.lock() {
            Ok(kept) => kept,
            Err(poisoned) => {
                let mut kept = PoisonError::into_inner(poisoned);
                *kept = Kept::default();
                kept
            }
        };
        if let Err(error) = kept.read_on(&self.root, domain) {
            *kept = Kept::default();
            return Err(error);
        }
        let answer = ask(&kept.story);
        if kept.story.events() > MOST_KEPT {
            *kept = Kept::default();
        }
        Ok(answer)
    }

    /// What a batch made of the records; `None` where there is no such batch.
    pub fn net_changes(&self, domain: Format, batch_id: i64) -> Result<Option<NetChanges>> {
        let told = self.story(domain, |story| {
            let batch = story.batch(batch_id)?;
            Some((batch.title.clone(), spans(story, batch_id)))
        })?;
        let Some((batch_title, spans)) = told else { return Ok(None) };
        let mut events: HashMap<Key, Vec<Event>> =
            spans.keys().map(|key| (key.clone(), Vec::new())).collect();
        self.read_about(domain, &mut events)?;
        let net = |(key, span)| {
            let events = events.remove(&key).unwrap_or_default();
            NetChange::of(key, span, &events)
        };
        let models = spans.into_iter().map(net).collect();
        Ok(Some(NetChanges { batch_id, batch_title, domain, models }))
    }

    /// Reads all events about the records that are asked for, in the order of their numbers.
    fn read_about(&self, domain: Format, wanted: &mut HashMap<Key, Vec<Event>>) -> Result<()> {
        let mut categories: Vec<_> = wanted.keys().map(|(category, _)| *category).collect();
        categories.sort_unstable_by_key(|category| category.name());
        categories.dedup();
        for category in categories {
            let folder = self.root.join(domain.name()).join(category.name());
            for segment in Journal::new(folder, "audit").segments()? {
                for_each_event(&segment, |event| {
                    if event.domain != domain || event.category != category.name() {
                        return;
                    }
                    let key = (category, event.model_name.clone());
                    if let Some(events) = wanted.get_mut(&key) {
                        events.push(event);
                    }
                })?;
            }
        }
        for events in wanted.values_mut() {
            events.sort_by_key(|event| event.id);
        }
        Ok(())
    }
}

impl Kept {
    /// Reads what was appended since the last time, or everything where more than that has changed.
    fn read_on(&mut self, root: &Path, domain: Format) -> Result<()> {
        let found = segments(&root.join(domain.name()).join(QUEUE))?;
        if self.tail.is_some() && found == self.segments {
            return Ok(());
        }
        if !self.has_only_grown(&found) {
            *self = Self::default();
        }
        let filter = || Filter {
            domain: Some(domain),
            category: Some(QUEUE.to_owned()),
            ..Filter::default()
        };
        let tail = self.tail.get_or_insert_with(|| Tail::new(root, filter()));
        let mut events = tail.read_on()?;
        if events.first().is_some_and(|event| event.id <= self.last_event) {
            // They belong among those that were told already.
            *self = Self::default();
            events = self.tail.insert(Tail::new(root, filter())).read_on()?;
        }
        for event in &events {
            self.story.tell(event);
            self.last_event = self.last_event.max(event.id);
        }
        self.segments = found;
        Ok(())
    }

    /// Whether what was read is still there, unchanged, at the beginning of what is there now.
    fn has_only_grown(&self, found: &[Segment]) -> bool {
        let has_grown = |before: &Segment| {
            let now = found.iter().find(|now| now.path == before.path);
            now.is_some_and(|now| now.length > before.length || now == before)
        };
        self.segments.iter().all(has_grown)
    }
}

fn segments(folder: &Path) -> Result<Vec<Segment>> {
    let mut segments = Vec::new();
    for path in Journal::new(folder.to_owned(), "audit").segments()? {
        match path.metadata() {
            Ok(metadata) => segments.push(Segment {
                length: metadata.len(),
                modified: metadata.modified().ok(),
                path,
            }),
            Err(error) if is_absence(&error) => {}
            Err(error) => return Err(Error::io("read", &path, &error)),
        }
    }
    Ok(segments)
}

/// Reads a segment line by line, so that a large one takes no memory.
fn for_each_event(segment: &Path, mut tell: impl FnMut(Event)) -> Result<()> {
    let failed = |error: &std::io::Error| Error::io("read", segment, error);
    let file = std::fs::File::open(segment).map_err(|error| failed(&error))?;
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line).map_err(|error| failed(&error))? == 0 {
            return Ok(());
        }
        // What has no end yet is still being written, or never will be.
        if line.ends_with(b"\n")
            && let Some(event) = Event::read(line.trim_ascii())
        {
            tell(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Json, Object};

    fn line(id: i64, category: &str, name: &str, operation: &str, payload: &str) -> String {
        format!(
            r#"{{"event_id":{id},"timestamp":{id},"domain":"v2","category":"{category}","model_name":"{name}","operation":"{operation}","logical_user_id":"1","payload":{payload}}}"#
        ) + "\n"
    }

    fn said(id: i64, change: i64, rest: &str) -> String {
        let payload = format!(r#"{{"after":{{"change_id":{change},{rest}}}}}"#);
        line(id, QUEUE, &change.to_string(), "update", &payload)
    }

    fn enqueue(id: i64, change: i64, operation: &str, model: &str) -> String {
        said(
            id,
            change,
            &format!(
                r#""operation":"{operation}","category":"clip","action":"enqueue","model":"{model}""#
            ),
        )
    }

    fn write(root: &Path, category: &str, segment: u32, text: &str) {
        let folder = root.join("v2").join(category);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("audit-{segment:06}.jsonl")), text).unwrap();
    }

    fn pending(archive: &Archive) -> Vec<i64> {
        let ids = |story: &Story| story.pending().iter().map(|change| change.id).collect();
        archive.story(Format::V2, ids).unwrap()
    }

    #[test]
    fn what_was_appended_is_in_the_next_answer_and_what_was_edited_as_well() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::new(folder.path());
        assert!(pending(&archive).is_empty());
        let (one, two) = (enqueue(1, 1, "create", "a"), enqueue(2, 2, "create", "b"));
        write(folder.path(), QUEUE, 2, &one);
        assert_eq!(pending(&archive), [1]);
        write(folder.path(), QUEUE, 2, &format!("{one}{two}"));
        assert_eq!(pending(&archive), [2, 1]);
        assert_eq!(pending(&archive), [2, 1]);
        // An earlier segment appears, whose events belong before those that were told.
        write(folder.path(), QUEUE, 1, &enqueue(0, 9, "create", "z"));
        assert_eq!(pending(&archive), [2, 1, 9]);
        write(folder.path(), QUEUE, 2, &two);
        assert_eq!(pending(&archive), [2, 9]);
        std::fs::remove_dir_all(folder.path().join("v2")).unwrap();
        assert!(pending(&archive).is_empty());
    }

    /// The net changes of batch 1 as `name net before after critical`.
    fn net(root: &Path) -> Vec<String> {
        let net = Archive::new(root).net_changes(Format::V2, 1).unwrap().unwrap();
        let text = |state: Option<Object>| Json::from(state).to_string();
        let tell = |model: NetChange| {
            let (before, after) = (text(model.before), text(model.after));
            format!(
                "{} {} {before} {after} {}",
                model.model_name,
                model.net.name(),
                model.is_critical
            )
        };
        net.models.into_iter().map(tell).collect()
    }

    fn approved_and_applied(id: i64, change: i64) -> String {
        said(id, change, r#""batch_id":1,"action":"approve""#)
            + &said(id + 1, change, r#""batch_id":1,"job_id":"j","action":"apply""#)
    }

    #[test]
    fn a_batch_whose_first_event_is_the_first_of_all_adds_a_record() {
        let folder = tempfile::tempdir().unwrap();
        let queue = enqueue(1, 1, "create", "new") + &approved_and_applied(3, 1);
        write(folder.path(), QUEUE, 1, &queue);
        write(folder.path(), "clip", 1, &line(2, "clip", "new", "create", r#"{"after":{"a":1}}"#));
        assert_eq!(net(folder.path()), [r#"new added null {"a":1} false"#]);
        assert_eq!(Archive::new(folder.path()).net_changes(Format::V2, 2).unwrap(), None);
        assert_eq!(Archive::new(folder.path()).net_changes(Format::Legacy, 1).unwrap(), None);
    }

    #[test]
    fn records_older_than_the_trail_are_told_as_far_as_it_goes() {
        let folder = tempfile::tempdir().unwrap();
        let queue = [
            enqueue(1, 1, "update", "old"),
            enqueue(2, 2, "delete", "gone"),
            enqueue(3, 3, "update", "silent"),
            approved_and_applied(10, 1),
            approved_and_applied(20, 2),
            approved_and_applied(30, 3),
        ];
        write(folder.path(), QUEUE, 1, &queue.concat());
        let update = r#"{"delta":{"nsfw":{"old":true,"new":false},"url":{"new":"u"}}}"#;
        let records = line(9, "clip", "old", "update", update)
            + &line(19, "clip", "gone", "delete", r#"{"before":{"style":"x"}}"#);
        write(folder.path(), "clip", 1, &records);
        let expected = [
            r#"old modified {"nsfw":true} {"nsfw":false,"url":"u"} true"#,
            r#"gone deleted {"style":"x"} null true"#,
            "silent unchanged null null false",
        ];
        assert_eq!(net(folder.path()), expected);
    }
}
