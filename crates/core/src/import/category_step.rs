//! The step of a category: both of its files, from whichever was given.

use crate::backend::files::Files;
use crate::category_file::{CategoryFile, Form, V2File, print, table_text};
use crate::diff::Diff;
use crate::generation::Digest;
use crate::json::{Json, Object};
use crate::legacy::{Row, Table, same_in_legacy, view};
use crate::shape::Issue;
use crate::stored::Stored;
use crate::text::backend_prefix;
use crate::view::keep_times;
use crate::{Category, Document, Error};

use super::guard::guard;
use super::step::digest;
use super::{Given, Options, Refusal, Step, Write};

pub(super) fn plan(files: &Files, category: Category, given: Given, options: Options) -> Step {
    let mut step = Step {
        name: category.name().to_owned(),
        origins: given.origins(),
        diff: Diff::default(),
        rejected: Vec::new(),
        refusal: None,
        writes: Vec::new(),
    };
    match Before::read(files, category) {
        Ok(before) => fill(&mut step, files, &before, given, options),
        Err(error) => step.refusal = Some(Refusal::Unreadable(error.to_string())),
    }
    step
}

/// What is in the folder. A file that makes no sense is as good as absent: an import mends it.
struct Before {
    v2: Option<CategoryFile>,
    legacy: Option<CategoryFile>,
    /// What the two files hold, byte by byte.
    v2_digest: Option<Digest>,
    legacy_digest: Option<Digest>,
}

impl Before {
    fn read(files: &Files, category: Category) -> Result<Self, Error> {
        use crate::backend::Backend;
        let load = |document| match files.load(document) {
            Ok(loaded) => Ok(Some(loaded.snapshot)),
            Err(Error::Corrupt { .. }) => Ok(None),
            Err(error) => Err(error),
        };
        let digest = |document| digest(&files.layout().path(document));
        let v2_digest = digest(Document::V2(category));
        let legacy_digest = digest(Document::Legacy(category));
        let v2 = load(Document::V2(category))?;
        let legacy = load(Document::Legacy(category))?;
        let one = v2.clone().or_else(|| legacy.clone());
        let Some(one) = one else {
            return Ok(Self { v2: None, legacy: None, v2_digest, legacy_digest });
        };
        // A missing side is stood in for by the other; only the sides that are there are asked.
        let stored = Stored {
            category,
            v2: v2.clone().unwrap_or_else(|| one.clone()),
            legacy: legacy.clone().unwrap_or(one),
        };
        Ok(Self {
            v2: v2.and_then(|_| stored.v2_file()),
            legacy: legacy.and_then(|_| stored.legacy_file()),
            v2_digest,
            legacy_digest,
        })
    }

    /// The records that readers see now.
    fn records(&self) -> Object {
        match (&self.v2, &self.legacy) {
            (Some(CategoryFile { form: Form::V2(records), .. }), _) => records.clone(),
            (_, Some(legacy)) => legacy.to_v2().records,
            _ => Object::new(),
        }
    }
}

fn fill(step: &mut Step, files: &Files, before: &Before, given: Given, options: Options) {
    let Some((_, main)) = given.v2.as_ref().or(given.legacy.as_ref()) else { return };
    let category = main.category;
    let old = before.records();
    let V2File { records, rejected } = main.to_v2();
    step.rejected = rejected;
    let records = match given.v2 {
        Some(_) => records,
        None => keep_what_says_the_same(category, &old, records),
    };
    let records = keep_all_times(&old, records);
    let legacy = given.legacy.map(|(_, file)| file);
    let given_legacy = legacy.as_ref().and_then(CategoryFile::to_legacy);
    if let (Some(_), Some(file)) = (&given.v2, &given_legacy) {
        step.rejected.extend(file.rejected.clone());
    }
    step.diff = Diff::between(&old, &records);
    step.refusal = refusal(step, old.len(), options);
    if step.refusal.is_some() {
        return;
    }
    let path = |document| files.layout().path(document);
    let legacy = match given_legacy {
        Some(file) => Some(file.bytes),
        None => category.has_legacy_form().then(|| derived(category, before, &records)),
    };
    // The legacy file first: one that is newer than the v2 file would count as not yet converted.
    if let Some(bytes) = legacy
        && is_other(category, before.legacy.as_ref(), &path(Document::Legacy(category)), &bytes)
    {
        let before = before.legacy_digest;
        step.writes.push(Write { path: path(Document::Legacy(category)), bytes, before });
    }
    let is_same = |before: &CategoryFile| match &before.form {
        Form::V2(old) => Diff::between(old, &records).is_empty(),
        _ => false,
    };
    if !before.v2.as_ref().is_some_and(is_same) {
        let bytes = print(&records).into_bytes();
        let before = before.v2_digest;
        step.writes.push(Write { path: path(Document::V2(category)), bytes, before });
    }
}

