//! What a round leaves: the queue's files, the audit trail, the documents, and what each server
//! answers about them. Read with nothing of what wrote it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

/// An entry of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub id: i64,
    /// Its status.
    pub status: String,
    /// `create`, `update` or `delete`.
    pub operation: String,
    /// Name of the record.
    pub model: String,
    /// The description proposed.
    pub mark: String,
    /// Its batch.
    pub batch: Option<i64>,
    /// The job that applied it.
    pub job: Option<String>,
}

/// An event of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueEvent {
    /// Its number.
    pub event: i64,
    /// The change; none for a split.
    pub change: Option<i64>,
    /// What happened.
    pub action: String,
    /// The rest of what it says.
    pub says: Value,
}

/// An event of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordEvent {
    /// Its number.
    pub event: i64,
    /// Category.
    pub category: String,
    /// Name of the record.
    pub model: String,
    /// `create`, `update` or `delete`.
    pub operation: String,
    /// The job that it belongs to.
    pub job: Option<String>,
    /// The description after it, if the event tells it.
    pub mark: Option<String>,
}

/// What one server answers at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// Number of the server.
    pub server: usize,
    /// Description of each record, by category and name.
    pub records: BTreeMap<(String, String), String>,
    /// Status of each change.
    pub statuses: BTreeMap<i64, String>,
}

/// Everything that is left.
#[derive(Debug, Clone, Default)]
pub struct Left {
    /// In the order of the file.
    pub entries: Vec<Entry>,
    /// The last number of a change that was given away.
    pub last_change: i64,
    /// The same for batches.
    pub last_batch: i64,
    /// In the order of the file.
    pub queue_events: Vec<QueueEvent>,
    /// In the order of the files.
    pub record_events: Vec<RecordEvent>,
    /// Description of each record, by category and name.
    pub records: BTreeMap<(String, String), String>,
    /// Of each server.
    pub served: Vec<Served>,
}

impl Left {
    /// Reads the folder of a PRIMARY for which v2 is canonical.
    pub fn read(root: &Path, categories: &[&str]) -> Result<Self> {
        let index = json(&root.join("pending_queue/index.json"))?;
        let number = |name: &str| index.get(name).and_then(Value::as_i64).context(name.to_owned());
        let mut left = Self {
            entries: entries(&json(&root.join("pending_queue/changes.json"))?)?,
            last_change: number("last_change_id")?,
            last_batch: number("last_batch_id")?,
            ..Self::default()
        };
        for event in events(root, "pending_queue")? {
            left.queue_events.push(queue_event(&event)?);
        }
        for category in categories {
            for event in events(root, category)? {
                left.record_events.push(record_event(&event)?);
            }
            let records = json(&root.join(format!("{category}.json")))?;
            left.records.extend(marks(category, &records));
        }
        Ok(left)
    }
}

/// Description of each record of a category.
pub fn marks(category: &str, records: &Value) -> BTreeMap<(String, String), String> {
    let records = records.as_object().into_iter().flatten();
    let mark = |record: &Value| text(record, "description").unwrap_or_default();
    records.map(|(name, record)| ((category.to_owned(), name.clone()), mark(record))).collect()
}

/// Whether the files of the queue can be read; they must at any moment.
pub fn parse(root: &Path) -> Result<()> {
    entries(&json(&root.join("pending_queue/changes.json"))?)?;
    json(&root.join("pending_queue/index.json")).map(drop)
}

fn json(path: &Path) -> Result<Value> {
    let content = std::fs::read(path).with_context(|| path.display().to_string())?;
    serde_json::from_slice(&content).with_context(|| path.display().to_string())
}

fn entries(changes: &Value) -> Result<Vec<Entry>> {
    let changes = changes.as_array().context("the queue is no list")?;
    changes.iter().map(entry).collect()
}

fn entry(entry: &Value) -> Result<Entry> {
    let told = || format!("entry {entry}");
    Ok(Entry {
        id: entry["change_id"].as_i64().with_context(told)?,
        status: text(entry, "status").with_context(told)?,
        operation: text(entry, "operation").with_context(told)?,
        model: text(entry, "model_name").with_context(told)?,
        mark: text(&entry["payload"], "description").unwrap_or_default(),
        batch: entry["batch_id"].as_i64(),
        job: text(entry, "applied_job_id"),
    })
}

/// The lines of all segments in their order. A line that was cut off by a kill is none.
fn events(root: &Path, category: &str) -> Result<Vec<Value>> {
    let folder = root.join("audit/v2").join(category);
    let Ok(segments) = folder.read_dir() else { return Ok(Vec::new()) };
    let mut paths = segments.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    paths.sort();
    let mut events = Vec::new();
    for path in paths {
        let content = std::fs::read(&path).with_context(|| path.display().to_string())?;
        let lines = content.split(|byte| *byte == b'\n');
        events.extend(lines.filter_map(|line| serde_json::from_slice(line).ok()));
    }
    Ok(events)
}

fn queue_event(event: &Value) -> Result<QueueEvent> {
    let told = || format!("event {event}");
    let says = event["payload"]["after"].clone();
    Ok(QueueEvent {
        event: event["event_id"].as_i64().with_context(told)?,
        change: says["change_id"].as_i64(),
        action: text(&says, "action").with_context(told)?,
        says,
    })
}

fn record_event(event: &Value) -> Result<RecordEvent> {
    let told = || format!("event {event}");
    let payload = &event["payload"];
    let mark = text(&payload["after"], "description");
    Ok(RecordEvent {
        event: event["event_id"].as_i64().with_context(told)?,
        category: text(event, "category").with_context(told)?,
        model: text(event, "model_name").with_context(told)?,
        operation: text(event, "operation").with_context(told)?,
        job: text(event, "request_id"),
        mark: mark.or_else(|| text(&payload["delta"]["description"], "new")),
    })
}

fn text(object: &Value, name: &str) -> Option<String> {
    object.get(name)?.as_str().map(str::to_owned)
}
