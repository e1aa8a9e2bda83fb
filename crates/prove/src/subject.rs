//! What is proved, behind the few calls a worker makes. The only file that names the writing API.
//!
//! STAND-IN: until that API is there, this is a small store of the same promises (one lock, one
//! list of labels, every read from the file), without leases and without recovery. It lets the
//! fleet be tried, and shows that the checker convicts a store that does not recover.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use horde_model_reference::Category;
use horde_model_reference::generation::Digest;
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Signal, getpid, kill_process};
use serde_json::{Map, Value, json};

use crate::faults::{Armed, Effect};
use crate::history::Visibility;

/// How a worker opens the directory.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// The data directory.
    pub root: PathBuf,
    /// A rule to be left out, by name.
    pub mutation: Option<String>,
    /// What the worker does to itself.
    pub armed: Option<Armed>,
    /// By how much the wall clock is wrong.
    pub clock_offset_ms: i64,
}

/// The store under proof.
#[derive(Debug)]
pub struct Subject {
    setup: Setup,
    passes: AtomicU32,
}

/// An acknowledgement.
#[derive(Debug, Clone)]
pub struct Written {
    /// The generation from which on the change is there.
    pub generation: u64,
    /// The digest of that content.
    pub digest: String,
}

/// The answer to a read.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The generation; 0 where the content has none yet.
    pub generation: u64,
    /// The digest of the content.
    pub digest: String,
    /// Whether it came without the mark *stale*.
    pub fresh: bool,
    held: Arc<Map<String, Value>>,
}

impl Answer {
    /// The names in the document, in order.
    pub fn names(&self) -> Vec<String> {
        self.held.keys().cloned().collect()
    }
}

/// Why a call did not end as asked.
#[derive(Debug, Clone)]
pub enum Failure {
    /// Nothing was changed.
    Refused(String),
    /// Nobody knows.
    Unknown(String),
}

impl Subject {
    /// Opens the directory.
    pub fn open(setup: Setup) -> Result<Self> {
        std::fs::create_dir_all(setup.root.join(".coherence"))?;
        std::fs::create_dir_all(setup.root.join("meta/v2"))?;
        Ok(Self { setup, passes: AtomicU32::new(0) })
    }

    /// Adds a record.
    pub async fn insert(
        &self,
        category: Category,
        name: &str,
        _visibility: Visibility,
    ) -> Result<Written, Failure> {
        let change = |records: &mut Map<String, Value>| {
            records.insert(name.to_owned(), record(category, name));
            true
        };
        std::future::ready(self.commit(category, name, "create", change)).await
    }

    /// Removes a record.
    pub async fn delete(
        &self,
        category: Category,
        name: &str,
        _visibility: Visibility,
    ) -> Result<Written, Failure> {
        let change = |records: &mut Map<String, Value>| records.shift_remove(name).is_some();
        std::future::ready(self.commit(category, name, "delete", change)).await
    }

    /// A read from memory.
    pub async fn plain(&self, category: Category) -> Result<Answer, Failure> {
        std::future::ready(self.read(category).map_err(|error| unknown(&error))).await
    }

    /// A read from the file.
    pub async fn strong(&self, category: Category) -> Result<Answer, Failure> {
        std::future::ready(self.read(category).map_err(|error| unknown(&error))).await
    }

    /// A plain read not older than `generation`.
    pub async fn at_least(&self, category: Category, _generation: u64) -> Result<Answer, Failure> {
        std::future::ready(self.read(category).map_err(|error| unknown(&error))).await
    }

    fn path(&self, category: Category) -> PathBuf {
        self.setup.root.join(format!("{}.json", category.file_stem()))
    }

    fn labels(&self, category: Category) -> PathBuf {
        self.setup.root.join(format!(".coherence/{}.labels", category.file_stem()))
    }

    fn lock(&self, category: Category) -> Result<File> {
        std::fs::create_dir_all(self.setup.root.join(".coherence"))?;
        let file = File::options().create(true).append(true).open(self.labels(category))?;
        if self.setup.mutation.as_deref() != Some("no-lock") {
            flock(&file, FlockOperation::LockExclusive)?;
        }
        Ok(file)
    }

    fn read(&self, category: Category) -> Result<Answer> {
        loop {
            let bytes = std::fs::read(self.path(category)).unwrap_or_else(|_| b"{}".to_vec());
            let digest = Digest::of(&bytes).to_string();
            if let Some(generation) = self.label(category, &digest) {
                let held = Arc::new(serde_json::from_slice(&bytes)?);
                return Ok(Answer { generation, digest, fresh: true, held });
            }
            let mut file = self.lock(category)?;
            let bytes = std::fs::read(self.path(category)).unwrap_or_else(|_| b"{}".to_vec());
            let digest = Digest::of(&bytes).to_string();
            if self.label(category, &digest).is_none() {
                let generation = self.next(category);
                file.write_all(format!("{generation} {digest}\n").as_bytes())?;
            }
        }
    }

