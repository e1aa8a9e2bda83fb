//! What became of each proposed change and of each batch, told from the queue's events alone.
//!
//! The queue's file forgets what was purged and knows only how things stand; the events tell how
//! they came to. Nothing here reads a file: whoever has the events tells them, in the order of
//! their numbers.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;

use super::event::{Event, Payload};
use crate::Category;
use crate::change::Operation;
use crate::json::{Json, Object};
use crate::queue::Status;

/// The category under which the events of the queue are kept.
pub const QUEUE: &str = "pending_queue";

/// All proposed changes and batches.
#[derive(Debug, Default)]
pub struct Story {
    /// In the order in which they first appeared.
    changes: IndexMap<i64, Change>,
    batches: BTreeMap<i64, Batch>,
    events: usize,
}

/// One proposed change.
#[derive(Debug, PartialEq)]
pub struct Change {
    /// Its number.
    pub id: i64,
    /// What became of it.
    pub status: Status,
    /// What was to be done; none where no event that can be read tells of it.
    pub operation: Option<Operation>,
    /// To a record of which category.
    pub category: Option<Category>,
    /// To which one.
    pub model_name: Option<String>,
    /// Who proposed it.
    pub requested: Option<Act>,
    /// Who approved it.
    pub approved: Option<Act>,
    /// Who rejected it.
    pub rejected: Option<Act>,
    /// Why.
    pub reject_reason: Option<String>,
    /// Who applied it.
    pub applied: Option<Act>,
    /// In which job.
    pub job_id: Option<String>,
    /// The batch it belongs to, at the end.
    pub batch_id: Option<i64>,
    /// The title it was decided under.
    pub batch_title: Option<String>,
    /// Whether its entry was removed from the queue.
    pub is_purged: bool,
    /// What happened to it.
    pub steps: Vec<Step>,
}

/// Who did something, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// The user's number.
    pub by: String,
    /// Seconds since 1970.
    pub at: i64,
}

/// One thing that happened to a change.
#[derive(Debug, PartialEq)]
pub struct Step {
    /// Number of the event.
    pub event_id: i64,
    /// The contract's word for what happened.
    pub action: Box<str>,
    /// Who did it, and when.
    pub act: Act,
    /// What else the event tells, as compact JSON: a tenth of what it would take as a value.
    payload: Box<str>,
}

/// Changes that were decided together.
#[derive(Debug, Default, PartialEq)]
pub struct Batch {
    /// The title last given to it.
    pub title: Option<String>,
    /// Who decided first.
    pub approved: Option<Act>,
    /// When a member was last applied.
    pub applied_at: Option<i64>,
    /// Its members that were approved, applied ones included.
    approved_ids: BTreeSet<i64>,
    rejected_ids: BTreeSet<i64>,
    applied_ids: BTreeSet<i64>,
    last_event_id: Option<i64>,
}

/// Some of the batches.
#[derive(Debug, PartialEq)]
pub struct Page<'a> {
    /// Each with its number, the latest first.
    pub batches: Vec<(i64, &'a Batch)>,
    /// From where to go on, if there are more.
    pub next: Option<i64>,
}

