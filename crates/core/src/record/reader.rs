//! The reading of one document: where we are in it, and what was found wrong so far.
//!
//! Reading never stops at the first issue: a client that sent three wrong members is told of three.

use crate::Category;
use crate::json::{Json, Object};

use super::field::Field;
use super::issue::{Issue, LocItem, Severity};

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

/// Position, settings and findings of a reading.
#[derive(Debug)]
pub struct Reader {
    loc: Vec<LocItem>,
    issues: Vec<Issue>,
    unknown: Unknown,
    category: Option<Category>,
}

impl Reader {
    /// A reading that starts at the top of a document.
    pub fn new(unknown: Unknown) -> Self {
        Self { loc: Vec::new(), issues: Vec::new(), unknown, category: None }
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
        self.issues.iter().any(|issue| issue.severity == Severity::Error)
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

    /// Like [`refuse`](Self::refuse), with one fact for programs.
    pub fn refuse_with<T>(
        &mut self,
        kind: &'static str,
        message: impl Into<String>,
        input: &Json,
        (name, fact): (&str, Json),
    ) -> Option<T> {
        let context = Object::from_iter([(name.to_owned(), fact)]);
        self.note(kind, message.into(), input.clone(), Some(context), Severity::Error);
        None
    }

    /// Notes a broken rule at the present place.
    pub fn refuse_value<T>(&mut self, reason: impl std::fmt::Display, input: &Json) -> Option<T> {
        let message = format!("Value error, {reason}");
        self.refuse_with("value_error", message, input, ("error", Object::new().into()))
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
        let loc = self.loc.clone();
        self.issues.push(Issue { loc, kind, message, input, context, severity });
    }

    /// The members of a nested object.
    pub fn object<'v>(&mut self, value: &'v Json) -> Option<&'v Object> {
        const MESSAGE: &str = "Input should be a valid dictionary or object to extract fields from";
        value.as_object().or_else(|| self.refuse("model_attributes_type", MESSAGE, value))
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
        match members.get(name) {
            Some(value) => self.within(name, |reader| T::read(value, reader)),
            None => Some(default()),
        }
    }

    /// A member for which null counts as absent.
    pub fn nullable<T: Field>(
        &mut self,
        members: &Object,
        name: &'static str,
        default: impl FnOnce() -> T,
    ) -> Option<T> {
        match members.get(name) {
            Some(value) if !value.is_null() => self.within(name, |reader| T::read(value, reader)),
            _ => Some(default()),
        }
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
