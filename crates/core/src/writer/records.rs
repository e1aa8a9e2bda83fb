//! The records of a category as its canonical document stores them, and what a write does to them.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use indexmap::IndexSet;

use crate::backend::files::Files;
use crate::change::{Operation, Validation, WholeChange, WriteError};
use crate::error::{Error, Result};
use crate::generation::{Digest, Generation};
use crate::json::{Json, Object, Style, object_to_text};
use crate::legacy::{self, Row, SlowRule, Table};
use crate::proposal::LONGEST_NAME;
use crate::queue::{Counters, State};
use crate::record::{self, Record, stamp_times, with_short_names};
use crate::shape::{Reader, Unknown};
use crate::snapshot::Content;
use crate::{Category, Document, Snapshot};

/// Largest record, in bytes of compact JSON.
const LARGEST_RECORD: usize = 16 * 1024 * 1024;
/// How many arrays and objects may be around what is stored, wherever it stands.
const LEVELS_AROUND: usize = 8;

/// The rule by which stored legacy records become v2.
const SLOW_RULE: SlowRule = SlowRule::Path;

/// Records in one of the three forms they are stored in.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Records {
    /// v2 records.
    V2(Object),
    /// Legacy records in JSON.
    Legacy(Object),
    /// Legacy records of text models.
    Table(Table),
    /// The queue of proposed changes.
    Queue(State),
    /// A document that is changed as a whole. Its records, if it has any, are in a member of that name.
    Whole(Json),
}

/// A snapshot of what is to be replaced as a whole: what cannot be read holds no records.
pub(super) fn of_replaced(
    files: &Files,
    document: Document,
    generation: Generation,
    read: Option<(&Path, Bytes)>,
) -> Result<Arc<Snapshot>> {
    let bytes = read.as_ref().map_or_else(Bytes::new, |(_, bytes)| bytes.clone());
    match files.snapshot(document, generation, read) {
        Err(Error::Corrupt { .. }) => Ok(Arc::new(Snapshot {
            document,
            generation,
            digest: Digest::of(&bytes),
            bytes,
            content: Arc::new(Content::Absent),
        })),
        read => read,
    }
}

/// The records of a snapshot by their names, as the audit trail shows them.
pub(crate) fn stored_records(snapshot: &Snapshot) -> Object {
    let table = match Records::of(snapshot) {
        Records::V2(records) | Records::Legacy(records) => return records,
        Records::Table(table) => table,
        Records::Queue(_) | Records::Whole(_) => return Object::new(),
    };
    // A name may have several lines; the last one counts.
    let rows = table.rows().filter_map(Result::ok);
    let entry = |row: Row| row.v1_entry().map(|entry| (row.name, Json::Object(entry)));
    rows.filter_map(entry).collect()
}

/// What a record is checked against.
pub(super) struct Rules<'a> {
    pub(super) category: Category,
    pub(super) validation: Validation,
    pub(super) knows_baseline: &'a dyn Fn(&str) -> bool,
    /// Seconds since 1970.
    pub(super) now: i64,
    /// Who changes it, if that is known.
    pub(super) user: Option<&'a str>,
    /// The v2 document beside a legacy one: it knows times that the legacy records do not.
    pub(super) v2: Option<&'a Snapshot>,
}

