//! What clients are told when something is not as they asked: the only file that spells error bodies.

use axum::response::{IntoResponse, Response};
use horde_model_reference::catalogue::{self, Obstacle};
use horde_model_reference::change::{Operation, WriteError};
use horde_model_reference::json::{Json, Object, Style};
use horde_model_reference::proposal;
use horde_model_reference::shape::{Issue, LocItem, Severity};
use horde_model_reference::text::BACKEND_PREFIXES;
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
    /// No audit trail is kept here.
    NotAudited,
    /// More read the audit trail than can at a time.
    PastBusy,
    /// Changes are queued by the PRIMARY; with the format that is canonical here.
    QueuedByPrimary(Format),
    /// The queue does not allow it; the text is the contract's.
    Undecidable(String),
    /// What is there does not fit what was asked for.
    Conflict(String),
    /// Something could not be stored, and why.
    Unwritten(String),
    /// What was sent breaks a rule about models.
    Proposal(proposal::Refusal),
    /// What was sent breaks a rule of a catalogue.
    Catalogue(catalogue::Refusal),
    /// The files cannot hold a model of this name, and why.
    UnusableName(String),
    /// The same about a name, where the contract calls it a bad request.
    BadName(proposal::Refusal),
    /// Names that backends give to text models are not written; they follow.
    BackendPrefix {
        /// The name.
        name: String,
        /// Whose words to use.
        version: Format,
        /// What was asked.
        operation: Operation,
    },
    /// The path names another model than the body.
    OtherNameInPath,
    /// The path names another licence than the body.
    OtherLicenseInPath,
    /// The path names another asset than the body.
    OtherAssetInPath,
    /// Only the authority writes.
    NoWritesInReplica,
    /// The v2 records of the category follow from legacy ones here.
    NoV2Writes,
    /// There is such a model already.
    ModelExists(Category, String),
    /// There is no such model to update.
    NothingToUpdate(Category, String, Format),
    /// What the client expects to be there is not.
    PreconditionFailed,
    /// The name of a request is not one.
    BadIdempotencyKey {
        /// How long it may be.
        longest: usize,
    },
    /// The name of the request was used for another one.
    RequestReused,
    /// Too many write at the moment.
    Busy,
    /// The change may have been made, or may still be.
    OutcomeUnknown,
    /// A change of a model could not be made.
    WriteFailed {
        /// What was asked, as a verb: `create`.
        verb: &'static str,
        /// Why not.
        reason: String,
    },
    /// The metadata of a model could not be corrected, and why not.
    NotCorrected(String),
    /// Records of text models have no metadata.
    NoTextMetadata,
    /// Nothing was said about the metadata of a model.
    NoMetadataGiven,
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
            | Self::NothingToUpdate(..)
            | Self::Missing(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::PathNotText
            | Self::BodyNotText
            | Self::BadName(_)
            | Self::BackendPrefix { .. }
            | Self::OtherNameInPath
            | Self::OtherLicenseInPath
            | Self::OtherAssetInPath
            | Self::BadIdempotencyKey { .. }
            | Self::NoTextMetadata
            | Self::NoMetadataGiven => StatusCode::BAD_REQUEST,
            Self::ModelExists(..) | Self::RequestReused => StatusCode::CONFLICT,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::Undecidable(_) => StatusCode::BAD_REQUEST,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Catalogue(refusal) => match refusal.obstacle() {
                Obstacle::Conflict => StatusCode::CONFLICT,
                Obstacle::Missing => StatusCode::NOT_FOUND,
                Obstacle::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            },
            Self::QueuedByPrimary(_) | Self::Unwritten(_) | Self::NotAudited | Self::PastBusy => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Refused(Refusal::TooManyFailures { .. }) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unprocessable(_)
            | Self::Proposal(_)
            | Self::UnusableName(_)
            | Self::UnknownCategory(_)
            | Self::UnknownLegacyCategory(_)
            | Self::UnknownWord { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Refused(Refusal::TimedOut | Refusal::Unavailable)
            | Self::NoQueue
            | Self::NoWritesInReplica
            | Self::NoV2Writes
            | Self::Busy
            | Self::OutcomeUnknown
            | Self::NoMetadataInReplica
            | Self::WrongCanonicalFormat { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal | Self::WriteFailed { .. } | Self::NotCorrected(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    /// What the client's software has to know.
    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            Self::NotAuthenticated => Some((WWW_AUTHENTICATE, HeaderValue::from_static("APIKey"))),
            Self::Refused(Refusal::TooManyFailures { retry_after }) => {
                Some((RETRY_AFTER, (*retry_after).into()))
            }
            Self::Busy | Self::PastBusy => Some((RETRY_AFTER, HeaderValue::from_static("1"))),
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
            Self::NotAudited => "Audit trail is disabled on this deployment.".into(),
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
            Self::Proposal(refusal) | Self::BadName(refusal) => refusal.to_string().into(),
            Self::Catalogue(refusal) => refusal.to_string().into(),
            Self::OtherLicenseInPath => "Path and body license identifiers must match.".into(),
            Self::OtherAssetInPath => "Path and body asset identities must match.".into(),
            Self::UnusableName(text) => text.as_str().into(),
            Self::BackendPrefix { name, version, operation } => {
                let dash = if *version == Format::V2 { '\u{2014}' } else { '-' };
                let verb = if *operation == Operation::Delete { "deleted" } else { "generated" };
                let prefixes = BACKEND_PREFIXES.join(", ");
                format!(
                    "Model name '{name}' contains a backend prefix ({prefixes}). Submit only the \
                     base model name {dash} backend duplicates are {verb} automatically."
                )
                .into()
            }
            Self::OtherNameInPath => {
                "Model name in the path must match the payload when queuing updates.".into()
            }
            Self::NoWritesInReplica => {
                "This instance is in REPLICA mode and does not support write operations. \
                 Only PRIMARY instances can modify data."
                    .into()
            }
            Self::NoV2Writes => {
                "This deployment does not expose write operations for this API. \
                 Expected canonical_format='v2', got 'legacy'."
                    .into()
            }
            Self::ModelExists(category, name) => format!(
                "Model '{name}' already exists in category '{category}'. \
                 Use PUT to update existing models."
            )
            .into(),
            Self::NothingToUpdate(category, name, version) => {
                let missing =
                    if *version == Format::V2 { "not found" } else { "does not exist" };
                format!(
                    "Model '{name}' {missing} in category '{category}'. \
                     Use POST to create new models."
                )
                .into()
            }
            Self::PreconditionFailed => {
                "The model is not as the request expects it to be. Read it again.".into()
            }
            Self::BadIdempotencyKey { longest } => format!(
                "Idempotency-Key must be up to {longest} visible characters of ASCII, without blanks."
            )
            .into(),
            Self::RequestReused => "This Idempotency-Key was used for another request.".into(),
            Self::PastBusy => "Too many read the audit trail at the moment. Try again.".into(),
            Self::Busy => "Too many changes at the moment. Try again.".into(),
            Self::OutcomeUnknown => {
                "It is not known whether the change was made. Repeat the request; \
                 with the same Idempotency-Key it is made only once."
                    .into()
            }
            Self::WriteFailed { verb, reason } => {
                format!("Failed to {verb} model: {reason}").into()
            }
            Self::NotCorrected(reason) => format!("Failed to correct metadata: {reason}").into(),
            Self::NoTextMetadata => {
                "text_generation stores canonical data as CSV and does not carry per-record metadata."
                    .into()
            }
            Self::NoMetadataGiven => "At least one metadata field must be provided.".into(),
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
            WriteError::Unconvertible { category, .. } => {
                tracing::info!(%error, "a change has no v2 form and was not made");
                Self::Unwritten(unconvertible(*category))
            }
            WriteError::Rule(refusal) => Self::Conflict(refusal.to_string()),
            error => Self::unavailable(error.clone(), "apply"),
        }
    }

    /// What a client is told about a write that was not made for a reason of ours. The log has the
    /// rest: paths, and what the system said.
    pub(crate) fn not_written(error: WriteError, verb: &'static str) -> Self {
        tracing::warn!(%error, verb, "a change was not written");
        let failed = |reason: &str| Self::WriteFailed { verb, reason: reason.to_owned() };
        match error {
            WriteError::RequestReused { .. } => Self::RequestReused,
            WriteError::Busy(_) => Self::Busy,
            WriteError::Unknown { .. } | WriteError::Ended | WriteError::NoAnswer { .. } => {
                Self::OutcomeUnknown
            }
            WriteError::SourceInvalid(_) => failed("what is stored cannot be read"),
            WriteError::Storage(_) => failed("the files cannot be written"),
            other => failed(&other.to_string()),
        }
    }

    /// The same where the contract has 503 for what could not be stored.
    pub(crate) fn unavailable(error: WriteError, verb: &'static str) -> Self {
        match Self::not_written(error, verb) {
            Self::WriteFailed { reason, .. } => Self::Unwritten(reason),
            told => told,
        }
    }
}

/// The contract's words for a legacy record that v2 has no form for.
pub(crate) fn unconvertible(category: Category) -> String {
    format!("Failed to sync legacy category {category} to v2")
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

impl From<catalogue::Refusal> for ApiError {
    fn from(refusal: catalogue::Refusal) -> Self {
        Self::Catalogue(refusal)
    }
}

impl From<proposal::Refusal> for ApiError {
    fn from(refusal: proposal::Refusal) -> Self {
        Self::Proposal(refusal)
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
