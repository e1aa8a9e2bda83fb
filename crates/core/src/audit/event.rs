//! One event of the trail, as a line and back.

use crate::Format;
use crate::change::Operation;
use crate::generation::Generation;
use crate::json::{Json, Object, Style};

/// Something that was done.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its number; later events have larger ones.
    pub id: i64,
    /// Seconds since 1970.
    pub timestamp: i64,
    /// The format that was written.
    pub domain: Format,
    /// The category by its word, or `pending_queue`.
    pub category: String,
    /// The record's key; of an event of the queue the number of the change.
    pub model_name: String,
    /// What was done.
    pub operation: Operation,
    /// Who did it.
    pub logical_user_id: String,
    /// The request it was done by.
    pub request_id: Option<String>,
    /// What it was about.
    pub payload: Option<Payload>,
    /// The generation of the document in which it was done. Events of the reference have none.
    pub generation: Option<Generation>,
}

/// An event that has no number yet.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Draft(Event);

/// What an event was about.
#[derive(Debug, Clone, PartialEq)]
pub enum Payload {
    /// The record that was created, or what the queue has to say.
    After(Json),
    /// The record that was deleted.
    Before(Json),
    /// The members that became other.
    Delta(Vec<Delta>),
}

/// One member that became other.
#[derive(Debug, Clone, PartialEq)]
pub struct Delta {
    /// Its name.
    pub member: String,
    /// What it was; null where there was none.
    pub old: Json,
    /// What it is; null where there is none.
    pub new: Json,
}

impl Payload {
    /// What an update of a record changed, member by member.
    pub fn delta(old: &Json, new: &Json) -> Self {
        let empty = Object::new();
        let (old, new) = (old.as_object().unwrap_or(&empty), new.as_object().unwrap_or(&empty));
        let added = new.keys().filter(|name| !old.contains_key(*name));
        let changed = |name: &&String| old.get(*name) != new.get(*name);
        let side = |members: &Object, name: &str| members.get(name).cloned().unwrap_or(Json::Null);
        let delta = |name: &String| Delta {
            member: name.clone(),
            old: side(old, name),
            new: side(new, name),
        };
        Self::Delta(old.keys().chain(added).filter(changed).map(delta).collect())
    }

    fn to_json(&self) -> Json {
        let one = |name: &str, value: Json| Object::from_iter([(name.to_owned(), value)]);
        Json::Object(match self {
            Self::After(record) => one("after", record.clone()),
            Self::Before(record) => one("before", record.clone()),
            Self::Delta(deltas) => {
                let sides = |delta: &Delta| {
                    let mut sides = one("old", delta.old.clone());
                    sides.insert("new".to_owned(), delta.new.clone());
                    (delta.member.clone(), Json::Object(sides))
                };
                one("delta", Json::Object(deltas.iter().map(sides).collect()))
            }
        })
    }

    fn read(value: &Json) -> Option<Self> {
        let given = |name| value.get(name).filter(|record: &&Json| !record.is_null());
        let says_nothing = |record: &Json| record.as_object().is_some_and(|it| it.is_empty());
        match (given("after"), given("before")) {
            (Some(after), Some(before)) if says_nothing(after) => {
                return Some(Self::Before(before.clone()));
            }
            (Some(after), _) => return Some(Self::After(after.clone())),
            (None, Some(before)) => return Some(Self::Before(before.clone())),
            (None, None) => {}
        }
        let side = |sides: &Json, name| sides.get(name).cloned().unwrap_or(Json::Null);
        let delta = |(member, sides): (&String, &Json)| {
            sides.as_object()?;
            let (old, new) = (side(sides, "old"), side(sides, "new"));
            Some(Delta { member: member.clone(), old, new })
        };
        let deltas = value.get("delta")?.as_object()?;
        Some(Self::Delta(deltas.iter().map(delta).collect::<Option<_>>()?))
    }
}

