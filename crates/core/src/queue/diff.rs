//! What a proposed change would make of a record, field by field, in the contract's words.
//!
//! It is other than [`crate::diff`], which tells all that differs between two contents: here a
//! missing member and a null one are the same, numbers are compared by value, and lists as a whole.

use std::collections::BTreeSet;

use crate::Category;
use crate::change::Operation;
use crate::json::{Json, Object};

/// One field that would become other.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldDiff {
    /// The names on the way to it, with dots between them.
    pub path: String,
    /// What it is; null where there is none.
    pub old: Json,
    /// What it would be; null where there would be none.
    pub new: Json,
    /// Whether it comes, goes or changes.
    pub kind: FieldChange,
}

/// What becomes of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the words of the contract")]
pub enum FieldChange {
    Added,
    Removed,
    Modified,
}

/// What becomes of a record in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the words of the contract")]
pub enum NetOperation {
    Added,
    Modified,
    Deleted,
    Unchanged,
}

/// What is proposed beside what is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// What becomes of the record.
    pub net: NetOperation,
    /// Its fields that would become other.
    pub fields: Vec<FieldDiff>,
    /// Whether one of them matters to those who use the record.
    pub is_critical: bool,
}

impl FieldChange {
    /// The word of the contract.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Modified => "modified",
        }
    }
}

impl NetOperation {
    /// The word of the contract.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Modified => "modified",
            Self::Deleted => "deleted",
            Self::Unchanged => "unchanged",
        }
    }

    /// What became of a record that was `before` and is `after`.
    pub fn between(before: Option<&Object>, after: Option<&Object>) -> Self {
        match (before, after) {
            (None, None) => Self::Unchanged,
            (None, Some(_)) => Self::Added,
            (Some(_), None) => Self::Deleted,
            (Some(before), Some(after)) if same_members(before, after) => Self::Unchanged,
            (Some(_), Some(_)) => Self::Modified,
        }
    }

    /// What an operation would make of a record that is `stored`.
    fn of(operation: Operation, stored: Option<&Object>, proposed: Option<&Object>) -> Self {
        match (operation, stored) {
            (Operation::Create | Operation::Update, None) => Self::Added,
            (Operation::Create, Some(_)) => Self::Modified,
            (Operation::Update, Some(stored)) => {
                match proposed.is_some_and(|proposed| same_members(stored, proposed)) {
                    true => Self::Unchanged,
                    false => Self::Modified,
                }
            }
            (Operation::Delete, None) => Self::Unchanged,
            (Operation::Delete, Some(_)) => Self::Deleted,
        }
    }
}

impl FieldDiff {
    /// The entry of an answer.
    pub fn to_json(&self) -> Json {
        Json::from([
            ("field_path", self.path.as_str().into()),
            ("old_value", self.old.clone()),
            ("new_value", self.new.clone()),
            ("change_type", self.kind.name().into()),
        ])
    }
}

impl Proposal {
    /// What an operation on a record of `category` would change. A deletion leaves nothing,
    /// whatever it came with.
    pub fn of(
        category: Category,
        operation: Operation,
        stored: Option<&Object>,
        proposed: Option<&Object>,
    ) -> Self {
        let net = NetOperation::of(operation, stored, proposed);
        let left = proposed.filter(|_| operation != Operation::Delete);
        let fields = field_diffs(stored, left);
        let is_critical = is_critical(category, &fields);
        Self { net, fields, is_critical }
    }

    /// The paths of the fields of one kind, in their order.
    pub fn paths(&self, kind: FieldChange) -> Vec<&str> {
        let of_kind = self.fields.iter().filter(|field| field.kind == kind);
        of_kind.map(|field| field.path.as_str()).collect()
    }
}

/// Whether any of the fields is one that users of the category's records rely on.
pub fn is_critical(category: Category, fields: &[FieldDiff]) -> bool {
    let critical = critical_fields(category);
    let is_within = |path: &str, field: &str| {
        let rest = path.strip_prefix(field);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let matters = |field: &FieldDiff| {
        field.path.starts_with("config.download")
            || critical.iter().any(|name| is_within(&field.path, name))
    };
    !critical.is_empty() && fields.iter().any(matters)
}

fn critical_fields(category: Category) -> &'static [&'static str] {
    match category {
        Category::ImageGeneration => &["baseline", "nsfw", "inpainting", "trigger", "homepage"],
        Category::TextGeneration => &["baseline", "nsfw", "url", "parameters"],
        Category::Controlnet
        | Category::Blip
        | Category::Clip
        | Category::Codeformer
        | Category::Esrgan
        | Category::Gfpgan
        | Category::SafetyChecker => &["style", "nsfw"],
        _ => &[],
    }
}

