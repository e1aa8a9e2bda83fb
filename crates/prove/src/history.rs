//! What a process of the fleet writes down: one line per event in a file of its own.
//!
//! A call is announced before it is made and its end is written after it, each with one `write` to
//! the operating system, so a line outlives its process, and a call cut off by a kill is a call
//! without an end. What a document contained is written once per content, as the difference to the
//! content the same process saw before.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::clock;

/// What a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A write that adds a record with a name nobody else uses.
    Insert,
    /// A write that removes a record.
    Delete,
    /// Another request for a change that was acknowledged before.
    Repeat,
    /// A wait after which earlier writes are seen everywhere.
    Barrier,
    /// A read answered from memory.
    Plain,
    /// A read answered from the file.
    Strong,
    /// A plain read that may not be older than a generation.
    AtLeast,
    /// A plain read after all faults and writes have ended.
    Final,
    /// Somebody who knows nothing of us reads the file, changes it and puts it back.
    Edit,
    /// Somebody replaces the file by what has nothing to do with what it held.
    Replace,
}

impl Kind {
    /// Whether the call changes the document through us.
    pub fn is_write(self) -> bool {
        matches!(self, Self::Insert | Self::Delete)
    }

    /// Whether the call answers what a document holds.
    pub fn is_read(self) -> bool {
        matches!(self, Self::Plain | Self::Strong | Self::AtLeast | Self::Final)
    }

    /// Whether the call changes the document behind our back.
    pub fn is_foreign(self) -> bool {
        matches!(self, Self::Edit | Self::Replace)
    }
}

/// When a write is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// When every plain read anywhere returns it.
    Everywhere,
    /// At once.
    Local,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As asked.
    Done,
    /// Refused, with the promise that nothing was changed.
    Refused(String),
    /// Nobody knows: the error says so, or the call was cut off.
    Unknown(String),
}

/// A call about to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Number of the call in its process.
    pub call: u64,
    /// What it is.
    pub kind: Kind,
    /// The document.
    pub document: String,
    /// When, on [`clock::now`].
    pub at: u64,
    /// The record added; for a deletion, the one removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// For an edit, the record that gives way to the one added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
    /// For writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
    /// For a read with a lower bound, that bound; for a barrier, what had been acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<u64>,
    /// For writes, the name of the request, if it has one: calls of one name ask for one change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

/// The end of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Number of the call in its process.
    pub call: u64,
    /// When, on [`clock::now`].
    pub at: u64,
    /// How.
    pub outcome: Outcome,
    /// The generation returned; 0 where there is none.
    #[serde(default)]
    pub generation: u64,
    /// Digest of the content that was returned or written.
    #[serde(default)]
    pub digest: String,
    /// Whether the answer came without the mark *stale*.
    #[serde(default)]
    pub fresh: bool,
}

/// Where a content was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// In the answer to a read.
    Read,
    /// In what an editor put in place.
    Written,
    /// Among the replaced contents kept for restoring.
    Kept,
    /// In the file, before the first worker started.
    First,
    /// In the file, after the last worker ended.
    Last,
    /// In Redis, when the last fault had been made good.
    Shared,
}

/// The names in a document, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The document.
    pub document: String,
    /// When it was seen.
    pub at: u64,
    /// Its generation; 0 where none was told.
    pub generation: u64,
    /// Its digest.
    pub digest: String,
    /// Where it was seen.
    pub source: Source,
    /// Whether `added` is all there is, rather than a difference.
    pub whole: bool,
    /// Names of the content before, in this file, that are gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
    /// Names that follow after those that stayed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<String>,
}

/// One line of a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The first line.
    Started {
        /// When.
        at: u64,
        /// Process id, to find it in other logs.
        process: u32,
        /// Seed of its choices.
        seed: u64,
    },
    /// A call is about to be made.
    Begun(Begun),
    /// A call has ended.
    Ended(Ended),
    /// What a document contained.
    Content(Content),
    /// A reader without a log saw an answer older than one acknowledged before it asked.
    Online {
        /// When it asked.
        at: u64,
        /// The document.
        document: String,
        /// The generation acknowledged before.
        needed: u64,
        /// The generation of the answer.
        got: u64,
    },
    /// How many reads without a log were made so far.
    Counted {
        /// That many.
        reads: u64,
    },
    /// A fault was made, to a worker or to the directory.
    Fault {
        /// When.
        at: u64,
        /// Its word.
        fault: String,
        /// What it was made to: a worker, a document, or nothing.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        target: String,
    },
}

/// Writes a history.
#[derive(Debug)]
pub struct Recorder {
    calls: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    seen: HashSet<(String, u64, String, u8)>,
    last: HashMap<String, Vec<String>>,
}

