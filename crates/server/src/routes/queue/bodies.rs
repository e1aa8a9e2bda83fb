//! What approvers send: decisions, orders to apply, orders to purge.

use horde_model_reference::queue::{Decision, Filter, Status};
use horde_model_reference::shape::{Issue, Reader, Unknown};
use horde_model_reference::{Category, Json};

/// Longest name of a batch or a job.
pub(super) const LONGEST_NAME: usize = 120;
/// Longest reason of a rejection.
const LONGEST_REASON: usize = 500;
/// Longest part of a model's name to look for.
const LONGEST_PART: usize = 200;

/// An order to apply several changes.
pub(super) struct Apply {
    pub(super) ids: Vec<i64>,
    pub(super) job_id: Option<String>,
    /// Whether they may be of several batches.
    pub(super) mixed: bool,
}

/// An order to remove entries.
pub(super) struct Purge {
    pub(super) filter: Filter,
    pub(super) dry_run: bool,
}

pub(super) fn decision(body: &Json) -> Result<Decision, Vec<Issue>> {
    read(body, |body, reader| {
        let members = reader.object(body)?;
        let title: Option<String> = reader.required(members, "batch_title");
        let title = title.and_then(|title| named(title, "batch_title", reader));
        let approved = reader.nullable(members, "approved_ids", Vec::new);
        let rejected = reader.nullable(members, "rejected_ids", Vec::new);
        let reason: Option<Option<String>> = nullable_text(reader, members, "reject_reason");
        let reason =
            reason.and_then(|reason| up_to(reason, LONGEST_REASON, "reject_reason", reader));
        let (title, approved, rejected) = (title?, distinct(approved?), distinct(rejected?));
        let reason = trimmed(reason?);
        let in_both: Vec<i64> =
            approved.iter().copied().filter(|id| rejected.contains(id)).collect();
        if approved.is_empty() && rejected.is_empty() {
            let words = "Provide at least one approved or rejected change id.";
            return reader.refuse_value(words, body);
        }
        if !in_both.is_empty() {
            let words = format!("Change ids cannot be both approved and rejected: {in_both:?}");
            return reader.refuse_value(words, body);
        }
        if !rejected.is_empty() && reason.is_none() {
            return reader.refuse_value("reject_reason is required when rejecting changes.", body);
        }
        match trimmed(Some(title)) {
            Some(title) => Some(Decision { title, approved, rejected, reason }),
            None => reader.refuse_value("batch_title must not be blank.", body),
        }
    })
}

/// The job that a single change is applied in.
pub(super) fn job(body: &Json) -> Result<Option<String>, Vec<Issue>> {
    read(body, |body, reader| {
        let members = reader.object(body)?;
        job_id(reader, members)
    })
}

pub(super) fn apply(body: &Json) -> Result<Apply, Vec<Issue>> {
    read(body, |body, reader| {
        let members = reader.object(body)?;
        let ids = reader
            .required::<horde_model_reference::shape::AtLeastOne<i64>>(members, "change_ids")
            .map(|ids| ids.0);
        let job_id = job_id(reader, members);
        let mixed = reader.optional(members, "allow_mixed_batch", || false);
        let (ids, job_id, mixed) = (ids?, job_id?, mixed?);
        if ids.iter().any(|id| *id <= 0) {
            return reader.refuse_value("change_ids must be positive integers", body);
        }
        let mut once = Vec::with_capacity(ids.len());
        for id in ids {
            if !once.contains(&id) {
                once.push(id);
            }
        }
        Some(Apply { ids: once, job_id, mixed })
    })
}

pub(super) fn purge(body: &Json) -> Result<Purge, Vec<Issue>> {
    read(body, |body, reader| {
        let members = reader.object(body)?;
        let statuses = words(reader, members, "statuses", &Status::ALL.map(Status::name));
        let categories = words(reader, members, "categories", &Category::ALL.map(Category::name));
        let part = nullable_text(reader, members, "model_name")
            .and_then(|part| up_to(part, LONGEST_PART, "model_name", reader));
        let users: Option<Vec<String>> = reader.nullable(members, "requested_by", Vec::new);
        let all = reader.optional(members, "purge_all", || false);
        let dry_run = reader.optional(members, "dry_run", || false);
        let filter = Filter {
            statuses: statuses?.iter().filter_map(|word| Status::named(word)).collect(),
            categories: categories?.iter().filter_map(|word| word.parse().ok()).collect(),
            batch_id: None,
            model_name: trimmed(part?),
            requested_by: users?.into_iter().filter_map(|user| trimmed(Some(user))).collect(),
        };
        if filter.is_empty() && !all? {
            let words =
                "Provide at least one filter or set purge_all=true to clear the entire queue.";
            return reader.refuse_value(words, body);
        }
        Some(Purge { filter, dry_run: dry_run? })
    })
}

fn read<T>(
    body: &Json,
    read: impl FnOnce(&Json, &mut Reader) -> Option<T>,
) -> Result<T, Vec<Issue>> {
    let mut reader = Reader::new(Unknown::Drop);
    let value = read(body, &mut reader);
    reader.conclude(value).map(|(value, _)| value)
}

type Members = horde_model_reference::json::Object;

fn nullable_text(
    reader: &mut Reader,
    members: &Members,
    name: &'static str,
) -> Option<Option<String>> {
    reader.nullable(members, name, || None)
}

fn job_id(reader: &mut Reader, members: &Members) -> Option<Option<String>> {
    let job = nullable_text(reader, members, "job_id")?;
    up_to(job, LONGEST_NAME, "job_id", reader).map(trimmed)
}

/// Words of a list, each one of those that are known.
fn words(
    reader: &mut Reader,
    members: &Members,
    name: &'static str,
    known: &[&str],
) -> Option<Vec<String>> {
    let given: Vec<Json> = reader.nullable(members, name, Vec::new)?;
    let expected = horde_model_reference::shape::list_of_words(known);
    let read_all = |(index, word): (usize, &Json)| {
        reader.within(name, |reader| {
            reader.within(index, |reader| match word.as_str() {
                Some(text) if known.contains(&text) => Some(text.to_owned()),
                _ => {
                    let message = format!("Input should be {expected}");
                    let facts = [("expected", expected.as_str().into())];
                    reader.refuse_with("enum", message, word, facts)
                }
            })
        })
    };
    let read: Vec<Option<String>> = given.iter().enumerate().map(read_all).collect();
    read.into_iter().collect()
}

fn named(text: String, name: &'static str, reader: &mut Reader) -> Option<String> {
    if text.is_empty() {
        let words = "String should have at least 1 character";
        let facts = [("min_length", Json::Int(1))];
        return reader.within(name, |reader| {
            reader.refuse_with("string_too_short", words, &"".into(), facts)
        });
    }
    up_to(Some(text), LONGEST_NAME, name, reader).flatten()
}

/// The text, unless it is longer than it may be.
fn up_to(
    text: Option<String>,
    most: usize,
    name: &'static str,
    reader: &mut Reader,
) -> Option<Option<String>> {
    let length = text.as_ref().map_or(0, |text| text.chars().count());
    if length <= most {
        return Some(text);
    }
    let message = format!("String should have at most {most} characters");
    let facts = [("max_length", Json::count(most))];
    let text = text.unwrap_or_default();
    reader
        .within(name, |reader| reader.refuse_with("string_too_long", message, &text.into(), facts))
}

fn trimmed(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Positive numbers, each once, ascending.
fn distinct(mut ids: Vec<i64>) -> Vec<i64> {
    ids.retain(|id| *id > 0);
    ids.sort_unstable();
    ids.dedup();
    ids
}
