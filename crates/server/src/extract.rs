//! What handlers take from a request's path and query, with the contract's answer to what is odd.

use axum::extract::{FromRequestParts, RawPathParams};
use horde_model_reference::shape::{Integer, LocItem, word_to_bool};
use horde_model_reference::{Category, Json};
use http::request::Parts;

use crate::error::{ApiError, issue, unknown_word};

/// The path parameters of a route, decoded, in order.
pub(crate) struct Segments<const N: usize>(pub(crate) [String; N]);

impl<S: Send + Sync, const N: usize> FromRequestParts<S> for Segments<N> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let parameters = RawPathParams::from_request_parts(parts, state).await;
        let parameters = parameters.map_err(|_| ApiError::PathNotText)?;
        let values: Vec<String> = parameters.iter().map(|(_, value)| value.to_owned()).collect();
        // A route with another number of parameters is a mistake in the table.
        values.try_into().map(Self).map_err(|_| ApiError::Internal)
    }
}

/// Reads a path segment that must name a category.
pub(crate) fn category(name: &str) -> Result<Category, ApiError> {
    name.parse().map_err(|_| ApiError::UnknownCategory(name.to_owned()))
}

/// The query's parameters, decoded. Of a repeated one the last counts.
pub(crate) struct Query(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes());
        Ok(Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect()))
    }
}

impl Query {
    /// The text of a parameter.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let mut from_last = self.0.iter().rev();
        from_last.find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// The texts of a parameter that may be repeated, in the order they were sent.
    pub(crate) fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// A truth value in one of the usual words.
    pub(crate) fn boolean(&self, name: &'static str, default: bool) -> Result<bool, ApiError> {
        let Some(text) = self.text(name) else { return Ok(default) };
        let words = "Input should be a valid boolean, unable to interpret input";
        word_to_bool(text).ok_or_else(|| refused(name, "bool_parsing", words, text, []))
    }

    /// A number within bounds, both included. No number is too large for the largest bound.
    pub(crate) fn number(
        &self,
        name: &'static str,
        default: usize,
        least: usize,
        most: usize,
    ) -> Result<usize, ApiError> {
        let least_signed = i64::try_from(least).unwrap_or(i64::MAX);
        let Some(number) = self.number_from(name, least_signed)? else { return Ok(default) };
        let number = match number {
            i64::MAX => usize::MAX,
            number => usize::try_from(number).unwrap_or(usize::MAX),
        };
        if number <= most {
            return Ok(number);
        }
        let words = format!("Input should be less than or equal to {most}");
        let text = self.text(name).unwrap_or_default();
        Err(refused(name, "less_than_equal", words, text, [("le", whole(most))]))
    }

    /// A number that may be missing and has a least value. One that is too large to be told apart
    /// from its like is the largest.
    pub(crate) fn number_from(
        &self,
        name: &'static str,
        least: i64,
    ) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let number = integer(place(name), text)?;
        if number < least {
            let words = format!("Input should be greater than or equal to {least}");
            return Err(refused(name, "greater_than_equal", words, text, [("ge", least.into())]));
        }
        Ok(Some(number))
    }

    /// The numbers of a parameter that may be repeated: at least one, and not more than `most`.
    pub(crate) fn numbers(&self, name: &'static str, most: usize) -> Result<Vec<i64>, ApiError> {
        let texts: Vec<&str> = self.texts(name).collect();
        if texts.is_empty() {
            return Err(missing(name));
        }
        let numbers = each(name, &texts, integer)?;
        if numbers.len() <= most {
            return Ok(numbers);
        }
        let actual = numbers.len();
        let items = if most == 1 { "item" } else { "items" };
        let words =
            format!("List should have at most {most} {items} after validation, not {actual}");
        let facts = [
            ("field_type", "List".into()),
            ("max_length", whole(most)),
            ("actual_length", whole(actual)),
        ];
        Err(ApiError::Unprocessable(vec![issue(place(name), "too_long", words, texts, facts)]))
    }

    /// One of a few words.
    pub(crate) fn one_of(
        &self,
        name: &'static str,
        words: &[&'static str],
    ) -> Result<Option<&'static str>, ApiError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let word = words.iter().find(|word| **word == text);
        let unknown = || ApiError::Unprocessable(vec![unknown_word(place(name), words, text)]);
        word.map(|word| Some(*word)).ok_or_else(unknown)
    }

    /// What the words of a parameter that may be repeated stand for; none where it is missing.
    pub(crate) fn words<T>(
        &self,
        name: &'static str,
        words: &[&str],
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, ApiError> {
        let texts: Vec<&str> = self.texts(name).collect();
        each(name, &texts, |place, text| {
            read(text)
                .ok_or_else(|| ApiError::Unprocessable(vec![unknown_word(place, words, text)]))
        })
    }

    /// Text with at least one character and not more than `most`.
    pub(crate) fn text_up_to(
        &self,
        name: &'static str,
        most: usize,
    ) -> Result<Option<&str>, ApiError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        if text.is_empty() {
            return Err(empty(name));
        }
        if text.chars().count() <= most {
            return Ok(Some(text));
        }
        let words = format!("String should have at most {most} characters");
        Err(refused(name, "string_too_long", words, text, [("max_length", whole(most))]))
    }

    /// Text that must be there and not be empty.
    pub(crate) fn required_text(&self, name: &'static str) -> Result<&str, ApiError> {
        match self.text(name) {
            Some("") => Err(empty(name)),
            Some(text) => Ok(text),
            None => Err(missing(name)),
        }
    }
}

