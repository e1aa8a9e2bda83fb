//! The reading of one document: where we are in it, and what was found wrong so far.
//!
//! Reading never stops at the first issue: a client that sent three wrong members is told of three.

use crate::Category;
use crate::json::{Json, Object};

use super::field::Field;
use super::issue::{Issue, LocItem, Severity};
use super::word::Word;

/// What becomes of members that the contract does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unknown {
    /// They are left out without a word, as the API does.
    #[default]
    Drop,
    /// They are kept behind the known ones, as the storage does.
    Keep,
    /// Each is an issue.
    Reject,
}

/// Most issues that are kept: a large document may have one at each of its bytes, and whoever sent it
/// learns nothing from the thousandth.
const MOST_ISSUES: usize = 1000;

/// Position, settings and findings of a reading.
#[derive(Debug)]
pub struct Reader {
    loc: Vec<LocItem>,
    issues: Vec<Issue>,
    failed: bool,
    unknown: Unknown,
    category: Option<Category>,
}

impl Reader {
    /// A reading that starts at the top of a document.
    pub fn new(unknown: Unknown) -> Self {
        Self { loc: Vec::new(), issues: Vec::new(), failed: false, unknown, category: None }
    }

    /// A reading of a record of `category`, whose defaults partly depend on it.
    pub fn of(category: Category, unknown: Unknown) -> Self {
        Self { category: Some(category), ..Self::new(unknown) }
    }

    /// The category of the record, if it is known.
    pub fn category(&self) -> Option<Category> {
        self.category
    }

    /// What becomes of unknown members, as the caller wants it.
    pub fn unknown(&self) -> Unknown {
        self.unknown
    }

    /// Whether something was found that makes the record unusable.
    pub fn failed(&self) -> bool {
        self.failed
    }

    /// The end of the reading: what came of it and the warnings, or everything that is wrong. What
    /// came out whole although an unknown member stood beside it is refused as well.
    pub fn conclude<T>(self, read: Option<T>) -> Result<(T, Vec<Issue>), Vec<Issue>> {
        match read {
            Some(value) if !self.failed() => Ok((value, self.issues)),
            _ => Err(self.issues),
        }
    }

    /// All findings, in the order they were met.
    pub fn into_issues(self) -> Vec<Issue> {
        self.issues
    }

    /// Runs `read` one step further inside.
    pub fn within<T>(&mut self, item: impl Into<LocItem>, read: impl FnOnce(&mut Self) -> T) -> T {
        self.loc.push(item.into());
        let result = read(self);
        self.loc.pop();
        result
    }

    /// Notes an issue at the present place. Returns nothing, in the type the caller needs.
    pub fn refuse<T>(
        &mut self,
        kind: &'static str,
        message: impl Into<String>,
        input: &Json,
    ) -> Option<T> {
        self.note(kind, message.into(), input.clone(), None, Severity::Error);
        None
    }

    /// Like [`refuse`](Self::refuse), with facts for programs.
    pub fn refuse_with<T, const N: usize>(
        &mut self,
        kind: &'static str,
        message: impl Into<String>,
        input: &Json,
        facts: [(&str, Json); N],
    ) -> Option<T> {
        let context = facts.into_iter().map(|(name, fact)| (name.to_owned(), fact)).collect();
        self.note(kind, message.into(), input.clone(), Some(context), Severity::Error);
        None
    }

    /// Notes a broken rule at the present place.
    pub fn refuse_value<T>(&mut self, reason: impl std::fmt::Display, input: &Json) -> Option<T> {
        let message = format!("Value error, {reason}");
        self.refuse_with("value_error", message, input, [("error", Object::new().into())])
    }

    /// Notes something worth a look that harms nobody.
    pub fn warn(&mut self, message: impl Into<String>, input: &Json) {
        self.note("warning", message.into(), input.clone(), None, Severity::Warning);
    }

    fn note(
        &mut self,
        kind: &'static str,
        message: String,
        input: Json,
        context: Option<Object>,
        severity: Severity,
    ) {
        // The first error is kept in any case: a refusal says why.
        let is_first_error = severity == Severity::Error && !self.failed;
        self.failed |= severity == Severity::Error;
        if self.issues.len() >= MOST_ISSUES && !is_first_error {
            return;
        }
        let loc = self.loc.clone();
        self.issues.push(Issue { loc, kind, message, input, context, severity });
    }

