//! What is proved, behind the few calls a worker makes. The only file that names the writing API.

use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use horde_model_reference::audit::Trail;
use horde_model_reference::backend::files::Files;
use horde_model_reference::backend::files::layout::Layout;
use horde_model_reference::backend::redis::Subscription;
use horde_model_reference::change::{Committed, Visibility, WriteError, WriteOptions};
use horde_model_reference::disk::faults::{self as core, Action, Point, Rule};
use horde_model_reference::generation::Generation;
use horde_model_reference::json::Object;
use horde_model_reference::settings::Redis;
use horde_model_reference::{
    Category, CategoryView, Document, Format, Json, Options, Primary, Read,
};
use rustix::io::Errno;
use serde_json::{Map, Value, json};

use crate::faults::{Armed, Effect, Mutation, POINTS};
use crate::history;

/// Every change is made by somebody, or it would not be in the audit trail.
const USER: &str = "101";

/// Largest segment of the audit trail: small, so that a run goes through several.
const LARGEST_SEGMENT: u64 = 256 * 1024;

/// How a worker opens the directory.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// The data directory.
    pub root: PathBuf,
    /// Whether the legacy format is canonical, rather than v2.
    pub legacy: bool,
    /// A rule to be left out.
    pub mutation: Option<Mutation>,
    /// What the worker does to itself.
    pub armed: Option<Armed>,
    /// By how much the wall clock is wrong.
    pub clock_offset_ms: i64,
    /// Port at which Redis is reached, if it is used.
    pub redis: Option<NonZeroU16>,
}

/// The store under proof.
pub struct Subject {
    primary: Primary,
}

/// A change to one document.
#[derive(Debug, Clone)]
pub struct Change {
    /// The document.
    pub category: Category,
    /// The record.
    pub name: String,
    /// Whether it goes, rather than comes.
    pub deletes: bool,
    /// When it is acknowledged.
    pub visibility: history::Visibility,
    /// Names the request, if it may be repeated.
    pub request: Option<String>,
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
    view: Arc<horde_model_reference::Published<CategoryView>>,
}

impl Answer {
    fn of(read: Read<CategoryView>) -> Self {
        let Read { view, fresh } = read;
        let (generation, digest) = (view.generation().get(), view.digest.to_string());
        Self { generation, digest, fresh, view }
    }

