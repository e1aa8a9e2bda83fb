//! What clients are told when something is not as they asked: the only file that spells error bodies.

use axum::response::{IntoResponse, Response};
use horde_model_reference::change::WriteError;
use horde_model_reference::json::{Json, Object, Style};
use horde_model_reference::shape::{Issue, LocItem, Severity};
use horde_model_reference::{Category, Document, Format};
use http::header::{CONNECTION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};

use crate::auth::{Refusal, Role};
use crate::respond;

/// An answer other than success, as `{"detail": …}`.
#[derive(Debug, Clone, PartialEq)]
pub enum ApiError {
    /// The route needs a key, and none was sent.
    NotAuthenticated,
    /// Why the owner of a key is not let in.
    Refused(Refusal),
    /// The owner of the key does not have the role.
    Forbidden(Role),
    /// The body, or a parameter, is not as it should be; everything that is wrong with it.
    Unprocessable(Vec<Issue>),
    /// The body claims to be JSON and is not even text, or broke off.
    BodyNotText,
    /// The body has more bytes than are read.
    BodyTooLarge {
        /// How many are.
        limit: usize,
    },
    /// The body did not come in time.
    BodyTooSlow {
        /// The time.
        seconds: u64,
    },
    /// No route has this path.
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// The path is not UTF-8 after decoding.
    PathNotText,
    /// A path parameter should have named a category.
    UnknownCategory(String),
    /// The last segment of a v1 path should have named a category.
    UnknownLegacyCategory(String),
    /// A parameter should have been one of a few words.
    UnknownWord {
        /// `path` or `query`, and the parameter.
        location: [&'static str; 2],
        /// The words.
        words: Vec<&'static str>,
        /// What was sent.
        given: String,
    },
    /// There is no such category in v2 form.
    CategoryNotFound(Category),
    /// The category has no such model.
    ModelNotFound(Category, String),
    /// There is no such category in v1 form, or it is empty.
    LegacyCategoryNotFound(Category),
    /// There are no text models in v1 form.
    LegacyTextNotFound,
    /// A single thing was not found; the text is the contract's.
    Missing(String),
    /// Metadata is not kept in this mode.
    NoMetadataInReplica,
    /// The route exists only while the other format is canonical.
    WrongCanonicalFormat {
        /// The format in which the route exists, as that message spells it.
        wanted: &'static str,
        /// The canonical format.
        present: &'static str,
    },
    /// Changes are not queued here.
    NoQueue,
    /// Changes are queued by the PRIMARY; with the format that is canonical here.
    QueuedByPrimary(Format),
    /// The queue does not allow it; the text is the contract's.
    Undecidable(String),
    /// What is there does not fit what was asked for.
    Conflict(String),
    /// Something could not be stored, and why.
    Unwritten(String),
    /// A bug; the log has the rest.
    Internal,
}

impl ApiError {
    /// The status it is answered with.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NotAuthenticated | Self::Refused(Refusal::InvalidKey) => StatusCode::UNAUTHORIZED,
            Self::NotFound
            | Self::CategoryNotFound(_)
            | Self::ModelNotFound(..)
            | Self::LegacyCategoryNotFound(_)
            | Self::LegacyTextNotFound
            | Self::Missing(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::PathNotText | Self::BodyNotText => StatusCode::BAD_REQUEST,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::Undecidable(_) => StatusCode::BAD_REQUEST,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::QueuedByPrimary(_) | Self::Unwritten(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Refused(Refusal::TooManyFailures { .. }) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unprocessable(_)
            | Self::UnknownCategory(_)
            | Self::UnknownLegacyCategory(_)
            | Self::UnknownWord { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Refused(Refusal::TimedOut | Refusal::Unavailable)
            | Self::NoQueue
            | Self::NoMetadataInReplica
            | Self::WrongCanonicalFormat { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What the client's software has to know.
    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            Self::NotAuthenticated => Some((WWW_AUTHENTICATE, HeaderValue::from_static("APIKey"))),
            Self::Refused(Refusal::TooManyFailures { retry_after }) => {
                Some((RETRY_AFTER, (*retry_after).into()))
            }
            // The rest of the body may still be coming.
            Self::BodyTooLarge { .. } | Self::BodyTooSlow { .. } => {
                Some((CONNECTION, HeaderValue::from_static("close")))
            }
            _ => None,
        }
    }

    /// What it says.
    pub(crate) fn detail(&self) -> Json {
        match self {
            Self::NotAuthenticated => "Not authenticated".into(),
            Self::Refused(Refusal::InvalidKey) => "Invalid API key".into(),
            Self::Refused(Refusal::TimedOut) => "Auth service timed out".into(),
            Self::Refused(Refusal::Unavailable) => "Auth service unavailable".into(),
            Self::Refused(Refusal::TooManyFailures { .. }) => {
                "Too many attempts with keys that are not valid. Try again later.".into()
            }
            Self::QueuedByPrimary(Format::V2) => {
                "This instance is in REPLICA mode and does not support write operations. \
                 Only PRIMARY instances can queue model changes."
                    .into()
            }
            Self::QueuedByPrimary(Format::Legacy) => {
                "This instance cannot process legacy writes. PRIMARY deployments with legacy \
                 canonical format must enable legacy write support."
                    .into()
            }
            Self::Undecidable(text) | Self::Conflict(text) | Self::Unwritten(text) => {
                text.as_str().into()
            }
            Self::Forbidden(role) => match role {
                Role::Requestor => "You are not on the pending queue requestor list.".into(),
                Role::Approver => "You are not on the pending queue approver list.".into(),
                Role::LicenseEditor => "You are not on the licensing editor list.".into(),
            },
            Self::Unprocessable(issues) => listed(issues),
            Self::BodyNotText => "There was an error parsing the body".into(),
            Self::BodyTooLarge { limit } => {
                format!("The body is larger than the {limit} bytes that are accepted.").into()
            }
            Self::BodyTooSlow { seconds } => {
                format!("The body did not arrive within {seconds} s.").into()
            }
            Self::NoQueue => "Pending queue is disabled or unsupported on this deployment.".into(),
            Self::NotFound => "Not Found".into(),
            Self::MethodNotAllowed => "Method Not Allowed".into(),
            Self::PathNotText => "The path is not UTF-8 text after percent-decoding.".into(),
            Self::UnknownCategory(given) => {
                let place = vec!["path".into(), "model_category_name".into()];
                listed(&[unknown_word(place, &Category::ALL.map(Category::name), given)])
            }
            Self::UnknownLegacyCategory(given) => {
                let quoted = python_repr(given);
                format!("Invalid model category: '{given}'. {quoted} is not a valid MODEL_REFERENCE_CATEGORY")
                    .into()
            }
            Self::UnknownWord { location, words, given } => {
                listed(&[unknown_word(location.map(LocItem::from).into(), words, given)])
            }
            Self::CategoryNotFound(category) => {
                format!("Model category '{category}' not found").into()
            }
            Self::ModelNotFound(category, name) => {
                format!("Model '{name}' not found in category '{category}'").into()
            }
            Self::LegacyCategoryNotFound(category) => {
                format!("Model category '{category}' not found or is empty").into()
            }
            Self::LegacyTextNotFound => "Text generation models not found or empty".into(),
            Self::Missing(text) => text.as_str().into(),
            Self::NoMetadataInReplica => {
                "Metadata tracking is not supported in REPLICA mode".into()
            }
            Self::WrongCanonicalFormat { wanted, present } => format!(
                "This endpoint is only available when canonical_format='{wanted}'. \
                 Current setting: canonical_format='{present}'"
            )
            .into(),
            Self::Internal => "Internal Server Error".into(),
        }
    }
}

impl ApiError {
    /// Why an approved change could not be stored.
    pub(crate) fn not_stored(error: &WriteError) -> Self {
        match error {
            // The reference lets its storage speak for itself, quotes included.
            WriteError::NotFound {
                document: Document::V2(category) | Document::Legacy(category),
                name,
            } => Self::Unwritten(format!("'Model {name} not found in category {category}'")),
            WriteError::Invalid(issues) => {
                let words =
                    issues.iter().map(|issue| issue.message.trim_start_matches("Value error, "));
                Self::Unwritten(words.collect::<Vec<_>>().join("; "))
            }
            WriteError::Rule(refusal) => Self::Conflict(refusal.to_string()),
            error => Self::Unwritten(error.to_string()),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = Object::from_iter([("detail".to_owned(), self.detail())]);
        let text = Json::Object(body).to_text(Style::COMPACT);
        let mut response = respond::json(self.status(), text);
        if let Some((name, value)) = self.header() {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

fn listed(issues: &[Issue]) -> Json {
    Json::Array(issues.iter().map(Issue::to_json).collect())
}

/// What is wrong with `given` at `loc`, of which the contract's word is `kind`.
pub(crate) fn issue<const N: usize>(
    loc: Vec<LocItem>,
    kind: &'static str,
    message: impl Into<String>,
    given: impl Into<Json>,
    facts: [(&str, Json); N],
) -> Issue {
    let context = facts.into_iter().map(|(name, fact)| (name.to_owned(), fact)).collect();
    Issue {
        loc,
        kind,
        message: message.into(),
        input: given.into(),
        context: (N > 0).then_some(context),
        severity: Severity::Error,
    }
}

/// `given` should have been one of a few words.
pub(crate) fn unknown_word(loc: Vec<LocItem>, words: &[&str], given: &str) -> Issue {
    let names: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
    let expected = match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} or {last}", first.join(", ")),
        None => String::new(),
    };
    let message = format!("Input should be {expected}");
    issue(loc, "enum", message, given, [("expected", expected.into())])
}

/// Text quoted as Python's `repr` does for what can stand in a path segment.
fn python_repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push(quote);
    for character in text.chars() {
        match character {
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c == quote => quoted.extend(['\\', c]),
            c if c < ' ' || c == '\u{7f}' => quoted.push_str(&format!("\\x{:02x}", c as u32)),
            c => quoted.push(c),
        }
    }
    quoted.push(quote);
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_as_python_does() {
        assert_eq!(python_repr("foo"), "'foo'");
        assert_eq!(python_repr("it's"), "\"it's\"");
        assert_eq!(python_repr("'\"\n\u{1}"), "'\\'\"\\n\\x01'");
    }
}