    /// The members of a nested object.
    pub fn object<'v>(&mut self, value: &'v Json) -> Option<&'v Object> {
        const MESSAGE: &str = "Input should be a valid dictionary or object to extract fields from";
        value.as_object().or_else(|| self.refuse("model_attributes_type", MESSAGE, value))
    }

    /// The members of an object with names of its own choosing.
    pub fn entries<C: FromIterator<E>, E>(
        &mut self,
        value: &Json,
        read: impl Fn(&str, &Json, &mut Self) -> Option<E>,
    ) -> Option<C> {
        let Some(members) = value.as_object() else {
            return self.refuse("dict_type", "Input should be a valid dictionary", value);
        };
        let read_one = |(name, value): (&String, &Json)| {
            self.within(name.clone(), |reader| read(name, value, reader))
        };
        // Collected before it is judged, so that every member has its say.
        let entries: Vec<Option<E>> = members.iter().map(read_one).collect();
        entries.into_iter().collect()
    }

    /// A member that must be there.
    pub fn required<T: Field>(&mut self, members: &Object, name: &'static str) -> Option<T> {
        self.within(name, |reader| match members.get(name) {
            Some(value) => T::read(value, reader),
            None => reader.refuse("missing", "Field required", &Json::Object(members.clone())),
        })
    }

    /// A member that may be absent.
    pub fn optional<T: Field>(
        &mut self,
        members: &Object,
        name: &'static str,
        default: impl FnOnce() -> T,
    ) -> Option<T> {
        self.given_or(members.get(name), name, default)
    }

    /// A member for which null counts as absent.
    pub fn nullable<T: Field>(
        &mut self,
        members: &Object,
        name: &'static str,
        default: impl FnOnce() -> T,
    ) -> Option<T> {
        self.given_or(members.get(name).filter(|value| !value.is_null()), name, default)
    }

    fn given_or<T: Field>(
        &mut self,
        given: Option<&Json>,
        name: &'static str,
        default: impl FnOnce() -> T,
    ) -> Option<T> {
        match given {
            Some(value) => self.within(name, |reader| T::read(value, reader)),
            None => Some(default()),
        }
    }

    /// The member `name` of `value`, which says what the other members are.
    pub fn tag<W: Word>(&mut self, members: &Object, name: &str, value: &Json) -> Option<W> {
        let discriminator = || ("discriminator", format!("'{name}'").into());
        let Some(tag) = members.get(name) else {
            let message = format!("Unable to extract tag using discriminator '{name}'");
            return self.refuse_with("union_tag_not_found", message, value, [discriminator()]);
        };
        tag.as_str().and_then(W::from_word).or_else(|| {
            let tag = tag.as_str().map_or_else(|| tag.to_string(), str::to_owned);
            let words: Vec<String> = W::ALL.iter().map(|word| format!("'{}'", word.word())).collect();
            let words = words.join(", ");
            let message = format!(
                "Input tag '{tag}' found using '{name}' does not match any of the expected tags: {words}"
            );
            let facts = [discriminator(), ("tag", tag.into()), ("expected_tags", words.into())];
            self.refuse_with("union_tag_invalid", message, value, facts)
        })
    }

    /// Deals with the members that none of `known` names; returns those to keep.
    pub fn others(&mut self, members: &Object, known: &[&[&str]], policy: Unknown) -> Object {
        let is_known = |name: &str| known.iter().any(|names| names.contains(&name));
        let others = members.iter().filter(|(name, _)| !is_known(name));
        match policy {
            Unknown::Drop => Object::new(),
            Unknown::Keep => others.map(|(name, value)| (name.clone(), value.clone())).collect(),
            Unknown::Reject => {
                for (name, value) in others {
                    self.within(name.clone(), |reader| {
                        const MESSAGE: &str = "Extra inputs are not permitted";
                        reader.refuse::<()>("extra_forbidden", MESSAGE, value)
                    });
                }
                Object::new()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn not_every_issue_is_kept_but_a_reason_is() {
        let mut reader = Reader::new(Unknown::Drop);
        for _ in 0..2 * MOST_ISSUES {
            reader.warn("look", &Json::Null);
        }
        assert!(!reader.failed());
        for _ in 0..2 * MOST_ISSUES {
            reader.refuse::<()>("bad", "bad", &Json::Null);
        }
        assert!(reader.failed());
        let issues = reader.into_issues();
        assert_eq!(issues.len(), MOST_ISSUES + 1);
        assert_eq!(issues.last().map(|issue| issue.kind), Some("bad"));
    }
}
