//! Members of a JSON object in the order they were first met.

use std::ops::{Deref, DerefMut};

use indexmap::IndexMap;
use indexmap::map::{IntoIter, Iter, IterMut};

use super::Json;

/// Members of a JSON object in the order they were first met: an [`IndexMap`] behind a pointer, so
/// that a [`Json`] is four words and not ten. Documents hold tens of thousands of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Object(Box<IndexMap<String, Json>>);

impl Object {
    /// The members of a JSON text that is an object; `None` of any other text.
    pub fn parse(text: &[u8]) -> Option<Self> {
        if let Ok(Json::Object(members)) = Json::parse(text) { Some(members) } else { None }
    }

    /// An object without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// An object with room for `members`.
    pub fn with_capacity(members: usize) -> Self {
        Self(Box::new(IndexMap::with_capacity(members)))
    }
}

impl Deref for Object {
    type Target = IndexMap<String, Json>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Object {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl FromIterator<(String, Json)> for Object {
    fn from_iter<I: IntoIterator<Item = (String, Json)>>(members: I) -> Self {
        Self(Box::new(members.into_iter().collect()))
    }
}

impl Extend<(String, Json)> for Object {
    fn extend<I: IntoIterator<Item = (String, Json)>>(&mut self, members: I) {
        self.0.extend(members);
    }
}

impl IntoIterator for Object {
    type Item = (String, Json);
    type IntoIter = IntoIter<String, Json>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Object {
    type Item = (&'a String, &'a Json);
    type IntoIter = Iter<'a, String, Json>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a mut Object {
    type Item = (&'a String, &'a mut Json);
    type IntoIter = IterMut<'a, String, Json>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter_mut()
    }
}
