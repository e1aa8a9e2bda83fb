//! Request targets, through the whole router: no answer is a fault of the server, every error says
//! what is wrong in the one shape of errors, and a model is found under its name however that is
//! percent-encoded, and under no other.
//!
//! The input is a request line without the version, then headers, one a line.
#![no_main]

use std::sync::LazyLock;

use axum::body::Body;
use horde_model_reference::backend::memory::Memory;
use horde_model_reference::json::Object;
use horde_model_reference::{Category, Document, Format, Json};
use horde_model_reference_fuzz::service::Service;
use http::header::{CONTENT_TYPE, HOST, LOCATION};
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 24] = [
    "Meadow",
    "a/b",
    "a/b/c",
    "/",
    "//",
    "100%",
    "%2F",
    "%",
    "%zz",
    "ä ö",
    "a+b",
    ".",
    "..",
    "../..",
    "?",
    "a?b#c",
    "\"",
    "\\",
    "{name}",
    "*",
    "\n",
    "\u{1F600}",
    "control_qr_sdxl",
    " ",
];
const MODEL: &str = "/model_references/v2/clip/model/";

static SERVICE: LazyLock<Service> = LazyLock::new(|| {
    let record = |name: &str| (name.to_owned(), Json::from([("name", Json::from(name))]));
    let records: Object = NAMES.into_iter().map(record).collect();
    let memory = Memory::default();
    memory.put(Document::V2(Category::Clip), &Json::Object(records).to_string()).unwrap();
    Service::over(memory, Format::V2)
});

fuzz_target!(|input: &[u8]| {
    if let Some(request) = request(input) {
        answers(request);
    }
    finds(input);
});

fn request(input: &[u8]) -> Option<Request<Body>> {
    let mut lines = input.split(|byte| *byte == b'\n');
    let line = lines.next()?;
    let blank = line.iter().position(|byte| *byte == b' ')?;
    let mut request = Request::new(Body::empty());
    *request.method_mut() = Method::from_bytes(&line[..blank]).ok()?;
    *request.uri_mut() = Uri::try_from(&line[blank + 1..]).ok()?;
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
        request.headers_mut().append(name, value);
    }
    Some(request)
}

fn answers(request: Request<Body>) {
    let (method, uri, headers) =
        (request.method().clone(), request.uri().clone(), request.headers().clone());
    if let Some(refused) = SERVICE.app.cors.preflight(&method, &headers) {
        assert!(!refused.status().is_server_error());
        return;
    }
    let (head, body) = SERVICE.send(request);
    let status = head.status;
    // The one route that exists only while the other format is canonical.
    let is_closed = status == StatusCode::SERVICE_UNAVAILABLE
        && uri.path().ends_with("/model_references/v1/metadata/last_updated");
    assert!(!status.is_server_error() || is_closed, "{status} for {method} {uri}");
    if method == Method::HEAD || status == StatusCode::NOT_MODIFIED {
        assert!(body.is_empty());
    } else if status.is_client_error() || status.is_server_error() {
        assert_eq!(head.headers[CONTENT_TYPE], "application/json");
        let error = Json::parse(&body).unwrap();
        assert!(error.get("detail").is_some(), "{error}");
    } else if status == StatusCode::TEMPORARY_REDIRECT {
        leads_somewhere(&head.headers[LOCATION], headers.get(HOST), &uri);
    }
    if method == Method::GET {
        knows_exactly_its_models(&uri, status);
    }
}

/// A redirect stays on the host it was asked of, and ends after one step.
fn leads_somewhere(location: &HeaderValue, host: Option<&HeaderValue>, from: &Uri) {
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    let target = location.to_str().unwrap().strip_prefix(&format!("http://{host}")).unwrap();
    assert!(target.starts_with('/'));
    let uri = Uri::try_from(target).unwrap();
    let path = |uri: &Uri| decoded(uri.path().trim_end_matches('/').as_bytes());
    assert_eq!(path(&uri), path(from));
    let query = |uri: &Uri| uri.query().map(|query| decoded(query.as_bytes()));
    assert_eq!(query(&uri), query(from));
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = uri;
    assert_ne!(SERVICE.send(request).0.status, StatusCode::TEMPORARY_REDIRECT);
}

fn knows_exactly_its_models(uri: &Uri, status: StatusCode) {
    let path = uri.path().strip_prefix("/api").unwrap_or(uri.path());
    let Some(segment) = path.strip_prefix(MODEL) else { return };
    if segment.is_empty() || segment.contains('/') {
        return;
    }
    let expected = match String::from_utf8(decoded(segment.as_bytes())) {
        Ok(name) if NAMES.contains(&name.as_str()) => [StatusCode::OK, StatusCode::NOT_MODIFIED],
        Ok(_) => [StatusCode::NOT_FOUND; 2],
        Err(_) => [StatusCode::BAD_REQUEST; 2],
    };
    assert!(expected.contains(&status), "{status} for {segment:?}");
}

/// Percent signs without two digits behind them stay as they are.
fn decoded(segment: &[u8]) -> Vec<u8> {
    let digit = |at: usize| segment.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut out = Vec::new();
    let mut at = 0;
    while at < segment.len() {
        match (segment[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

/// Asks for one of the names, spelled as the input says.
fn finds(input: &[u8]) {
    let Some((first, choices)) = input.split_first() else { return };
    let name = NAMES[usize::from(*first) % NAMES.len()];
    let mut target = String::from(MODEL);
    for (n, byte) in name.bytes().enumerate() {
        let choice = choices.get(n).copied().unwrap_or(0) % 3;
        let is_unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        match choice {
            0 if is_unreserved => target.push(char::from(byte)),
            1 => target.push_str(&format!("%{byte:02x}")),
            _ => target.push_str(&format!("%{byte:02X}")),
        }
    }
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = Uri::try_from(&target).unwrap();
    let (head, body) = SERVICE.send(request);
    assert_eq!(head.status, StatusCode::OK, "{target}");
    let record = Json::parse(&body).unwrap();
    assert_eq!(record.get("name").and_then(Json::as_str), Some(name));
}