impl Records {
    /// The records of a snapshot; none of an absent one.
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        match (snapshot.document, &*snapshot.content) {
            (_, Content::Csv) => Self::Table(Table::parse(&snapshot.bytes).unwrap_or_default()),
            (Document::Legacy(Category::TextGeneration), Content::Absent) => {
                Self::Table(Table::default())
            }
            (Document::Legacy(_), _) => {
                Self::Legacy(snapshot.object().cloned().unwrap_or_default())
            }
            (Document::PendingChanges, _) => Self::Queue(State::read(snapshot.json()).0),
            (Document::V2(_), _) => Self::V2(snapshot.object().cloned().unwrap_or_default()),
            _ => Self::Whole(snapshot.json().cloned().unwrap_or(Json::Null)),
        }
    }

    /// Stores a record. Nothing is changed if it is refused.
    pub(super) fn put(
        &mut self,
        name: &str,
        mut record: Object,
        rules: &Rules<'_>,
    ) -> Result<Operation, WriteError> {
        check_name(name)?;
        check_record(&record)?;
        match self {
            Self::V2(records) => {
                if rules.category == Category::TextGeneration {
                    record = with_short_names(rules.category, &record).unwrap_or(record);
                    record = legacy::normalise(name, &record).map_err(WriteError::Invalid)?;
                }
                if rules.validation == Validation::Full {
                    let options = record::Options {
                        unknown: Unknown::Keep,
                        knows_baseline: rules.knows_baseline,
                    };
                    let value = Json::Object(record.clone());
                    Record::parse(rules.category, &value, options).map_err(WriteError::Invalid)?;
                }
                stamp_times(&mut record, records.get(name), rules.now);
                Ok(insert(records, name, record))
            }
            Self::Legacy(records) => {
                let has_times = |stored: &&Json| stored.get("metadata").is_some();
                let v2 = rules.v2.and_then(|v2| v2.record(name));
                let known = records.get(name).into_iter().chain(v2).find(has_times);
                stamp_times(&mut record, known, rules.now);
                let own = records.get(name).and_then(|stored| stored.get("metadata"));
                sign(&mut record, own, rules.user);
                let value = Json::Object(record.clone());
                legacy::convert_record(rules.category, &value, SLOW_RULE).map_err(|issues| {
                    WriteError::Unconvertible { category: rules.category, issues }
                })?;
                Ok(insert(records, name, record))
            }
            Self::Table(table) => {
                if name != name.trim() {
                    // Readers of the table trim it, and would take it for another record.
                    let reason = "it must not begin or end with a blank";
                    return Err(WriteError::Name { name: shortened(name), reason });
                }
                let record = legacy::normalise(name, &record).map_err(WriteError::Invalid)?;
                let row = Row::from_normalised(name, &record);
                row.to_v2().map_err(WriteError::Invalid)?;
                let known = table.find(name).is_some();
                table.put(&row);
                Ok(if known { Operation::Update } else { Operation::Create })
            }
            Self::Queue(_) | Self::Whole(_) => {
                let reason = "this document has no records";
                Err(WriteError::Name { name: shortened(name), reason })
            }
        }
    }

    /// Removes a record. Whether there was one.
    pub(super) fn remove(&mut self, name: &str) -> bool {
        match self {
            Self::V2(records) | Self::Legacy(records) => records.shift_remove(name).is_some(),
            Self::Table(table) => table.find(name).is_some() && table.remove(name),
            Self::Queue(_) | Self::Whole(_) => false,
        }
    }

    /// Whether there is a record of this name.
    pub(super) fn contains(&self, name: &str) -> bool {
        match self {
            Self::V2(records) | Self::Legacy(records) => records.contains_key(name),
            Self::Table(table) => table.find(name).is_some(),
            Self::Queue(state) => state.named(name).is_some(),
            Self::Whole(value) => inner(value).is_some_and(|records| records.contains_key(name)),
        }
    }

    /// A record as the audit trail shows it.
    pub(super) fn get(&self, name: &str) -> Option<Json> {
        match self {
            Self::V2(records) | Self::Legacy(records) => records.get(name).cloned(),
            Self::Table(table) => {
                let row = table.row(table.find(name)?).ok()?;
                row.v1_entry().map(Json::Object)
            }
            Self::Queue(state) => state.named(name).map(|entry| entry.to_stored().into()),
            Self::Whole(value) => inner(value)?.get(name).cloned(),
        }
    }

    /// The names of all records, in their order.
    pub(super) fn names(&self) -> Vec<&str> {
        match self {
            Self::V2(records) | Self::Legacy(records) => {
                records.keys().map(String::as_str).collect()
            }
            // A name may have several lines; the last one counts.
            Self::Table(table) => {
                let names: IndexSet<&str> = (0..table.len()).map(|line| table.name(line)).collect();
                names.into_iter().collect()
            }
            Self::Queue(_) => Vec::new(),
            Self::Whole(value) => inner(value)
                .into_iter()
                .flat_map(|records| records.keys())
                .map(String::as_str)
                .collect(),
        }
    }

    /// The last numbers given away, where this is the queue.
    pub(super) fn counters(&self) -> Option<Counters> {
        if let Self::Queue(state) = self { Some(state.counters()) } else { None }
    }

    /// How many records there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::V2(records) | Self::Legacy(records) => records.len(),
            Self::Table(_) | Self::Queue(_) | Self::Whole(_) => self.names().len(),
        }
    }

    /// How many records of `self` are not in `after`.
    pub(super) fn removed_in(&self, after: &Self) -> usize {
        self.names().into_iter().filter(|name| !after.contains(name)).count()
    }

    /// The document's bytes, as writes print them.
    pub(super) fn to_text(&self, document: Document) -> Result<String, WriteError> {
        match self {
            Self::V2(records) | Self::Legacy(records) => {
                Ok(object_to_text(records, Style::INDENT_2))
            }
            Self::Queue(state) => Ok(state.to_json().to_text(style_of(document))),
            Self::Whole(value) => Ok(value.to_text(style_of(document))),
            Self::Table(table) => {
                let reason = "the table cannot hold it";
                table.to_text().map_err(|_| WriteError::Name { name: String::new(), reason })
            }
        }
    }

    /// The parsed form of what [`Records::to_text`] prints.
    pub(super) fn into_content(self) -> Content {
        match self {
            Self::V2(records) | Self::Legacy(records) => Content::Json(Json::Object(records)),
            Self::Queue(state) => Content::Json(state.to_json()),
            Self::Whole(value) => Content::Json(value),
            Self::Table(_) => Content::Csv,
        }
    }

    /// Replaces all of it by what the function says of it.
    pub(super) fn replace_whole(
        &mut self,
        document: Document,
        change: &mut WholeChange,
    ) -> Result<(), WriteError> {
        let taken = std::mem::replace(self, Self::Whole(Json::Null));
        let (value, wrap): (Json, fn(Json) -> Option<Self>) = match taken {
            Self::V2(records) => (records.into(), |value| into_object(value).map(Self::V2)),
            Self::Legacy(records) => (records.into(), |value| into_object(value).map(Self::Legacy)),
            Self::Queue(state) => {
                (state.to_json(), |value| Some(Self::Queue(State::read(Some(&value)).0)))
            }
            Self::Whole(value) => (value, |value| Some(Self::Whole(value))),
            Self::Table(table) => {
                *self = Self::Table(table);
                let reason = "a table is changed record by record";
                return Err(WriteError::Name { name: String::new(), reason });
            }
        };
        let changed = change(&value)?;
        check_representation(&changed)?;
        let changed = document.top_level().check(changed).map_err(|reason| refused(&reason))?;
        *self = wrap(changed).ok_or_else(|| refused("a category is an object"))?;
        Ok(())
    }
}

