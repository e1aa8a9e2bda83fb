//! Whoever changes the files without knowing of us: a person with an editor, a worker of the
//! reference, a deployment, a restore. Each change is recorded as a foreign commit with its own
//! start and end, so that the checker knows what it may take away and what must survive.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use horde_model_reference::Category;
use horde_model_reference::generation::Digest;
use serde_json::{Map, Value};

use crate::clock;
use crate::faults::Fault;
use crate::history::{Begun, Ended, Kind, Outcome, Recorder, Source, call};
use crate::subject::{document_path, legacy_record, record};

/// How many earlier contents of each document are at hand to be put back.
const COPIES: usize = 8;

/// How many edits are made in one go, within one or two ticks of the clock.
const BURST: u32 = 6;

/// How many times, a millisecond apart, an editor looks for a change to undo.
const LOOKS_FOR_A_CHANGE: u32 = 300;

/// How long a document stays garbage.
const GARBAGE_MS: std::ops::Range<u64> = 50..600;

/// How a file is put in place.
#[derive(Debug, Clone, Copy)]
enum Manner {
    /// Written beside it and renamed over it.
    Rename,
    /// As the reference does: the old file is set aside, the new one takes its place.
    TwoRenames,
    /// Over the old bytes, with the old modification time.
    InPlace,
}

/// A foreign writer.
#[derive(Debug)]
pub struct Editor {
    root: PathBuf,
    documents: Vec<Category>,
    legacy: bool,
    recorder: Recorder,
    random: Rng,
    edits: u32,
    copies: Vec<Vec<Map<String, Value>>>,
    /// The last record an edit added to each document, to be replaced by one as long.
    own: Vec<Option<String>>,
}

impl Editor {
    /// An editor of the files below `root` with a history of its own.
    pub fn start(
        root: &Path,
        documents: &[Category],
        legacy: bool,
        histories: &Path,
        random: Rng,
    ) -> Result<Self> {
        Ok(Self {
            root: root.to_owned(),
            documents: documents.to_vec(),
            legacy,
            recorder: Recorder::create(&histories.join("editor.jsonl"))?,
            random,
            edits: 0,
            copies: vec![Vec::new(); documents.len()],
            own: vec![None; documents.len()],
        })
    }

    /// Makes one fault to one document, and repairs what would not be a document.
    pub fn make(&mut self, fault: Fault) -> Result<()> {
        let document = self.random.usize(..self.documents.len());
        self.remember(document);
        match fault {
            Fault::Bursts => (0..BURST).try_for_each(|_| self.edit(document, Manner::InPlace)),
            Fault::Garbage => self.spoil_and_repair(document),
            Fault::Older => self.put_back(document),
            _ => {
                let manner = match self.random.u32(..3) {
                    0 => Manner::Rename,
                    1 => Manner::TwoRenames,
                    _ => Manner::InPlace,
                };
                self.edit(document, manner)
            }
        }
    }

    fn path(&self, document: usize) -> PathBuf {
        document_path(&self.root, self.documents[document], self.legacy)
    }

    fn record(&self, category: Category, name: &str) -> Value {
        if self.legacy { legacy_record(category, name) } else { record(category, name) }
    }

    fn records(&self, document: usize) -> Result<Map<String, Value>> {
        Ok(serde_json::from_slice(&std::fs::read(self.path(document))?)?)
    }

    fn remember(&mut self, document: usize) {
        let Ok(records) = self.records(document) else { return };
        let copies = &mut self.copies[document];
        if copies.len() == COPIES {
            copies.remove(0);
        }
        copies.push(records);
    }

    /// A name as long as all others.
    fn new_name(&mut self) -> String {
        self.edits += 1;
        format!("f-{:08}", self.edits)
    }

    /// Reads the document, adds a record of its own, or puts it where its last one was, and puts the
    /// document back.
    fn edit(&mut self, document: usize, manner: Manner) -> Result<()> {
        let category = self.documents[document];
        let name = self.new_name();
        let replaces = self.own[document].clone().filter(|_| matches!(manner, Manner::InPlace));
        let (added, replaced) = (Some(name.clone()), replaces.clone());
        let begun = Begun { name: added, replaces: replaced, ..call(Kind::Edit, category.name()) };
        let number = self.recorder.begin(begun)?;
        let Ok(before) = self.records(document) else {
            // Somebody is half way through replacing it.
            return self.end(number, Outcome::Refused("no document".into()), "");
        };
        let mut after = Map::new();
        for (known, value) in before {
            if Some(&known) == replaces.as_ref() {
                after.insert(name.clone(), self.record(category, &name));
            } else {
                after.insert(known, value);
            }
        }
        after.entry(name.clone()).or_insert_with(|| self.record(category, &name));
        self.put(document, number, &after, manner)?;
        self.own[document] = Some(name);
        Ok(())
    }