impl Story {
    /// The story that these events tell.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut story = Self::default();
        for event in events {
            story.tell(event);
        }
        story
    }

    /// What happened next. An event that says nothing about the queue is passed over.
    pub fn tell(&mut self, event: &Event) {
        let Some(said) = said(event) else { return };
        let Some(action) = said.get("action").and_then(Json::as_str) else { return };
        self.events += 1;
        let id = said.get("change_id").and_then(whole).or_else(|| as_whole(&event.model_name));
        if let Some(id) = id {
            self.change(id).steps.push(Step {
                event_id: event.id,
                action: action.into(),
                act: Act::of(event),
                payload: crate::json::object_to_text(said, crate::json::Style::COMPACT).into(),
            });
        }
        match (action, id) {
            ("batch_split", _) => self.split(event, said),
            ("enqueue", Some(id)) => self.enqueue(id, event, said),
            ("approve", Some(id)) => self.approve(id, event, said),
            ("reject", Some(id)) => self.reject(id, event, said),
            ("apply", Some(id)) => self.apply(id, event, said),
            ("purge", Some(id)) => self.change(id).is_purged = true,
            _ => {}
        }
    }

    /// How many events were told.
    pub fn events(&self) -> usize {
        self.events
    }

    /// The changes that wait for a decision, the latest first. Those whose entries were purged wait
    /// for nothing.
    pub fn pending(&self) -> Vec<&Change> {
        let waits = |change: &&Change| change.status == Status::Pending && !change.is_purged;
        let mut pending: Vec<&Change> = self.changes.values().filter(waits).collect();
        let requested_at = |change: &Change| change.requested.as_ref().map_or(0, |act| act.at);
        pending.sort_by_key(|change| std::cmp::Reverse((requested_at(change), change.id)));
        pending
    }

    /// Up to `limit` batches with numbers below `cursor`, the latest first.
    pub fn batches(&self, cursor: Option<i64>, limit: usize) -> Page<'_> {
        let below = self.batches.range(..cursor.unwrap_or(i64::MAX)).rev();
        let mut batches: Vec<_> = below.take(limit + 1).map(|(id, batch)| (*id, batch)).collect();
        let has_more = batches.len() > limit;
        batches.truncate(limit);
        let next = batches.last().map(|(id, _)| *id).filter(|_| has_more);
        Page { batches, next }
    }

    /// One batch.
    pub fn batch(&self, id: i64) -> Option<&Batch> {
        self.batches.get(&id)
    }

    /// The changes that belong to a batch, in the order in which they first appeared.
    pub fn changes_of(&self, batch_id: i64) -> impl Iterator<Item = &Change> {
        self.changes.values().filter(move |change| change.batch_id == Some(batch_id))
    }

    fn change(&mut self, id: i64) -> &mut Change {
        self.changes.entry(id).or_insert_with(|| Change::new(id))
    }

    fn enqueue(&mut self, id: i64, event: &Event, said: &Object) {
        let change = self.change(id);
        change.status = Status::Pending;
        change.operation = text(said, "operation").and_then(Operation::of_name);
        change.category = text(said, "category").and_then(|name| name.parse().ok());
        change.model_name = text(said, "model").map(str::to_owned);
        change.requested = Some(Act::of(event));
    }

    fn approve(&mut self, id: i64, event: &Event, said: &Object) {
        let change = self.change(id);
        change.status = Status::Approved;
        change.approved = Some(Act::of(event));
        change.batch_id = said.get("batch_id").and_then(whole).or(change.batch_id);
        change.take_title(said);
        let Some(batch) = self.batch_told(id, event, said) else { return };
        batch.approved.get_or_insert_with(|| Act::of(event));
        batch.approved_ids.insert(id);
    }

    fn reject(&mut self, id: i64, event: &Event, said: &Object) {
        let change = self.change(id);
        change.status = Status::Rejected;
        change.rejected = Some(Act::of(event));
        change.reject_reason = text(said, "reason").map(str::to_owned);
        change.batch_id = change.batch_id.or_else(|| said.get("batch_id").and_then(whole));
        change.take_title(said);
        let Some(batch) = self.batch_told(id, event, said) else { return };
        // The contract names whoever decided first, also if that was a rejection.
        batch.approved.get_or_insert_with(|| Act::of(event));
        batch.rejected_ids.insert(id);
    }

    fn apply(&mut self, id: i64, event: &Event, said: &Object) {
        let change = self.change(id);
        change.status = Status::Applied;
        change.applied = Some(Act::of(event));
        change.job_id = text(said, "job_id").map(str::to_owned);
        change.batch_id = change.batch_id.or_else(|| said.get("batch_id").and_then(whole));
        let Some(batch) = self.batch_told(id, event, said) else { return };
        batch.applied_at = batch.applied_at.max(Some(event.timestamp));
        batch.applied_ids.insert(id);
    }

    /// The batch that an event about a change is about, with what each such event does to it.
    fn batch_told(&mut self, id: i64, event: &Event, said: &Object) -> Option<&mut Batch> {
        let change = self.changes.get(&id)?;
        let batch_id = said.get("batch_id").and_then(whole).or(change.batch_id)?;
        let batch = self.batches.entry(batch_id).or_default();
        batch.last_event_id = Some(event.id);
        if let Some(title) = &change.batch_title {
            batch.title = Some(title.clone());
        }
        Some(batch)
    }

    fn split(&mut self, event: &Event, said: &Object) {
        let batch_of = |name| said.get(name).and_then(whole);
        let Some(new) = batch_of("new_batch_id") else { return };
        for id in batch_of("original_batch_id").into_iter().chain([new]) {
            self.batches.entry(id).or_default().last_event_id = Some(event.id);
        }
        let moved = said.get("reassigned_change_ids").and_then(Json::as_array).unwrap_or_default();
        for id in moved.iter().filter_map(whole) {
            let change = self.change(id);
            let is_approved = change.status == Status::Approved;
            let previous = change.batch_id.replace(new);
            if let Some(previous) = previous.and_then(|previous| self.batches.get_mut(&previous)) {
                previous.forget(id);
            }
            if is_approved {
                self.batches.entry(new).or_default().approved_ids.insert(id);
            }
        }
    }
}

