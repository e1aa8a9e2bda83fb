//! Which web pages of other origins may read answers.
//!
//! The contract differs from the usual middleware in two points: credentials are announced to every
//! origin, and a refused preflight is a 400 with words. With the origin `*` no credentials are
//! announced: any page could act for its visitor otherwise.

use axum::body::Body;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, CONTENT_TYPE, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

const METHODS: &str = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";
const EXPOSED: &str = "etag, x-model-reference-generation, x-model-reference-stale, x-request-id";

/// The origins that may read answers.
#[derive(Debug, Clone, Default)]
pub struct Cors {
    origins: Vec<String>,
}

impl Cors {
    /// Allows exactly `origins`; the origin `*` stands for any.
    pub fn new(origins: Vec<String>) -> Self {
        Self { origins }
    }

    fn allows_any(&self) -> bool {
        self.origins.iter().any(|allowed| allowed == "*")
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        self.origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes())
    }

    /// The answer to a preflight request; `None` if the request is none.
    pub fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response> {
        let origin = headers.get(ORIGIN).filter(|_| method == Method::OPTIONS)?;
        let wanted = headers.get(ACCESS_CONTROL_REQUEST_METHOD)?;
        let known_origin = self.allows_any() || self.allows(origin);
        let known_method = METHODS.split(", ").any(|method| method.as_bytes() == wanted.as_bytes());
        let (status, text) = match (known_origin, known_method) {
            (true, true) => (StatusCode::OK, "OK"),
            (true, false) => (StatusCode::BAD_REQUEST, "Disallowed CORS method"),
            (false, true) => (StatusCode::BAD_REQUEST, "Disallowed CORS origin"),
            (false, false) => (StatusCode::BAD_REQUEST, "Disallowed CORS origin, method"),
        };
        let mut response = Response::new(Body::from(text));
        *response.status_mut() = status;
        let answer = response.headers_mut();
        let text = HeaderValue::from_static("text/plain; charset=utf-8");
        answer.insert(CONTENT_TYPE, text);
        answer.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
        answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        if let Some(names) = headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
            answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
        }
        self.mark(Some(origin), answer);
        Some(response)
    }

    /// Adds what the answer to a request of `origin` must carry.
    pub fn mark(&self, origin: Option<&HeaderValue>, answer: &mut HeaderMap) {
        let Some(origin) = origin else { return };
        if self.allows_any() {
            answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        } else {
            answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            if self.allows(origin) {
                answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            }
        }
        answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        answer.entry(VARY).or_insert(HeaderValue::from_static("Origin"));
    }
}
