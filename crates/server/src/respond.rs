//! Ready bytes to answers: the chosen coding, validators, 304 where the client has it already.

use std::borrow::Borrow;
use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::response::Response;
use bytes::Bytes;
use horde_model_reference::body::{Body, Coded, Coding};
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderName, LAST_MODIFIED, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::preconditions::Preconditions;

/// Tells which generation of the data an answer was made from.
pub const GENERATION: HeaderName = HeaderName::from_static("x-model-reference-generation");
/// Present with the value `true` on answers that may be older than the lease allows.
pub const STALE: HeaderName = HeaderName::from_static("x-model-reference-stale");

/// Room for the headers of an answer, those that are added on its way out included.
const HEADERS: usize = 12;
/// How many written dates a thread keeps.
const REMEMBERED_DATES: usize = 8;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Caches may keep answers but must ask before they use them: a change is seen at once.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");
/// The same for caches of one client; no other cache keeps it.
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");
const BY_ORIGIN: HeaderValue = HeaderValue::from_static("Origin");
const BY_ORIGIN_AND_CODING: HeaderValue = HeaderValue::from_static("Accept-Encoding, Origin");

/// Where an answer's bytes come from and how fresh they are.
#[derive(Debug, Clone, Copy)]
pub struct Provenance {
    /// Generation of the data, where there is one.
    pub generation: Option<u64>,
    /// When the bytes were published, in seconds since 1970.
    pub published: u64,
    /// Whether they are known to be current.
    pub fresh: bool,
}

/// Answers a read with a ready body in the coding the client likes best.
pub fn body(
    sent: &Preconditions<impl Borrow<HeaderMap>>,
    body: &Arc<Body>,
    provenance: Provenance,
) -> Response {
    let (coding, form) = sent.choose(body);
    let mut response = form_or_not_modified(sent, form, provenance);
    let headers = response.headers_mut();
    if body.is_compressed() {
        headers.insert(VARY, BY_ORIGIN_AND_CODING);
    }
    let coding = match coding {
        Coding::Identity => return response,
        Coding::Gzip => "gzip",
        Coding::Brotli => "br",
        Coding::Zstd => "zstd",
    };
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
    response
}

/// Answers a read with ready bytes that have only an identity form.
pub fn form_or_not_modified(
    sent: &Preconditions<impl Borrow<HeaderMap>>,
    form: Coded,
    provenance: Provenance,
) -> Response {
    let last_modified = last_modified(provenance.published);
    let held = sent.is_held(&form, last_modified.as_ref());
    let mut response = if held { not_modified() } else { json_bytes(form.bytes) };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_maybe_shared(form.tag) {
        headers.insert(ETAG, tag);
    }
    if let Some(date) = last_modified {
        headers.insert(LAST_MODIFIED, date);
    }
    headers.insert(CACHE_CONTROL, REVALIDATE);
    headers.insert(VARY, BY_ORIGIN);
    if let Some(generation) = provenance.generation {
        headers.insert(GENERATION, HeaderValue::from(generation));
    }
    if !provenance.fresh {
        headers.insert(STALE, HeaderValue::from_static("true"));
    }
    response
}

/// Answers a read of a catalogue, whose weak tag is part of its contract. The tag counts revisions,
/// and a hand edit need not be one: it is sent, but never taken as proof that nothing changed.
pub fn tagged(text: String, tag: &str, fresh: bool) -> Response {
    let mut response = json_bytes(Bytes::from(text));
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(ETAG, tag);
    }
    headers.insert(CACHE_CONTROL, REVALIDATE);
    headers.insert(VARY, BY_ORIGIN);
    if !fresh {
        headers.insert(STALE, HeaderValue::from_static("true"));
    }
    response
}

/// Marks an answer that only holders of a key may see.
pub fn for_the_key_alone(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, PRIVATE);
    response
}

/// A JSON answer made for this request.
pub fn json(status: StatusCode, text: impl Into<Bytes>) -> Response {
    let mut response = json_bytes(text.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CACHE_CONTROL, REVALIDATE);
    response
}

fn json_bytes(bytes: Bytes) -> Response {
    let mut response = Response::new(axum::body::Body::from(bytes));
    *response.headers_mut() = HeaderMap::with_capacity(HEADERS);
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

fn not_modified() -> Response {
    let mut response = Response::new(axum::body::Body::empty());
    *response.headers_mut() = HeaderMap::with_capacity(HEADERS);
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response
}

/// A date tells seconds. It is sent once its second is long over, so that no other content can ever
/// have been published under the same date.
fn last_modified(published: u64) -> Option<HeaderValue> {
    let date = UNIX_EPOCH + Duration::from_secs(published);
    let age = SystemTime::now().duration_since(date).ok()?;
    if age < Duration::from_secs(2) {
        return None;
    }
    thread_local! {
        // Of the dates that are sent, nearly all are the same few: those of the categories.
        static WRITTEN: RefCell<Vec<(u64, HeaderValue)>> = const { RefCell::new(Vec::new()) };
    }
    WRITTEN.with_borrow_mut(|written| {
        if let Some((_, value)) = written.iter().find(|(second, _)| *second == published) {
            return Some(value.clone());
        }
        let value = HeaderValue::from_str(&httpdate::fmt_http_date(date)).ok()?;
        written.truncate(REMEMBERED_DATES - 1);
        written.insert(0, (published, value.clone()));
        Some(value)
    })
}
