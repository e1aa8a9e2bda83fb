//! A category as a program finds it that reads a data folder once, without a server.
//!
//! The records are those that a server with the same files answers, without what it adds to them.

use std::path::Path;
use std::sync::Arc;

use crate::backend::Backend;
use crate::backend::files::Files;
use crate::category_file::{CategoryFile, Form};
use crate::error::Result;
use crate::json::Object;
use crate::legacy::{Table, table_to_v1, text_view, view};
use crate::snapshot::Content;
use crate::view::derive_v2;
use crate::{Category, Document, Format, Snapshot};

/// Both files of a category.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Which category.
    pub category: Category,
    /// The v2 file.
    pub v2: Arc<Snapshot>,
    /// The legacy file.
    pub legacy: Arc<Snapshot>,
}

impl Stored {
    /// Reads both files.
    pub fn read(files: &Files, category: Category) -> Result<Self> {
        let v2 = files.load(Document::V2(category))?.snapshot;
        let legacy = files.load(Document::Legacy(category))?.snapshot;
        Ok(Self { category, v2, legacy })
    }

    /// The file that the records come from; `None` when there is neither.
    pub fn source(&self, canonical: Format) -> Option<&Arc<Snapshot>> {
        let (first, second) = match canonical {
            Format::V2 => (&self.v2, &self.legacy),
            Format::Legacy => (&self.legacy, &self.v2),
        };
        [first, second].into_iter().find(|snapshot| snapshot.is_present())
    }

    /// The records in v2; those of a legacy source that cannot be converted are left out.
    pub fn v2_records(&self, canonical: Format) -> Option<Object> {
        let source = self.source(canonical)?;
        let derived = || derive_v2(self.category, &self.legacy, self.v2.object());
        match source.document {
            Document::Legacy(_) => derived().or_else(|| Some(self.legacy_file()?.to_v2().records)),
            _ => source.object().cloned(),
        }
    }

    /// The records as v1 shows them; `None` when the category has no such form.
    pub fn v1_records(&self, canonical: Format) -> Option<Object> {
        if !self.category.has_legacy_form() {
            return None;
        }
        let legacy = self.legacy_file();
        let form = legacy.as_ref().map(|file| &file.form);
        if self.source(canonical)?.document == Document::Legacy(self.category) {
            return Some(match form? {
                Form::TextTable(table) => table_to_v1(table),
                Form::V2(records) | Form::Legacy(records) | Form::TextEntries(records) => {
                    records.clone()
                }
            });
        }
        let v2 = self.v2.object()?;
        Some(match (self.category, form) {
            (Category::TextGeneration, Some(Form::TextTable(table))) => {
                text_view(Some(table), v2).records
            }
            (Category::TextGeneration, _) => text_view(None, v2).records,
            (category, Some(Form::Legacy(records))) => view(category, Some(records), v2).records,
            (category, _) => view(category, None, v2).records,
        })
    }

    /// The legacy file in whatever form it has.
    pub fn legacy_file(&self) -> Option<CategoryFile> {
        let bytes = self.legacy.bytes.clone();
        let category = self.category;
        let form = match &*self.legacy.content {
            Content::Absent => return None,
            Content::Csv => Form::TextTable(Table::parse(&bytes).ok()?),
            Content::Json(value) => {
                let records = value.as_object()?.clone();
                match category {
                    Category::TextGeneration => Form::TextEntries(records),
                    _ => Form::Legacy(records),
                }
            }
        };
        Some(CategoryFile { category, form, bytes })
    }

    /// The v2 file.
    pub fn v2_file(&self) -> Option<CategoryFile> {
        let form = Form::V2(self.v2.object()?.clone());
        Some(CategoryFile { category: self.category, form, bytes: self.v2.bytes.clone() })
    }
}

/// Whether a folder looks like one that holds data: it has a document where one belongs.
pub fn holds_data(layout: &crate::backend::files::layout::Layout) -> bool {
    Document::all().any(|document| Path::is_file(&layout.path(document)))
}
