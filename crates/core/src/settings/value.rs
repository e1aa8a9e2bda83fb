//! How the text of a variable becomes a value, and how a value is shown again.

use std::num::{NonZeroU16, NonZeroU32, NonZeroU64};
use std::path::PathBuf;

/// A type a setting can have.
pub trait Value: Sized {
    /// Whether the empty text means that an optional setting is absent. Not so for numbers: there
    /// it is a variable somebody forgot to fill in.
    const EMPTY_IS_ABSENT: bool = true;
    /// Whether values are masked wherever they are shown.
    const SECRET: bool = false;

    /// The type, in a word or two.
    fn kind() -> String;

    /// What is accepted, as a noun phrase.
    fn accepted() -> String;

    /// The value written as `text`, unless that is not acceptable.
    fn read(text: &str) -> Option<Self>;

    /// The value of JSON `null`, for types that have one.
    fn absent() -> Option<Self> {
        None
    }

    /// The value as a person may see it; [`Value::read`] reads it again unless it is a secret.
    fn show(&self) -> String;

    /// A text that could not be read, as a person may see it.
    fn show_refused(text: &str) -> String {
        text.to_owned()
    }
}

/// A type with a few named values.
pub trait Choice: Sized + Copy + PartialEq + 'static {
    /// Every value with its name, as it is shown; any letter case is read.
    const CHOICES: &'static [(&'static str, Self)];
}

impl<T: Choice> Value for T {
    fn kind() -> String {
        let names: Vec<_> = T::CHOICES.iter().map(|(name, _)| *name).collect();
        names.join("|")
    }

    fn accepted() -> String {
        let names: Vec<_> = T::CHOICES.iter().map(|(name, _)| *name).collect();
        names.join(" or ")
    }

    fn read(text: &str) -> Option<Self> {
        let named = |(name, _): &&(&str, T)| name.eq_ignore_ascii_case(text.trim());
        T::CHOICES.iter().find(named).map(|(_, choice)| *choice)
    }

    fn show(&self) -> String {
        let name = T::CHOICES.iter().find(|(_, choice)| choice == self).map(|(name, _)| *name);
        name.unwrap_or_default().to_owned()
    }
}

impl Value for bool {
    fn kind() -> String {
        "boolean".into()
    }

    fn accepted() -> String {
        "true, yes, on or 1, or false, no, off or 0".into()
    }

    fn read(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" | "t" | "y" => Some(true),
            "false" | "0" | "no" | "off" | "f" | "n" => Some(false),
            _ => None,
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

/// A whole number as pydantic reads one: `+5`, `1_000` and `5.0` are numbers too.
fn whole_number(text: &str) -> Option<i128> {
    let text = text.trim();
    let text = match text.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => {
            whole
        }
        Some(_) => return None,
        None => text,
    };
    let between_digits = !text.starts_with('_') && !text.ends_with('_') && !text.contains("__");
    if !between_digits {
        return None;
    }
    text.replace('_', "").parse().ok()
}

macro_rules! whole_number_value {
    ($type:ty, $accepted:literal, $convert:expr) => {
        impl Value for $type {
            const EMPTY_IS_ABSENT: bool = false;

            fn kind() -> String {
                "integer".into()
            }

            fn accepted() -> String {
                $accepted.into()
            }

            fn read(text: &str) -> Option<Self> {
                whole_number(text).and_then($convert)
            }

            fn show(&self) -> String {
                self.to_string()
            }
        }
    };
}

whole_number_value!(i64, "a whole number", |number| Self::try_from(number).ok());
whole_number_value!(u16, "a whole number from 0 to 65535", |number| Self::try_from(number).ok());
whole_number_value!(u32, "a whole number from 0 to 4294967295", |number| Self::try_from(number)
    .ok());
whole_number_value!(u64, "a whole number, 0 or more", |number| Self::try_from(number).ok());
whole_number_value!(NonZeroU16, "a whole number from 1 to 65535", |number| {
    u16::try_from(number).ok().and_then(Self::new)
});
whole_number_value!(NonZeroU32, "a whole number from 1 to 4294967295", |number| {
    u32::try_from(number).ok().and_then(Self::new)
});
whole_number_value!(NonZeroU64, "a whole number, 1 or more", |number| {
    u64::try_from(number).ok().and_then(Self::new)
});

/// `number`, or 1 instead of 0: how defaults of the table are written.
pub const fn positive(number: u32) -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(number.saturating_sub(1))
}

