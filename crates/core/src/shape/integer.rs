//! Whole numbers of any size, and how leniently they are read.

use std::fmt;

use crate::json::Json;

use super::field::{Field, Print};
use super::reader::Reader;

/// A whole number of any size.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Integer {
    /// One that fits 64 bits.
    Small(i64),
    /// Any other, as its canonical decimal text.
    Big(Box<str>),
}

impl Integer {
    /// The number that a decimal text stands for: blanks around it, a sign, `_` between digits and
    /// a fraction of zeros are allowed.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (negative, digits) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let digits = match digits.split_once('.') {
            Some((digits, zeros)) if zeros.bytes().all(|byte| byte == b'0') => digits,
            Some(_) => return None,
            None => digits,
        };
        Some(Self::from_digits(negative, &joined_digits(digits)?))
    }

    /// The number with these decimal digits, of which leading ones may be zero.
    pub fn from_digits(negative: bool, digits: &str) -> Self {
        let digits = digits.trim_start_matches('0');
        let sign = if negative && !digits.is_empty() { "-" } else { "" };
        let text = format!("{sign}{}", if digits.is_empty() { "0" } else { digits });
        text.parse().map_or_else(|_| Self::Big(text.into()), Self::Small)
    }

    /// The whole part of a number, if that is finite.
    pub fn truncate(number: f64) -> Option<Self> {
        const LIMIT: f64 = 9_223_372_036_854_775_808.0;
        let whole = number.trunc();
        if (-LIMIT..LIMIT).contains(&whole) {
            // In range, therefore exact.
            return Some(Self::Small(whole as i64));
        }
        number.is_finite().then(|| Self::from_digits(number < 0.0, &format!("{:.0}", whole.abs())))
    }

    /// The nearest float.
    pub fn to_f64(&self) -> f64 {
        match self {
            Self::Small(value) => *value as f64,
            Self::Big(digits) => digits.parse().unwrap_or(f64::MAX),
        }
    }

    /// The number, if it fits 64 bits.
    pub fn to_i64(&self) -> Option<i64> {
        if let Self::Small(value) = self { Some(*value) } else { None }
    }
}

/// The digits without the `_` between them; `None` if there is anything else.
pub(crate) fn joined_digits(text: &str) -> Option<String> {
    let parts = text.split('_');
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    parts.clone().all(all_digits).then(|| parts.collect())
}

impl From<i64> for Integer {
    fn from(value: i64) -> Self {
        Self::Small(value)
    }
}

impl From<&Integer> for Json {
    fn from(value: &Integer) -> Self {
        match value {
            Integer::Small(value) => Self::Int(*value),
            Integer::Big(digits) => Self::BigInt(digits.clone()),
        }
    }
}

/// A kind of number that can be compared with a limit.
pub trait Number: Field {
    /// Whether the number is at least `limit`.
    fn at_least(&self, limit: i64) -> bool;
}

impl Number for Integer {
    fn at_least(&self, limit: i64) -> bool {
        match self {
            Self::Small(value) => *value >= limit,
            Self::Big(digits) => !digits.starts_with('-'),
        }
    }
}

impl Number for i64 {
    fn at_least(&self, limit: i64) -> bool {
        *self >= limit
    }
}

impl fmt::Display for Integer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Small(value) => write!(f, "{value}"),
            Self::Big(digits) => f.write_str(digits),
        }
    }
}

impl Field for Integer {
    fn read(value: &Json, reader: &mut Reader) -> Option<Self> {
        match value {
            Json::Int(value) => Some(Self::Small(*value)),
            Json::BigInt(digits) => Some(Self::Big(digits.clone())),
            Json::Bool(value) => Some(Self::Small(i64::from(*value))),
            Json::Float(number) if number.fract() == 0.0 => Self::truncate(*number),
            Json::Float(_) => {
                const MESSAGE: &str =
                    "Input should be a valid integer, got a number with a fractional part";
                reader.refuse("int_from_float", MESSAGE, value)
            }
            Json::String(text) => Self::parse(text).or_else(|| {
                const MESSAGE: &str =
                    "Input should be a valid integer, unable to parse string as an integer";
                reader.refuse("int_parsing", MESSAGE, value)
            }),
            _ => reader.refuse("int_type", "Input should be a valid integer", value),
        }
    }

    fn write(&self, _: Print) -> Json {
        self.into()
    }
}

/// For what the service counts itself, and for times.
impl Field for i64 {
    fn read(value: &Json, reader: &mut Reader) -> Option<Self> {
        const MESSAGE: &str = "Unable to parse input as an integer, exceeded maximum size";
        let number = Integer::read(value, reader)?.to_i64();
        number.or_else(|| reader.refuse("int_parsing_size", MESSAGE, value))
    }

    fn write(&self, _: Print) -> Json {
        Json::Int(*self)
    }
}

/// A whole number that is not below a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AtLeast<const LIMIT: i64, N = Integer>(pub N);

impl<const LIMIT: i64, N: Number> Field for AtLeast<LIMIT, N> {
    fn read(value: &Json, reader: &mut Reader) -> Option<Self> {
        let number = N::read(value, reader)?;
        if number.at_least(LIMIT) {
            return Some(Self(number));
        }
        let message = format!("Input should be greater than or equal to {LIMIT}");
        reader.refuse_with("greater_than_equal", message, value, [("ge", LIMIT.into())])
    }

    fn write(&self, print: Print) -> Json {
        self.0.write(print)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_are_integers() {
        for (text, number) in [(" 12 ", 12), ("-1_000", -1000), ("+7.00", 7), ("007", 7), ("-0", 0)]
        {
            assert_eq!(Integer::parse(text), Some(Integer::Small(number)), "{text:?}");
        }
        for text in ["", "1.5", "_1", "1__0", "1e3", "٧", "- 1", "--1", "."] {
            assert_eq!(Integer::parse(text), None, "{text:?}");
        }
        let big = "123456789012345678901234567890";
        assert_eq!(Integer::parse(big), Some(Integer::Big(big.into())));
    }

    #[test]
    fn the_whole_part_of_floats() {
        assert_eq!(Integer::truncate(-1.9), Some(Integer::Small(-1)));
        assert_eq!(Integer::truncate(1e20), Some(Integer::Big("100000000000000000000".into())));
        assert_eq!(Integer::truncate(f64::NAN), None);
    }
}
