//! What is wrong with a document, where, and how bad that is.

use std::borrow::Cow;
use std::fmt;

use crate::json::{Json, Object};

/// One step on the way to a value: into an object or into an array.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LocItem {
    /// The member of that name.
    Name(Cow<'static, str>),
    /// The element at that index.
    Index(usize),
}

impl From<&'static str> for LocItem {
    fn from(name: &'static str) -> Self {
        Self::Name(Cow::Borrowed(name))
    }
}

impl From<String> for LocItem {
    fn from(name: String) -> Self {
        Self::Name(Cow::Owned(name))
    }
}

impl From<usize> for LocItem {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

impl From<&LocItem> for Json {
    fn from(item: &LocItem) -> Self {
        match item {
            LocItem::Name(name) => Self::String(name.clone().into_owned()),
            LocItem::Index(index) => Self::Int(i64::try_from(*index).unwrap_or(i64::MAX)),
        }
    }
}

impl fmt::Display for LocItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Index(index) => write!(f, "{index}"),
        }
    }
}

/// Whether a document with the issue can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The document is fine, but someone should look at it.
    Warning,
    /// The document is refused.
    Error,
}

/// One thing wrong with a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Issue {
    /// Where it stands, from the top of the document inwards.
    pub loc: Vec<LocItem>,
    /// The contract's word for this kind of issue, such as `missing` or `string_type`.
    pub kind: &'static str,
    /// A sentence for people.
    pub message: String,
    /// The value itself; of a missing member the object that should have it.
    pub input: Json,
    /// What else a program may want to know, such as the words that were expected.
    pub context: Option<Object>,
    /// Whether it matters.
    pub severity: Severity,
}

impl Issue {
    /// The entry of a 422 answer's list.
    pub fn to_json(&self) -> Json {
        let mut entry = Object::new();
        entry.insert("type".into(), self.kind.into());
        entry.insert("loc".into(), Json::Array(self.loc.iter().map(Json::from).collect()));
        entry.insert("msg".into(), self.message.as_str().into());
        entry.insert("input".into(), self.input.clone());
        if let Some(context) = &self.context {
            entry.insert("ctx".into(), context.clone().into());
        }
        entry.into()
    }
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for item in &self.loc {
            write!(f, "{item}: ")?;
        }
        f.write_str(&self.message)
    }
}