/// A legacy record that has metadata of its own keeps them when it is changed, and tells who changed
/// it last.
fn sign(record: &mut Object, own: Option<&Json>, user: Option<&str>) {
    let Some(own) = own.and_then(Json::as_object) else { return };
    let Some(Json::Object(metadata)) = record.get_mut("metadata") else { return };
    for (name, value) in own {
        metadata.entry(name.clone()).or_insert_with(|| value.clone());
    }
    if let Some(user) = user {
        metadata.insert("updated_by".into(), user.into());
    }
}

/// The records within a document that is changed as a whole.
fn inner(value: &Json) -> Option<&Object> {
    value.get("records").and_then(Json::as_object)
}

/// How documents that are changed as a whole are printed.
fn style_of(document: Document) -> Style {
    match document {
        Document::PendingChanges => Style::INDENT_2,
        _ => Style::INDENT_2_ASCII,
    }
}

fn into_object(value: Json) -> Option<Object> {
    if let Json::Object(members) = value { Some(members) } else { None }
}

fn insert(records: &mut Object, name: &str, record: Object) -> Operation {
    match records.insert(name.to_owned(), Json::Object(record)) {
        Some(_) => Operation::Update,
        None => Operation::Create,
    }
}

fn check_name(name: &str) -> Result<(), WriteError> {
    let refuse = |reason| Err(WriteError::Name { name: shortened(name), reason });
    if name.trim().is_empty() {
        return refuse("it must not be empty or blank");
    }
    if name.contains('\\') {
        return refuse("it must not contain a backslash");
    }
    if printed_length(name) > LONGEST_NAME {
        return refuse("it must not be longer than 8 KiB");
    }
    Ok(())
}

/// How long a text is in JSON.
pub(super) fn printed_length(text: &str) -> usize {
    Json::from(text).to_text(Style::COMPACT).len()
}

fn shortened(name: &str) -> String {
    name.chars().take(200).collect()
}

/// A record must be small enough, and read as it is printed.
fn check_record(record: &Object) -> Result<(), WriteError> {
    let record = Json::Object(record.clone());
    let length = check_representation(&record)?;
    if length > LARGEST_RECORD {
        let mib = length / (1024 * 1024);
        let reason = format!("a record of {mib} MiB is larger than the 16 MiB that are stored");
        return Err(refused(&reason));
    }
    Ok(())
}

/// What is stored must read as it is printed: numbers that JSON does not have, or a nesting that
/// readers refuse, would spoil the whole document. Returns how long it is, printed.
fn check_representation(value: &Json) -> Result<usize, WriteError> {
    // It stands within the document, and a part of it within an event of the audit trail.
    let (before, after) = ("[".repeat(LEVELS_AROUND), "]".repeat(LEVELS_AROUND));
    let printed = format!("{before}{}{after}", value.to_text(Style::COMPACT));
    let read = Json::parse(printed.as_bytes())
        .map_err(|error| refused(&format!("it cannot be written as JSON: {error}")))?;
    let mut inner = &read;
    for _ in 0..LEVELS_AROUND {
        inner = inner.as_array().and_then(<[Json]>::first).unwrap_or(&Json::Null);
    }
    match inner == value {
        true => Ok(printed.len()),
        false => Err(refused("it does not read as it is written")),
    }
}

fn refused(reason: &str) -> WriteError {
    let mut reader = Reader::new(Unknown::Keep);
    reader.refuse_value::<()>(reason, &Json::Null);
    WriteError::Invalid(reader.into_issues())
}
