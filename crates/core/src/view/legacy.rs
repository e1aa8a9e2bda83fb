//! The legacy format beside v2: whichever is canonical, the other follows it.

use std::borrow::Cow;

use bytes::Bytes;

use crate::json::{Object, Style, object_to_text};
use crate::legacy::{self, Converted, Rejected, Row, SlowRule, Table};
use crate::shape::Issue;
use crate::snapshot::Content;
use crate::text::with_groups;
use crate::view::Note;
use crate::{Category, Json, Snapshot};

/// Published v2 files were made with this rule.
const SLOW_RULE: SlowRule = SlowRule::Path;

/// v1 derived from v2. Records of the legacy file that say the same are kept as they are written
/// there; if all are, so is the text of the file.
pub(super) fn answer_from_v2(
    category: Category,
    legacy: &Snapshot,
    v2: &Object,
    notes: &mut Vec<Note>,
) -> Option<Bytes> {
    if !category.has_legacy_form() {
        return None;
    }
    let view = match category {
        Category::TextGeneration => legacy::text_view(table(legacy).as_ref(), v2),
        _ => legacy::view(category, legacy.object(), v2),
    };
    note(&view.rejected, "has no legacy form", notes);
    let literal = (view.is_source && legacy.object().is_some()).then(|| literal_text(legacy));
    answer(&view.records, literal)
}

/// v1 as the legacy file has it.
pub(super) fn answer_from_legacy(category: Category, legacy: &Snapshot) -> Option<Bytes> {
    match (&*legacy.content, category) {
        (Content::Absent, _) => None,
        (Content::Csv, _) => answer(&legacy::table_to_v1(&table(legacy)?), None),
        // A file of text models in JSON is printed as the table would be.
        (Content::Json(records), Category::TextGeneration) => answer(records.as_object()?, None),
        (Content::Json(records), _) => answer(records.as_object()?, Some(literal_text(legacy))),
    }
}

/// The text of an answer; none where there are no models.
fn answer(records: &Object, literal: Option<Bytes>) -> Option<Bytes> {
    let printed = || object_to_text(records, Style::INDENT_2).into();
    (!records.is_empty()).then(|| literal.unwrap_or_else(printed))
}

/// The v1 answer about text models, with the group of each added.
pub(super) fn answer_with_groups(answer: &[u8]) -> Option<String> {
    let records = Json::parse(answer).ok()?;
    Some(object_to_text(&with_groups(records.as_object()?), Style::SPACED_ASCII))
}

/// v2 derived from the legacy document. Metadata that only the v2 document knows are kept; a record
/// that cannot be converted keeps the form it has there, if it has one.
pub(super) fn v2_from_legacy(
    category: Category,
    legacy: &Snapshot,
    stored: Option<&Object>,
    notes: &mut Vec<Note>,
) -> Option<Object> {
    let Converted { mut records, rejected } = match (&*legacy.content, category) {
        (Content::Csv, _) => legacy::table_to_v2(&table(legacy)?),
        (Content::Json(_), Category::TextGeneration) | (Content::Absent, _) => return None,
        (Content::Json(source), _) => legacy::convert(category, source.as_object()?, SLOW_RULE),
    };
    note(&rejected, "cannot be converted to v2", notes);
    let Some(stored) = stored else { return Some(records) };
    for (name, record) in &mut records {
        if let (Some(record), Some(stored)) = (record.as_object_mut(), stored.get(name)) {
            keep_metadata(category, legacy, name, record, stored);
        }
    }
    for Rejected { name, .. } in rejected {
        if let Some(stored) = stored.get(&name) {
            records.insert(name, stored.clone());
        }
    }
    Some(records)
}

/// v2 of one legacy record that is not stored yet. A text model takes the way through a row of the
/// table, as it will when it is stored.
pub(super) fn v2_from_payload(
    category: Category,
    name: &str,
    payload: &Object,
) -> Result<Object, Vec<Issue>> {
    match category {
        Category::TextGeneration => {
            Row::from_normalised(name, &legacy::normalise(name, payload)?).to_v2()
        }
        _ => legacy::convert_record(category, &Json::Object(payload.clone()), SLOW_RULE),
    }
}

/// [`v2_from_legacy`] for those who keep files: what is wrong with records is told by whoever serves
/// them.
pub(crate) fn derive_v2(
    category: Category,
    legacy: &Snapshot,
    stored: Option<&Object>,
) -> Option<Object> {
    v2_from_legacy(category, legacy, stored, &mut Vec::new())
}

/// Keeps the metadata of the stored form where the legacy form says nothing of them. A legacy record
/// with metadata of its own has said all there is to say; rows of the table have nowhere to say it,
/// and are written in the present form of the schema.
fn keep_metadata(
    category: Category,
    legacy: &Snapshot,
    name: &str,
    record: &mut Object,
    stored: &Json,
) {
    let source = legacy.object().and_then(|records| records.get(name));
    let own = source.and_then(|source| source.get("metadata")).and_then(Json::as_object);
    match stored.get("metadata") {
        _ if own.is_some() => {}
        Some(Json::Object(known)) if category != Category::TextGeneration => {
            record.insert("metadata".into(), known.clone().into());
        }
        _ => keep_times(record, stored),
    }
}

/// Fills the record's metadata with what the stored form knows and the legacy form does not say.
pub(crate) fn keep_times(record: &mut Object, stored: &Json) {
    let Some(known) = stored.get("metadata").and_then(Json::as_object) else { return };
    let metadata = record.entry("metadata".into()).or_insert(Json::Object(Object::new()));
    let Some(metadata) = metadata.as_object_mut() else { return };
    for (name, value) in known {
        let unsaid = metadata.get(name).is_none_or(Json::is_null);
        if unsaid {
            metadata.insert(name.clone(), value.clone());
        }
    }
}

fn table(legacy: &Snapshot) -> Option<Table> {
    matches!(*legacy.content, Content::Csv).then(|| Table::parse(&legacy.bytes).ok()).flatten()
}

/// The file's own text with line ends as the reference reads them.
fn literal_text(legacy: &Snapshot) -> Bytes {
    if !legacy.bytes.contains(&b'\r') {
        return legacy.bytes.clone();
    }
    let text = String::from_utf8_lossy(&legacy.bytes);
    let unix: Cow<'_, str> = text.replace("\r\n", "\n").replace('\r', "\n").into();
    Bytes::from(unix.into_owned())
}

fn note(rejected: &[Rejected], what: &str, notes: &mut Vec<Note>) {
    for Rejected { name, issues } in rejected {
        let issues: Vec<_> = issues.iter().map(ToString::to_string).collect();
        let reason = format!("{what}: {}", issues.join("; "));
        notes.push(Note { record: name.clone(), reason });
    }
}
