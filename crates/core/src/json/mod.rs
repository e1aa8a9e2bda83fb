//! JSON as the reference keeps it: member order, integers of any size and the difference between
//! `1` and `1.0` survive reading and writing.
//!
//! `serde_json::Value` would turn integers beyond 64 bits into floats, so documents use this value.
//! Parsing is [`jiter`]'s work (the parser inside pydantic, and therefore the dialect the reference
//! speaks, without its `NaN`); printing follows Python's rules for numbers and escapes.

mod object;
mod print;

pub use object::Object;
pub use print::Style;

use jiter::JsonValue;

/// An object as text in `style`.
pub fn object_to_text(members: &Object, style: Style) -> String {
    let mut out = String::new();
    print::write_object(&mut out, members, style, 0);
    out.shrink_to_fit();
    out
}

/// One JSON value.
///
/// Equality compares numbers by kind (`1` is not `1.0`) and objects without regard to order.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer that fits 64 bits.
    Int(i64),
    /// Any other integer, as its canonical decimal text.
    BigInt(Box<str>),
    /// A number written with a fraction or an exponent; always finite.
    Float(f64),
    /// Text.
    String(String),
    /// `[…]`
    Array(Vec<Self>),
    /// `{…}`
    Object(Object),
}

/// Why a text is not JSON, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at line {line} column {column}")]
pub struct ParseError {
    /// What the parser expected or met.
    pub reason: String,
    /// Line of the offence, from 1.
    pub line: usize,
    /// Column of the offence, from 1.
    pub column: usize,
    /// Byte offset of the offence.
    pub offset: usize,
}

impl ParseError {
    /// The parser does not tell where such a number stood.
    fn number_too_large() -> Self {
        Self { reason: "number too large for a 64-bit float".into(), line: 1, column: 1, offset: 0 }
    }
}

impl Json {
    /// Reads one value. Of a repeated member the last value counts, at the place of the first.
    /// `NaN` and `Infinity`, lone surrogates, a byte order mark and bytes that are not UTF-8 are
    /// errors, and so are values within more than 200 arrays and objects.
    pub fn parse(text: &[u8]) -> Result<Self, ParseError> {
        match JsonValue::parse(text, false) {
            Ok(value) => Self::from_jiter(value),
            Err(error) => {
                let position = error.get_position(text);
                Err(ParseError {
                    reason: error.error_type.to_string(),
                    line: position.line,
                    column: position.column,
                    offset: error.index,
                })
            }
        }
    }

    fn from_jiter(value: JsonValue<'_>) -> Result<Self, ParseError> {
        Ok(match value {
            JsonValue::Null => Self::Null,
            JsonValue::Bool(value) => Self::Bool(value),
            JsonValue::Int(value) => Self::Int(value),
            JsonValue::BigInt(value) => match i64::try_from(&value) {
                Ok(small) => Self::Int(small),
                Err(_) => Self::BigInt(value.to_string().into()),
            },
            JsonValue::Float(value) if value.is_finite() => Self::Float(value),
            // Printed again it would be `Infinity`, which is not JSON.
            JsonValue::Float(_) => return Err(ParseError::number_too_large()),
            JsonValue::Str(value) => Self::String(value.into_owned()),
            JsonValue::Array(items) => {
                let items = std::sync::Arc::unwrap_or_clone(items);
                Self::Array(items.into_iter().map(Self::from_jiter).collect::<Result<_, _>>()?)
            }
            JsonValue::Object(members) => {
                let members = std::sync::Arc::unwrap_or_clone(members);
                let mut object = Object::with_capacity(members.len());
                for (name, value) in members {
                    object.insert(name.into_owned(), Self::from_jiter(value)?);
                }
                Self::Object(object)
            }
        })
    }

    /// The value as text in `style`.
    pub fn to_text(&self, style: Style) -> String {
        let mut out = String::new();
        print::write(&mut out, self, style, 0);
        out.shrink_to_fit();
        out
    }

    /// Appends the value to `out` in `style`.
    pub fn write_to(&self, out: &mut String, style: Style) {
        print::write(out, self, style, 0);
    }