impl Value for f64 {
    const EMPTY_IS_ABSENT: bool = false;

    fn kind() -> String {
        "number".into()
    }

    fn accepted() -> String {
        "a number, 0 or more, such as 0.5".into()
    }

    fn read(text: &str) -> Option<Self> {
        let number: Self = text.trim().parse().ok()?;
        (number.is_finite() && number >= 0.0).then_some(number)
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for String {
    fn kind() -> String {
        "text".into()
    }

    fn accepted() -> String {
        "text".into()
    }

    fn read(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }

    fn show(&self) -> String {
        self.clone()
    }
}

impl Value for PathBuf {
    fn kind() -> String {
        "path".into()
    }

    fn accepted() -> String {
        "a path".into()
    }

    /// As for the reference, the empty path is the working directory.
    fn read(text: &str) -> Option<Self> {
        Some(if text.is_empty() { ".".into() } else { text.into() })
    }

    fn show(&self) -> String {
        self.display().to_string()
    }
}

impl<T: Value> Value for Option<T> {
    const EMPTY_IS_ABSENT: bool = T::EMPTY_IS_ABSENT;
    const SECRET: bool = T::SECRET;

    fn kind() -> String {
        format!("{} or null", T::kind())
    }

    fn accepted() -> String {
        format!("{}, or null", T::accepted())
    }

    fn read(text: &str) -> Option<Self> {
        let absent = text.is_empty() && T::EMPTY_IS_ABSENT
            || text.trim().eq_ignore_ascii_case("null")
            || text.trim().eq_ignore_ascii_case("none");
        if absent { Some(None) } else { T::read(text).map(Some) }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn show(&self) -> String {
        self.as_ref().map_or_else(|| "null".to_owned(), T::show)
    }

    fn show_refused(text: &str) -> String {
        T::show_refused(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads<T: Value + PartialEq + std::fmt::Debug>(texts: &[&str], value: T) {
        for text in texts {
            assert_eq!(T::read(text).as_ref(), Some(&value), "{text:?}");
        }
        assert_eq!(T::read(&value.show()), Some(value), "shown and read again");
    }

    fn refuses<T: Value + std::fmt::Debug>(texts: &[&str]) {
        for text in texts {
            assert!(T::read(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn booleans() {
        reads(&["true", "1", "YES", "on", "T", "y", " True "], true);
        reads(&["false", "0", "No", "OFF", "f", "N"], false);
        refuses::<bool>(&["", "2", "enabled", "tru", "null"]);
    }

    #[test]
    fn whole_numbers() {
        reads(&["60", " 60 ", "+60", "60.0", "6_0"], 60_i64);
        reads(&["-1"], -1_i64);
        reads(&["65535"], 65_535_u16);
        reads(&["18446744073709551615"], u64::MAX);
        refuses::<i64>(&["", " ", "6.5", "6.", "1e3", "_6", "6_", "6__0", "sixty", "0x10"]);
        refuses::<i64>(&["9223372036854775808", "99999999999999999999999999999999999999999"]);
        refuses::<u16>(&["-1", "65536"]);
        refuses::<u32>(&["-1", "4294967296"]);
        refuses::<u64>(&["-1"]);
        refuses::<NonZeroU16>(&["0", "-1", "65536"]);
        refuses::<NonZeroU32>(&["0", "-1"]);
        refuses::<NonZeroU64>(&["0"]);
    }

    #[test]
    fn numbers() {
        reads(&["0.0065", "6.5e-3", " .0065"], 0.0065);
        reads(&["2"], 2.0);
        refuses::<f64>(&["", "nan", "inf", "-0.5", "1,5", "half"]);
    }

    #[test]
    fn texts_and_paths() {
        reads(&["a b"], "a b".to_owned());
        reads(&[""], String::new());
        reads(&["", "."], PathBuf::from("."));
        reads(&["/srv/models"], PathBuf::from("/srv/models"));
    }

    #[test]
    fn optional_values() {
        reads(&["null", "None"], None::<u32>);
        reads(&["7"], Some(7_u32));
        refuses::<Option<u32>>(&["", "x"]);
        reads(&["", "null"], None::<String>);
        reads(&["x"], Some("x".to_owned()));
        assert_eq!(Option::<u32>::absent(), Some(None));
        assert_eq!(u32::absent(), None);
        assert_eq!(Option::<u32>::kind(), "integer or null");
    }
}