impl Event {
    /// The line of the event, without its end.
    pub fn to_line(&self) -> String {
        let mut line = Object::new();
        let mut add = |name: &str, value: Json| line.insert(name.to_owned(), value);
        add("event_id", self.id.into());
        add("timestamp", self.timestamp.into());
        add("domain", self.domain.name().into());
        add("category", self.category.as_str().into());
        add("model_name", self.model_name.as_str().into());
        add("operation", self.operation.name().into());
        add("logical_user_id", self.logical_user_id.as_str().into());
        if let Some(request_id) = &self.request_id {
            add("request_id", request_id.as_str().into());
        }
        if let Some(payload) = &self.payload {
            add("payload", payload.to_json());
        }
        if let Some(generation) = self.generation {
            add("generation", generation.to_json());
        }
        Json::Object(line).to_text(Style::COMPACT_ASCII)
    }

    /// Reads a line. What is no event, or misses what every event has, is none.
    pub fn read(line: &[u8]) -> Option<Self> {
        let value = Json::parse(line).ok()?;
        let text = |name| value.get(name).and_then(Json::as_str);
        let given = |name: &str| value.get(name).filter(|value| !value.is_null());
        Some(Self {
            id: value.get("event_id")?.as_i64()?,
            timestamp: value.get("timestamp")?.as_i64()?,
            domain: Format::of_name(text("domain")?)?,
            category: text("category")?.to_owned(),
            model_name: text("model_name")?.to_owned(),
            operation: Operation::of_name(text("operation")?)?,
            logical_user_id: text("logical_user_id")?.to_owned(),
            request_id: match given("request_id") {
                Some(id) => Some(id.as_str()?.to_owned()),
                None => None,
            },
            payload: given("payload").and_then(Payload::read),
            generation: given("generation").and_then(Generation::from_json),
        })
    }
}

impl Draft {
    /// An event to be numbered; its id is not looked at.
    pub(crate) fn new(event: Event) -> Self {
        Self(event)
    }

    /// What it tells of.
    pub(crate) fn event(&self) -> &Event {
        &self.0
    }

    /// The event under its number.
    pub(crate) fn numbered(self, id: i64) -> Event {
        Event { id, ..self.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(payload: Option<Payload>) -> Event {
        Event {
            id: 8,
            timestamp: 1_700_000_000,
            domain: Format::V2,
            category: "clip".into(),
            model_name: "tiny é".into(),
            operation: Operation::Update,
            logical_user_id: "202".into(),
            request_id: Some("night".into()),
            payload,
            generation: None,
        }
    }

    #[test]
    fn lines_have_the_members_of_the_contract_in_its_order() {
        let old = Json::parse(br#"{"a":1,"gone":2,"same":[1.0]}"#).unwrap();
        let new = Json::parse(br#"{"a":null,"same":[1.0],"new":3}"#).unwrap();
        let event = event(Some(Payload::delta(&old, &new)));
        let expected = concat!(
            r#"{"event_id":8,"timestamp":1700000000,"domain":"v2","category":"clip","#,
            r#""model_name":"tiny \u00e9","operation":"update","logical_user_id":"202","#,
            r#""request_id":"night","payload":{"delta":{"a":{"old":1,"new":null},"#,
            r#""gone":{"old":2,"new":null},"new":{"old":null,"new":3}}}}"#,
        );
        assert_eq!(event.to_line(), expected);
        assert_eq!(Event::read(expected.as_bytes()), Some(event));
    }

    #[test]
    fn a_missing_side_is_null_and_a_mistyped_event_is_none() {
        let line = event(None).to_line();
        let with = |payload: &str| line.replace('}', &format!(r#","payload":{payload}}}"#));
        let read = Event::read(with(r#"{"delta":{"x":{"new":5}}}"#).as_bytes()).unwrap();
        let delta = Delta { member: "x".into(), old: Json::Null, new: Json::Int(5) };
        assert_eq!(read.payload, Some(Payload::Delta(vec![delta])));
        assert_eq!(Event::read(line.replace("\"update\"", "\"rename\"").as_bytes()), None);
        assert_eq!(Event::read(line.replace("\"202\"", "202").as_bytes()), None);
        assert_eq!(Event::read(b"{"), None);
    }
}
