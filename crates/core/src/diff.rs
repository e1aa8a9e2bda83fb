//! What is different between two contents of one category: models that came, went, or changed, and
//! in which of their fields.

use crate::json::{Json, Object};
use crate::shape::LocItem;

/// The difference between two contents. Records keep the order of the content they are from.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Diff {
    /// Names that only the later content has.
    pub added: Vec<String>,
    /// Names that only the earlier content has.
    pub removed: Vec<String>,
    /// Records of both that are not the same.
    pub changed: Vec<Changed>,
    /// Whether records of both stand in another order.
    pub reordered: bool,
}

/// A record that is not the same in both contents.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// Its name.
    pub name: String,
    /// What is different, in the order of the earlier record, then of the later one.
    pub fields: Vec<Field>,
}

/// One value that is different.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The way to it, from the record inwards; empty for the record as a whole.
    pub path: Vec<LocItem>,
    /// What it was; `None` when it was not there.
    pub before: Option<Json>,
    /// What it is; `None` when it is gone.
    pub after: Option<Json>,
}

impl Diff {
    /// Compares two objects of records.
    pub fn between(before: &Object, after: &Object) -> Self {
        let missing_in = |other: &Object, these: &Object| -> Vec<String> {
            these.keys().filter(|name| !other.contains_key(*name)).cloned().collect()
        };
        let changed = after.iter().filter_map(|(name, record)| {
            let fields = fields(before.get(name)?, record);
            (!fields.is_empty()).then(|| Changed { name: name.clone(), fields })
        });
        let kept_before = before.keys().filter(|name| after.contains_key(*name));
        let kept_after = after.keys().filter(|name| before.contains_key(*name));
        Self {
            added: missing_in(before, after),
            removed: missing_in(after, before),
            changed: changed.collect(),
            reordered: kept_before.ne(kept_after),
        }
    }

    /// Whether the contents are the same.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty()
            && self.removed.is_empty()
            && self.changed.is_empty()
            && !self.reordered
    }

    /// For programs.
    pub fn to_json(&self) -> Json {
        let changed: Vec<Json> = self.changed.iter().map(Changed::to_json).collect();
        Json::from([
            ("added", self.added.clone().into()),
            ("removed", self.removed.clone().into()),
            ("changed", changed.into()),
            ("reordered", self.reordered.into()),
        ])
    }
}

impl Changed {
    fn to_json(&self) -> Json {
        let fields: Vec<Json> = self.fields.iter().map(Field::to_json).collect();
        Json::from([("name", self.name.as_str().into()), ("fields", fields.into())])
    }
}

impl Field {
    /// The way to the value with dots between its steps.
    pub fn dotted(&self) -> String {
        let steps: Vec<String> = self.path.iter().map(LocItem::to_string).collect();
        steps.join(".")
    }

    /// A side on which there is no value has no member, unlike one on which it is null.
    fn to_json(&self) -> Json {
        let sides = [("before", &self.before), ("after", &self.after)];
        let sides = sides.into_iter().filter_map(|(side, value)| Some((side, value.clone()?)));
        let path: Vec<Json> = self.path.iter().map(Json::from).collect();
        [("path", path.into())].into_iter().chain(sides).collect()
    }
}

/// What is different between two values of the same name.
pub fn fields(before: &Json, after: &Json) -> Vec<Field> {
    let mut found = Vec::new();
    compare(before, after, &mut Vec::new(), &mut found);
    found
}

/// Lists of equal length are compared item by item; of others the whole list is told, since an item
/// in the middle moves all that follow it.
fn compare(before: &Json, after: &Json, path: &mut Vec<LocItem>, found: &mut Vec<Field>) {
    match (before, after) {
        (Json::Object(old), Json::Object(new)) => compare_members(old, new, path, found),
        (Json::Array(old), Json::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                path.push(index.into());
                compare(old, new, path, found);
                path.pop();
            }
        }
        (old, new) if old == new => {}
        (old, new) => found.push(Field {
            path: path.clone(),
            before: Some(old.clone()),
            after: Some(new.clone()),
        }),
    }
}

fn compare_members(old: &Object, new: &Object, path: &mut Vec<LocItem>, found: &mut Vec<Field>) {
    let only_new = new.keys().filter(|name| !old.contains_key(*name));
    for name in old.keys().chain(only_new) {
        path.push(name.clone().into());
        match (old.get(name), new.get(name)) {
            (Some(old), Some(new)) => compare(old, new, path, found),
            (before, after) => found.push(Field {
                path: path.clone(),
                before: before.cloned(),
                after: after.cloned(),
            }),
        }
        path.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Object {
        Json::parse(text.as_bytes()).unwrap().as_object().unwrap().clone()
    }

    #[test]
    fn fields_are_told_by_their_paths() {
        let before = read(r#"{"a":{"x":1,"l":[{"u":"p"},2],"t":[1],"n":null},"b":{},"c":{}}"#);
        let after = read(r#"{"d":{},"c":{},"a":{"x":1.0,"l":[{"u":"q"},2],"t":[],"m":true}}"#);
        let diff = Diff::between(&before, &after);
        assert_eq!((diff.added.len(), diff.removed.len(), diff.reordered), (1, 1, true));
        let fields: Vec<String> = diff.changed[0].fields.iter().map(Field::dotted).collect();
        assert_eq!(fields, ["x", "l.0.u", "t", "n", "m"]);
        assert_eq!(
            diff.changed[0].fields[3].to_json().to_string(),
            r#"{"path":["n"],"before":null}"#
        );
    }

    #[test]
    fn the_order_of_members_is_no_difference_but_that_of_records_is() {
        let before = read(r#"{"a":{"x":1,"y":2},"b":7}"#);
        assert!(Diff::between(&before, &read(r#"{"a":{"y":2,"x":1},"b":7}"#)).is_empty());
        assert!(!Diff::between(&before, &read(r#"{"b":7,"a":{"y":2,"x":1}}"#)).is_empty());
        assert!(fields(&Json::Null, &Json::Int(1))[0].path.is_empty());
    }
}
