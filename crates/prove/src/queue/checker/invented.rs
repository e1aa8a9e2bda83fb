//! A story in which all is well, and the same doctored in one place each time: the checker has to
//! name the promise that is broken.

use serde_json::{Value, json};

use super::{Property, check};
use crate::queue::history::{Answer, Ask, Attempt};
use crate::queue::left::{Entry, Left, QueueEvent, RecordEvent, Served};

/// What clients did, and what is left.
struct Story {
    attempts: Vec<Attempt>,
    left: Left,
}

impl Story {
    fn ask(&mut self, key: &str, ask: Ask, answer: Answer) {
        let begun = u64::try_from(self.attempts.len()).unwrap();
        let (client, server, key) = (0, 0, key.to_owned());
        self.attempts.push(Attempt { client, server, key, begun, ended: begun + 1, ask, answer });
    }

    fn tell(&mut self, event: i64, change: Option<i64>, action: &str, says: Value) {
        let mut says = says;
        says["action"] = action.into();
        self.left.queue_events.push(QueueEvent { event, change, action: action.into(), says });
    }

    fn violated(&self) -> Vec<Property> {
        let findings = check(&self.attempts, &self.left);
        findings.violations.into_iter().map(|(property, _)| property).collect()
    }

    fn event(&mut self, event: i64) -> &mut QueueEvent {
        self.left.queue_events.iter_mut().find(|told| told.event == event).unwrap()
    }

    fn entry(&mut self, id: i64) -> &mut Entry {
        self.left.entries.iter_mut().find(|entry| entry.id == id).unwrap()
    }

    fn answer(&mut self, key: &str) -> &mut Answer {
        let attempt = self.attempts.iter_mut().find(|attempt| attempt.key == key);
        &mut attempt.unwrap().answer
    }
}

fn answered(status: u16, body: Value) -> Answer {
    Answer::Answered { status, body }
}

fn nothing() -> Answer {
    Answer::Nothing { reason: "cut off".into() }
}

fn propose(model: &str) -> Ask {
    Ask::Propose {
        operation: "create".into(),
        category: "clip".into(),
        model: model.into(),
        mark: format!("mark of {model}"),
    }
}

fn decide(title: &str, approved: &[i64], rejected: &[i64]) -> Ask {
    let (approved, rejected) = (approved.to_vec(), rejected.to_vec());
    Ask::Decide { title: title.into(), approved, rejected }
}

fn enqueued(model: &str, id: i64) -> Value {
    json!({"change_id": id, "operation": "create", "model": model})
}

fn entry(id: i64, status: &str, batch: Option<i64>, job: Option<&str>) -> Entry {
    Entry {
        id,
        status: status.into(),
        operation: "create".into(),
        model: format!("m{id}"),
        mark: format!("mark of m{id}"),
        batch,
        job: job.map(str::to_owned),
    }
}

/// Five proposals; 1 and 2 are approved, 3 is rejected, by one of two who decide; 1 is applied, so 2
/// moves to another batch; 4 is purged; the answer about 5 was lost, and 5 repeated.
fn all_is_well() -> Story {
    let mut story = Story { attempts: Vec::new(), left: Left::default() };
    for id in 1..=4 {
        let body = json!({"change_id": id});
        story.ask(&format!("p{id}"), propose(&format!("m{id}")), answered(202, body));
        story.tell(id, Some(id), "enqueue", enqueued(&format!("m{id}"), id));
    }
    story.ask("p5", propose("m5"), nothing());
    story.tell(5, Some(5), "enqueue", enqueued("m5", 5));
    story.ask("p5", propose("m5"), answered(202, json!({"change_id": 5})));
    story.ask(
        "d1",
        decide("one", &[1, 2], &[3]),
        answered(200, json!({"batch_id": 1, "batch_title": "one"})),
    );
    let decided = |id: i64| json!({"change_id": id, "batch_id": 1, "batch_title": "one"});
    story.tell(6, Some(1), "approve", decided(1));
    story.tell(7, Some(2), "approve", decided(2));
    story.tell(8, Some(3), "reject", decided(3));
    let late = json!({"detail": "Change 2 is not pending (status=approved)."});
    story.ask("d2", decide("two", &[2], &[]), answered(400, late));
    let record = json!({"change_id": 1, "status": "applied", "applied_job_id": "job"});
    let body = json!({"record": record, "batch_split_occurred": true});
    story.ask("a1", Ask::Apply { id: 1, job: Some("job".into()) }, answered(200, body));
    story.left.record_events.push(RecordEvent {
        event: 9,
        category: "clip".into(),
        model: "m1".into(),
        operation: "create".into(),
        job: Some("job".into()),
        mark: Some("mark of m1".into()),
    });
    story.tell(10, Some(1), "apply", json!({"change_id": 1, "batch_id": 1, "job_id": "job"}));
    let split = json!({
        "original_batch_id": 1,
        "new_batch_id": 2,
        "reassigned_change_ids": [2],
    });
    story.tell(11, None, "batch_split", split);
    let purge = Ask::Purge { statuses: Vec::new(), model: "m4".into() };
    story.ask("r1", purge, answered(200, json!({"removed_change_ids": [4]})));
    story.tell(12, Some(4), "purge", json!({"change_id": 4}));
    story.left.entries = vec![
        entry(1, "applied", Some(1), Some("job")),
        entry(2, "approved", Some(2), None),
        entry(3, "rejected", Some(1), None),
        entry(5, "pending", None, None),
    ];
    (story.left.last_change, story.left.last_batch) = (5, 2);
    story.left.records = [(("clip".into(), "m1".into()), "mark of m1".into())].into();
    let statuses = story.left.entries.iter().map(|entry| (entry.id, entry.status.clone()));
    let (statuses, records) = (statuses.collect(), story.left.records.clone());
    story.left.served = vec![Served { server: 0, records, statuses }];
    story
}

