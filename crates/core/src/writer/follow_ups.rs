//! What follows from a commit to a category, done by its writer, or by whoever finds that its writer
//! died: the other format's document, the metadata, the audit trail, the log of requests. Each step
//! can be done twice to no effect.

use std::sync::Arc;

use super::counters::{advanced, operations};
use super::edit_log::EditLog;
use super::note::{Note, Touched};
use super::records::{Records, of_replaced};
use super::requests::Requests;
use crate::audit::{Draft, Trail};
use crate::backend::files::Files;
use crate::disk::faults::{self, Point};
use crate::disk::{ContentId, Flush, Kept, Rewrite, State, Unfinished};
use crate::error::Result;
use crate::generation::Generation;
use crate::json::{Json, Object, Style, object_to_text};
use crate::record::stamp_times;
use crate::view::derive_v2;
use crate::{Category, Document, Format, Snapshot};

/// Replaced contents of derived documents are not kept: they follow from those that are.
const KEEP_NONE: usize = 0;

/// A commit that stands.
pub(super) struct Commit<'a> {
    pub(super) note: &'a Note,
    pub(super) after: &'a Snapshot,
}

/// Does what follows from commits.
#[derive(Debug)]
pub(crate) struct FollowUps {
    pub(crate) trail: Option<Arc<Trail>>,
    /// The format that is the source of truth.
    pub(crate) canonical: Format,
}

/// Whether the commit is new, or was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    First,
    Again,
}

impl FollowUps {
    /// Everything, by the writer itself, which touched these records.
    pub(super) fn run(
        &self,
        files: &Files,
        commit: &Commit<'_>,
        touched: &[Touched],
        requests: &mut Requests,
    ) -> Result<()> {
        self.derive(files, commit)?;
        pass(Point::Metadata, files, commit)?;
        write_metadata(files, commit.after.document, commit.note, Turn::First)?;
        store_counters(files, commit.after.document, commit.note)?;
        pass(Point::Audit, files, commit)?;
        if let Some(trail) = &self.trail {
            let (document, generation) = (commit.after.document, commit.after.generation);
            trail.append(commit.note.events(document, self.canonical, generation, touched))?;
        }
        if let Some(log) = EditLog::of(files, commit.after.document) {
            log.append(&log.lines(commit.note, touched))?;
        }
        pass(Point::Requests, files, commit)?;
        let path = files.place(commit.after.document).requests;
        requests.append(&path, commit.note, commit.after.generation, commit.after.digest)
    }

    /// Tells of changes that somebody else put in place, by copying a commit of ours that they displaced.
    pub(super) fn tell(
        &self,
        document: Document,
        generation: Generation,
        note: &Note,
        touched: &[Touched],
    ) -> Result<()> {
        let changed: Vec<Touched> =
            touched.iter().filter(|touched| touched.old != touched.new).cloned().collect();
        let Some(trail) = self.trail.as_ref().filter(|_| !changed.is_empty()) else {
            return Ok(());
        };
        trail.append(note.events(document, self.canonical, generation, &changed)).map(|_| ())
    }

    /// Everything that is not done yet, by somebody who found the commit under its lock.
    pub(super) fn run_again(
        &self,
        files: &Files,
        document: Document,
        unfinished: &Unfinished<'_>,
    ) -> Result<()> {
        let Some(note) = Note::read(&unfinished.slot.note) else { return Ok(()) };
        let ContentId::Bytes(digest) = unfinished.slot.content else { return Ok(()) };
        write_metadata(files, document, &note, Turn::Again)?;
        store_counters(files, document, &note)?;
        let place = files.place(document);
        let generation = unfinished.slot.generation;
        let Some(bytes) = unfinished.bytes else {
            if unfinished.slot.state != State::Prepared {
                return Ok(());
            }
            tracing::error!(%document, %generation, "a commit was overtaken, and its records are not known any more");
            let drafts = note.bare_events(document, generation);
            return self.trail.as_ref().map_or(Ok(()), |trail| append_missing(trail, drafts));
        };
        let after = files.snapshot(document, generation, Some((&place.path, bytes.clone())))?;
        let commit = Commit { note: &note, after: &after };
        if !unfinished.is_overtaken {
            self.derive(files, &commit)?;
        }
        if let Some(base) = &unfinished.base {
            let read = base.as_ref().map(|bytes| (place.path.as_path(), bytes.clone()));
            let before = of_replaced(files, document, Generation::default(), read)?;
            let touched = note.touched(&Records::of(&before), &Records::of(&after));
            if let Some(trail) = &self.trail {
                let events = note.events(document, self.canonical, generation, &touched);
                append_missing(trail, events)?;
            }
            if let Some(log) = EditLog::of(files, document) {
                log.append_missing(&log.lines(&note, &touched))?;
            }
        }
        // Whoever repeats a request that was overtaken has it done once more.
        if unfinished.is_overtaken {
            return Ok(());
        }
        Requests::default().append(&place.requests, &note, generation, digest)
    }

    /// The v2 document that follows from a legacy one.
    fn derive(&self, files: &Files, commit: &Commit<'_>) -> Result<()> {
        let Document::Legacy(category) = commit.after.document else { return Ok(()) };
        pass(Point::Derived, files, commit)?;
        let document = Document::V2(category);
        let how = Rewrite { flush: Flush::Now, keep: KEEP_NONE };
        let written = files.rewrite(document, how, |base| {
            let place = files.place(document);
            let read = base.bytes.as_ref().map(|bytes| (place.path.as_path(), bytes.clone()));
            let stored = of_replaced(files, document, base.generation, read)?;
            if let (false, Some(broken)) = (stored.is_present(), &base.bytes) {
                tracing::error!(%document, generation = %base.generation, "a derived document cannot be read; it is kept, and made anew");
                let kept = Kept::new(&place.kept).put(base.generation, broken);
                place.step("keep", kept)?;
            }
            Ok(derived(category, commit, &stored))
        });
        written.map(|_| ())
    }
}