/// Two readings of one request: a client that sent two wrong values is told of both.
pub(crate) fn both<A, B>(
    first: Result<A, ApiError>,
    second: Result<B, ApiError>,
) -> Result<(A, B), ApiError> {
    match (first, second) {
        (Err(ApiError::Unprocessable(mut issues)), Err(ApiError::Unprocessable(more))) => {
            issues.extend(more);
            Err(ApiError::Unprocessable(issues))
        }
        (first, second) => Ok((first?, second?)),
    }
}

/// The whole number that a path segment must be.
pub(crate) fn number_in_path(name: &'static str, text: &str) -> Result<i64, ApiError> {
    integer(vec!["path".into(), name.into()], text)
}

/// Reads each of the texts; everything that is wrong with any of them is told.
fn each<T>(
    name: &'static str,
    texts: &[&str],
    read: impl Fn(Vec<LocItem>, &str) -> Result<T, ApiError>,
) -> Result<Vec<T>, ApiError> {
    let begin = Ok(Vec::with_capacity(texts.len()));
    texts.iter().enumerate().fold(begin, |before, (index, text)| {
        let place = vec!["query".into(), name.into(), index.into()];
        let (mut values, value) = both(before, read(place, text))?;
        values.push(value);
        Ok(values)
    })
}

/// The number a text stands for, or the nearest that fits.
fn integer(place: Vec<LocItem>, text: &str) -> Result<i64, ApiError> {
    match Integer::parse(text) {
        Some(Integer::Small(number)) => Ok(number),
        Some(Integer::Big(digits)) if digits.starts_with('-') => Ok(i64::MIN),
        Some(Integer::Big(_)) => Ok(i64::MAX),
        None => {
            let words = "Input should be a valid integer, unable to parse string as an integer";
            Err(ApiError::Unprocessable(vec![issue(place, "int_parsing", words, text, [])]))
        }
    }
}

fn place(name: &'static str) -> Vec<LocItem> {
    vec!["query".into(), name.into()]
}

fn whole(number: usize) -> Json {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}

fn refused<const N: usize>(
    name: &'static str,
    kind: &'static str,
    words: impl Into<String>,
    given: &str,
    facts: [(&str, Json); N],
) -> ApiError {
    ApiError::Unprocessable(vec![issue(place(name), kind, words, given, facts)])
}

fn missing(name: &'static str) -> ApiError {
    ApiError::Unprocessable(vec![issue(place(name), "missing", "Field required", Json::Null, [])])
}

