//! What records were, told from the events about them.

use super::event::{Event, Payload};
use crate::change::Operation;
use crate::json::{Json, Object};

/// The records of a category after these events, which are in the order of their numbers.
pub fn replay<'a>(events: impl IntoIterator<Item = &'a Event>) -> Object {
    let mut records = Object::new();
    for event in events {
        apply(&mut records, event);
    }
    records
}

fn apply(records: &mut Object, event: &Event) {
    let name = &event.model_name;
    match (event.operation, &event.payload) {
        (Operation::Create, Some(Payload::After(record) | Payload::Before(record))) => {
            records.insert(name.clone(), record.clone());
        }
        (Operation::Create, _) => {
            records.insert(name.clone(), Json::Object(Object::new()));
        }
        (Operation::Update, Some(Payload::After(record))) if !is_empty(record) => {
            records.insert(name.clone(), record.clone());
        }
        (Operation::Update, Some(Payload::Delta(deltas))) => {
            let Some(record) = records.get_mut(name).and_then(Json::as_object_mut) else { return };
            for delta in deltas {
                record.insert(delta.member.clone(), delta.new.clone());
            }
        }
        (Operation::Update, _) => {}
        (Operation::Delete, _) => {
            records.shift_remove(name);
        }
    }
}

fn is_empty(record: &Json) -> bool {
    record.as_object().is_some_and(|members| members.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Style;

    fn event(name: &str, operation: &str, payload: &str) -> Event {
        let line = format!(
            r#"{{"event_id":1,"timestamp":1,"domain":"v2","category":"clip","model_name":"{name}","operation":"{operation}","logical_user_id":"1","payload":{payload}}}"#
        );
        Event::read(line.as_bytes()).unwrap()
    }

    #[test]
    fn every_operation_has_its_effect() {
        let events = [
            event("a", "create", r#"{"after":{"x":1,"y":2}}"#),
            event("b", "create", "null"),
            event("c", "create", r#"{"after":{}}"#),
            event("a", "update", r#"{"delta":{"x":{"old":1},"z":{"new":3}}}"#),
            event("unknown", "update", r#"{"delta":{"x":{"new":1}}}"#),
            event("b", "update", r#"{"after":{}}"#),
            event("c", "delete", r#"{"before":{}}"#),
        ];
        let records = Json::Object(replay(&events)).to_text(Style::COMPACT);
        assert_eq!(records, r#"{"a":{"x":null,"y":2,"z":3},"b":{}}"#);
    }
}