impl Change {
    fn new(id: i64) -> Self {
        Self {
            id,
            status: Status::Pending,
            operation: None,
            category: None,
            model_name: None,
            requested: None,
            approved: None,
            rejected: None,
            reject_reason: None,
            applied: None,
            job_id: None,
            batch_id: None,
            batch_title: None,
            is_purged: false,
            steps: Vec::new(),
        }
    }

    fn take_title(&mut self, said: &Object) {
        if let Some(title) = text(said, "batch_title") {
            self.batch_title = Some(title.to_owned());
        }
    }

    /// The form of an answer.
    pub fn to_json(&self) -> Json {
        let by = |act: &Option<Act>| Json::from(act.as_ref().map(|act| act.by.as_str()));
        let at = |act: &Option<Act>| Json::from(act.as_ref().map(|act| act.at));
        let steps: Vec<Json> = self.steps.iter().map(Step::to_json).collect();
        Json::from([
            ("change_id", self.id.into()),
            ("status", self.status.name().into()),
            ("operation", self.operation.map(Operation::name).into()),
            ("category", self.category.map(Category::name).into()),
            ("model_name", self.model_name.as_deref().into()),
            ("requested_by", by(&self.requested)),
            ("requested_at", at(&self.requested)),
            ("approved_by", by(&self.approved)),
            ("approved_at", at(&self.approved)),
            ("rejected_by", by(&self.rejected)),
            ("rejected_at", at(&self.rejected)),
            ("reject_reason", self.reject_reason.as_deref().into()),
            ("applied_by", by(&self.applied)),
            ("applied_at", at(&self.applied)),
            ("applied_job_id", self.job_id.as_deref().into()),
            ("batch_id", self.batch_id.into()),
            ("batch_title", self.batch_title.as_deref().into()),
            ("events", steps.into()),
        ])
    }
}

impl Act {
    fn of(event: &Event) -> Self {
        Self { by: event.logical_user_id.clone(), at: event.timestamp }
    }
}

impl Step {
    fn to_json(&self) -> Json {
        Json::from([
            ("event_id", self.event_id.into()),
            ("timestamp", self.act.at.into()),
            ("action", (*self.action).into()),
            ("logical_user_id", self.act.by.as_str().into()),
            ("payload", Json::parse(self.payload.as_bytes()).unwrap_or(Json::Null)),
        ])
    }
}

impl Batch {
    fn forget(&mut self, id: i64) {
        for ids in [&mut self.approved_ids, &mut self.rejected_ids, &mut self.applied_ids] {
            ids.remove(&id);
        }
    }

