//! All histories of one run put together: calls with their ends, and contents as lists of names.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};

use crate::clock::milliseconds;
use crate::history::{self, Content, Event, Kind, Outcome, Source, Visibility};

/// A record's name, as its place in [`Document::names`].
pub type Name = usize;

/// Where a line stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The process that wrote it: the name of its file.
    pub process: Arc<str>,
    /// The line, from 1.
    pub line: usize,
}

/// A call and how it ended.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Where it is announced.
    pub place: Place,
    /// What it is.
    pub kind: Kind,
    /// The record added or removed.
    pub name: Option<Name>,
    /// The record an edit puts another in the place of.
    pub replaces: Option<Name>,
    /// For writes.
    pub visibility: Option<Visibility>,
    /// The lower bound of a read, or what had been acknowledged before a barrier.
    pub at_least: Option<u64>,
    /// The request of a write: calls of one request ask for one change.
    pub request: Option<String>,
    /// When it was about to be made.
    pub begun: u64,
    /// When it had ended; `None` when it was cut off.
    pub ended: Option<u64>,
    /// How.
    pub outcome: Outcome,
    /// The generation returned; 0 where there is none.
    pub generation: u64,
    /// The digest returned.
    pub digest: String,
    /// Whether the answer came without the mark *stale*.
    pub fresh: bool,
    text: String,
}

impl Operation {
    /// Whether it ended as asked.
    pub fn is_done(&self) -> bool {
        self.outcome == Outcome::Done
    }

    /// Whether it may have taken effect.
    pub fn is_possible(&self) -> bool {
        !matches!(self.outcome, Outcome::Refused(_))
    }

    /// Whether it is an acknowledged write of ours.
    pub fn is_acknowledged(&self) -> bool {
        self.kind.is_write() && self.is_done()
    }

    /// When it had ended; never, if it was cut off.
    pub fn end(&self) -> u64 {
        self.ended.unwrap_or(u64::MAX)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { process, line } = &self.place;
        write!(f, "{process}:{line} {} begun {}", self.text, milliseconds(self.begun))?;
        match self.ended {
            Some(ended) => write!(f, ", ended {}", milliseconds(ended))?,
            None => write!(f, ", cut off")?,
        }
        match &self.outcome {
            Outcome::Done => write!(f, ", generation {}", self.generation)?,
            Outcome::Refused(reason) => write!(f, ", refused: {reason}")?,
            Outcome::Unknown(reason) => write!(f, ", unknown: {reason}")?,
        }
        if let Some(bound) = self.at_least {
            write!(f, ", at least {bound} asked for")?;
        }
        if !self.fresh && matches!(self.kind, Kind::Plain | Kind::AtLeast | Kind::Final) {
            write!(f, ", marked stale")?;
        }
        Ok(())
    }
}

/// A content that somebody saw.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Where that is written.
    pub place: Place,
    /// When it was written.
    pub at: u64,
    /// Its generation; 0 where none was told.
    pub generation: u64,
    /// Its digest.
    pub digest: String,
    /// Where it was seen.
    pub source: Source,
    /// What it contained.
    pub names: Vec<Name>,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { process, line } = &self.place;
        let digest = self.digest.get(..8).unwrap_or(&self.digest);
        let (count, source) = (self.names.len(), self.source);
        write!(f, "{process}:{line} content {digest} of {count} records as generation ")?;
        write!(f, "{}, {source:?} before {}", self.generation, milliseconds(self.at))
    }
}

/// A fault that was made.
#[derive(Debug, Clone)]
pub struct Made {
    /// When.
    pub at: u64,
    /// Its word.
    pub fault: String,
    /// What it was made to.
    pub target: String,
}

/// All about one document.
#[derive(Debug, Default)]
pub struct Document {
    /// Every name that occurs.
    pub names: Vec<String>,
    numbers: HashMap<String, Name>,
    /// Every call, in no order.
    pub operations: Vec<Operation>,
    /// Every content seen, in no order.
    pub contents: Vec<Seen>,
    /// The calls of each request that was made more than once.
    pub repeated: Vec<Repeated>,
}

/// The calls of one request, in the order of their beginnings.
#[derive(Debug, Clone)]
pub struct Repeated {
    /// At least two.
    pub calls: Vec<Operation>,
}

impl Document {
    fn number(&mut self, name: &str) -> Name {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.names.len();
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }

    /// Makes one change of the calls that asked for it under one request: it was begun by the first
    /// of them, and acknowledged by the first that was. Later acknowledgements are repeats. A change
    /// of which any call may have had an effect may have had one.
    pub fn put_requests_together(&mut self) {
        let mut calls: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, call) in self.operations.iter().enumerate() {
            if let Some(request) = &call.request {
                calls.entry(request.clone()).or_default().push(index);
            }
        }
        let mut gone = HashSet::new();
        for mut indices in calls.into_values().filter(|indices| indices.len() > 1) {
            indices.sort_by_key(|index| self.operations[*index].begun);
            let first = &self.operations[indices[0]];
            let (begun, kind) = (first.begun, first.kind);
            self.repeated.push(Repeated {
                calls: indices.iter().map(|index| self.operations[*index].clone()).collect(),
            });
            let done = indices.iter().filter(|index| self.operations[**index].is_done());
            let done = done.min_by_key(|index| self.operations[**index].end());
            let possible = indices.iter().find(|index| self.operations[**index].is_possible());
            let chosen = *done.or(possible).unwrap_or(&indices[0]);
            for index in indices {
                let call = &mut self.operations[index];
                if index == chosen {
                    (call.begun, call.kind) = (begun, kind);
                } else if call.is_done() {
                    call.kind = Kind::Repeat;
                } else {
                    gone.insert(index);
                }
            }
        }
        let mut index = 0;
        self.operations.retain(|_| {
            index += 1;
            !gone.contains(&(index - 1))
        });
    }

    /// When the document was no document: from each time it was made garbage until the next foreign
    /// commit had ended. What it held just before was perhaps never seen by some, and its name never
    /// written down: nothing is left from which they could know of it.
    pub fn spoiled(&self) -> Vec<(u64, u64)> {
        let foreign = || self.operations.iter().filter(|call| call.kind.is_foreign());
        let is_garbage = |call: &&Operation| {
            call.kind == Kind::Replace && call.name.is_none() && !call.is_done()
        };
        let repaired = |garbage: &Operation| {
            let later = foreign().filter(|call| call.begun > garbage.begun && call.is_done());
            later.map(Operation::end).min().unwrap_or(u64::MAX)
        };
        let spoiled = foreign().filter(is_garbage);
        spoiled.map(|garbage| (garbage.begun, repaired(garbage))).collect()
    }

    /// How often a change may have been made, where a foreign commit can have overtaken it: a request
    /// whose commit was lost with its writer is made again when it is repeated.
    pub fn times(&self, call: &Operation) -> usize {
        let of_request = |repeated: &&Repeated| repeated.calls[0].request == call.request;
        let repeated = self.repeated.iter().find(of_request).filter(|_| call.request.is_some());
        match repeated {
            Some(repeated) => repeated.calls.iter().filter(|call| call.is_possible()).count(),
            None => usize::from(call.is_possible()),
        }
    }

    /// Whether a change of the record of this name was asked for more than once.
    pub fn is_repeated(&self, name: &str) -> bool {
        let Some(name) = self.find(name) else { return false };
        self.repeated.iter().any(|repeated| repeated.calls[0].name == Some(name))
    }

    /// The number of a name that occurs.
    pub fn find(&self, name: &str) -> Option<Name> {
        self.numbers.get(name).copied()
    }
}

/// Everything that was written down in one run.
#[derive(Debug, Default)]
pub struct Past {
    /// By document.
    pub documents: BTreeMap<String, Document>,
    /// Faults, in no order.
    pub faults: Vec<Made>,
    /// What readers without a log found wrong, as text.
    pub online: Vec<String>,
    /// How many reads were made without a log.
    pub counted: u64,
}

impl Past {
    /// Reads every history in `folder`.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut past = Self::default();
        let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
        let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
        paths.retain(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
        paths.sort();
        for path in paths {
            let process = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            past.add(&process, history::read(&path)?);
        }
        past.documents.values_mut().for_each(Document::put_requests_together);
        Ok(past)
    }

    /// Adds the events of one process with the numbers of their lines.
    pub fn add(&mut self, process: &str, events: Vec<(usize, Event)>) {
        let process: Arc<str> = process.into();
        let mut open: HashMap<u64, (String, usize)> = HashMap::new();
        let mut last: HashMap<String, Vec<String>> = HashMap::new();
        let mut counted = 0;
        for (line, event) in events {
            let place = Place { process: Arc::clone(&process), line };
            match event {
                Event::Started { .. } => {}
                Event::Begun(begun) => {
                    let (call, name) = (begun.call, begun.document.clone());
                    let document = self.documents.entry(name.clone()).or_default();
                    open.insert(call, (name, document.operations.len()));
                    let operation = operation(document, place, begun);
                    document.operations.push(operation);
                }
                Event::Ended(ended) => {
                    let Some((document, index)) = open.remove(&ended.call) else { continue };
                    let document = self.documents.entry(document).or_default();
                    let operation = &mut document.operations[index];
                    operation.ended = Some(ended.at);
                    operation.outcome = ended.outcome;
                    operation.generation = ended.generation;
                    operation.digest = ended.digest;
                    operation.fresh = ended.fresh;
                }
                Event::Content(content) => {
                    let before = last.entry(content.document.clone()).or_default();
                    *before = history::apply(before, &content);
                    let document = self.documents.entry(content.document.clone()).or_default();
                    let names = before.iter().map(|name| document.number(name)).collect();
                    document.contents.push(seen(place, content, names));
                }
                Event::Online { at, document, needed, got } => {
                    let at = milliseconds(at);
                    self.online.push(format!(
                        "{process}:{line} at {at} a plain read of {document} returned generation \
                         {got} after {needed} had been acknowledged"
                    ));
                }
                Event::Counted { reads } => counted = reads,
                Event::Fault { at, fault, target } => self.faults.push(Made { at, fault, target }),
            }
        }
        self.counted += counted;
    }
}

fn operation(document: &mut Document, place: Place, begun: history::Begun) -> Operation {
    let mut text = format!("{:?} {}", begun.kind, begun.document).to_lowercase();
    if let Some(name) = &begun.name {
        text = format!("{text} {name}");
    }
    if let Some(visibility) = begun.visibility {
        text = format!("{text} ({visibility:?})");
    }
    let mut number = |name: Option<String>| name.map(|name| document.number(&name));
    Operation {
        place,
        kind: begun.kind,
        name: number(begun.name),
        replaces: number(begun.replaces),
        visibility: begun.visibility,
        at_least: begun.at_least,
        request: begun.request,
        begun: begun.at,
        ended: None,
        outcome: Outcome::Unknown("cut off".into()),
        generation: 0,
        digest: String::new(),
        fresh: false,
        text,
    }
}

fn seen(place: Place, content: Content, names: Vec<Name>) -> Seen {
    let Content { at, generation, digest, source, .. } = content;
    Seen { place, at, generation, digest, source, names }
}
