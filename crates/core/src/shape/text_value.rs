//! Texts with a rule: trimmed, not empty, a date, an address.

use jiff::civil;
use url::Url;

use crate::json::Json;

use super::field::Field;
use super::reader::Reader;

/// Declares a type for texts that have passed a rule, and the function that reads them.
macro_rules! text_value {
    ($(#[$doc:meta])* pub struct $name:ident by $read:path;) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub String);

        impl std::ops::Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl $crate::shape::Field for $name {
            fn read(
                value: &$crate::json::Json,
                reader: &mut $crate::shape::Reader,
            ) -> Option<Self> {
                $read(value, reader).map(Self)
            }

            fn write(&self, _: $crate::shape::Print) -> $crate::json::Json {
                self.0.as_str().into()
            }
        }
    };
}

pub(crate) use text_value;

text_value! {
    /// Text without the blanks that stood around it.
    pub struct Trimmed by trimmed;
}

text_value! {
    /// Text of at least one character.
    pub struct NonEmpty by non_empty;
}

text_value! {
    /// A day, as `YYYY-MM-DD`.
    pub struct Date by date;
}

text_value! {
    /// The address of a page, in the normal form of the URL standard.
    pub struct HttpUrl by http_url;
}

fn trimmed(value: &Json, reader: &mut Reader) -> Option<String> {
    String::read(value, reader).map(|text| text.trim().to_owned())
}

fn non_empty(value: &Json, reader: &mut Reader) -> Option<String> {
    let text = String::read(value, reader)?;
    if !text.is_empty() {
        return Some(text);
    }
    const MESSAGE: &str = "String should have at least 1 character";
    reader.refuse_with("string_too_short", MESSAGE, value, [("min_length", Json::Int(1))])
}

fn date(value: &Json, reader: &mut Reader) -> Option<String> {
    let Some(text) = value.as_str() else {
        return reader.refuse("date_type", "Input should be a valid date", value);
    };
    if is_date(text) {
        return Some(text.to_owned());
    }
    const MESSAGE: &str = "Input should be a valid date in the form YYYY-MM-DD";
    reader.refuse("date_from_datetime_parsing", MESSAGE, value)
}

/// The parser knows more spellings than this one, and the year 0.
fn is_date(text: &str) -> bool {
    text.parse::<civil::Date>().is_ok_and(|day| day.year() > 0 && day.to_string() == text)
}

fn http_url(value: &Json, reader: &mut Reader) -> Option<String> {
    const MOST_BYTES: usize = 2083;
    let Some(text) = value.as_str() else {
        return reader.refuse("url_type", "URL input should be a string or URL", value);
    };
    if text.len() > MOST_BYTES {
        let message = format!("URL should have at most {MOST_BYTES} characters");
        let facts = [("max_length", Json::count(MOST_BYTES))];
        return reader.refuse_with("url_too_long", message, value, facts);
    }
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Some(url.into()),
        Ok(_) => {
            const MESSAGE: &str = "URL scheme should be 'http' or 'https'";
            let facts = [("expected_schemes", "'http' or 'https'".into())];
            reader.refuse_with("url_scheme", MESSAGE, value, facts)
        }
        Err(error) => {
            let message = format!("Input should be a valid URL, {error}");
            reader.refuse_with("url_parsing", message, value, [("error", error.to_string().into())])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::{Print, Unknown};

    #[test]
    fn days_of_the_calendar() {
        for text in ["2024-02-29", "2000-02-29", "1999-12-31"] {
            assert!(is_date(text), "{text}");
        }
        for text in [
            "2023-02-29",
            "1900-02-29",
            "2024-13-01",
            "2024-00-10",
            "24-01-01",
            "2024-1-1",
            "20240229",
            "0000-01-01",
        ] {
            assert!(!is_date(text), "{text}");
        }
    }

    #[test]
    fn addresses_have_a_normal_form() {
        let read = |text: &str| {
            let mut reader = Reader::new(Unknown::Drop);
            let address = HttpUrl::read(&text.into(), &mut reader);
            let (address, _) = reader.conclude(address).map_err(|issues| issues[0].kind)?;
            Ok(address.write(Print::PLAIN).to_string())
        };
        assert_eq!(read("https://Docs.Example.ORG"), Ok("\"https://docs.example.org/\"".into()));
        assert_eq!(read("ftp://example.org"), Err("url_scheme"));
        assert_eq!(read("nowhere"), Err("url_parsing"));
        assert_eq!(read(&format!("https://example.org/{}", "x".repeat(2083))), Err("url_too_long"));
    }
}