/// Appends the events of one commit that are not there yet.
fn append_missing(trail: &Trail, mut drafts: Vec<Draft>) -> Result<()> {
    let Some(first) = drafts.first().map(|draft| draft.event().clone()) else { return Ok(()) };
    let Some(generation) = first.generation else { return Ok(()) };
    let there = trail.events_of(first.domain, &first.category, generation)?;
    // What is there was perhaps appended by somebody who did not live to flush it.
    trail.flush(first.domain, &first.category)?;
    drafts.retain(|draft| !there.iter().any(|event| event.model_name == draft.event().model_name));
    trail.append(drafts).map(|_| ())
}

/// The text of the v2 document; `None` where nothing follows.
fn derived(category: Category, commit: &Commit<'_>, stored: &Snapshot) -> Option<String> {
    let mut records = derive_v2(category, commit.after, stored.object())?;
    // The table has no place for times; other legacy records bring theirs.
    if category == Category::TextGeneration {
        for entry in &commit.note.entries {
            let Some(name) = &entry.name else { continue };
            if let Some(record) = records.get_mut(name).and_then(Json::as_object_mut) {
                let known = stored.record(name);
                let own = record.get("metadata").cloned();
                stamp_times(record, known, commit.note.time);
                keep_others(record, own);
            }
        }
    }
    Some(object_to_text(&records, Style::INDENT_4_ASCII) + "\n")
}

/// Times are set; what else the metadata said stays.
fn keep_others(record: &mut Object, own: Option<Json>) {
    let (Some(Json::Object(own)), Some(metadata)) =
        (own, record.get_mut("metadata").and_then(Json::as_object_mut))
    else {
        return;
    };
    for (name, value) in own {
        metadata.entry(name).or_insert(value);
    }
}

/// The metadata of the category, in each format the commit is told in.
fn write_metadata(files: &Files, document: Document, note: &Note, turn: Turn) -> Result<()> {
    let Some(category) = document.category() else { return Ok(()) };
    for (format, wanted) in &note.metadata {
        let document = metadata_document(*format, category);
        put_metadata(files, document, category, wanted, note, turn)?;
    }
    Ok(())
}

/// The numbers that the queue has given away.
fn store_counters(files: &Files, document: Document, note: &Note) -> Result<()> {
    let path = files.place(document).path;
    note.counters.map_or(Ok(()), |counters| counters.store(&path))
}

fn put_metadata(
    files: &Files,
    document: Document,
    category: Category,
    wanted: &Object,
    note: &Note,
    turn: Turn,
) -> Result<()> {
    let how = Rewrite { flush: Flush::Later, keep: KEEP_NONE };
    let written = files.rewrite(document, how, |base| {
        let stored = base.bytes.as_deref().and_then(Object::parse);
        let missing = operations(wanted).saturating_sub(stored.as_ref().map_or(-1, operations));
        Ok(match turn {
            _ if missing > 0 => Some(printed(wanted)),
            // As many or more: it was written, or somebody else went on from it.
            Turn::Again => None,
            // Somebody else counted at the same time; ours come on top of theirs.
            Turn::First => {
                let models = wanted.get("total_models").and_then(Json::as_i64).unwrap_or(0);
                let models = usize::try_from(models).unwrap_or(0);
                let done = advanced(category, stored.as_ref(), &note.done, models, note.time);
                Some(printed(&done))
            }
        })
    });
    written.map(|_| ())
}

/// Metadata as it has to be after the commit that `note` tells of.
pub(super) fn metadata_after(
    files: &Files,
    document: Document,
    note: &Note,
    before: Option<&Note>,
    total_models: usize,
) -> Result<Vec<(Format, Object)>> {
    let (category, formats): (Category, &[Format]) = match document {
        Document::V2(category) => (category, &[Format::V2]),
        // The v2 view changes with the legacy one, and those who poll it want to know (D12).
        Document::Legacy(category) => (category, &[Format::Legacy, Format::V2]),
        _ => return Ok(Vec::new()),
    };
    let after = |&format: &Format| {
        let path = files.layout().path(metadata_document(format, category));
        let stored = crate::disk::read(&path)?.and_then(|file| Object::parse(&file.bytes));
        // A power cut may have taken the file back, but not what the last commit noted.
        let noted = before.and_then(|note| note.metadata.iter().find(|(of, _)| *of == format));
        let noted = noted.map(|(_, metadata)| metadata.clone());
        let stored = [stored, noted].into_iter().flatten().max_by_key(operations);
        Ok((format, advanced(category, stored.as_ref(), &note.done, total_models, note.time)))
    };
    formats.iter().map(after).collect()
}

fn metadata_document(format: Format, category: Category) -> Document {
    match format {
        Format::V2 => Document::V2Metadata(category),
        Format::Legacy => Document::LegacyMetadata(category),
    }
}

fn printed(metadata: &Object) -> String {
    object_to_text(metadata, Style::INDENT_2_ASCII)
}

fn pass(point: Point, files: &Files, commit: &Commit<'_>) -> Result<()> {
    faults::pass(point)
        .map_err(|error| files.place(commit.after.document).io("finish writing", &error))
}
