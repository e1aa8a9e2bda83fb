//! Lists of words: user ids, hosts, origins.

use super::Value;
use crate::json::Json;

/// A list given as `a, b`, as a JSON array or as a JSON text holding `a, b`. Entries are trimmed and
/// empty ones dropped; numbers count as their digits, because user ids are often written so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words(Vec<String>);

impl Words {
    /// Nothing at all.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// The entries, in the order given.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// Whether `word` is one of the entries.
    pub fn contains(&self, word: &str) -> bool {
        self.0.iter().any(|entry| entry == word)
    }

    fn from_commas(text: &str) -> Self {
        text.split(',').collect()
    }

    fn from_json(json: &Json) -> Option<Self> {
        match json {
            Json::Null => Some(Self::none()),
            Json::String(text) => Some(Self::from_commas(text)),
            Json::Array(items) => items.iter().map(word).collect(),
            _ => None,
        }
    }
}

fn word(item: &Json) -> Option<String> {
    match item {
        Json::String(text) => Some(text.clone()),
        Json::Int(number) => Some(number.to_string()),
        Json::BigInt(digits) => Some(digits.to_string()),
        _ => None,
    }
}

impl<S: AsRef<str>> FromIterator<S> for Words {
    fn from_iter<I: IntoIterator<Item = S>>(words: I) -> Self {
        let trimmed = words.into_iter().map(|word| word.as_ref().trim().to_owned());
        Self(trimmed.filter(|word| !word.is_empty()).collect())
    }
}

impl Value for Words {
    fn kind() -> String {
        "list".into()
    }

    fn accepted() -> String {
        r#"a list such as a,b or ["a","b"] of texts or whole numbers"#.into()
    }

    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_json = text.starts_with(['[', '"', '{']);
        if is_json {
            return Self::from_json(&Json::parse(text.as_bytes()).ok()?);
        }
        Some(if text == "null" { Self::none() } else { Self::from_commas(text) })
    }

    fn absent() -> Option<Self> {
        Some(Self::none())
    }

    fn show(&self) -> String {
        self.0.join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Vec<String>> {
        Words::read(text).map(|words| words.0)
    }

    #[test]
    fn json_arrays_and_comma_lists() {
        let expected = Some(vec!["1".to_owned(), "b".to_owned()]);
        for text in ["1,b", " 1 , b ,", r#"["1","b"]"#, r#"[1, " b ", ""]"#, r#""1,b""#] {
            assert_eq!(read(text), expected, "{text}");
        }
        assert_eq!(read("123"), Some(vec!["123".to_owned()]));
        assert_eq!(
            read("[123456789012345678901234567890]"),
            Some(vec!["123456789012345678901234567890".to_owned()])
        );
    }

    #[test]
    fn nothing_is_an_empty_list() {
        for text in ["", " ", "[]", "null", ",", r#""""#, r#"[""]"#] {
            assert_eq!(read(text), Some(vec![]), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_list() {
        for text in [r#"["a""#, "[true]", "[null]", "[1.5]", "[[1]]", r#"{"a":1}"#] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