/// The fields in which two records differ, either of which may be missing.
pub fn field_diffs(before: Option<&Object>, after: Option<&Object>) -> Vec<FieldDiff> {
    let mut found = Vec::new();
    match (before, after) {
        (None, None) => {}
        (None, Some(members)) => one_sided(members, "", FieldChange::Added, &mut found),
        (Some(members), None) => one_sided(members, "", FieldChange::Removed, &mut found),
        (Some(before), Some(after)) => compare(before, after, "", &mut found),
    }
    found
}

/// Everything in an object of which the other side has nothing.
fn one_sided(members: &Object, prefix: &str, kind: FieldChange, found: &mut Vec<FieldDiff>) {
    for (name, value) in members {
        one_sided_value(value, format!("{prefix}{name}"), kind, found);
    }
}

fn one_sided_value(value: &Json, path: String, kind: FieldChange, found: &mut Vec<FieldDiff>) {
    if let Json::Object(members) = value {
        return one_sided(members, &format!("{path}."), kind, found);
    }
    let (old, new) = match kind {
        FieldChange::Removed => (value.clone(), Json::Null),
        FieldChange::Added | FieldChange::Modified => (Json::Null, value.clone()),
    };
    found.push(FieldDiff { path, old, new, kind });
}

fn compare(before: &Object, after: &Object, prefix: &str, found: &mut Vec<FieldDiff>) {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for name in names {
        let path = format!("{prefix}{name}");
        let (old, new) = (before.get(name), after.get(name));
        if same(old.unwrap_or(&Json::Null), new.unwrap_or(&Json::Null)) {
            continue;
        }
        match (old, new) {
            (None, Some(new)) => one_sided_value(new, path, FieldChange::Added, found),
            (Some(old), None) => one_sided_value(old, path, FieldChange::Removed, found),
            (Some(Json::Object(old)), Some(Json::Object(new))) => {
                compare(old, new, &format!("{path}."), found);
            }
            (Some(old), Some(new)) => {
                let (old, new) = (old.clone(), new.clone());
                found.push(FieldDiff { path, old, new, kind: FieldChange::Modified });
            }
            // Two missing members are the same.
            (None, None) => {}
        }
    }
}

/// Whether two values are equal as the contract has it: `1`, `1.0` and `true` are.
pub fn same(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Object(one), Json::Object(other)) => same_members(one, other),
        (Json::Array(one), Json::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (one, other) if one == other => true,
        (one, other) => number(one).is_some_and(|one| number(other).is_some_and(|o| one == o)),
    }
}

fn same_members(one: &Object, other: &Object) -> bool {
    let in_other =
        |(name, value): (&String, &Json)| other.get(name).is_some_and(|o| same(value, o));
    one.len() == other.len() && one.iter().all(in_other)
}

