//! Reads the members of one object strictly: what is missing, of the wrong kind or unknown is noted.

use super::problem::Reading;
use crate::json::{Json, Object};

/// An object being read. Members are asked for by name; [`Members::close`] refuses the rest.
pub(crate) struct Members<'a, 'r> {
    object: &'a Object,
    reading: &'r mut Reading,
    known: Vec<&'static str>,
    kept: Object,
}

impl<'a, 'r> Members<'a, 'r> {
    pub(crate) fn open(value: &'a Json, reading: &'r mut Reading) -> Option<Self> {
        let object = object(value, reading)?;
        Some(Self { object, reading, known: Vec::new(), kept: Object::new() })
    }

    /// A member that must be there.
    pub(crate) fn required<T>(
        &mut self,
        name: &'static str,
        read: impl Fn(&Json, &mut Reading) -> Option<T>,
    ) -> Option<T> {
        match self.find(name) {
            Some(value) => self.reading.within(name, |reading| read(value, reading)),
            None => self
                .reading
                .within(name, |reading| reading.refuse("missing", "this member is required")),
        }
    }

    /// A member that stands for `default` when it is absent.
    pub(crate) fn or<T>(
        &mut self,
        name: &'static str,
        default: T,
        read: impl Fn(&Json, &mut Reading) -> Option<T>,
    ) -> Option<T> {
        match self.find(name) {
            Some(value) => self.reading.within(name, |reading| read(value, reading)),
            None => Some(default),
        }
    }

    /// A member that may be absent or null. The outer `None` is a member that is wrong.
    pub(crate) fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl Fn(&Json, &mut Reading) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.find(name) {
            None | Some(Json::Null) => Some(None),
            Some(value) => self.reading.within(name, |reading| read(value, reading)).map(Some),
        }
    }

    /// As [`Members::required`], kept for [`Members::take_kept`].
    pub(crate) fn keep_required<T: Into<Json>>(
        &mut self,
        name: &'static str,
        read: impl Fn(&Json, &mut Reading) -> Option<T>,
    ) {
        let value = self.required(name, read);
        self.keep(name, value);
    }

    /// As [`Members::or`], kept.
    pub(crate) fn keep_or<T: Into<Json>>(
        &mut self,
        name: &'static str,
        default: T,
        read: impl Fn(&Json, &mut Reading) -> Option<T>,
    ) {
        let value = self.or(name, default, read);
        self.keep(name, value);
    }

    /// As [`Members::optional`], kept.
    pub(crate) fn keep_optional<T: Into<Json>>(
        &mut self,
        name: &'static str,
        read: impl Fn(&Json, &mut Reading) -> Option<T>,
    ) {
        let value = self.optional(name, read);
        self.keep(name, value);
    }

    /// What is wrong is not kept; its problem is noted and the whole document will be refused.
    fn keep<T: Into<Json>>(&mut self, name: &str, value: Option<T>) {
        if let Some(value) = value {
            self.kept.insert(name.to_owned(), value.into());
        }
    }

    /// The members kept so far, in the order in which they were asked for.
    pub(crate) fn take_kept(&mut self) -> Object {
        std::mem::take(&mut self.kept)
    }

    /// Refuses every member nobody asked for; gives the members kept.
    pub(crate) fn close(self) -> Object {
        for name in self.object.keys() {
            if !self.known.contains(&name.as_str()) {
                self.reading.within(name.as_str(), |reading| {
                    reading.refuse::<()>("extra_forbidden", "no such member exists")
                });
            }
        }
        self.kept
    }

    fn find(&mut self, name: &'static str) -> Option<&'a Json> {
        self.known.push(name);
        self.object.get(name)
    }
}

fn object<'a>(value: &'a Json, reading: &mut Reading) -> Option<&'a Object> {
    match value {
        Json::Object(members) => Some(members),
        other => wrong_kind(reading, "model_attributes_type", "an object", other),
    }
}

fn wrong_kind<T>(
    reading: &mut Reading,
    kind: &'static str,
    wanted: &str,
    found: &Json,
) -> Option<T> {
    reading.refuse(kind, format!("expected {wanted}, found {}", found.kind()))
}

pub(crate) fn text(value: &Json, reading: &mut Reading) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        other => wrong_kind(reading, "string_type", "text", other),
    }
}