/// All is well until it is doctored so; then this promise is broken.
fn convicts(property: Property, doctor: impl FnOnce(&mut Story)) {
    let mut story = all_is_well();
    doctor(&mut story);
    let violated = story.violated();
    assert!(violated.contains(&property), "{property:?} is to be violated, not {violated:?}");
}

#[test]
fn a_story_in_which_all_is_well() {
    assert_eq!(all_is_well().violated(), []);
}

#[test]
fn numbers_that_were_given_twice() {
    convicts(Property::Ids, |story| {
        *story.answer("p2") = answered(202, json!({"change_id": 1}));
    });
    convicts(Property::Ids, |story| story.event(8).event = 7);
    convicts(Property::Ids, |story| story.entry(2).id = 1);
    convicts(Property::Ids, |story| story.left.last_change = 4);
    convicts(Property::Ids, |story| {
        story.ask("p3", propose("m3"), answered(202, json!({"change_id": 5})));
    });
}

#[test]
fn proposals_that_were_lost_doubled_or_invented() {
    convicts(Property::Proposals, |story| story.left.entries.retain(|entry| entry.id != 5));
    convicts(Property::Proposals, |story| story.entry(5).mark = "another".into());
    convicts(Property::Proposals, |story| story.left.queue_events.retain(|told| told.event != 5));
    convicts(Property::Proposals, |story| {
        story.tell(13, Some(5), "enqueue", enqueued("m5", 5));
    });
    // Of the lost answer only one more may have come.
    let mut twice = all_is_well();
    twice.tell(13, Some(6), "enqueue", enqueued("m5", 6));
    twice.left.entries.push(Entry { model: "m5".into(), ..entry(6, "pending", None, None) });
    twice.left.last_change = 6;
    twice.left.served.clear();
    assert_eq!(twice.violated(), []);
    twice.tell(14, Some(7), "enqueue", enqueued("m5", 7));
    twice.left.entries.push(Entry { model: "m5".into(), ..entry(7, "pending", None, None) });
    twice.left.last_change = 7;
    assert_eq!(twice.violated(), [Property::Proposals]);
}

#[test]
fn decisions_that_were_made_in_part_or_twice_or_by_nobody() {
    convicts(Property::Decisions, |story| story.left.queue_events.retain(|told| told.event != 8));
    convicts(Property::Decisions, |story| story.event(7).says["batch_id"] = 7.into());
    convicts(Property::Decisions, |story| {
        *story.answer("d1") = answered(400, json!({"detail": "no"}));
    });
    convicts(Property::Decisions, |story| story.event(6).says["batch_title"] = "nobody's".into());
    // Not even where nobody knows whether it was made.
    convicts(Property::Decisions, |story| {
        *story.answer("d1") = nothing();
        story.left.queue_events.retain(|told| told.event != 8);
    });
    convicts(Property::Paths, |story| {
        story.tell(13, Some(3), "approve", json!({"batch_id": 2, "batch_title": "two"}));
    });
}