fn refusal(step: &Step, before: usize, options: Options) -> Option<Refusal> {
    if !step.rejected.is_empty() && !options.skip_invalid {
        return Some(Refusal::Invalid(step.rejected.len()));
    }
    guard(before, &step.diff, options)
}

/// The legacy format says less than v2 does. Where it says nothing new, nothing is lost.
fn keep_what_says_the_same(category: Category, old: &Object, mut records: Object) -> Object {
    for (name, record) in &mut records {
        if let Some(old) = old.get(name).filter(|old| same_in_legacy(category, record, old)) {
            *record = old.clone();
        }
    }
    records
}

/// When a record was made is known to the folder it was made in, and seldom to others.
fn keep_all_times(old: &Object, mut records: Object) -> Object {
    for (name, record) in &mut records {
        if let (Some(record), Some(old)) = (record.as_object_mut(), old.get(name)) {
            keep_times(record, old);
        }
    }
    records
}

/// The legacy file that goes with v2 records, made from the one there is.
fn derived(category: Category, before: &Before, v2: &Object) -> Vec<u8> {
    let form = before.legacy.as_ref().map(|file| &file.form);
    match form {
        Some(Form::TextTable(table)) => derived_table(table.clone(), v2),
        _ if category == Category::TextGeneration => derived_table(Table::default(), v2),
        Some(Form::Legacy(records)) => print(&view(category, Some(records), v2).records).into(),
        _ => print(&view(category, None, v2).records).into(),
    }
}

fn derived_table(mut table: Table, v2: &Object) -> Vec<u8> {
    let is_gone = |line: usize| {
        let Ok(row) = table.row(line) else { return false };
        backend_prefix(&row.name).is_none() && !v2.contains_key(&row.name)
    };
    let gone: Vec<bool> = (0..table.len()).map(is_gone).collect();
    table.retain(|line| !gone.get(line).copied().unwrap_or_default());
    for (name, record) in v2.iter().filter(|(name, _)| backend_prefix(name).is_none()) {
        let row = table.find(name).and_then(|line| table.row(line).ok());
        let says_the_same = |row: Row| -> Result<bool, Vec<Issue>> {
            Ok(same_in_legacy(Category::TextGeneration, &Json::Object(row.to_v2()?), record))
        };
        if !row.is_some_and(|row| says_the_same(row).unwrap_or_default()) {
            table.put(&Row::from_v2(name, record.as_object().unwrap_or(&Object::new())));
        }
    }
    table_text(&table)
}

/// Whether writing the bytes would change what readers of the legacy file find.
fn is_other(
    category: Category,
    before: Option<&CategoryFile>,
    path: &std::path::Path,
    bytes: &[u8],
) -> bool {
    let Some(before) = before.filter(|_| path.exists()) else { return true };
    let Ok(after) = CategoryFile::read(path, bytes.to_vec()) else { return true };
    debug_assert_eq!(after.category, category);
    match (&before.form, &after.form) {
        (Form::TextTable(old), Form::TextTable(new)) => old != new,
        (Form::Legacy(old), Form::Legacy(new) | Form::V2(new)) => {
            !Diff::between(old, new).is_empty()
        }
        _ => true,
    }
}
