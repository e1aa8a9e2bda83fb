//! What a batch made of the records in the end, told from the events about them.

use indexmap::IndexMap;

use super::event::Event;
use super::past::record_at;
use super::story::Story;
use crate::json::{Json, Object};
use crate::queue::{FieldDiff, NetOperation, Status, field_diffs, is_critical};
use crate::{Category, Format};

/// What the applied changes of a batch made of the records.
#[derive(Debug, Clone, PartialEq)]
pub struct NetChanges {
    /// The batch.
    pub batch_id: i64,
    /// Its title.
    pub batch_title: Option<String>,
    /// The format whose events were read.
    pub domain: Format,
    /// Each record once, in the order in which the changes first appeared.
    pub models: Vec<NetChange>,
}

/// What became of one record.
#[derive(Debug, Clone, PartialEq)]
pub struct NetChange {
    /// Its category.
    pub category: Category,
    /// Its key.
    pub model_name: String,
    /// What became of it.
    pub net: NetOperation,
    /// What it was, as far as the trail tells.
    pub before: Option<Object>,
    /// What it is after.
    pub after: Option<Object>,
    /// What is different.
    pub fields: Vec<FieldDiff>,
    /// Whether that matters to those who use the record.
    pub is_critical: bool,
}

/// The record that some changes are about.
pub(super) type Key = (Category, String);

/// The numbers of the first and the last event of some changes.
pub(super) type Span = (i64, i64);

/// The records that the applied changes of a batch are about, and when that was.
pub(super) fn spans(story: &Story, batch_id: i64) -> IndexMap<Key, Span> {
    let mut spans: IndexMap<Key, Span> = IndexMap::new();
    for change in story.changes_of(batch_id) {
        if change.status != Status::Applied {
            continue;
        }
        let ids = || change.steps.iter().map(|step| step.event_id);
        let key = change.category.zip(change.model_name.clone());
        let (Some(key), Some(first), Some(last)) = (key, ids().min(), ids().max()) else {
            continue;
        };
        let span = spans.entry(key).or_insert((first, last));
        *span = (span.0.min(first), span.1.max(last));
    }
    spans
}

impl NetChange {
    /// What became of a record; `events` are all that are about it, in the order of their numbers.
    pub(super) fn of((category, model_name): Key, (first, last): Span, events: &[Event]) -> Self {
        let before = record_at(events, first.saturating_sub(1));
        let after = record_at(events, last);
        let fields = field_diffs(before.as_ref(), after.as_ref());
        Self {
            net: NetOperation::between(before.as_ref(), after.as_ref()),
            is_critical: is_critical(category, &fields),
            category,
            model_name,
            before,
            after,
            fields,
        }
    }

    fn to_json(&self) -> Json {
        let fields: Vec<Json> = self.fields.iter().map(FieldDiff::to_json).collect();
        Json::from([
            ("model_name", self.model_name.as_str().into()),
            ("category", self.category.name().into()),
            ("net_operation", self.net.name().into()),
            ("before_state", self.before.clone().into()),
            ("after_state", self.after.clone().into()),
            ("field_diffs", fields.into()),
            ("is_critical", self.is_critical.into()),
        ])
    }
}

impl NetChanges {
    /// The form of an answer that is made at `now`, in seconds since 1970.
    pub fn to_json(&self, now: i64) -> Json {
        let models: Vec<Json> = self.models.iter().map(NetChange::to_json).collect();
        let count = |net| Json::count(self.models.iter().filter(|model| model.net == net).count());
        let fields = self.models.iter().map(|model| model.fields.len()).sum();
        let has_critical = self.models.iter().any(|model| model.is_critical);
        Json::from([
            ("batch_id", self.batch_id.into()),
            ("batch_title", self.batch_title.as_deref().into()),
            ("domain", self.domain.name().into()),
            ("model_changes", models.into()),
            ("models_added", count(NetOperation::Added)),
            ("models_modified", count(NetOperation::Modified)),
            ("models_deleted", count(NetOperation::Deleted)),
            ("models_unchanged", count(NetOperation::Unchanged)),
            ("total_field_changes", Json::count(fields)),
            ("has_critical_changes", has_critical.into()),
            ("generated_at", now.into()),
        ])
    }
}
