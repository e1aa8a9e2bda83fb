//! What a commit leaves in its slot, so that whoever finds it can do what follows from it.

use crate::audit::{Draft, Event, Payload};
use crate::change::Operation;
use crate::generation::Generation;
use crate::json::{Json, Object};
use crate::queue::{self, Counters};
use crate::{Category, Document, Format};

use super::counters::Done;
use super::records::Records;

/// The pseudo-category of events of the queue.
const QUEUE: &str = "pending_queue";

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
    /// The last numbers given away, where the document is the queue.
    pub(super) counters: Option<Counters>,
}

/// One change.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Entry {
    /// The record; `None` of a change of the whole document.
    pub(super) name: Option<String>,
    /// What was done to it.
    pub(super) operation: Option<Operation>,
    /// Who did it.
    pub(super) user: Option<String>,
    /// Their name, where an event has a place for it.
    pub(super) user_name: Option<String>,
    /// How events name the request, if not by its id.
    pub(super) told_as: Option<String>,
    /// The request, and the digest of what was asked.
    pub(super) request: Option<(String, String)>,
}

impl Note {
    pub(super) fn to_json(&self) -> Json {
        let metadata = |(format, object): &(Format, Object)| {
            (format.name().to_owned(), Json::Object(object.clone()))
        };
        Json::from([
            ("time", Json::Int(self.time)),
            ("changes", Json::Array(self.entries.iter().map(Entry::to_json).collect())),
            ("done", self.done.to_json()),
            ("metadata", Json::Object(self.metadata.iter().map(metadata).collect())),
            ("counters", self.counters.map(Counters::to_json).into()),
        ])
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
            counters: value.get("counters").and_then(Counters::of_json),
        })
    }

    /// The events that tell of the commit, from the records it touched.
    pub(super) fn events(
        &self,
        document: Document,
        canonical: Format,
        generation: Generation,
        touched: &[Touched],
    ) -> Vec<Draft> {
        if document == Document::PendingChanges {
            return self.queue_events(canonical, generation, touched);
        }
        let draft = |touched: &Touched| {
            let entry = self.entries.get(touched.entry)?;
            let payload = Some(touched.payload()?);
            let done = (touched.name.clone(), touched.operation()?, payload);
            self.event(document, generation, entry, done)
        };
        touched.iter().filter_map(draft).collect()
    }

    /// The events of steps of the queue, each told by whoever made it.
    fn queue_events(
        &self,
        canonical: Format,
        generation: Generation,
        touched: &[Touched],
    ) -> Vec<Draft> {
        let mut drafts = Vec::new();
        for (index, entry) in self.entries.iter().enumerate() {
            // Who puts back an earlier queue takes no step of it.
            let (Some(user), Some(user_name)) = (&entry.user, &entry.user_name) else { continue };
            let of_entry = touched.iter().filter(|touched| touched.entry == index);
            let pairs: Vec<_> = of_entry.map(Touched::as_entries).collect();
            let events = queue::events(&pairs, user_name).into_iter();
            drafts.extend(events.map(|event| {
                Draft::new(Event {
                    id: 0,
                    timestamp: self.time,
                    domain: canonical,
                    category: QUEUE.to_owned(),
                    model_name: event.model_name,
                    operation: Operation::Update,
                    logical_user_id: user.clone(),
                    request_id: None,
                    payload: Some(Payload::After(Json::Object(event.after))),
                    generation: Some(generation),
                })
            }));
        }
        drafts
    }

    /// The events of its changes of records, where nobody knows any more what the records were.
    pub(super) fn bare_events(&self, document: Document, generation: Generation) -> Vec<Draft> {
        let draft = |entry: &Entry| {
            let done = (entry.name.clone()?, entry.operation?, None);
            self.event(document, generation, entry, done)
        };
        self.entries.iter().filter_map(draft).collect()
    }

    fn event(
        &self,
        document: Document,
        generation: Generation,
        entry: &Entry,
        (model_name, operation, payload): (String, Operation, Option<Payload>),
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
            model_name,
            operation,
            logical_user_id: entry.user.clone()?,
            request_id: entry
                .told_as
                .clone()
                .or_else(|| entry.request.as_ref().map(|(id, _)| id.clone())),
            payload,
            generation: Some(generation),
        }))
    }

    /// The records it touched, from all that were there before and after.
    pub(super) fn touched(&self, before: &Records, after: &Records) -> Vec<Touched> {
        let mut touched = Vec::new();
        for (index, entry) in self.entries.iter().enumerate() {
            match &entry.name {
                Some(name) => touched.push(Touched {
                    entry: index,
                    name: name.clone(),
                    old: before.get(name),
                    new: after.get(name),
                }),
                None => touched.extend(Touched::between(before, after, index)),
            }
        }
        touched
    }
}

