//! Texts with a rule: trimmed, not empty, a date, an address.

use std::ops::Deref;

use crate::json::Json;

use super::field::{Field, Print};
use super::reader::Reader;

macro_rules! text_value {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub String);

        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }
    };
}

text_value! {
    /// Text without the blanks that stood around it.
    Trimmed
}

impl Field for Trimmed {
    fn read(value: &Json, reader: &mut Reader) -> Option<Self> {
        String::read(value, reader).map(|text| Self(text.trim().to_owned()))
    }

    fn write(&self, _: Print) -> Json {
        self.0.as_str().into()
    }
}

text_value! {
    /// Text of at least one character.
    NonEmpty
}

impl Field for NonEmpty {
    fn read(value: &Json, reader: &mut Reader) -> Option<Self> {
        let text = String::read(value, reader)?;
        if !text.is_empty() {
            return Some(Self(text));
        }
        const MESSAGE: &str = "String should have at least 1 character";
        reader.refuse_with("string_too_short", MESSAGE, value, ("min_length", Json::Int(1)))
    }

    fn write(&self, _: Print) -> Json {
        self.0.as_str().into()
    }
}

text_value! {
    /// A day, as `YYYY-MM-DD`.
    Date
}

impl Field for Date {
    fn read(value: &Json, reader: &mut Reader) -> Option<Self> {
        let Some(text) = value.as_str() else {
            return reader.refuse("date_type", "Input should be a valid date", value);
        };
        if is_date(text) {
            return Some(Self(text.to_owned()));
        }
        const MESSAGE: &str = "Input should be a valid date in the form YYYY-MM-DD";
        reader.refuse("date_from_datetime_parsing", MESSAGE, value)
    }

    fn write(&self, _: Print) -> Json {
        self.0.as_str().into()
    }
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let &[year, month, day] = parts.as_slice() else { return false };
    if [year.len(), month.len(), day.len()] != [4, 2, 2] {
        return false;
    }
    let number = |part: &str| -> Option<u32> {
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?
    };
    let (Some(year), Some(month), Some(day)) = (number(year), number(month), number(day)) else {
        return false;
    };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    year > 0 && (1..=days).contains(&day)
}

text_value! {
    /// The address of a page, in the normal form of the URL standard.
    HttpUrl
}

impl Field for HttpUrl {
    fn read(value: &Json, reader: &mut Reader) -> Option<Self> {
        let Some(text) = value.as_str() else {
            return reader.refuse("url_type", "URL input should be a string or URL", value);
        };
        match url::Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Some(Self(url.into())),
            Ok(_) => {
                const MESSAGE: &str = "URL scheme should be 'http' or 'https'";
                let fact = ("expected_schemes", "'http' or 'https'".into());
                reader.refuse_with("url_scheme", MESSAGE, value, fact)
            }
            Err(error) => {
                let message = format!("Input should be a valid URL, {error}");
                reader.refuse_with(
                    "url_parsing",
                    message,
                    value,
                    ("error", error.to_string().into()),
                )
            }
        }
    }

    fn write(&self, _: Print) -> Json {
        self.0.as_str().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_the_calendar() {
        for text in ["2024-02-29", "2000-02-29", "1999-12-31"] {
            assert!(is_date(text), "{text}");
        }
        for text in ["2023-02-29", "1900-02-29", "2024-13-01", "2024-00-10", "24-01-01", "2024-1-1"]
        {
            assert!(!is_date(text), "{text}");
        }
    }
}