fn empty(name: &'static str) -> ApiError {
    let words = "String should have at least 1 character";
    refused(name, "string_too_short", words, "", [("min_length", Json::Int(1))])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        let pairs = form_urlencoded::parse(text.as_bytes());
        Query(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    #[test]
    fn the_last_of_repeated_parameters_counts() {
        assert_eq!(query("a=1&b=x&a=YES").boolean("a", false), Ok(true));
        assert!(query("a=maybe").boolean("a", false).is_err());
        assert!(query("a=").boolean("a", false).is_err());
        assert_eq!(query("").boolean("a", true), Ok(true));
    }

    #[test]
    fn numbers_keep_their_bounds() {
        assert_eq!(query("n=+7").number("n", 1, 0, 9), query("n=%207").number("n", 1, 0, 9));
        assert!(query("n=0").number("n", 1, 1, 9).is_err());
        assert!(query("n=10").number("n", 1, 1, 9).is_err());
        assert!(query("n=99999999999999999999999999").number("n", 1, 1, 9).is_err());
        assert!(query("n=x").number("n", 1, 1, 9).is_err());
    }

    /// What a client is told, as `type loc ctx` of each issue.
    fn told<T: std::fmt::Debug>(result: Result<T, ApiError>) -> Vec<String> {
        let Err(ApiError::Unprocessable(issues)) = result else { panic!("{result:?}") };
        let tell = |issue: &horde_model_reference::shape::Issue| {
            let place: Vec<String> = issue.loc.iter().map(ToString::to_string).collect();
            let context = issue.context.clone().map_or(Json::Null, Json::Object);
            format!("{} {} {context}", issue.kind, place.join("."))
        };
        issues.iter().map(tell).collect()
    }

    #[test]
    fn whole_numbers_are_read_leniently() {
        assert_eq!(query("n=%201.0%20").number_from("n", 1), Ok(Some(1)));
        assert_eq!(query("").number_from("n", 1), Ok(None));
        assert_eq!(
            told(query("n=0").number_from("n", 1)),
            [r#"greater_than_equal query.n {"ge":1}"#]
        );
        assert_eq!(told(query("n=").number_from("n", 1)), ["int_parsing query.n null"]);
        let huge = query("n=99999999999999999999999999");
        assert_eq!(huge.number("n", 0, 0, usize::MAX), Ok(usize::MAX));
        assert_eq!(told(huge.number("n", 0, 0, 9)), [r#"less_than_equal query.n {"le":9}"#]);
        assert_eq!(number_in_path("id", "-3"), Ok(-3));
        assert_eq!(told(number_in_path("id", "abc")), ["int_parsing path.id null"]);
    }

    #[test]
    fn repeated_parameters_are_told_by_their_index() {
        assert_eq!(query("n=2&m=7&n=1&n=2").numbers("n", 3), Ok(vec![2, 1, 2]));
        assert_eq!(told(query("").numbers("n", 3)), ["missing query.n null"]);
        let wrong = told(query("n=a&n=1&n=1.5").numbers("n", 3));
        assert_eq!(wrong, ["int_parsing query.n.0 null", "int_parsing query.n.2 null"]);
        let long = r#"too_long query.n {"field_type":"List","max_length":1,"actual_length":2}"#;
        assert_eq!(told(query("n=1&n=1").numbers("n", 1)), [long]);
        let read = |text: &str| (text == "up").then_some(1);
        assert_eq!(query("w=up&w=up").words("w", &["up"], read), Ok(vec![1, 1]));
        let odd = query("w=up&w=odd").words("w", &["up"], read);
        assert_eq!(told(odd), [r#"enum query.w.1 {"expected":"'up'"}"#]);
    }

    #[test]
    fn texts_have_a_length_in_characters() {
        assert_eq!(query("t=%C3%A9%C3%A9").text_up_to("t", 2), Ok(Some("\u{e9}\u{e9}")));
        assert_eq!(
            told(query("t=").text_up_to("t", 2)),
            [r#"string_too_short query.t {"min_length":1}"#]
        );
        assert_eq!(
            told(query("t=abc").text_up_to("t", 2)),
            [r#"string_too_long query.t {"max_length":2}"#]
        );
    }

    #[test]
    fn everything_that_is_wrong_is_told() {
        let query = query("a=x&b=y");
        let wrong = both(query.number_from("a", 1), query.number_from("b", 1));
        assert_eq!(told(wrong), ["int_parsing query.a null", "int_parsing query.b null"]);
        assert_eq!(both(query.number_from("c", 1), Ok(7)), Ok((None, 7)));
    }
}
