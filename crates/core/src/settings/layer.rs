//! One source of values, with its names brought to capitals and its groups taken apart.

use std::collections::BTreeMap;

use super::group::PREFIX;
use super::{Origin, Value};
use crate::json::{Json, Style};

/// A value as it was given, before anybody asked for a type.
///
/// It may be a secret, so outside of tests nothing here can be printed.
#[derive(Clone, PartialEq)]
#[cfg_attr(test, derive(Debug))]
pub(super) enum Raw {
    Text(String),
    /// JSON `null`, which no text stands for.
    Null,
    /// Bytes of the environment that are not UTF-8.
    NotUtf8,
}

impl Raw {
    pub(super) fn read<T: Value>(&self) -> Option<T> {
        match self {
            Self::Text(text) => T::read(text),
            Self::Null => T::absent(),
            Self::NotUtf8 => None,
        }
    }

    /// The value as an error message may show it.
    pub(super) fn show_refused<T: Value>(&self) -> String {
        match self {
            Self::Text(text) => format!("{:?}", T::show_refused(text)),
            Self::Null => "null".into(),
            Self::NotUtf8 => "a value that is not UTF-8".into(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Text(text) if text.trim().is_empty())
    }

    fn from_json(json: Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::String(text) => Self::Text(text),
            other => Self::Text(other.to_text(Style::COMPACT)),
        }
    }
}

/// A value and where it was given.
#[derive(Clone)]
pub(super) struct Given {
    pub(super) raw: Raw,
    pub(super) origin: Origin,
    /// In how many JSON objects it lay: of two values for one name the less deep one counts.
    depth: usize,
}

/// One source of values.
#[derive(Default)]
pub(super) struct Layer {
    values: BTreeMap<String, Given>,
    /// Whether unprefixed variables are found under the prefix too. So it is in the TOML file, which
    /// is all ours and needs no prefix.
    is_ours: bool,
}

impl Layer {
    pub(super) fn ours() -> Self {
        Self { is_ours: true, ..Self::default() }
    }

    pub(super) fn find(&self, name: &str) -> Option<&Given> {
        let prefixed = || self.values.get(&format!("{PREFIX}{name}")).filter(|_| self.is_ours);
        self.values.get(name).or_else(prefixed)
    }

    /// The values under the prefix that `is_known` does not know.
    pub(super) fn unknown(
        &self,
        is_known: impl Fn(&str) -> bool,
    ) -> impl Iterator<Item = (&str, &Given)> {
        let of_interest = move |name: &str| {
            let Some(suffix) = name.strip_prefix(PREFIX) else { return false };
            let known = is_known(name) || (self.is_ours && is_known(suffix));
            !known
        };
        let values = self.values.iter().map(|(name, given)| (name.as_str(), given));
        values.filter(move |(name, _)| of_interest(name))
    }

    /// Adds a variable. One of ours that holds a JSON object is a group and taken apart.
    pub(super) fn give(&mut self, spelled: &str, raw: Raw, origin: Origin) {
        let name = spelled.to_ascii_uppercase();
        if let Raw::Text(text) = &raw
            && name.starts_with(PREFIX)
            && text.trim_start().starts_with('{')
            && let Ok(json @ Json::Object(_)) = Json::parse(text.as_bytes())
        {
            let within = Origin::Member { group: name.clone(), within: Box::new(origin) };
            return self.give_json(&name, json, &within, 1);
        }
        self.insert(name, Given { raw, origin, depth: 0 });
    }

    /// Adds what lies at a key of the TOML file; tables are groups.
    pub(super) fn give_key(&mut self, path: &str, json: Json, file: &std::path::Path) {
        if let Json::Object(members) = json {
            for (member, json) in members {
                self.give_key(&format!("{path}.{member}"), json, file);
            }
            return;
        }
        let origin = Origin::Toml { file: file.to_owned(), key: path.to_owned() };
        self.give(&name_of_key(path), Raw::from_json(json), origin);
    }

    fn give_json(&mut self, name: &str, json: Json, origin: &Origin, depth: usize) {
        if let Json::Object(members) = json {
            for (member, json) in members {
                let name = format!("{name}__{}", member.to_ascii_uppercase());
                self.give_json(&name, json, origin, depth + 1);
            }
            return;
        }
        let given = Given { raw: Raw::from_json(json), origin: origin.clone(), depth };
        self.insert(name.to_owned(), given);
    }

    fn insert(&mut self, name: String, given: Given) {
        let stands = self.values.get(&name).is_some_and(|present| present.depth < given.depth);
        if !stands {
            self.values.insert(name, given);
        }
    }
}

/// The variable's name for a key of the TOML file such as `redis.pool_size`.
fn name_of_key(path: &str) -> String {
    let name = path.replace('.', "__").to_ascii_uppercase();
    if name.starts_with(PREFIX) { name } else { format!("{PREFIX}{name}") }
}

/// The key of the TOML file for a variable's name.
pub(super) fn key_of_name(name: &str) -> String {
    name.strip_prefix(PREFIX).unwrap_or(name).replace("__", ".").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(layer: &Layer, name: &str) -> Option<Raw> {
        layer.find(name).map(|given| given.raw.clone())
    }

    #[test]
    fn a_group_is_taken_apart_and_single_variables_win() {
        let single = ("HORDE_MODEL_REFERENCE_REDIS__POOL_SIZE", "3");
        let group = ("horde_model_reference_redis", r#" {"Pool_Size": 9, "a": {"b": null}} "#);
        for order in [[single, group], [group, single]] {
            let mut layer = Layer::default();
            for (name, value) in order {
                layer.give(name, Raw::Text(value.into()), Origin::Environment);
            }
            assert_eq!(
                text(&layer, "HORDE_MODEL_REFERENCE_REDIS__POOL_SIZE"),
                Some(Raw::Text("3".into()))
            );
            assert_eq!(text(&layer, "HORDE_MODEL_REFERENCE_REDIS__A__B"), Some(Raw::Null));
            assert_eq!(text(&layer, "HORDE_MODEL_REFERENCE_REDIS"), None);
        }
    }

    #[test]
    fn variables_of_others_and_broken_json_stay_whole() {
        let mut layer = Layer::default();
        layer.give("OTHER", Raw::Text("{}".into()), Origin::Environment);
        layer.give("HORDE_MODEL_REFERENCE_REDIS", Raw::Text("{x}".into()), Origin::Environment);
        assert_eq!(text(&layer, "OTHER"), Some(Raw::Text("{}".into())));
        assert_eq!(text(&layer, "HORDE_MODEL_REFERENCE_REDIS"), Some(Raw::Text("{x}".into())));
    }

    #[test]
    fn keys_and_names() {
        let name = "HORDE_MODEL_REFERENCE_REDIS__POOL_SIZE";
        assert_eq!(name_of_key("redis.pool_size"), name);
        assert_eq!(name_of_key("horde_model_reference_redis__pool_size"), name);
        assert_eq!(key_of_name(name), "redis.pool_size");
        assert_eq!(key_of_name("LOGS_FOLDER"), "logs_folder");
    }
}
