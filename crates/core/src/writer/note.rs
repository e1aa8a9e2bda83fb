//! What a commit leaves in its slot, so that whoever finds it can do what follows from it.

use crate::audit::{Draft, Event, Payload};
use crate::change::Operation;
use crate::generation::Generation;
use crate::json::{Json, Object};
use crate::{Category, Document, Format};

use super::counters::Done;
use super::records::Records;

/// The changes of one commit, and the category's metadata with them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Note {
    /// When they were made, in seconds since 1970.
    pub(super) time: i64,
    /// Each of them.
    pub(super) entries: Vec<Entry>,
    /// What they did, counted.
    pub(super) done: Done,
    /// Metadata documents as they have to be with this commit.
    pub(super) metadata: Vec<(Format, Object)>,
}

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// The record; `None` of a change of the whole document.
    pub(super) name: Option<String>,
    /// What was done to it.
    pub(super) operation: Option<Operation>,
    /// Who did it.
    pub(super) user: Option<String>,
    /// The request, and the digest of what was asked.
    pub(super) request: Option<(String, String)>,
}

impl Note {
    pub(super) fn to_json(&self) -> Json {
        let metadata = |(format, object): &(Format, Object)| {
            (format.name().to_owned(), Json::Object(object.clone()))
        };
        let members = [
            ("time", Json::Int(self.time)),
            ("changes", Json::Array(self.entries.iter().map(Entry::to_json).collect())),
            ("done", self.done.to_json()),
            ("metadata", Json::Object(self.metadata.iter().map(metadata).collect())),
        ];
        object(members)
    }

    /// Reads a note; an adopted content has none.
    pub(super) fn read(value: &Json) -> Option<Self> {
        let entries = value.get("changes")?.as_array()?;
        let metadata = value.get("metadata")?.as_object()?.iter();
        let metadata = metadata
            .map(|(format, object)| Some((Format::of_name(format)?, object.as_object()?.clone())));
        Some(Self {
            time: value.get("time")?.as_i64()?,
            entries: entries.iter().map(Entry::read).collect::<Option<_>>()?,
            done: Done::read(value.get("done")?)?,
            metadata: metadata.collect::<Option<_>>()?,
        })
    }

    /// The events that tell of the commit, from what it found and what it left.
    pub(super) fn events(
        &self,
        document: Document,
        generation: Generation,
        before: &Records,
        after: &Records,
    ) -> Vec<Draft> {
        let mut drafts = Vec::new();
        for entry in &self.entries {
            let names = match &entry.name {
                Some(name) => vec![name.as_str()],
                None => changed_names(before, after),
            };
            for name in names {
                let (old, new) = (before.get(name), after.get(name));
                let Some((operation, payload)) = told(old, new) else { continue };
                let about = (name, operation, Some(payload));
                drafts.extend(self.event(document, generation, entry, about));
            }
        }
        drafts
    }

    /// The events of changes of records, where nobody knows the records any more.
    pub(super) fn bare_events(&self, document: Document, generation: Generation) -> Vec<Draft> {
        let event = |entry: &Entry| {
            let about = (entry.name.as_deref()?, entry.operation?, None);
            self.event(document, generation, entry, about)
        };
        self.entries.iter().filter_map(event).collect()
    }

    fn event(
        &self,
        document: Document,
        generation: Generation,
        entry: &Entry,
        (name, operation, payload): (&str, Operation, Option<Payload>),
    ) -> Option<Draft> {
        let (domain, category) = match document {
            Document::V2(category) => (Format::V2, category),
            Document::Legacy(category) => (Format::Legacy, category),
            _ => return None,
        };
        Some(Draft::new(Event {
            id: 0,
            timestamp: self.time,
            domain,
            category: Category::name(category).to_owned(),
            model_name: name.to_owned(),
            operation,
            logical_user_id: entry.user.clone()?,
            request_id: entry.request.as_ref().map(|(id, _)| id.clone()),
            payload,
            generation: Some(generation),
        }))
    }
}

pub(super) fn told(old: Option<Json>, new: Option<Json>) -> Option<(Operation, Payload)> {
    match (old, new) {
        (None, Some(new)) => Some((Operation::Create, Payload::After(new))),
        (Some(old), Some(new)) => Some((Operation::Update, Payload::delta(&old, &new))),
        (Some(old), None) => Some((Operation::Delete, Payload::Before(old))),
        (None, None) => None,
    }
}

/// Names of the records that a change of the whole document touched.
pub(super) fn changed_names<'a>(before: &'a Records, after: &'a Records) -> Vec<&'a str> {
    let added = after.names().into_iter().filter(|name| !before.contains(name));
    let is_changed = |name: &&str| before.get(name) != after.get(name);
    before.names().into_iter().filter(is_changed).chain(added).collect()
}

impl Entry {
    fn to_json(&self) -> Json {
        let text = |value: &Option<String>| value.as_deref().map_or(Json::Null, Json::from);
        let operation = self.operation.map_or(Json::Null, |operation| operation.name().into());
        let (id, change) = self.request.clone().unzip();
        object([
            ("model", text(&self.name)),
            ("operation", operation),
            ("user", text(&self.user)),
            ("request", text(&id)),
            ("change", text(&change)),
        ])
    }

    fn read(value: &Json) -> Option<Self> {
        let text = |name| value.get(name).and_then(Json::as_str).map(str::to_owned);
        let operation = text("operation");
        Some(Self {
            name: text("model"),
            operation: match operation {
                Some(word) => Some(Operation::of_name(&word)?),
                None => None,
            },
            user: text("user"),
            request: text("request").zip(text("change")),
        })
    }
}

pub(super) fn object<const N: usize>(members: [(&str, Json); N]) -> Json {
    Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_read_as_they_were_written() {
        let entry = |name: Option<&str>| Entry {
            name: name.map(str::to_owned),
            operation: name.map(|_| Operation::Update),
            user: Some("1".into()),
            request: name.map(|_| ("id".into(), "digest".into())),
        };
        let note = Note {
            time: 5,
            entries: vec![entry(Some("a")), entry(None)],
            done: Done { counts: [1, 2, 3], last: Some((Operation::Delete, "a".into())) },
            metadata: vec![(Format::V2, Object::new())],
        };
        assert_eq!(Note::read(&note.to_json()), Some(note));
        assert_eq!(Note::read(&Json::Null), None);
    }
}
