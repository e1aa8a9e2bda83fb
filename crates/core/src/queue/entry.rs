//! One entry of the queue, as its file spells it.

use crate::Category;
use crate::change::Operation;
use crate::json::{Json, Object};
use crate::text;

/// A user of the AI-Horde who does something to the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The number, as text: `201`.
    pub id: String,
    /// The name with the number: `approver#201`.
    pub name: String,
}

/// What a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResourceKind {
    /// A model of a category.
    #[default]
    Model,
    /// The catalogue of text guidance.
    Guidance,
    /// The catalogue of image baselines.
    Baseline,
}

/// What has become of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the words of the contract")]
pub enum Status {
    Pending,
    Approved,
    Applying,
    Applied,
    Rejected,
}

/// Who did something to a change, and when. Entries written elsewhere may tell only a part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Act {
    /// The user's number.
    pub by: Option<String>,
    /// The user's name.
    pub username: Option<String>,
    /// Seconds since 1970.
    pub at: Option<i64>,
}

/// What somebody proposes.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// What it is about.
    pub kind: ResourceKind,
    /// Names the set of changes, where it is about a catalogue.
    pub resource_id: Option<String>,
    /// The category of the model, or under which the set is listed.
    pub category: Category,
    /// The model's key there, or the set's label.
    pub model_name: String,
    /// What is to be done.
    pub operation: Operation,
    /// The record to store; of a deletion the record that goes; or the set.
    pub payload: Option<Object>,
    /// A remark for approvers.
    pub notes: Option<String>,
    /// How it was proposed: the route, and what the route adds.
    pub request_metadata: Object,
    /// Names that change together with this one.
    pub related_models: Option<Vec<String>>,
}

/// A proposed change, and what has become of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Names the entry; later entries have larger numbers.
    pub id: i64,
    /// What it is about.
    pub kind: ResourceKind,
    /// Names the set of changes, where it is about a catalogue.
    pub resource_id: Option<String>,
    /// The category of the model, or under which the set is listed.
    pub category: Category,
    /// The model's key there, or the set's label.
    pub model_name: String,
    /// What is to be done.
    pub operation: Operation,
    /// The record as proposed; of a deletion the record that goes; or the set.
    pub payload: Option<Object>,
    /// Who proposed it.
    pub requested: Act,
    /// What has become of it.
    pub status: Status,
    /// A remark for approvers.
    pub notes: Option<String>,
    /// The batch it was approved in, or moved to.
    pub batch_id: Option<i64>,
    /// What the decision was called.
    pub batch_title: Option<String>,
    /// Who approved it.
    pub approved: Act,
    /// Who rejected it.
    pub rejected: Act,
    /// Why it was rejected.
    pub reject_reason: Option<String>,
    /// Who applied it, or applies it.
    pub applied: Act,
    /// The reservation while it is applied, the job afterwards.
    pub job_id: Option<String>,
    /// When anything of this changed last, in seconds since 1970.
    pub updated_at: Option<i64>,
    /// How it was proposed.
    pub request_metadata: Option<Object>,
    /// Names that change together with this one.
    pub related_models: Option<Vec<String>>,
    /// Members that nobody here knows; they stay.
    pub others: Object,
}

impl Draft {
    /// A change of a model, proposed through `route`. Text models have variants that follow.
    pub fn about_model(
        category: Category,
        model_name: impl Into<String>,
        operation: Operation,
        payload: Object,
        route: &str,
    ) -> Self {
        let model_name = model_name.into();
        let is_text = category == Category::TextGeneration;
        Self {
            kind: ResourceKind::Model,
            resource_id: None,
            category,
            operation,
            payload: Some(payload),
            notes: None,
            request_metadata: Object::from_iter([("route".to_owned(), Json::from(route))]),
            related_models: is_text.then(|| text::related_names(&model_name)),
            model_name,
        }
    }
}

impl Act {
    pub(super) fn now(by: &Actor, at: i64) -> Self {
        Self { by: Some(by.id.clone()), username: Some(by.name.clone()), at: Some(at) }
    }
}

/// The members of an entry, in their order.
const MEMBERS: [&str; 27] = [
    "change_id",
    "resource_kind",
    "resource_id",
    "category",
    "model_name",
    "operation",
    "payload",
    "requested_by",
    "requested_username",
    "requested_at",
    "status",
    "notes",
    "batch_id",
    "batch_title",
    "approved_by",
    "approved_username",
    "approved_at",
    "rejected_by",
    "rejected_username",
    "rejected_at",
    "reject_reason",
    "applied_at",
    "applied_by",
    "applied_username",
    "applied_job_id",
    "updated_at",
    "request_metadata",
];

