//! The service without sockets: the router over a memory that never changes.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use horde_model_reference::backend::memory::Memory;
use horde_model_reference::l1::Leases;
use horde_model_reference::settings::ReplicateMode;
use horde_model_reference::{Format, ModelReference, Options};
use horde_model_reference_server::app::{App, Inner};
use horde_model_reference_server::auth::Users;
use horde_model_reference_server::cors::Cors;
use horde_model_reference_server::process::Worker;
use horde_model_reference_server::request_body::BodyLimits;
use horde_model_reference_server::router::{router, table};
use horde_model_reference_server::settings::ServerSettings;
use horde_model_reference_server::traffic::Traffic;
use http::Request;
use http::header::ORIGIN;
use http_body_util::BodyExt;
use tower::ServiceExt;

/// A PRIMARY that keeps nothing.
pub struct Service {
    /// What its handlers share.
    pub app: App,
    router: Router,
    runtime: tokio::runtime::Runtime,
}

impl Service {
    /// Answers from `memory`.
    pub fn over(memory: Memory, canonical: Format) -> Self {
        // Nothing changes here, so nobody need look.
        let never = Duration::from_secs(24 * 3600);
        let leases = Leases {
            lease: never,
            look_every: never / 3,
            young_stamp: Duration::ZERO,
            deep_look: never,
        };
        let options = Options { leases, compress: false, canonical, ..Options::default() };
        let reference = ModelReference::open(Arc::new(memory), options).unwrap();
        let mut settings = ServerSettings::default();
        // Everything here comes from one address.
        (settings.auth.failures_per_address, settings.auth.failures_per_key) = (0, 0);
        let app = App::new(Inner {
            reference,
            primary: None,
            mode: ReplicateMode::Primary,
            follower: None,
            canonical,
            users: Users::new(&settings.core.horde_api, &settings.auth).unwrap(),
            past: None,
            queue: settings.core.queue,
            licensing: settings.core.licensing,
            trusted_proxies: settings.http.trusted_proxies,
            body_limits: BodyLimits::default(),
            refuses_unknown_members: false,
            cors: Cors::new(vec!["https://pages.example.org".into()]),
            access_log: false,
            worker: Worker::start(),
            traffic: Traffic::new(&table()),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        Self { router: router(app.clone()), app, runtime }
    }

    /// Sends a request; the answer's head and all of its body.
    pub fn send(&self, request: Request<Body>) -> (http::response::Parts, Vec<u8>) {
        let origin = request.headers().get(ORIGIN).cloned();
        self.runtime.block_on(async {
            let mut response: Response = self.router.clone().oneshot(request).await.unwrap();
            self.app.cors.mark(origin.as_ref(), response.headers_mut());
            let (head, body) = response.into_parts();
            (head, body.collect().await.unwrap().to_bytes().to_vec())
        })
    }
}