/// A number in the one form that all equal numbers share.
fn number(value: &Json) -> Option<Json> {
    Some(match value {
        Json::Bool(value) => Json::Int(i64::from(*value)),
        Json::Int(_) | Json::BigInt(_) => value.clone(),
        Json::Float(number) if number.fract() == 0.0 => {
            let digits = format!("{number:.0}");
            // The sign of zero is no matter of value.
            let digits = if digits == "-0" { "0".to_owned() } else { digits };
            digits.parse().map_or_else(|_| Json::BigInt(digits.into()), Json::Int)
        }
        Json::Float(_) => value.clone(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(text: &str) -> Object {
        Object::parse(text.as_bytes()).unwrap()
    }

    /// The differences as `path kind old new`.
    fn told(before: Option<&str>, after: Option<&str>) -> Vec<String> {
        let (before, after) = (before.map(object), after.map(object));
        let tell = |field: FieldDiff| {
            format!("{} {} {} {}", field.path, field.kind.name(), field.old, field.new)
        };
        field_diffs(before.as_ref(), after.as_ref()).into_iter().map(tell).collect()
    }

    #[test]
    fn fields_differ_as_the_contract_has_it() {
        let before = r#"{"a":1,"c":{"x":1,"y":[1]},"d":{"k":1},"n":null}"#;
        let after = r#"{"a":1.0,"c":{"x":2,"z":null},"d":3,"e":{"f":{"g":1},"h":{}},"n":0}"#;
        let expected = [
            "c.x modified 1 2",
            "c.y removed [1] null",
            r#"d modified {"k":1} 3"#,
            "e.f.g added null 1",
            "n modified null 0",
        ];
        assert_eq!(told(Some(before), Some(after)), expected);
        assert!(told(Some(r#"{"a":1}"#), Some(r#"{"a":true}"#)).is_empty());
        assert!(told(Some(r#"{"a":{}}"#), Some("{}")).is_empty());
        assert!(told(None, None).is_empty());
        let added = told(None, Some(r#"{"x":{"y":1},"z":{}}"#));
        assert_eq!(added, ["x.y added null 1"]);
        let removed = told(Some(r#"{"b":null,"a":[{"k":1}]}"#), None);
        assert_eq!(removed, ["b removed null null", r#"a removed [{"k":1}] null"#]);
        let code_points = told(Some("{}"), Some(r#"{"b":1,"é":1,"B":1}"#));
        assert_eq!(code_points, ["B added null 1", "b added null 1", "é added null 1"]);
    }

    #[test]
    fn numbers_are_compared_by_value() {
        let equal = |one: &str, other: &str| {
            same(&Json::parse(one.as_bytes()).unwrap(), &Json::parse(other.as_bytes()).unwrap())
        };
        assert!(equal("1", "1.0") && equal("true", "1.0") && equal("-0.0", "false"));
        assert!(equal("1e20", "100000000000000000000"));
        assert!(equal(r#"[{"a":[1]}]"#, r#"[{"a":[1.0]}]"#));
        assert!(!equal("1", "1.5") && !equal("0", "null") && !equal("\"1\"", "1"));
        assert!(!equal("9007199254740993", "9007199254740992.0"));
        assert!(!equal(r#"{"a":null}"#, "{}") && !equal("[1]", "[1,1]"));
    }

    #[test]
    fn every_operation_has_its_net_effect() {
        let (stored, other) = (object(r#"{"nsfw":true}"#), object(r#"{"nsfw":false}"#));
        let net = |operation, stored: Option<&Object>, proposed: &Object| {
            Proposal::of(Category::Clip, operation, stored, Some(proposed)).net.name()
        };
        assert_eq!(net(Operation::Create, None, &other), "added");
        assert_eq!(net(Operation::Create, Some(&stored), &stored), "modified");
        assert_eq!(net(Operation::Update, None, &other), "added");
        assert_eq!(net(Operation::Update, Some(&stored), &stored), "unchanged");
        assert_eq!(net(Operation::Update, Some(&stored), &other), "modified");
        assert_eq!(net(Operation::Delete, None, &stored), "unchanged");
        assert_eq!(net(Operation::Delete, Some(&stored), &stored), "deleted");
    }

    #[test]
    fn a_deletion_takes_every_field_away() {
        let stored = object(r#"{"name":"a","nsfw":true}"#);
        let of = |category| Proposal::of(category, Operation::Delete, Some(&stored), Some(&stored));
        let deletion = of(Category::ImageGeneration);
        assert_eq!(deletion.paths(FieldChange::Removed), ["name", "nsfw"]);
        assert!(deletion.is_critical && !of(Category::Lora).is_critical);
    }

    #[test]
    fn critical_is_what_users_rely_on() {
        let is_critical = |category, path: &str| {
            let (old, new) = (Json::Null, Json::Int(1));
            let field = FieldDiff { path: path.to_owned(), old, new, kind: FieldChange::Modified };
            is_critical(category, &[field])
        };
        assert!(is_critical(Category::ImageGeneration, "trigger"));
        assert!(is_critical(Category::ImageGeneration, "trigger.x"));
        assert!(!is_critical(Category::ImageGeneration, "triggers"));
        assert!(is_critical(Category::TextGeneration, "config.downloads.x"));
        assert!(is_critical(Category::TextGeneration, "parameters"));
        assert!(!is_critical(Category::TextGeneration, "style"));
        assert!(is_critical(Category::SafetyChecker, "style"));
        assert!(!is_critical(Category::Miscellaneous, "config.download"));
    }
}