    /// The form of an answer.
    pub fn to_json(&self, id: i64) -> Object {
        let members = [
            ("batch_id", id.into()),
            ("batch_title", self.title.as_deref().into()),
            ("approved_by", self.approved.as_ref().map(|act| act.by.as_str()).into()),
            ("approved_at", self.approved.as_ref().map(|act| act.at).into()),
            ("applied_at", self.applied_at.into()),
            ("approved_change_count", Json::count(self.approved_ids.len())),
            ("rejected_change_count", Json::count(self.rejected_ids.len())),
            ("applied_change_count", Json::count(self.applied_ids.len())),
            (
                "total_change_count",
                Json::count(self.approved_ids.union(&self.rejected_ids).count()),
            ),
            ("last_event_id", self.last_event_id.into()),
        ];
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// What an event of the queue says.
fn said(event: &Event) -> Option<&Object> {
    let (Payload::After(said) | Payload::Before(said)) = event.payload.as_ref()? else {
        return None;
    };
    said.as_object().filter(|members| !members.is_empty())
}

fn text<'a>(said: &'a Object, name: &str) -> Option<&'a str> {
    said.get(name).and_then(Json::as_str)
}

/// Numbers are met as text, too.
fn whole(value: &Json) -> Option<i64> {
    value.as_i64().or_else(|| as_whole(value.as_str()?))
}