impl Entry {
    pub(super) fn new(id: i64, draft: Draft, by: &Actor, now: i64) -> Self {
        Self {
            id,
            kind: draft.kind,
            resource_id: draft.resource_id,
            category: draft.category,
            model_name: draft.model_name,
            operation: draft.operation,
            payload: draft.payload,
            requested: Act::now(by, now),
            status: Status::Pending,
            notes: draft.notes,
            batch_id: None,
            batch_title: None,
            approved: Act::default(),
            rejected: Act::default(),
            reject_reason: None,
            applied: Act::default(),
            job_id: None,
            updated_at: Some(now),
            request_metadata: Some(draft.request_metadata),
            related_models: draft.related_models,
            others: Object::new(),
        }
    }

    /// Reads an entry, or tells why it is none. What the reference does without is not demanded
    /// either; what it demands is, so that both keep the same entries.
    pub fn read(entry: &Json) -> Result<Self, String> {
        let Some(members) = entry.as_object() else {
            return Err(format!("expected an object, found {}", entry.kind()));
        };
        let requested = Act {
            by: Some(text(members, "requested_by")?),
            username: Some(text(members, "requested_username")?),
            at: number(members, "requested_at")?,
        };
        let category = text(members, "category")?;
        let operation = text(members, "operation")?;
        let status = match members.get("status") {
            Some(_) => text(members, "status")?,
            None => "pending".to_owned(),
        };
        let kind = text_if_any(members, "resource_kind")?;
        let act = |verb: &str| -> Result<Act, String> {
            Ok(Act {
                by: text_if_any(members, &format!("{verb}_by"))?,
                username: text_if_any(members, &format!("{verb}_username"))?,
                at: number(members, &format!("{verb}_at"))?,
            })
        };
        let is_other = |(name, _): &(&String, &Json)| {
            !MEMBERS.contains(&name.as_str()) && *name != "related_models"
        };
        let others = members.iter().filter(is_other);
        Ok(Self {
            id: number(members, "change_id")?.ok_or("change_id is no whole number")?,
            kind: match kind {
                None => ResourceKind::Model,
                Some(word) => ResourceKind::named(&word)
                    .ok_or_else(|| format!("{word:?} is no kind of resource"))?,
            },
            resource_id: text_if_any(members, "resource_id")?,
            category: category.parse().map_err(|_| format!("{category:?} is no category"))?,
            model_name: text(members, "model_name")?,
            operation: Operation::of_name(&operation)
                .ok_or_else(|| format!("{operation:?} is no operation"))?,
            payload: object_if_any(members, "payload")?,
            requested,
            status: Status::named(&status).ok_or_else(|| format!("{status:?} is no status"))?,
            notes: text_if_any(members, "notes")?,
            batch_id: number(members, "batch_id")?,
            batch_title: text_if_any(members, "batch_title")?,
            approved: act("approved")?,
            rejected: act("rejected")?,
            reject_reason: text_if_any(members, "reject_reason")?,
            applied: act("applied")?,
            job_id: text_if_any(members, "applied_job_id")?,
            updated_at: number(members, "updated_at")?,
            request_metadata: object_if_any(members, "request_metadata")?,
            related_models: names_if_any(members, "related_models")?,
            others: others.map(|(name, value)| (name.clone(), value.clone())).collect(),
        })
    }

    /// The entry with all its members; those that are not set are null.
    pub fn to_json(&self) -> Object {
        let text = |text: &Option<String>| text.as_deref().map_or(Json::Null, Json::from);
        let number = |number: Option<i64>| number.map_or(Json::Null, Json::Int);
        let object = |object: &Option<Object>| object.clone().map_or(Json::Null, Json::Object);
        let related = self.related_models.as_ref();
        let related = related.map(|names| names.iter().map(|name| name.as_str().into()).collect());
        let members = [
            Json::Int(self.id),
            self.kind.name().into(),
            text(&self.resource_id),
            self.category.name().into(),
            self.model_name.as_str().into(),
            self.operation.name().into(),
            object(&self.payload),
            text(&self.requested.by),
            text(&self.requested.username),
            number(self.requested.at),
            self.status.name().into(),
            text(&self.notes),
            number(self.batch_id),
            text(&self.batch_title),
            text(&self.approved.by),
            text(&self.approved.username),
            number(self.approved.at),
            text(&self.rejected.by),
            text(&self.rejected.username),
            number(self.rejected.at),
            text(&self.reject_reason),
            number(self.applied.at),
            text(&self.applied.by),
            text(&self.applied.username),
            text(&self.job_id),
            number(self.updated_at),
            object(&self.request_metadata),
        ];
        let members = MEMBERS.into_iter().map(str::to_owned).zip(members);
        let related = ("related_models".to_owned(), related.map_or(Json::Null, Json::Array));
        let others = self.others.iter().map(|(name, value)| (name.clone(), value.clone()));
        members.chain([related]).chain(others).collect()
    }

    /// The entry without the members that are not set, as it is stored.
    pub fn to_stored(&self) -> Object {
        let mut members = self.to_json();
        members.retain(|name, value| !value.is_null() || self.others.contains_key(name));
        members
    }

    /// Whether it may still change what a model's record says.
    pub fn is_open_proposal(&self) -> bool {
        let is_open = matches!(self.status, Status::Pending | Status::Approved);
        self.kind == ResourceKind::Model && is_open && self.operation != Operation::Delete
    }
}