pub(crate) fn filled_text(value: &Json, reading: &mut Reading) -> Option<String> {
    let text = text(value, reading)?;
    if text.is_empty() {
        return reading.refuse("string_too_short", "the text must not be empty");
    }
    Some(text)
}

pub(crate) fn boolean(value: &Json, reading: &mut Reading) -> Option<bool> {
    match value {
        Json::Bool(value) => Some(*value),
        other => wrong_kind(reading, "bool_type", "true or false", other),
    }
}

pub(crate) fn integer(value: &Json, reading: &mut Reading) -> Option<i64> {
    match value {
        Json::Int(value) => Some(*value),
        other => wrong_kind(reading, "int_type", "an integer of at most 64 bits", other),
    }
}

pub(crate) fn integer_from(least: i64) -> impl Fn(&Json, &mut Reading) -> Option<i64> {
    move |value, reading| {
        let value = integer(value, reading)?;
        if value < least {
            let reason = format!("the integer must not be below {least}");
            return reading.refuse("greater_than_equal", reason);
        }
        Some(value)
    }
}

/// A number, as a float even when it was written without a fraction.
pub(crate) fn number(value: &Json, reading: &mut Reading) -> Option<f64> {
    match value.as_f64() {
        Some(number) if number.is_finite() => Some(number),
        _ => wrong_kind(reading, "float_type", "a number", value),
    }
}

pub(crate) fn list<T>(
    read: impl Fn(&Json, &mut Reading) -> Option<T>,
) -> impl Fn(&Json, &mut Reading) -> Option<Vec<T>> {
    move |value, reading| {
        let Json::Array(items) = value else {
            return wrong_kind(reading, "list_type", "an array", value);
        };
        // Collected in two steps, so that every element is looked at.
        let items: Vec<Option<T>> = items
            .iter()
            .enumerate()
            .map(|(index, item)| reading.within(index, |reading| read(item, reading)))
            .collect();
        items.into_iter().collect()
    }
}

pub(crate) fn filled_list<T>(
    read: impl Fn(&Json, &mut Reading) -> Option<T>,
) -> impl Fn(&Json, &mut Reading) -> Option<Vec<T>> {
    let read = list(read);
    move |value, reading| {
        let items = read(value, reading)?;
        if items.is_empty() {
            return reading.refuse("too_short", "at least one element is required");
        }
        Some(items)
    }
}

/// An object with names of its own choosing.
pub(crate) fn map<T>(
    read: impl Fn(&str, &Json, &mut Reading) -> Option<T>,
) -> impl Fn(&Json, &mut Reading) -> Option<indexmap::IndexMap<String, T>> {
    move |value, reading| {
        let Json::Object(members) = value else {
            return wrong_kind(reading, "dict_type", "an object", value);
        };
        let members: Vec<Option<(String, T)>> = members
            .iter()
            .map(|(name, value)| {
                let value = reading.within(name.as_str(), |reading| read(name, value, reading))?;
                Some((name.clone(), value))
            })
            .collect();
        members.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Problem;

    fn read(text: &str) -> Result<(i64, Vec<String>), Vec<Problem>> {
        let value = Json::parse(text.as_bytes()).unwrap();
        Reading::document(|reading| {
            let mut members = Members::open(&value, reading)?;
            let size = members.required("size", integer_from(1));
            let tags = members.or("tags", Vec::new(), list(filled_text));
            members.close();
            Some((size?, tags?))
        })
    }

    #[test]
    fn defaults_fill_what_is_absent() {
        assert_eq!(read(r#"{"size":1}"#), Ok((1, vec![])));
        assert_eq!(read(r#"{"tags":["a"],"size":2}"#), Ok((2, vec!["a".to_owned()])));
    }

    #[test]
    fn every_problem_is_told_with_its_place() {
        let told =
            |text| read(text).unwrap_err().iter().map(Problem::to_string).collect::<Vec<_>>();
        assert_eq!(
            told(r#"{"tags":["", 1],"more":null}"#),
            [
                "/size: this member is required",
                "/tags/0: the text must not be empty",
                "/tags/1: expected text, found integer",
                "/more: no such member exists",
            ]
        );
        assert_eq!(told(r#"{"size":0}"#), ["/size: the integer must not be below 1"]);
        assert_eq!(told("[]"), [": expected an object, found array"]);
    }
}