    /// The names in the document, in order.
    pub fn names(&self) -> Vec<String> {
        self.view.records().map(|records| records.keys().cloned().collect()).unwrap_or_default()
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
    /// Opens the directory as a service does.
    pub fn open(setup: &Setup) -> Result<Self> {
        core::set_clock_offset_ms(setup.clock_offset_ms);
        let at = setup.armed.as_ref().map(planned).into_iter().collect();
        core::install(core::Plan { at, left_out: setup.mutation.map(rule) });
        let files = Arc::new(Files::new(Layout::below(&setup.root)));
        let options = Options { canonical: canonical(setup.legacy), ..Options::default() };
        let trail = || Some(Trail::new(setup.root.join("audit"), LARGEST_SEGMENT));
        for failure in Primary::prepare(&files, options.canonical, trail()) {
            eprintln!("not prepared: {failure}");
        }
        let primary = match setup.redis {
            None => Primary::open(files, options, trail()).context("no thread")?,
            Some(port) => {
                let redis = Redis { use_redis: true, port: Some(port), ..Redis::default() };
                let opened = Primary::open_with_redis(files, options, trail(), &redis, None);
                opened.context("no thread, or no directory to write to")?
            }
        };
        Ok(Self { primary })
    }

    /// Whether Redis is in use: not where a folder had no identity at the start to share it under.
    pub fn has_redis(&self) -> bool {
        self.primary.redis().is_some()
    }

    /// Whether Redis, where it is used, is connected and nothing it tells of is missed.
    pub fn is_live(&self) -> bool {
        self.primary.redis().is_none_or(|redis| {
            let status = redis.status();
            let is_connected = status.is_connected && status.has_values;
            is_connected && status.subscription == Subscription::Live
        })
    }

    /// Makes a change.
    pub async fn change(&self, change: &Change) -> Result<Written, Failure> {
        let mut options = WriteOptions::by(USER);
        options.request_id.clone_from(&change.request);
        if change.visibility == history::Visibility::Local {
            options.visibility = Visibility::Local;
        }
        let Change { category, name, deletes, .. } = change;
        let is_legacy = self.primary.canonical() == Format::Legacy;
        let made = match (deletes, is_legacy) {
            (true, true) => self.primary.delete_legacy(*category, name, options).await,
            (true, false) => self.primary.delete(*category, name, options).await,
            (false, legacy) => {
                let record = core_record(*category, name, legacy).map_err(Failure::Refused)?;
                match legacy {
                    true => self.primary.update_legacy(*category, name, record, options).await,
                    false => self.primary.update(*category, name, record, options).await,
                }
            }
        };
        let Committed { generation, digest, .. } = made.map_err(failure)?;
        Ok(Written { generation: generation.get(), digest: digest.to_string() })
    }

    /// Waits until all that was acknowledged is seen everywhere.
    pub async fn barrier(&self) {
        self.primary.barrier().await;
    }

    /// A read from memory.
    pub async fn plain(&self, category: Category) -> Answer {
        Answer::of(self.primary.category(category).await)
    }

    /// Only the generation of a plain read, and whether it came without the mark *stale*.
    pub async fn plain_generation(&self, category: Category) -> (u64, bool) {
        let Read { view, fresh } = self.primary.category(category).await;
        (view.generation().get(), fresh)
    }

    /// A read from the file. One that could not be made answers what is known, marked.
    pub async fn strong(&self, category: Category) -> Result<Answer, Failure> {
        let answer = Answer::of(self.primary.category_strong(category).await);
        if answer.fresh { Ok(answer) } else { Err(Failure::Refused("not in time".into())) }
    }

    /// A plain read not older than `generation`.
    pub async fn at_least(&self, category: Category, generation: u64) -> Result<Answer, Failure> {
        let wanted: Generation = generation.to_string().parse().map_err(Failure::Refused)?;
        let read = self.primary.category_at_least(category, wanted).await;
        read.map(Answer::of).map_err(|error| Failure::Refused(error.to_string()))
    }
}

fn canonical(legacy: bool) -> Format {
    if legacy { Format::Legacy } else { Format::V2 }
}

fn planned(armed: &Armed) -> (Point, u64, Action) {
    let place = POINTS.iter().position(|point| *point == armed.point).unwrap_or(0);
    let action = match armed.effect {
        Effect::Kill => Action::Kill,
        Effect::Stop => Action::Stop,
        Effect::Io => Action::Fail(Errno::IO.raw_os_error()),
        Effect::NoSpace => Action::Fail(Errno::NOSPC.raw_os_error()),
    };
    (Point::ALL[place], armed.pass, action)
}

fn rule(mutation: Mutation) -> Rule {
    match mutation {
        Mutation::Lease => Rule::Lease,
        Mutation::CommitWait => Rule::CommitWait,
        Mutation::Lock => Rule::Lock,
        Mutation::YoungStamp => Rule::YoungStamp,
        Mutation::Floor => Rule::Floor,
        Mutation::DisplacedCheck => Rule::DisplacedCheck,
        Mutation::Recovery => Rule::Recovery,
        Mutation::CopyProof => Rule::CopyProof,
        Mutation::RisingRecord => Rule::RisingRecord,
        Mutation::LateFill => Rule::LateFill,
        Mutation::Comparison => Rule::Comparison,
        Mutation::Gap => Rule::Gap,
    }
}

/// Whether a failed write may have been made all the same.
fn failure(error: WriteError) -> Failure {
    match error {
        WriteError::Unknown { .. } | WriteError::Ended | WriteError::NoAnswer { .. } => {
            Failure::Unknown(error.to_string())
        }
        _ => Failure::Refused(error.to_string()),
    }
}

fn core_record(category: Category, name: &str, legacy: bool) -> Result<Object, String> {
    let record = if legacy { legacy_record(category, name) } else { record(category, name) };
    match Json::parse(record.to_string().as_bytes()) {
        Ok(Json::Object(members)) => Ok(members),
        Ok(_) => Err("no object".into()),
        Err(error) => Err(error.to_string()),
    }
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

/// The same in the legacy format.
pub fn legacy_record(category: Category, name: &str) -> Value {
    if category == Category::TextGeneration {
        return json!({"name": name, "parameters": 7_000_000_000_u64, "description": "d"});
    }
    json!({"name": name, "type": category.name(), "description": "d", "version": "1",
        "config": {"files": [], "download": []}, "available": false})
}

/// The file of the canonical document of a category in a data directory.
pub fn document_path(root: &Path, category: Category, legacy: bool) -> PathBuf {
    let document = if legacy { Document::Legacy(category) } else { Document::V2(category) };
    Layout::below(root).path(document)
}

/// What Redis keeps of the canonical document of a category: its name in the record, and the key of
/// its copy below the prefix.
pub fn shared_names(category: Category, legacy: bool) -> (String, String) {
    if legacy {
        let document = Document::Legacy(category).to_string();
        let copy = format!("coh:copy:{document}");
        return (document, copy);
    }
    (Document::V2(category).to_string(), format!("category:{category}"))
}

/// The names in the bytes of such a file, in order; `None` if they are no document.
pub fn names_in(category: Category, legacy: bool, bytes: &[u8]) -> Option<Vec<String>> {
    if legacy && category == Category::TextGeneration {
        let table = horde_model_reference::legacy::Table::parse(bytes).ok()?;
        return Some((0..table.len()).map(|line| table.name(line).to_owned()).collect());
    }
    let records = serde_json::from_slice::<Map<String, Value>>(bytes).ok()?;
    Some(records.keys().cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_points_are_those_of_the_store() {
        let plain = |name: &str| name.replace('-', "").to_lowercase();
        let known: Vec<String> = POINTS.iter().map(|point| plain(point)).collect();
        let there: Vec<String> =
            Point::ALL.iter().map(|point| plain(&format!("{point:?}"))).collect();
        assert_eq!(known, there);
    }
}