impl Status {
    /// All of them, in the contract's order.
    pub const ALL: [Self; 5] =
        [Self::Pending, Self::Approved, Self::Applying, Self::Applied, Self::Rejected];

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

    /// Reads the word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == word)
    }
}

impl ResourceKind {
    /// The word of the contract.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Model => "model_reference",
            Self::Guidance => "text_guidance",
            Self::Baseline => "image_baseline",
        }
    }

    fn named(word: &str) -> Option<Self> {
        [Self::Model, Self::Guidance, Self::Baseline].into_iter().find(|kind| kind.name() == word)
    }
}

fn text(members: &Object, name: &str) -> Result<String, String> {
    match members.get(name) {
        Some(Json::String(text)) => Ok(text.clone()),
        Some(other) => Err(format!("{name} should be text, not {}", other.kind())),
        None => Err(format!("{name} is missing")),
    }
}

fn text_if_any(members: &Object, name: &str) -> Result<Option<String>, String> {
    match members.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(_) => text(members, name).map(Some),
    }
}

/// Numbers that were written as text are met in older files.
fn number(members: &Object, name: &str) -> Result<Option<i64>, String> {
    let number = match members.get(name) {
        None | Some(Json::Null) => return Ok(None),
        Some(Json::Int(number)) => Some(*number),
        Some(Json::String(digits)) => digits.trim().parse().ok(),
        Some(_) => None,
    };
    number.map(Some).ok_or_else(|| format!("{name} is no whole number"))
}

fn object_if_any(members: &Object, name: &str) -> Result<Option<Object>, String> {
    match members.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Object(object)) => Ok(Some(object.clone())),
        Some(other) => Err(format!("{name} should be an object, not {}", other.kind())),
    }
}

fn names_if_any(members: &Object, name: &str) -> Result<Option<Vec<String>>, String> {
    let names = match members.get(name) {
        None | Some(Json::Null) => return Ok(None),
        Some(value) => value.as_array(),
    };
    let names = names.and_then(|names| {
        names.iter().map(|name| name.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
    });
    names.map(Some).ok_or_else(|| format!("{name} should be a list of names"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An entry with some members of its own, as `"name": value, …`.
    fn read_with(members: &str) -> Result<Entry, String> {
        let entry = format!(
            r#"{{"change_id": 7, "category": "clip", "model_name": "a", "operation": "create",
                "requested_by": "1", "requested_username": "a#1", {members}}}"#
        );
        Entry::read(&Json::parse(entry.as_bytes()).unwrap())
    }

    #[test]
    fn what_is_not_said_is_as_usual() {
        for members in [r#""resource_kind": null"#, r#""change_id": "7", "payload": null"#] {
            let entry = read_with(members).unwrap();
            assert_eq!((entry.id, entry.kind), (7, ResourceKind::Model));
            assert_eq!((entry.status, entry.payload), (Status::Pending, None));
        }
        let members = r#""resource_kind": "image_baseline", "operation": "update",
            "status": "applying", "payload": {}"#;
        let entry = read_with(members).unwrap();
        assert_eq!((entry.kind, entry.operation), (ResourceKind::Baseline, Operation::Update));
        assert_eq!((entry.status, entry.payload), (Status::Applying, Some(Object::new())));
    }

    #[test]
    fn what_is_read_is_written_again_with_what_nobody_knows() {
        let text = r#"{"change_id":7,"resource_kind":"model_reference","category":"clip","model_name":"a","operation":"create","payload":{"x":null},"requested_by":"1","requested_username":"a#1","requested_at":5,"status":"applied","notes":"n","batch_id":2,"batch_title":"t","approved_by":"2","approved_username":"b#2","approved_at":6,"applied_at":7,"applied_by":"2","applied_username":"b#2","applied_job_id":"j","updated_at":7,"request_metadata":{"route":"r"},"related_models":["aphrodite/a"],"later":null}"#;
        let entry = Entry::read(&Json::parse(text.as_bytes()).unwrap()).unwrap();
        assert_eq!(Json::Object(entry.to_stored()).to_string(), text);
        assert_eq!(entry.to_json().len(), MEMBERS.len() + 2);
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
            (r#""payload": []"#, "payload should be an object, not array"),
            (r#""related_models": [1]"#, "related_models should be a list of names"),
            (r#""resource_kind": "lora""#, "\"lora\" is no kind of resource"),
        ] {
            assert_eq!(read_with(members), Err(reason.to_owned()));
        }
        assert_eq!(Entry::read(&Json::Int(1)), Err("expected an object, found integer".into()));
        let empty = Json::Object(Object::new());
        assert_eq!(Entry::read(&empty), Err("requested_by is missing".into()));
    }

    #[test]
    fn deletions_and_decided_changes_are_no_open_proposals() {
        let is_open = |members: &str| read_with(members).unwrap().is_open_proposal();
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
