//! One entry of the queue, as its file spells it.

use crate::Category;
use crate::change::Operation;
use crate::json::{Json, Object};

/// What an entry without the member is about.
const MODEL: &str = "model_reference";

/// A proposed change. It borrows from the entry it was read from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change<'a> {
    /// Names the entry; later entries have larger numbers.
    pub id: i64,
    /// Whether it is about a model, and not about a catalogue.
    pub is_about_model: bool,
    /// The category of the model.
    pub category: Category,
    /// The model's key there.
    pub model_name: &'a str,
    /// What is to be done.
    pub operation: Operation,
    /// What has become of it.
    pub status: Status,
    /// The record as proposed; of a deletion the record that goes.
    pub payload: Option<&'a Object>,
}

/// What has become of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the words of the contract")]
pub enum Status {
    Pending,
    Approved,
    Applying,
    Applied,
    Rejected,
}

impl<'a> Change<'a> {
    /// Reads an entry, or tells why it is none. What the reference does without is not demanded
    /// either; what it demands is, so that both keep the same entries.
    pub fn read(entry: &'a Json) -> Result<Self, String> {
        let Some(members) = entry.as_object() else {
            return Err(format!("expected an object, found {}", entry.kind()));
        };
        for name in ["requested_by", "requested_username"] {
            text(members, name)?;
        }
        let kind = members.get("resource_kind").filter(|kind| !kind.is_null());
        let category = text(members, "category")?;
        let operation = text(members, "operation")?;
        let status = match members.get("status") {
            Some(_) => text(members, "status")?,
            None => "pending",
        };
        Ok(Self {
            id: id(members).ok_or("change_id is no whole number")?,
            is_about_model: kind.is_none_or(|kind| kind.as_str() == Some(MODEL)),
            category: category.parse().map_err(|_| format!("{category:?} is no category"))?,
            model_name: text(members, "model_name")?,
            operation: Operation::of_name(operation)
                .ok_or_else(|| format!("{operation:?} is no operation"))?,
            status: Status::named(status).ok_or_else(|| format!("{status:?} is no status"))?,
            payload: members.get("payload").and_then(Json::as_object),
        })
    }

    /// Whether it may still change what a model's record says.
    pub fn is_open_proposal(&self) -> bool {
        let is_open = matches!(self.status, Status::Pending | Status::Approved);
        self.is_about_model && is_open && self.operation != Operation::Delete
    }
}

impl Status {
    /// The word of the contract.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Applying => "applying",
            Self::Applied => "applied",
            Self::Rejected => "rejected",
        }
    }

    fn named(word: &str) -> Option<Self> {
        Some(match word {
            "pending" => Self::Pending,
            "approved" => Self::Approved,
            "applying" => Self::Applying,
            "applied" => Self::Applied,
            "rejected" => Self::Rejected,
            _ => return None,
        })
    }
}

fn text<'a>(members: &'a Object, name: &str) -> Result<&'a str, String> {
    match members.get(name) {
        Some(Json::String(text)) => Ok(text),
        Some(other) => Err(format!("{name} should be text, not {}", other.kind())),
        None => Err(format!("{name} is missing")),
    }
}

/// Numbers that were written as text are met in older files.
fn id(members: &Object) -> Option<i64> {
    match members.get("change_id")? {
        Json::Int(number) => Some(*number),
        Json::String(digits) => digits.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An entry with some members of its own, as `"name": value, …`.
    fn read_with(members: &str) -> Result<(i64, bool, Operation, Status, bool), String> {
        let entry = format!(
            r#"{{"change_id": 7, "category": "clip", "model_name": "a", "operation": "create",
                "requested_by": "1", "requested_username": "a#1", {members}}}"#
        );
        let entry = Json::parse(entry.as_bytes()).unwrap();
        let change = Change::read(&entry)?;
        assert_eq!((change.category, change.model_name), (Category::Clip, "a"));
        let Change { id, is_about_model, operation, status, payload, .. } = change;
        Ok((id, is_about_model, operation, status, payload.is_some()))
    }

    #[test]
    fn what_is_not_said_is_as_usual() {
        let usual = (7, true, Operation::Create, Status::Pending, false);
        assert_eq!(read_with(r#""resource_kind": null"#), Ok(usual));
        assert_eq!(read_with(r#""change_id": "7", "payload": null"#), Ok(usual));
        let other = (7, false, Operation::Update, Status::Applying, true);
        let members = r#""resource_kind": "image_baseline", "operation": "update",
            "status": "applying", "payload": {}"#;
        assert_eq!(read_with(members), Ok(other));
    }

    #[test]
    fn broken_entries_say_what_is_wrong() {
        for (members, reason) in [
            (r#""change_id": 1.5"#, "change_id is no whole number"),
            (r#""category": "clips""#, "\"clips\" is no category"),
            (r#""operation": "rename""#, "\"rename\" is no operation"),
            (r#""status": null"#, "status should be text, not null"),
            (r#""status": "lost""#, "\"lost\" is no status"),
            (r#""requested_by": 1"#, "requested_by should be text, not integer"),
        ] {
            assert_eq!(read_with(members), Err(reason.to_owned()));
        }
        assert_eq!(Change::read(&Json::Int(1)), Err("expected an object, found integer".into()));
        let empty = Json::Object(Object::new());
        assert_eq!(Change::read(&empty), Err("requested_by is missing".into()));
    }

    #[test]
    fn deletions_and_decided_changes_are_no_open_proposals() {
        let is_open = |members: &str| {
            let (_, is_about_model, operation, status, _) = read_with(members).unwrap();
            let (model_name, category) = ("a", Category::Clip);
            let (id, payload) = (1, None);
            Change { id, is_about_model, category, model_name, operation, status, payload }
                .is_open_proposal()
        };
        assert!(is_open(r#""status": "pending""#) && is_open(r#""status": "approved""#));
        for members in [
            r#""status": "rejected""#,
            r#""status": "applying""#,
            r#""operation": "delete""#,
            r#""resource_kind": "text_guidance""#,
        ] {
            assert!(!is_open(members), "{members}");
        }
    }
}