fn as_whole(text: &str) -> Option<i64> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The story of what is said, each as `name payload`; events are numbered from 1, a second each,
    /// and by the user 201.
    fn story(told: &[(&str, &str)]) -> Story {
        let event = |(index, (name, payload)): (usize, &(&str, &str))| {
            let line = format!(
                r#"{{"event_id":{0},"timestamp":{0},"domain":"v2","category":"pending_queue","model_name":"{name}","operation":"update","logical_user_id":"201","payload":{payload}}}"#,
                index + 1
            );
            Event::read(line.as_bytes()).unwrap()
        };
        let events: Vec<Event> = told.iter().enumerate().map(event).collect();
        Story::of(&events)
    }

    fn after(said: &str) -> String {
        format!(r#"{{"after":{{{said}}}}}"#)
    }

    fn enqueue(id: i64) -> String {
        after(&format!(
            r#""change_id":{id},"operation":"create","category":"clip","action":"enqueue","model":"c{id}""#
        ))
    }

    /// A batch as `title by at applied_at approved/rejected/applied/total last`.
    fn batch(story: &Story, id: i64) -> String {
        let batch = story.batch(id).unwrap().to_json(id);
        let texts: Vec<String> = batch.values().skip(1).map(Json::to_string).collect();
        texts.join(" ")
    }

    fn pending(story: &Story) -> Vec<i64> {
        story.pending().iter().map(|change| change.id).collect()
    }

    #[test]
    fn decisions_and_applying_are_told_of_changes_and_batches() {
        let story = story(&[
            ("1", &enqueue(1)),
            ("2", &enqueue(2)),
            ("3", &enqueue(3)),
            ("4", &enqueue(4)),
            ("1", &after(r#""change_id":1,"batch_id":1,"batch_title":"a","action":"approve""#)),
            ("2", &after(r#""change_id":2,"batch_id":1,"batch_title":"a","action":"approve""#)),
            (
                "3",
                &after(
                    r#""change_id":3,"batch_id":1,"batch_title":"a","reason":"dup","action":"reject""#,
                ),
            ),
            ("1", &after(r#""change_id":1,"batch_id":1,"job_id":"j","action":"apply""#)),
            (
                "queue",
                &after(
                    r#""original_batch_id":1,"new_batch_id":2,"reassigned_change_ids":[2],"reason":"partial_apply","action":"batch_split""#,
                ),
            ),
        ]);
        assert_eq!(pending(&story), [4]);
        assert_eq!(batch(&story, 1), r#""a" "201" 5 8 1 1 1 2 9"#);
        // The title of a batch that was split off comes with the next event about a member.
        assert_eq!(batch(&story, 2), "null null null null 1 0 0 1 9");
        let ids = |batch| story.changes_of(batch).map(|change| change.id).collect::<Vec<_>>();
        assert_eq!((ids(1), ids(2)), (vec![1, 3], vec![2]));
        let first = story.changes_of(1).next().unwrap();
        assert_eq!(
            first.to_json().to_string(),
            concat!(
                r#"{"change_id":1,"status":"applied","operation":"create","category":"clip","#,
                r#""model_name":"c1","requested_by":"201","requested_at":1,"approved_by":"201","#,
                r#""approved_at":5,"rejected_by":null,"rejected_at":null,"reject_reason":null,"#,
                r#""applied_by":"201","applied_at":8,"applied_job_id":"j","batch_id":1,"#,
                r#""batch_title":"a","events":[{"event_id":1,"timestamp":1,"action":"enqueue","#,
                r#""logical_user_id":"201","payload":{"change_id":1,"operation":"create","#,
                r#""category":"clip","action":"enqueue","model":"c1"}},{"event_id":5,"timestamp":5,"#,
                r#""action":"approve","logical_user_id":"201","payload":{"change_id":1,"batch_id":1,"#,
                r#""batch_title":"a","action":"approve"}},{"event_id":8,"timestamp":8,"#,
                r#""action":"apply","logical_user_id":"201","payload":{"change_id":1,"batch_id":1,"#,
                r#""job_id":"j","action":"apply"}}]}"#
            )
        );
    }

    #[test]
    fn a_rejection_without_approvals_makes_no_batch() {
        let rejected = after(r#""change_id":1,"batch_title":"no","reason":"x","action":"reject""#);
        let story = story(&[("1", &enqueue(1)), ("1", &rejected)]);
        assert_eq!(story.batches(None, 10), Page { batches: Vec::new(), next: None });
        assert!(pending(&story).is_empty());
    }

    #[test]
    fn a_purged_proposal_waits_no_more() {
        let purged = after(r#""change_id":2,"category":"clip","action":"purge","model":"c2""#);
        let story = story(&[("1", &enqueue(1)), ("2", &enqueue(2)), ("2", &purged)]);
        assert_eq!(pending(&story), [1]);
    }

    #[test]
    fn what_is_odd_is_read_as_far_as_it_goes() {
        let story = story(&[
            (
                "6",
                r#"{"before":{"action":"enqueue","operation":"odd","category":"odd","model":"six"}}"#,
            ),
            ("7", r#"{"after":{},"before":{"action":"enqueue","model":"seven"}}"#),
            ("8", &after(r#""action":"custom-action""#)),
            ("9", "null"),
            ("10", &after(r#""change_id":10"#)),
            ("x", &after(r#""action":"enqueue""#)),
            (
                "5",
                &after(r#""change_id":"5","action":"approve","batch_id":"4","batch_title":"late""#),
            ),
            (
                "queue",
                &after(
                    r#""action":"batch_split","original_batch_id":4,"new_batch_id":6,"reassigned_change_ids":[5,"x","17"]"#,
                ),
            ),
        ]);
        assert_eq!(pending(&story), [7, 6, 17, 8]);
        let six = story.pending()[1];
        assert_eq!((six.operation, six.category), (None, None));
        assert_eq!(six.model_name.as_deref(), Some("six"));
        assert_eq!(batch(&story, 4), r#""late" "201" 7 null 0 0 0 0 8"#);
        assert_eq!(batch(&story, 6), "null null null null 1 0 0 1 8");
        assert_eq!(story.events(), 6);
    }

    #[test]
    fn batches_come_in_pages() {
        let approved =
            |id: i64| after(&format!(r#""change_id":{id},"batch_id":{id},"action":"approve""#));
        let story = story(&[("1", &approved(1)), ("3", &approved(3)), ("2", &approved(2))]);
        let page = |cursor, limit| {
            let page = story.batches(cursor, limit);
            let ids: Vec<i64> = page.batches.iter().map(|(id, _)| *id).collect();
            (ids, page.next)
        };
        assert_eq!(page(None, 2), (vec![3, 2], Some(2)));
        assert_eq!(page(Some(2), 2), (vec![1], None));
        assert_eq!(page(None, 3), (vec![3, 2, 1], None));
        assert_eq!(page(Some(1), 2), (Vec::new(), None));
    }
}