impl Recorder {
    /// A history at `path`, which must not exist yet.
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::options().create_new(true).append(true).open(path);
        let file = file.with_context(|| path.display().to_string())?;
        let state = State { file, seen: HashSet::new(), last: HashMap::new() };
        Ok(Self { calls: AtomicU64::new(1), state: Mutex::new(state) })
    }

    /// Writes a line.
    pub fn record(&self, event: &Event) -> Result<()> {
        self.state().write(event)
    }

    /// Announces a call, whose time is set here as late as can be, and returns its number.
    pub fn begin(&self, mut call: Begun) -> Result<u64> {
        call.call = self.calls.fetch_add(1, Ordering::Relaxed);
        let number = call.call;
        let mut state = self.state();
        call.at = clock::now();
        state.write(&Event::Begun(call))?;
        Ok(number)
    }

    /// Writes the end of a call.
    pub fn end(&self, ended: Ended) -> Result<()> {
        self.record(&Event::Ended(ended))
    }

    /// Writes what a document contained, unless this was written already. The names are asked for
    /// only if they are needed.
    pub fn content(
        &self,
        document: &str,
        generation: u64,
        digest: &str,
        source: Source,
        names: impl FnOnce() -> Vec<String>,
    ) -> Result<()> {
        let mut state = self.state();
        if !state.seen.insert((document.into(), generation, digest.into(), source as u8)) {
            return Ok(());
        }
        let names = names();
        let (whole, removed, added) = match state.last.get(document) {
            Some(before) => difference(before, &names),
            None => (true, Vec::new(), names.clone()),
        };
        state.last.insert(document.into(), names);
        let (document, digest) = (document.into(), digest.into());
        let at = clock::now();
        let content = Content { document, at, generation, digest, source, whole, removed, added };
        state.write(&Event::Content(content))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl State {
    fn write(&mut self, event: &Event) -> Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        Ok(self.file.write_all(&line)?)
    }
}

/// A call of `kind` on `document`; the number and the time are set when it begins.
pub fn call(kind: Kind, document: &str) -> Begun {
    Begun {
        call: 0,
        kind,
        document: document.into(),
        at: 0,
        name: None,
        replaces: None,
        visibility: None,
        at_least: None,
        request: None,
    }
}

/// What makes `after` of `before`: whether everything is told, what goes, and what comes at the end.
fn difference(before: &[String], after: &[String]) -> (bool, Vec<String>, Vec<String>) {
    let present: HashSet<&String> = after.iter().collect();
    let (stayed, removed): (Vec<&String>, Vec<&String>) =
        before.iter().partition(|name| present.contains(name));
    if after.len() < stayed.len() || !after.iter().zip(&stayed).all(|(a, b)| a == *b) {
        return (true, Vec::new(), after.to_vec());
    }
    let added = after[stayed.len()..].to_vec();
    (false, removed.into_iter().cloned().collect(), added)
}

/// Makes the content that follows `before` of a difference.
pub fn apply(before: &[String], content: &Content) -> Vec<String> {
    if content.whole {
        return content.added.clone();
    }
    let removed: HashSet<&String> = content.removed.iter().collect();
    let stayed = before.iter().filter(|name| !removed.contains(name));
    stayed.chain(&content.added).cloned().collect()
}

/// Reads the events of a history with the numbers of their lines. A last line that was cut short is
/// left out: what it would have told had not happened yet.
pub fn read(path: &Path) -> Result<Vec<(usize, Event)>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let lines = whole.lines().enumerate().filter(|(_, line)| !line.is_empty());
    let parse = |(index, line)| {
        let event = serde_json::from_str(line);
        let event = event.with_context(|| format!("{}:{}", path.display(), index + 1))?;
        Ok((index + 1, event))
    };
    lines.map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn differences_lead_back_to_the_content() {
        for (before, after, whole) in [
            ("a b c", "a b c d", false),
            ("a b c", "a c d e", false),
            ("a b c", "", false),
            ("", "a", false),
            ("a b c", "c b a", true),
            ("a b", "x a b", true),
        ] {
            let (before, after) = (names(before), names(after));
            let (is_whole, removed, added) = difference(&before, &after);
            assert_eq!(is_whole, whole, "{before:?} to {after:?}");
            let content = Content {
                document: "clip".into(),
                at: 0,
                generation: 1,
                digest: String::new(),
                source: Source::Read,
                whole: is_whole,
                removed,
                added,
            };
            assert_eq!(apply(&before, &content), after);
        }
    }

    #[test]
    fn what_was_written_is_read_and_a_torn_line_is_left_out() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("w1.jsonl");
        let recorder = Recorder::create(&path)?;
        let number = recorder.begin(call(Kind::Plain, "clip"))?;
        let ended = Ended {
            call: number,
            at: clock::now(),
            outcome: Outcome::Done,
            generation: 7,
            digest: "ab".into(),
            fresh: true,
        };
        recorder.end(ended.clone())?;
        for _ in 0..2 {
            recorder.content("clip", 7, "ab", Source::Read, || names("a b"))?;
        }
        let mut file = File::options().append(true).open(&path)?;
        file.write_all(br#"{"event":"counted","rea"#)?;
        let events = read(&path)?;
        assert_eq!(events.len(), 3, "{events:?}");
        assert!(matches!(&events[0].1, Event::Begun(begun) if begun.at > 0 && begun.call == 1));
        assert_eq!(events[1], (2, Event::Ended(ended)));
        Ok(())
    }
}
