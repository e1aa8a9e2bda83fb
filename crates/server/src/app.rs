//! The handles a request handler may use.

use std::sync::Arc;

use horde_model_reference::replica::FollowerWatch;
use horde_model_reference::settings::{Licensing, Queue, ReplicateMode};
use horde_model_reference::{Format, ModelReference, Primary};

use crate::auth::Users;
use crate::client_address::Networks;
use crate::cors::Cors;
use crate::past::Past;
use crate::process::Worker;
use crate::request_body::BodyLimits;
use crate::traffic::Traffic;

/// Everything a handler needs. Cheap to clone.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

/// The parts of an [`App`].
pub struct Inner {
    /// The data.
    pub reference: ModelReference,
    /// The right to change them; only the authority has it.
    pub primary: Option<Primary>,
    /// Whether this server is the authority or a copy.
    pub mode: ReplicateMode,
    /// How a copy is kept current; `None` where it is not, and on the authority.
    pub follower: Option<FollowerWatch>,
    /// The format that is the source of truth.
    pub canonical: Format,
    /// Whose key is whose.
    pub users: Users,
    /// The audit trail, where one is kept.
    pub past: Option<Past>,
    /// Whether changes are queued, and who may propose and approve them.
    pub queue: Queue,
    /// Who may edit licences.
    pub licensing: Licensing,
    /// Which proxies are believed about where requests come from.
    pub trusted_proxies: Networks,
    /// How large and how slow a request's body may be.
    pub body_limits: BodyLimits,
    /// Whether unknown members of v2 bodies are refused, as clients under test want it.
    pub refuses_unknown_members: bool,
    /// Which web pages may read answers.
    pub cors: Cors,
    /// Whether every request is logged.
    pub access_log: bool,
    /// Which process this is.
    pub worker: Worker,
    /// What was asked of it so far.
    pub traffic: Traffic,
}

impl App {
    /// Puts the parts together.
    pub fn new(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// A PRIMARY over `reference` with the settings nobody changed.
    #[cfg(test)]
    pub(crate) fn for_tests(reference: ModelReference) -> Self {
        let settings = crate::settings::ServerSettings::default();
        Self::new(Inner {
            reference,
            primary: None,
            mode: ReplicateMode::Primary,
            follower: None,
            canonical: Format::V2,
            users: Users::new(&settings.core.horde_api, &settings.auth).unwrap(),
            past: None,
            queue: settings.core.queue,
            licensing: settings.core.licensing,
            trusted_proxies: Networks::none(),
            body_limits: BodyLimits::default(),
            refuses_unknown_members: false,
            cors: Cors::default(),
            access_log: false,
            worker: Worker::start(),
            traffic: Traffic::new(&crate::router::table()),
        })
    }
}

impl Inner {
    /// The word of the contract for the mode.
    pub fn mode_name(&self) -> &'static str {
        match self.mode {
            ReplicateMode::Primary => "PRIMARY",
            ReplicateMode::Replica => "REPLICA",
        }
    }

    /// Whether legacy records are written here.
    pub fn writes_legacy(&self) -> bool {
        self.mode == ReplicateMode::Primary && self.canonical == Format::Legacy
    }

    /// Whether there is a queue here: only the authority keeps one.
    pub fn has_queue(&self) -> bool {
        self.queue.enabled && self.mode == ReplicateMode::Primary
    }
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.inner
    }
}
