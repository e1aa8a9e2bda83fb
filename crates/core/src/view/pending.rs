//! What models would look like if the open proposals were applied: the "beta" records.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::body::Body;
use crate::catalogue::Guidance;
use crate::generation::Generation;
use crate::json::Object;
use crate::l1::Snapshots;
use crate::queue::{Entry, State};
use crate::view::{Note, category, legacy};
use crate::{Category, Document, Format};

/// The proposed records of every category.
#[derive(Debug)]
pub struct PendingView {
    /// Generation of the queue the view was built from.
    pub generation: Generation,
    /// Entries that make no sense, and proposals that cannot be shown.
    pub notes: Vec<Note>,
    /// The answer about each category, by index.
    categories: Vec<Arc<Body>>,
    /// All entries, ascending by number.
    entries: Vec<Entry>,
}

/// The proposals of a category that count, by model, in the order in which each was first queued.
type Newest<'a> = IndexMap<&'a str, &'a Entry>;

impl PendingView {
    /// Builds the answers from the queue's entries. With `canonical` legacy, proposals come in that
    /// format and are shown in v2.
    pub fn build(canonical: Format, snapshots: Snapshots<'_>, guidance: &Guidance) -> Self {
        let queue = snapshots.get(Document::PendingChanges);
        let (state, strange) = State::read(queue.json());
        let note = |(index, reason)| Note { record: format!("entry {index}"), reason };
        let mut notes: Vec<Note> = strange.into_iter().map(note).collect();
        let newest = newest(state.entries());
        let answer = |category: Category| {
            let proposals = &newest[category.index()];
            let records = records(proposals, canonical, &mut notes);
            category::v2_answer(&records, guidance).body
        };
        let categories = Category::ALL.into_iter().map(answer).collect();
        let mut entries: Vec<Entry> = state.entries().cloned().collect();
        entries.sort_by_key(|entry| entry.id);
        Self { generation: queue.generation, categories, entries, notes }
    }

    /// All entries of the queue, ascending by number.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of a number.
    pub fn entry(&self, id: i64) -> Option<&Entry> {
        let place = self.entries.binary_search_by_key(&id, |entry| entry.id).ok()?;
        self.entries.get(place)
    }

    /// The answer about one category.
    pub fn category(&self, category: Category) -> &Arc<Body> {
        &self.categories[category.index()]
    }
}

/// The newest open proposal for each model. Newest is what was submitted last: decisions that came
/// later do not make an older proposal newer.
fn newest<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<Newest<'a>> {
    let mut categories = vec![Newest::new(); Category::COUNT];
    for change in entries.filter(|entry| entry.is_open_proposal()) {
        let proposals = &mut categories[change.category.index()];
        let newest = proposals.entry(&change.model_name).or_insert(change);
        if change.id > newest.id {
            *newest = change;
        }
    }
    categories
}

fn records(proposals: &Newest<'_>, canonical: Format, notes: &mut Vec<Note>) -> Object {
    let mut records = Object::with_capacity(proposals.len());
    for (name, change) in proposals {
        match record(change, canonical) {
            Ok(record) => {
                records.insert((*name).to_owned(), record.into());
            }
            Err(reason) => notes.push(Note { record: format!("change {}", change.id), reason }),
        }
    }
    records
}

fn record(change: &Entry, canonical: Format) -> Result<Object, String> {
    let payload = change.payload.as_ref().ok_or("there is no record in it")?;
    // Only v2 records name their type: one that does was queued while v2 was canonical.
    let is_v2 = !change.category.has_legacy_form() || payload.contains_key("record_type");
    if canonical == Format::V2 || is_v2 {
        return Ok(payload.clone());
    }
    legacy::v2_from_payload(change.category, &change.model_name, payload).map_err(|issues| {
        let issues: Vec<_> = issues.iter().map(ToString::to_string).collect();
        format!("cannot be converted to v2: {}", issues.join("; "))
    })
}