    /// The member `name`, if this is an object that has it.
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.as_object()?.get(name)
    }

    /// The text, if this is text.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The integer, if this is one of at most 64 bits.
    pub fn as_i64(&self) -> Option<i64> {
        if let Self::Int(value) = self { Some(*value) } else { None }
    }

    /// The number as a float, if this is a number.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(value) => Some(*value as f64),
            Self::BigInt(digits) => digits.parse().ok(),
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// The boolean, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// The elements, if this is an array.
    pub fn as_array(&self) -> Option<&[Self]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    /// The members, if this is an object.
    pub fn as_object(&self) -> Option<&Object> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    /// The members, if this is an object, to change them.
    pub fn as_object_mut(&mut self) -> Option<&mut Object> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// A number of things, as an integer.
    pub fn count(things: usize) -> Self {
        Self::Int(i64::try_from(things).unwrap_or(i64::MAX))
    }

    /// The field's word for the kind of value, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Int(_) | Self::BigInt(_) => "integer",
            Self::Float(_) => "float",
            Self::String(_) => "text",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Json {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u64> for Json {
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or_else(|_| Self::BigInt(value.to_string().into()), Self::Int)
    }
}

impl From<f64> for Json {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Json {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl From<String> for Json {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

impl From<Object> for Json {
    fn from(value: Object) -> Self {
        Self::Object(value)
    }
}

impl<const N: usize> From<[(&str, Self); N]> for Json {
    /// An object of these members, in this order.
    fn from(members: [(&str, Self); N]) -> Self {
        Self::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

impl<'a> FromIterator<(&'a str, Self)> for Json {
    fn from_iter<I: IntoIterator<Item = (&'a str, Self)>>(members: I) -> Self {
        Self::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

impl<T: Into<Self>> From<Vec<T>> for Json {
    fn from(items: Vec<T>) -> Self {
        Self::Array(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Self>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl std::fmt::Display for Json {
    /// Compact form.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_text(Style::COMPACT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reprint(text: &str) -> String {
        Json::parse(text.as_bytes()).unwrap().to_string()
    }

    #[test]
    fn order_and_repeated_members() {
        assert_eq!(reprint(r#"{"b":1,"a":2,"b":3}"#), r#"{"b":3,"a":2}"#);
    }

    #[test]
    fn numbers_are_reprinted_as_python_does() {
        for (read, written) in [
            ("1E5", "100000.0"),
            ("1.10", "1.1"),
            ("1e16", "1e+16"),
            ("9999999999999998.0", "9999999999999998.0"),
            ("1e-5", "1e-05"),
            ("0.0001", "0.0001"),
            ("1.5e-7", "1.5e-07"),
            ("1e100", "1e+100"),
            ("-0.0", "-0.0"),
            ("5e-324", "5e-324"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("9223372036854775808", "9223372036854775808"),
        ] {
            assert_eq!(reprint(read), written);
        }
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_place() {
        for text in ["NaN", "[Infinity]", r#""\ud800""#, "\u{feff}{}", "{", "", "01", "1e999"] {
            assert!(Json::parse(text.as_bytes()).is_err(), "{text:?} was accepted");
        }
        assert!(Json::parse(b"\"\xff\"").is_err());
        let error = Json::parse(b"{\n  \"a\": ?\n}").unwrap_err();
        assert_eq!(error.line, 2, "{error}");
    }

    #[test]
    fn styles_match_the_files_of_the_reference() {
        let value = Json::parse(r#"{"é\u007f\u0001":["😀",{},[]],"n":null}"#.as_bytes()).unwrap();
        assert_eq!(value.to_text(Style::COMPACT), "{\"é\u{7f}\\u0001\":[\"😀\",{},[]],\"n\":null}");
        assert_eq!(
            value.to_text(Style::SPACED_ASCII),
            "{\"\\u00e9\u{7f}\\u0001\": [\"\\ud83d\\ude00\", {}, []], \"n\": null}"
        );
        assert_eq!(
            value.to_text(Style::INDENT_2),
            "{\n  \"é\u{7f}\\u0001\": [\n    \"😀\",\n    {},\n    []\n  ],\n  \"n\": null\n}"
        );
    }
}
