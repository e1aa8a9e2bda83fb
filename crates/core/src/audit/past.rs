//! What one record was at a point of the trail, as well as its events tell.
//!
//! A record that is older than the trail has no event that tells the whole of it before it is
//! deleted. Its updates still tell what they replaced: from a later deletion the record is found by
//! taking the updates back, and where there is none, the members that changed are known, and they
//! only.

use super::event::{Delta, Event, Payload};
use crate::change::Operation;
use crate::json::{Json, Object};

/// The record after those of its events that have a number up to `until`; all of them are given, in
/// the order of their numbers. `None` where it did not exist, or nothing is known of it.
pub(super) fn record_at(events: &[Event], until: i64) -> Option<Object> {
    let (past, later) = events.split_at(events.partition_point(|event| event.id <= until));
    match past.iter().fold(Known::Parts(Object::new()), Known::after) {
        Known::Whole(record) => record,
        Known::Parts(parts) => before(later, parts),
    }
}

/// What is known of a record.
enum Known {
    /// All of it, or that it does not exist.
    Whole(Option<Object>),
    /// These members; null stands for one that is not there.
    Parts(Object),
}

impl Known {
    fn after(self, event: &Event) -> Self {
        match (event.operation, &event.payload) {
            (Operation::Delete, _) => Self::Whole(None),
            (Operation::Create, payload) => {
                let record = match payload {
                    Some(Payload::After(record) | Payload::Before(record)) => record.as_object(),
                    _ => None,
                };
                Self::Whole(Some(record.cloned().unwrap_or_default()))
            }
            (Operation::Update, Some(Payload::After(Json::Object(record))))
                if !record.is_empty() =>
            {
                Self::Whole(Some(record.clone()))
            }
            (Operation::Update, Some(Payload::Delta(deltas))) => self.changed_by(deltas),
            (Operation::Update, _) => self,
        }
    }

    fn changed_by(mut self, deltas: &[Delta]) -> Self {
        if let Self::Whole(Some(members)) | Self::Parts(members) = &mut self {
            let new = |delta: &Delta| (delta.member.clone(), delta.new.clone());
            members.extend(deltas.iter().map(new));
        }
        self
    }
}

/// What a record was before `later` happened to it, if only these parts of it are known from before.
fn before(later: &[Event], mut parts: Object) -> Option<Object> {
    let mut updates = Vec::new();
    for event in later {
        match (event.operation, &event.payload) {
            (Operation::Update, Some(Payload::Delta(deltas))) => updates.push(deltas),
            (Operation::Delete, Some(Payload::Before(Json::Object(record)))) => {
                return Some(taken_back(&updates, record.clone()));
            }
            // What was made then was not there before.
            (Operation::Create, _) if updates.is_empty() && parts.is_empty() => return None,
            _ => break,
        }
    }
    for delta in updates.into_iter().flatten() {
        parts.entry(delta.member.clone()).or_insert_with(|| delta.old.clone());
    }
    let is_known = !parts.is_empty();
    parts.retain(|_, value| !value.is_null());
    is_known.then_some(parts)
}

fn taken_back(updates: &[&Vec<Delta>], mut record: Object) -> Object {
    for delta in updates.iter().rev().flat_map(|deltas| deltas.iter()) {
        match &delta.old {
            Json::Null => drop(record.shift_remove(&delta.member)),
            old => drop(record.insert(delta.member.clone(), old.clone())),
        }
    }
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The record at each of the points, from events that are numbered from 1, each as
    /// `operation payload`.
    fn told<const N: usize>(events: &[&str], points: [i64; N]) -> [String; N] {
        let event = |(index, text): (usize, &&str)| {
            let (operation, payload) = text.split_once(' ').unwrap();
            let line = format!(
                r#"{{"event_id":{},"timestamp":1,"domain":"v2","category":"clip","model_name":"a","operation":"{operation}","logical_user_id":"1","payload":{payload}}}"#,
                index + 1
            );
            Event::read(line.as_bytes()).unwrap()
        };
        let events: Vec<Event> = events.iter().enumerate().map(event).collect();
        points.map(|until| match record_at(&events, until) {
            Some(record) => Json::Object(record).to_string(),
            None => "none".to_owned(),
        })
    }

    #[test]
    fn what_was_created_here_is_known_from_then_on() {
        let events = [
            r#"create {"after":{"x":1,"y":2}}"#,
            r#"update {"delta":{"x":{"old":1},"z":{"new":3}}}"#,
            r#"update {"after":{"w":1}}"#,
            r#"delete {"before":{"w":1}}"#,
            r#"create null"#,
        ];
        assert_eq!(
            told(&events, [0, 1, 2, 3, 4, 5]),
            ["none", r#"{"x":1,"y":2}"#, r#"{"x":null,"y":2,"z":3}"#, r#"{"w":1}"#, "none", "{}"]
        );
    }

    #[test]
    fn what_is_older_than_the_trail_is_found_from_its_end() {
        let events = [
            r#"update {"delta":{"x":{"old":1,"new":2},"n":{"new":1}}}"#,
            r#"update {"delta":{"x":{"old":2,"new":3},"g":{"old":5}}}"#,
            r#"delete {"before":{"x":3,"n":1,"other":true}}"#,
        ];
        assert_eq!(
            told(&events, [0, 1, 2, 3]),
            [
                r#"{"x":1,"other":true,"g":5}"#,
                r#"{"x":2,"n":1,"other":true,"g":5}"#,
                r#"{"x":3,"n":1,"other":true}"#,
                "none"
            ]
        );
    }

    #[test]
    fn of_what_is_still_there_the_members_that_changed_are_known() {
        let events = [
            r#"update {"delta":{"x":{"old":1,"new":2},"n":{"new":1}}}"#,
            r#"update {"delta":{"x":{"old":2,"new":3},"g":{"old":5}}}"#,
        ];
        let expected = [r#"{"x":1,"g":5}"#, r#"{"x":2,"n":1,"g":5}"#, r#"{"x":3,"n":1}"#];
        assert_eq!(told(&events, [0, 1, 2]), expected);
        assert_eq!(told(&[], [0]), ["none"]);
        // A member that was added is no reason to call the record new.
        assert_eq!(told(&[r#"update {"delta":{"n":{"new":1}}}"#], [0, 1]), ["{}", r#"{"n":1}"#]);
    }
}
