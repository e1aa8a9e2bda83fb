//! What happens to every request around its handler, in the order it runs: a request id, plain reads,
//! preflights, the router, a net under panics, CORS, the access log.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::{CONTENT_LENGTH, HeaderName, ORIGIN, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Uri};
use hyper::body::Incoming;
use tower::Service;

use crate::app::App;
use crate::client_address::client_address;
use crate::error::ApiError;
use crate::hot;
use crate::serve::Handler;

/// Names a request in logs on both sides.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest request id taken over from a client.
const LONGEST_REQUEST_ID: usize = 128;

/// The whole service: the layers around the router.
#[derive(Clone)]
pub struct Layers {
    app: App,
    router: Router,
}

impl Layers {
    /// Puts the layers around `router`.
    pub fn new(app: App, router: Router) -> Self {
        Self { app, router }
    }

    async fn route(&self, mut request: Request<Incoming>, peer: SocketAddr) -> Response {
        let (method, path) = (request.method(), request.uri().path());
        if let Some(answer) = hot::answer(&self.app, method, path, request.headers()) {
            self.app.traffic.plain_read(answer.status());
            return answer;
        }
        let under_way = self.app.traffic.begin(method, path);
        let client = client_address(request.headers(), peer, &self.app.trusted_proxies);
        let response = match self.app.cors.preflight(method, request.headers()) {
            Some(refused) => refused,
            None => {
                request.extensions_mut().insert(client);
                let mut router = self.router.clone();
                let Ok(response) = router.call(request.map(Body::new)).await;
                response
            }
        };
        under_way.end(&response);
        response
    }
}

impl Handler for Layers {
    fn opened(&self) {
        self.app.traffic.opened();
    }

    fn closed(&self) {
        self.app.traffic.closed();
    }

    async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Response {
        let id = request_id(request.headers());
        let origin = request.headers().get(ORIGIN).cloned();
        let line = self.app.access_log.then(|| Line::begin(&request, peer));
        let answer = AssertUnwindSafe(self.route(request, peer)).catch_unwind().await;
        // The panic hook has told what and where.
        let mut response = answer.unwrap_or_else(|_| ApiError::Internal.into_response());
        self.app.cors.mark(origin.as_ref(), response.headers_mut());
        if let Some(line) = line {
            line.end(&response, &id);
        }
        response.headers_mut().insert(REQUEST_ID, id);
        response
    }
}

/// The client's id if it is a sane one, else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let given = headers.get(REQUEST_ID).filter(|id| {
        let bytes = id.as_bytes();
        let visible = bytes.iter().all(|byte| byte.is_ascii_graphic());
        visible && (1..=LONGEST_REQUEST_ID).contains(&bytes.len())
    });
    given.cloned().unwrap_or_else(new_request_id)
}

/// Unique within all processes, and sorted by time within one: when and by whom the process was
/// started, then a count.
fn new_request_id() -> HeaderValue {
    static PROCESS: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let process = *PROCESS.get_or_init(|| {
        use std::hash::{BuildHasher, RandomState};
        // Every RandomState is keyed by the system's randomness.
        RandomState::new().hash_one(std::process::id())
    });
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut text = [b'-'; 33];
    write_hex(&mut text[..16], process);
    write_hex(&mut text[17..], count);
    HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("-"))
}

fn write_hex(out: &mut [u8], number: u64) {
    let digits =
        (0..16).rev().map(|place| b"0123456789abcdef"[(number >> (4 * place)) as usize & 15]);
    out.iter_mut().zip(digits).for_each(|(out, digit)| *out = digit);
}

/// One line of the access log in the making.
struct Line {
    method: Method,
    uri: Uri,
    user_agent: Option<HeaderValue>,
    peer: SocketAddr,
    begun: Instant,
}

impl Line {
    fn begin(request: &Request<Incoming>, peer: SocketAddr) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            user_agent: request.headers().get(USER_AGENT).cloned(),
            peer,
            begun: Instant::now(),
        }
    }

    fn end(self, response: &Response, id: &HeaderValue) {
        let text = |value: Option<&HeaderValue>| {
            value.and_then(|value| value.to_str().ok()).unwrap_or("-").to_owned()
        };
        let length = response.headers().get(CONTENT_LENGTH);
        let bytes = match length {
            Some(length) => text(Some(length)),
            None => http_body::Body::size_hint(response.body()).lower().to_string(),
        };
        tracing::info!(
            target: "access",
            method = %self.method,
            path = %self.uri,
            status = response.status().as_u16(),
            bytes,
            elapsed_us = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX),
            peer = %self.peer.ip(),
            user_agent = text(self.user_agent.as_ref()),
            request_id = text(Some(id)),
            "request"
        );
    }
}