    /// Puts an older content back, over whatever is there: any that was seen, or the one that was
    /// there until a moment ago, whose generation is still written down beside it.
    fn put_back(&mut self, document: usize) -> Result<()> {
        let older = if self.random.bool() {
            self.await_change(document)?
        } else {
            let copies = &self.copies[document];
            copies.get(self.random.usize(..copies.len().max(1))).cloned()
        };
        let Some(older) = older else { return Ok(()) };
        let begun = call(Kind::Replace, self.documents[document].name());
        let number = self.recorder.begin(begun)?;
        self.own[document] = None;
        self.put(document, number, &older, Manner::Rename)
    }

    /// The content before the next change; nothing if none comes soon.
    fn await_change(&self, document: usize) -> Result<Option<Map<String, Value>>> {
        let path = self.path(document);
        let before = std::fs::read(&path)?;
        for _ in 0..LOOKS_FOR_A_CHANGE {
            std::thread::sleep(Duration::from_millis(1));
            if std::fs::read(&path)? != before {
                return Ok(serde_json::from_slice(&before).ok());
            }
        }
        Ok(None)
    }

    /// Repairs what could not be repaired when it was to be.
    pub fn repair_all(&mut self) -> Result<()> {
        for document in 0..self.documents.len() {
            if self.records(document).is_err() {
                self.repair(document)?;
            }
        }
        Ok(())
    }

    /// Makes the file unreadable for a while.
    fn spoil_and_repair(&mut self, document: usize) -> Result<()> {
        if self.copies[document].is_empty() {
            return Ok(());
        }
        let name = self.documents[document].name();
        let number = self.recorder.begin(call(Kind::Replace, name))?;
        let path = self.path(document);
        let garbage: &[u8] = if self.random.bool() {
            std::fs::write(&path, b"{\"half\": ")?;
            b"{\"half\": "
        } else {
            let length = std::fs::metadata(&path)?.len();
            File::options().write(true).open(&path)?.set_len(length / 2)?;
            b""
        };
        let digest = Digest::of(garbage).to_string();
        self.recorder.content(name, 0, &digest, Source::Written, Vec::new)?;
        self.end(number, Outcome::Unknown("no document".into()), &digest)?;
        std::thread::sleep(Duration::from_millis(self.random.u64(GARBAGE_MS)));
        self.repair(document)
    }

    fn repair(&mut self, document: usize) -> Result<()> {
        let Some(last) = self.copies[document].last().cloned() else { return Ok(()) };
        let name = self.documents[document].name();
        let added = self.new_name();
        let begun = Begun { name: Some(added.clone()), ..call(Kind::Replace, name) };
        let number = self.recorder.begin(begun)?;
        let mut repaired = last;
        repaired.insert(added.clone(), self.record(self.documents[document], &added));
        self.own[document] = None;
        self.put(document, number, &repaired, Manner::Rename)
    }

    /// Puts `records` in place, notes them, and ends the call.
    fn put(
        &self,
        document: usize,
        number: u64,
        records: &Map<String, Value>,
        manner: Manner,
    ) -> Result<()> {
        let bytes = serde_json::to_vec_pretty(records)?;
        let digest = Digest::of(&bytes).to_string();
        let category = self.documents[document];
        let names = || records.keys().cloned().collect();
        // Before it is in place: what is seen must have been written down.
        self.recorder.content(category.name(), 0, &digest, Source::Written, names)?;
        let path = self.path(document);
        let put = match manner {
            Manner::Rename => rename(&path, &bytes, false),
            Manner::TwoRenames => rename(&path, &bytes, true),
            Manner::InPlace => overwrite(&path, &bytes),
        };
        let outcome = match put {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::Unknown(format!("{error:#}")),
        };
        self.end(number, outcome, &digest)
    }

    fn end(&self, call: u64, outcome: Outcome, digest: &str) -> Result<()> {
        let (at, digest) = (clock::now(), digest.to_owned());
        self.recorder.end(Ended { call, at, outcome, generation: 0, digest, fresh: true })
    }
}

fn rename(path: &Path, bytes: &[u8], sets_aside: bool) -> Result<()> {
    let staged = path.with_extension("edited");
    let mut file = File::create(&staged)?;
    file.write_all(bytes)?;
    drop(file);
    if !sets_aside {
        return Ok(std::fs::rename(&staged, path)?);
    }
    let aside = path.with_extension("bak");
    std::fs::rename(path, &aside)?;
    std::fs::rename(&staged, path)?;
    // Somebody may have taken it for the rest of a dead writer.
    let _ = std::fs::remove_file(aside);
    Ok(())
}

/// Writes over the bytes of the file, and gives it its old modification time again. Fails if the file
/// was replaced meanwhile: what was written then lies in a file that is no longer the document.
fn overwrite(path: &Path, bytes: &[u8]) -> Result<()> {
    let file = File::options().write(true).open(path)?;
    let before = file.metadata()?;
    file.write_all_at(bytes, 0)?;
    if before.len() != bytes.len() as u64 {
        file.set_len(bytes.len() as u64)?;
    }
    file.set_modified(before.modified()?)?;
    let now = std::fs::metadata(path).context("replaced meanwhile")?;
    ensure!(now.ino() == before.ino(), "replaced meanwhile");
    Ok(())
}
