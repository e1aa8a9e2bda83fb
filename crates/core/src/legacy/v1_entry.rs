//! The entries of the v1 text view: one model under three names.

use crate::json::{Json, Object};
use crate::text::{display_name, short_name, variants};

use super::row::Row;

/// The style of a text model that names none.
pub(super) const DEFAULT_STYLE: &str = "generalist";

/// The version that the v1 view shows of a text model that names none.
pub(super) const DEFAULT_VERSION: &str = "1";

impl Row {
    /// The tags of the v1 view: those of the row, its style and its size, sorted.
    fn all_tags(&self) -> Vec<String> {
        let mut tags = self.tags.clone();
        tags.extend([self.style.clone()].into_iter().filter(|style| !style.is_empty()));
        tags.push(self.size_tag());
        tags.sort();
        tags.dedup();
        tags
    }

    /// What the row says for the v1 view; what is empty says nothing.
    fn v1_values(&self) -> Object {
        let shown_name = match self.display_name.as_str() {
            "" => display_name(short_name(&self.name)),
            given => given.to_owned(),
        };
        let object = |value: &Option<Object>| Json::Object(value.clone().unwrap_or_default());
        let values: [(&str, Json); 14] = [
            ("parameters", (&self.parameters).into()),
            ("tags", self.all_tags().into()),
            ("settings", object(&self.settings)),
            ("display_name", shown_name.into()),
            ("url", self.url.as_str().into()),
            ("baseline", self.baseline.as_str().into()),
            ("description", self.description.as_str().into()),
            ("style", self.style.as_str().into()),
            ("instruct_format", self.instruct_format.as_str().into()),
            ("context_window", object(&self.context_window)),
            ("interaction_modes", object(&self.interaction_modes)),
            ("capabilities", object(&self.capabilities)),
            ("version", self.version.as_str().into()),
            ("nsfw", self.nsfw.into()),
        ];
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), value));
        values.filter(|(_, value)| !is_empty(value)).collect()
    }

    /// The entry of the v1 view under the model's own name; none if the name is an address.
    pub(crate) fn v1_entry(&self) -> Option<Object> {
        let is_address = self.name.contains("://");
        (!is_address).then(|| v1_entry(&self.name, short_name(&self.name), &self.v1_values()))
    }

    /// Adds the three entries of the v1 view to `entries`; none if the name is an address.
    pub fn write_v1(&self, entries: &mut Object) {
        if self.name.contains("://") {
            return;
        }
        let values = self.v1_values();
        for key in variants(&self.name) {
            entries.insert(key.clone(), v1_entry(&key, short_name(&self.name), &values).into());
        }
    }
}

/// One entry: what every entry has, with the given values in their places, then the other values.
pub(super) fn v1_entry(key: &str, model_name: &str, values: &Object) -> Object {
    let mut entry = Object::from_iter([
        ("name".to_owned(), key.into()),
        ("model_name".to_owned(), model_name.into()),
    ]);
    entry.extend(default_members());
    entry.extend(values.iter().map(|(name, value)| (name.clone(), value.clone())));
    entry
}

/// What a v1 text record says when it says nothing.
pub(super) fn default_members() -> Object {
    let members: [(&str, Json); 6] = [
        ("baseline", "".into()),
        ("parameters", Json::Null),
        ("description", "".into()),
        ("version", DEFAULT_VERSION.into()),
        ("style", DEFAULT_STYLE.into()),
        ("nsfw", false.into()),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Whether a value says nothing: null, false, zero, or without content.
pub(super) fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null | Json::Bool(false) | Json::Int(0) => true,
        Json::Float(number) => *number == 0.0,
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(members) => members.is_empty(),
        _ => false,
    }
}
