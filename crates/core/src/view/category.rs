//! One category in the forms both APIs serve.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::body::Body;
use crate::catalogue::Guidance;
use crate::catalogue::licensing::unknown_assignment;
use crate::document::Document;
use crate::generation::{Digest, Generation};
use crate::json::Object;
use crate::l1::Snapshots;
use crate::view::{RecordsBody, legacy};
use crate::{Category, Format, Json, Snapshot};

/// The records of a category and their ready bytes.
#[derive(Debug)]
pub struct CategoryView {
    /// Which category.
    pub category: Category,
    /// Generation of the canonical document the view was built from; it may be named later.
    generation: AtomicU64,
    /// Digest of that document's bytes.
    pub digest: Digest,
    canonical: Document,
    records: Option<Records>,
    /// The v2 answer; `None` when there is no such category.
    pub v2: Option<RecordsBody>,
    /// The v1 answer; `None` when the category is absent or empty there.
    pub v1: Option<Arc<Body>>,
    /// Made when somebody asks for it, which hardly anybody does.
    v1_with_groups: OnceLock<Option<Arc<Body>>>,
    /// Read when somebody writes.
    legacy_records: OnceLock<Object>,
    /// Records that could not be served or converted, and why.
    pub notes: Vec<Note>,
}

/// A record that is not served, or not in every format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The record's key.
    pub record: String,
    /// What is wrong with it.
    pub reason: String,
}

/// v2 records, in a document or derived from one.
#[derive(Debug)]
enum Records {
    Stored(Arc<Snapshot>),
    Derived(Object),
}

/// Which format follows the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Derivation {
    /// The canonical format is the source of the other, wherever it is there.
    From(Format),
    /// Both are copies of what a PRIMARY serves: only what is not there is derived.
    OfTheMissing,
}

impl Derivation {
    fn makes_v2(self, v2: &Snapshot) -> bool {
        match self {
            Self::From(canonical) => canonical == Format::Legacy,
            Self::OfTheMissing => !v2.is_present(),
        }
    }

    /// Whether changes of the category go to its legacy document, also if that is not there yet: the
    /// generations of another document would not go on with its own.
    fn is_written_as_legacy(self, category: Category) -> bool {
        matches!(self, Self::From(Format::Legacy)) && category.has_legacy_form()
    }

    fn makes_v1(self, legacy: &Snapshot) -> bool {
        match self {
            Self::From(canonical) => canonical == Format::V2,
            Self::OfTheMissing => !legacy.is_present(),
        }
    }
}

impl CategoryView {
    /// Builds both forms from the documents of the category.
    pub fn build(
        category: Category,
        derivation: Derivation,
        snapshots: Snapshots<'_>,
        guidance: &Guidance,
    ) -> Self {
        let v2 = snapshots.get(Document::V2(category));
        let legacy = snapshots.get(Document::Legacy(category));
        let mut notes = Vec::new();
        let derived = if derivation.makes_v2(&v2) {
            legacy::v2_from_legacy(category, &legacy, v2.object(), &mut notes)
        } else {
            None
        };
        let records = match derived {
            Some(records) => Some(Records::Derived(records)),
            None => v2.is_present().then(|| Records::Stored(Arc::clone(&v2))),
        };
        let is_derived = matches!(records, Some(Records::Derived(_)));
        let canonical =
            if is_derived || derivation.is_written_as_legacy(category) { &legacy } else { &v2 };
        let generation = AtomicU64::new(canonical.generation.get());
        let digest = canonical.digest;
        let canonical = canonical.document;
        let own = Self::absent(category);
        let mut view = Self { records, notes, canonical, generation, digest, ..own };
        let v1 = match view.records() {
            Some(records) if derivation.makes_v1(&legacy) => {
                let mut notes = Vec::new();
                let answer = legacy::answer_from_v2(category, &legacy, records, &mut notes);
                view.notes.extend(notes);
                answer
            }
            _ => legacy::answer_from_legacy(category, &legacy),
        };
        view.v1 = v1.map(Body::new);
        view.v2 = view.records().map(|records| v2_answer(records, guidance));
        view.note_records_without_members();
        view
    }

    fn absent(category: Category) -> Self {
        Self {
            category,
            canonical: Document::V2(category),
            generation: AtomicU64::new(0),
            digest: Digest::of(b""),
            records: None,
            v2: None,
            v1: None,
            v1_with_groups: OnceLock::new(),
            legacy_records: OnceLock::new(),
            notes: Vec::new(),
        }
    }

    fn note_records_without_members(&mut self) {
        let strange = |(name, record): (&String, &Json)| {
            let kind = record.kind();
            let reason = format!("expected an object, found {kind}; it is not served");
            record.as_object().is_none().then(|| Note { record: name.clone(), reason })
        };
        let notes: Vec<Note> = self.records().into_iter().flatten().filter_map(strange).collect();
        self.notes.extend(notes);
    }

    /// Generation of the document that writes to the category go to; none where the category is
    /// absent, or could not be recorded yet.
    pub fn generation(&self) -> Generation {
        Generation::from(&self.generation)
    }

    /// The canonical document has the content it had, under a larger generation.
    pub(crate) fn raise_generation(&self, generation: Generation) {
        self.generation.fetch_max(generation.get(), Ordering::AcqRel);
    }

    /// The document that writes to the category go to.
    pub(crate) fn canonical(&self) -> Document {
        self.canonical
    }

    /// The v2 records as stored; `None` when there is no such category.
    pub fn records(&self) -> Option<&Object> {
        match self.records.as_ref()? {
            Records::Stored(snapshot) => snapshot.object(),
            Records::Derived(records) => Some(records),
        }
    }

    /// The v1 answer with groups; text models only. The first call takes tens of milliseconds.
    pub fn v1_with_groups(&self) -> Option<&Arc<Body>> {
        let make = || {
            let v1 = self.v1.as_ref().filter(|_| self.category == Category::TextGeneration)?;
            legacy::answer_with_groups(&v1.identity.bytes).map(Body::ready)
        };
        self.v1_with_groups.get_or_init(make).as_ref()
    }

    /// The records of the v1 answer. The first call may take milliseconds.
    pub fn legacy_records(&self) -> &Object {
        let read = || self.v1.as_ref().and_then(|v1| Object::parse(&v1.identity.bytes));
        self.legacy_records.get_or_init(|| read().unwrap_or_default())
    }

    /// How many models the v2 form has.
    pub fn len(&self) -> usize {
        self.v2.as_ref().map_or(0, RecordsBody::len)
    }

    /// Whether the v2 form has no model.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All ready bodies, to be compressed better.
    pub fn bodies(&self) -> impl Iterator<Item = &Arc<Body>> {
        let v2 = self.v2.as_ref().map(|records| &records.body);
        v2.into_iter().chain(&self.v1)
    }
}

/// Prints records with what every answer adds to them: a licence where none is stored, and for text
/// models the state of their guidance.
pub(super) fn v2_answer(records: &Object, guidance: &Guidance) -> RecordsBody {
    let unknown = unknown_assignment();
    RecordsBody::new(records, |name, record, members| {
        let mut additions = Vec::new();
        if !members.contains_key("licensing") {
            additions.push(("licensing", unknown.clone()));
        }
        if let Some(summary) = guidance.summary_for(name, record) {
            additions.push(("guidance", summary));
        }
        additions
    })
}