#[test]
fn conflicts_that_are_none_or_are_told_wrongly() {
    for detail in [
        "Change 5 is not pending (status=approved).",
        "Change 2 is not pending (status=rejected).",
        "Change 2 is not pending (status=applied).",
        "Change 2 does not exist.",
    ] {
        convicts(Property::Conflicts, |story| {
            *story.answer("d2") = answered(400, json!({"detail": detail}));
        });
    }
    // Two who are told that they decided about one change.
    convicts(Property::Decisions, |story| {
        *story.answer("d2") = answered(200, json!({"batch_id": 1}));
    });
}

#[test]
fn changes_that_were_applied_twice_or_not_or_unasked() {
    convicts(Property::Applies, |story| {
        let second = RecordEvent { event: 13, ..story.left.record_events[0].clone() };
        story.left.record_events.push(second);
    });
    convicts(Property::Applies, |story| story.left.record_events.clear());
    convicts(Property::Applies, |story| story.left.queue_events.retain(|told| told.event != 10));
    convicts(Property::Applies, |story| story.entry(1).status = "approved".into());
    convicts(Property::Applies, |story| {
        let one =
            RecordEvent { event: 13, model: "m3".into(), ..story.left.record_events[0].clone() };
        story.left.record_events.push(one);
    });
    convicts(Property::Applies, |story| {
        let body = json!({"record": {"change_id": 1, "applied_job_id": "job"}});
        story.ask("a2", Ask::Apply { id: 1, job: None }, answered(200, body));
    });
    convicts(Property::Applies, |story| {
        let refused = json!({"detail": "Change 1 is not approved (status=pending)."});
        *story.answer("a1") = answered(400, refused);
    });
    // Who was not answered may have applied it.
    let mut lost = all_is_well();
    *lost.answer("a1") = nothing();
    assert_eq!(lost.violated(), []);
}

#[test]
fn purges_that_left_something_or_took_it_unasked() {
    convicts(Property::Purges, |story| {
        story.left.entries.push(entry(4, "pending", None, None));
    });
    convicts(Property::Purges, |story| story.left.queue_events.retain(|told| told.event != 12));
    convicts(Property::Purges, |story| {
        *story.answer("r1") = answered(200, json!({"removed_change_ids": []}));
    });
    convicts(Property::Purges, |story| {
        let purge = Ask::Purge { statuses: Vec::new(), model: "m4".into() };
        story.ask("r2", purge, answered(200, json!({"removed_change_ids": [4]})));
    });
}

#[test]
fn ways_that_there_are_not_and_changes_left_half_applied() {
    convicts(Property::Paths, |story| story.entry(5).status = "rejected".into());
    convicts(Property::Paths, |story| {
        story.tell(13, Some(4), "approve", json!({"batch_id": 2, "batch_title": "two"}));
    });
    convicts(Property::Settled, |story| story.entry(2).status = "applying".into());
}

#[test]
fn batches_that_the_rules_do_not_give() {
    convicts(Property::Batches, |story| story.event(11).says["new_batch_id"] = 3.into());
    convicts(Property::Batches, |story| {
        story.event(11).says["reassigned_change_ids"] = json!([2, 3]);
    });
    convicts(Property::Batches, |story| story.entry(2).batch = Some(1));
    convicts(Property::Batches, |story| story.left.last_batch = 1);
    convicts(Property::Batches, |story| story.event(10).says["batch_id"] = 2.into());
    // A batch is open, and a decision begins another.
    convicts(Property::Batches, |story| {
        story.ask("d3", decide("three", &[5], &[]), answered(200, json!({"batch_id": 3})));
        story.tell(13, Some(5), "approve", json!({"batch_id": 3, "batch_title": "three"}));
        (story.entry(5).status, story.entry(5).batch) = ("approved".into(), Some(3));
        story.left.last_batch = 3;
    });
}

#[test]
fn records_that_nobody_wrote_so_and_servers_that_disagree() {
    let name = || ("clip".to_owned(), "m1".to_owned());
    convicts(Property::Records, |story| {
        story.left.records.insert(name(), "another".into());
    });
    convicts(Property::Records, |story| drop(story.left.records.remove(&name())));
    convicts(Property::Records, |story| story.left.record_events[0].operation = "update".into());
    convicts(Property::Records, |story| {
        story.left.record_events[0].mark = Some("another".into());
    });
    convicts(Property::Agreement, |story| story.left.served[0].records.clear());
    convicts(Property::Agreement, |story| {
        story.left.served[0].statuses.insert(5, "approved".into());
    });
}

#[test]
fn servers_that_fail() {
    convicts(Property::Alive, |story| {
        *story.answer("r1") = answered(500, json!({"detail": "Internal Server Error"}));
    });
}
