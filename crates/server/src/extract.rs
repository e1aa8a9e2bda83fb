//! What handlers take from a request's path and query, with the contract's answer to what is odd.

use axum::extract::{FromRequestParts, RawPathParams};
use horde_model_reference::Category;
use http::request::Parts;

use crate::error::{ApiError, QueryProblem};

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

    /// A truth value in one of the usual words.
    pub(crate) fn boolean(&self, name: &'static str, default: bool) -> Result<bool, ApiError> {
        let Some(text) = self.text(name) else { return Ok(default) };
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "on" | "t" | "y" | "yes" => Ok(true),
            "false" | "0" | "off" | "f" | "n" | "no" => Ok(false),
            _ => Err(problem(
                name,
                "bool_parsing",
                "Input should be a valid boolean, unable to interpret input".into(),
                text,
            )),
        }
    }

    /// A number within bounds, both included.
    pub(crate) fn number(
        &self,
        name: &'static str,
        default: usize,
        least: usize,
        most: usize,
    ) -> Result<usize, ApiError> {
        let Some(text) = self.text(name) else { return Ok(default) };
        let Ok(number) = text.trim().parse::<i128>() else {
            let words = "Input should be a valid integer, unable to parse string as an integer";
            return Err(problem(name, "int_parsing", words.into(), text));
        };
        if number < least as i128 {
            let words = format!("Input should be greater than or equal to {least}");
            return Err(problem(name, "greater_than_equal", words, text));
        }
        match usize::try_from(number) {
            Ok(number) if number <= most => Ok(number),
            _ => {
                let words = format!("Input should be less than or equal to {most}");
                Err(problem(name, "less_than_equal", words, text))
            }
        }
    }

    /// One of a few words.
    pub(crate) fn one_of(
        &self,
        name: &'static str,
        words: &[&'static str],
    ) -> Result<Option<&'static str>, ApiError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        if let Some(word) = words.iter().find(|word| **word == text) {
            return Ok(Some(word));
        }
        Err(ApiError::UnknownWord {
            location: ["query", name],
            words: words.to_vec(),
            given: text.to_owned(),
        })
    }

    /// Text that must be there and not be empty.
    pub(crate) fn required_text(&self, name: &'static str) -> Result<&str, ApiError> {
        match self.text(name) {
            Some("") => {
                let words = "String should have at least 1 character";
                Err(problem(name, "string_too_short", words.into(), ""))
            }
            Some(text) => Ok(text),
            None => Err(ApiError::Query(QueryProblem {
                name,
                kind: "missing",
                message: "Field required".into(),
                input: None,
            })),
        }
    }
}

fn problem(name: &'static str, kind: &'static str, message: String, input: &str) -> ApiError {
    ApiError::Query(QueryProblem { name, kind, message, input: Some(input.to_owned()) })
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
}