/// A record that a commit touched, as the audit trail shows it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Touched {
    /// Number of the change that touched it.
    pub(super) entry: usize,
    pub(super) name: String,
    /// What it was, if it was.
    pub(super) old: Option<Json>,
    /// What it is, if it is.
    pub(super) new: Option<Json>,
}

impl Touched {
    /// All that is not the same before and after a change of the whole document.
    pub(super) fn between(before: &Records, after: &Records, entry: usize) -> Vec<Self> {
        if let (Records::Queue(before), Records::Queue(after)) = (before, after) {
            let differences = before.differences(after).into_iter();
            return differences.map(|it| Self { entry, ..Self::of_queue(it) }).collect();
        }
        let added = after.names().into_iter().filter(|name| !before.contains(name));
        let touched = before.names().into_iter().chain(added).map(|name| Self {
            entry,
            name: name.to_owned(),
            old: before.get(name),
            new: after.get(name),
        });
        touched.filter(|touched| touched.old != touched.new).collect()
    }

    /// An entry of the queue as a step found and left it.
    pub(super) fn of_queue(
        (id, old, new): (i64, Option<queue::Entry>, Option<queue::Entry>),
    ) -> Self {
        let json = |entry: queue::Entry| Json::Object(entry.to_stored());
        Self { entry: 0, name: id.to_string(), old: old.map(json), new: new.map(json) }
    }

    fn as_entries(&self) -> (Option<queue::Entry>, Option<queue::Entry>) {
        let entry = |json: &Option<Json>| queue::Entry::read(json.as_ref()?).ok();
        (entry(&self.old), entry(&self.new))
    }

    /// What was done to it.
    pub(super) fn operation(&self) -> Option<Operation> {
        match (&self.old, &self.new) {
            (None, Some(_)) => Some(Operation::Create),
            (Some(_), Some(_)) => Some(Operation::Update),
            (Some(_), None) => Some(Operation::Delete),
            (None, None) => None,
        }
    }

    fn payload(&self) -> Option<Payload> {
        match (&self.old, &self.new) {
            (None, Some(new)) => Some(Payload::After(new.clone())),
            (Some(old), Some(new)) => Some(Payload::delta(old, new)),
            (Some(old), None) => Some(Payload::Before(old.clone())),
            (None, None) => None,
        }
    }
}

impl Entry {
    fn to_json(&self) -> Json {
        let text = |value: &Option<String>| value.as_deref().map_or(Json::Null, Json::from);
        let operation = self.operation.map_or(Json::Null, |operation| operation.name().into());
        let (id, change) = self.request.clone().unzip();
        Json::from([
            ("model", text(&self.name)),
            ("operation", operation),
            ("user", text(&self.user)),
            ("user_name", text(&self.user_name)),
            ("told_as", text(&self.told_as)),
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
            user_name: text("user_name"),
            told_as: text("told_as"),
            request: text("request").zip(text("change")),
        })
    }
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
            user_name: name.map(str::to_owned),
            told_as: Some("job".into()),
            request: name.map(|_| ("id".into(), "digest".into())),
        };
        let note = Note {
            time: 5,
            entries: vec![entry(Some("a")), entry(None)],
            done: Done { counts: [1, 2, 3], last: Some((Operation::Delete, "a".into())) },
            metadata: vec![(Format::V2, Object::new())],
            counters: Some(Counters { change: 7, batch: 2 }),
        };
        assert_eq!(Note::read(&note.to_json()), Some(note));
        assert_eq!(Note::read(&Json::Null), None);
    }
}
