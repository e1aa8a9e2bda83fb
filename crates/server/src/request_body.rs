//! What a request brings: a JSON body, within limits of size and time.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use futures_util::StreamExt;
use horde_model_reference::Json;
use horde_model_reference::json::Object;
use horde_model_reference::shape::{Issue, LocItem, Severity};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};

use crate::app::App;
use crate::error::{ApiError, issue};

/// Arrays and objects that may lie within each other: what is stored lies within some more, and
/// readers refuse more than 200.
const DEEPEST: usize = 150;

/// Bounds on the body of a request.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    /// Largest body, in bytes.
    pub largest: usize,
    /// Time from the end of the head to the end of the body.
    pub time: Duration,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self { largest: 4 << 20, time: Duration::from_secs(30) }
    }
}

/// The body of a request as JSON. A handler takes the key before it, so that who sends none is told
/// that and nothing else.
#[derive(Debug)]
pub(crate) struct RequestBody(Json);

impl RequestBody {
    /// What `read` makes of the body; what is wrong with it is told from `body` inwards.
    pub(crate) fn read<T>(
        &self,
        read: impl FnOnce(&Json) -> Result<T, Vec<Issue>>,
    ) -> Result<T, ApiError> {
        if self.0.is_null() {
            return Err(missing());
        }
        read(&self.0).map_err(refused)
    }
}

/// Issues of a body, told from `body` inwards.
pub(crate) fn refused(mut issues: Vec<Issue>) -> ApiError {
    issues.retain(|issue| issue.severity == Severity::Error);
    for issue in &mut issues {
        issue.loc.insert(0, LocItem::from("body"));
    }
    ApiError::Unprocessable(issues)
}

impl FromRequest<App> for RequestBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let (head, body) = request.into_parts();
        let bytes = collect(&head.headers, body, app.body_limits).await?;
        parse(&head.headers, &bytes).map(Self)
    }
}

async fn collect(headers: &HeaderMap, body: Body, limits: BodyLimits) -> Result<Vec<u8>, ApiError> {
    let too_large = ApiError::BodyTooLarge { limit: limits.largest };
    let announced =
        headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > limits.largest) {
        return Err(too_large);
    }
    let mut chunks = body.into_data_stream();
    let all = async {
        let mut bytes = Vec::new();
        while let Some(chunk) = chunks.next().await {
            // The connection is gone, or what came on it is not HTTP.
            let chunk = chunk.map_err(|_| ApiError::BodyNotText)?;
            if bytes.len() + chunk.len() > limits.largest {
                return Err(too_large);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    };
    match tokio::time::timeout(limits.time, all).await {
        Ok(collected) => collected,
        Err(_) => Err(ApiError::BodyTooSlow { seconds: limits.time.as_secs() }),
    }
}

/// A body that does not say it is JSON is text, and text is never what is wanted.
fn parse(headers: &HeaderMap, bytes: &[u8]) -> Result<Json, ApiError> {
    if bytes.is_empty() {
        return Ok(Json::Null);
    }
    if !is_json(headers) {
        return Ok(Json::String(String::from_utf8_lossy(bytes).into_owned()));
    }
    std::str::from_utf8(bytes).map_err(|_| ApiError::BodyNotText)?;
    let invalid = |reason: String, offset: usize| {
        let (loc, facts) = (vec!["body".into(), offset.into()], [("error", reason.into())]);
        let none = Object::new();
        ApiError::Unprocessable(vec![issue(loc, "json_invalid", "JSON decode error", none, facts)])
    };
    let value = Json::parse(bytes).map_err(|error| invalid(error.reason, error.offset))?;
    if is_deeper_than(&value, DEEPEST) {
        return Err(invalid(
            format!("more than {DEEPEST} arrays and objects within each other"),
            0,
        ));
    }
    Ok(value)
}

/// Whether a value lies within more arrays and objects than `most`.
fn is_deeper_than(value: &Json, most: usize) -> bool {
    let deeper = |inner: &Json| is_deeper_than(inner, most - 1);
    match value {
        Json::Array(_) | Json::Object(_) if most == 0 => true,
        Json::Array(items) => items.iter().any(deeper),
        Json::Object(members) => members.values().any(deeper),
        _ => false,
    }
}

fn missing() -> ApiError {
    let missing = issue(vec!["body".into()], "missing", "Field required", Json::Null, []);
    ApiError::Unprocessable(vec![missing])
}

/// `application/json`, or a kind of it such as `application/vnd.api+json`.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let subtype = essence.strip_prefix("application/");
    subtype.is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(kind: &str, body: &[u8]) -> Result<String, u16> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, kind.parse().unwrap());
        let told = |error: ApiError| error.status().as_u16();
        parse(&headers, body).map(|value| value.to_string()).map_err(told)
    }

    #[test]
    fn only_what_says_it_is_json_is_read_as_such() {
        for kind in [
            "application/json",
            "Application/JSON; charset=latin-1",
            "application/vnd.api+json",
            "application/x+JSON ;a=b",
        ] {
            assert_eq!(parsed(kind, b"{}"), Ok("{}".into()), "{kind}");
        }
        for kind in ["text/plain", "application/jsonp", "application/x-www-form-urlencoded", "json"]
        {
            assert_eq!(parsed(kind, b"{}"), Ok("\"{}\"".into()), "{kind}");
        }
    }

    #[test]
    fn what_cannot_be_stored_or_sent_is_not_read() {
        let json = |body: &[u8]| parsed("application/json", body);
        for body in ["{bad", "[NaN]", "[Infinity]", "[-Infinity]", r#"["\ud800"]"#, "[1e999]", " "]
        {
            assert_eq!(json(body.as_bytes()), Err(422), "{body}");
        }
        for (depth, is_read) in [(150, true), (151, false), (300, false)] {
            let nested = [b"[".repeat(depth), b"]".repeat(depth)].concat();
            assert_eq!(json(&nested).is_ok(), is_read, "{depth}");
        }
        assert_eq!(json(b"\"\xff\""), Err(400));
        assert_eq!(json(b""), Ok("null".into()));
    }

    #[tokio::test]
    async fn bodies_have_limits_of_size_and_time() {
        let limits = BodyLimits { largest: 3, time: Duration::from_millis(5) };
        let none = HeaderMap::new();
        assert_eq!(collect(&none, Body::from("abc"), limits).await, Ok(b"abc".to_vec()));
        let too_large = Err(ApiError::BodyTooLarge { limit: 3 });
        assert_eq!(collect(&none, Body::from("abcd"), limits).await, too_large);
        let announced = HeaderMap::from_iter([(CONTENT_LENGTH, 4.into())]);
        assert_eq!(collect(&announced, Body::empty(), limits).await, too_large);
        let never = Body::from_stream(futures_util::stream::pending::<std::io::Result<Vec<u8>>>());
        let too_slow = Err(ApiError::BodyTooSlow { seconds: 0 });
        assert_eq!(collect(&none, never, limits).await, too_slow);
    }
}