    fn label(&self, category: Category, digest: &str) -> Option<u64> {
        let labels = std::fs::read_to_string(self.labels(category)).ok()?;
        let known = labels.lines().filter_map(|line| line.split_once(' '));
        known.filter(|(_, known)| *known == digest).filter_map(|(g, _)| g.parse().ok()).max()
    }

    fn next(&self, category: Category) -> u64 {
        let labels = std::fs::read_to_string(self.labels(category)).unwrap_or_default();
        let known = labels.lines().filter_map(|line| line.split_once(' ')?.0.parse::<u64>().ok());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(now.as_millis()).unwrap_or(0) + self.setup.clock_offset_ms;
        known.max().unwrap_or(0).max(now.cast_unsigned()) + 1
    }

    fn commit(
        &self,
        category: Category,
        name: &str,
        word: &str,
        change: impl FnOnce(&mut Map<String, Value>) -> bool,
    ) -> Result<Written, Failure> {
        let refused = |error: anyhow::Error| Failure::Refused(format!("{error:#}"));
        let mut lock = self.lock(category).map_err(refused)?;
        self.pass("lock").map_err(refused)?;
        let bytes = std::fs::read(self.path(category)).unwrap_or_else(|_| b"{}".to_vec());
        let records = serde_json::from_slice(&bytes).context("source invalid");
        let mut records: Map<String, Value> = records.map_err(refused)?;
        if !change(&mut records) {
            return Err(Failure::Refused("no such record".into()));
        }
        let bytes = serde_json::to_vec_pretty(&records).map_err(|error| refused(error.into()))?;
        let digest = Digest::of(&bytes).to_string();
        let generation = self.next(category);
        let staged = self.path(category).with_extension("swap");
        std::fs::write(&staged, &bytes).map_err(|error| refused(error.into()))?;
        self.pass("stage").map_err(refused)?;
        let slot = format!("{generation} {digest}\n");
        lock.write_all(slot.as_bytes()).map_err(|error| refused(error.into()))?;
        self.pass("slot").map_err(refused)?;
        std::fs::rename(&staged, self.path(category)).map_err(|error| refused(error.into()))?;
        let told = self.pass("exchange").and_then(|()| self.tell(category, name, word, generation));
        told.map_err(|error| unknown(&error))?;
        Ok(Written { generation, digest })
    }

    fn tell(&self, category: Category, name: &str, word: &str, generation: u64) -> Result<()> {
        let path = self.setup.root.join(format!("meta/v2/{category}_metadata.json"));
        let zero = json!({"total_creates": 0, "total_updates": 0, "total_deletes": 0});
        let mut counters: Value = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(_) => zero,
        };
        let counter = &mut counters[format!("total_{word}s")];
        *counter = json!(counter.as_u64().unwrap_or(0) + 1);
        std::fs::write(&path, serde_json::to_vec(&counters)?)?;
        let folder = self.setup.root.join("audit/v2").join(category.name());
        std::fs::create_dir_all(&folder)?;
        let id = generation * 16 + category.index() as u64;
        let event = json!({"event_id": id, "model_name": name, "operation": word,
            "generation": generation});
        let path = folder.join("audit-000001.jsonl");
        let mut file = File::options().create(true).append(true).open(path)?;
        file.write_all(format!("{event}\n").as_bytes())?;
        self.pass("follow-ups")
    }

    fn pass(&self, point: &str) -> Result<()> {
        let Some(armed) = self.setup.armed.as_ref().filter(|armed| armed.point == point) else {
            return Ok(());
        };
        if self.passes.fetch_add(1, Ordering::Relaxed) + 1 != armed.pass {
            return Ok(());
        }
        match armed.effect {
            Effect::Kill => Ok(kill_process(getpid(), Signal::KILL)?),
            Effect::Io => anyhow::bail!("input/output error, as planned"),
            Effect::NoSpace => anyhow::bail!("no space left, as planned"),
        }
    }
}

fn unknown(error: &anyhow::Error) -> Failure {
    Failure::Unknown(format!("{error:#}"))
}

/// A record that passes every check of its category.
pub fn record(category: Category, name: &str) -> Value {
    json!({
        "record_type": category.name(),
        "name": name,
        "config": {"download": []},
        "model_classification": {
            "domain": category.domain().name(),
            "purpose": category.purpose().name(),
        },
    })
}

/// The file of a document in a data directory.
pub fn document_path(root: &Path, category: Category) -> PathBuf {
    root.join(format!("{}.json", category.file_stem()))
}
