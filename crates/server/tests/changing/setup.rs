//! A server to change, and who may.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use testkit::{Answer, DataFolder, HttpStub, Launch, Request, Response, ServerProcess};

/// The key of an approver.
pub const APPROVER: &str = "approver";
/// The key of a requestor.
pub const REQUESTOR: &str = "requestor";
/// The key of another requestor.
pub const OTHER: &str = "other";

const USERS: [(&str, &str); 3] =
    [(APPROVER, "approver#1"), (REQUESTOR, "requestor#2"), (OTHER, "other#3")];

/// A server over data of its own. It ends before its data do.
pub struct Server {
    pub process: ServerProcess,
    pub data: DataFolder,
    _horde: HttpStub,
}

impl Server {
    /// A PRIMARY with a few models.
    pub fn start(settings: &[(&str, &str)]) -> Result<Self> {
        let horde = HttpStub::start(|request| {
            let key = request.headers.iter().find(|(name, _)| name == "apikey");
            let known = key.and_then(|(_, key)| USERS.iter().find(|(known, _)| known == key));
            match known {
                Some((_, name)) => Answer::json(200, &json!({"username": name})),
                None => Answer::json(404, &json!({})),
            }
        })?;
        let data = DataFolder::empty()?;
        let record = |name: &str| json!({"name": name, "type": "clip", "description": "old"});
        let legacy = json!({"a": record("a"), "b": record("b"), "org/c": record("org/c")});
        data.write("legacy/clip.json", legacy.to_string().as_bytes())?;
        let record =
            |name: &str| json!({"record_type": "clip", "name": name, "description": "old"});
        let v2 = json!({"a": record("a"), "b": record("b"), "org/c": record("org/c")});
        data.write("clip.json", v2.to_string().as_bytes())?;
        let mut launch =
            Launch::new(env!("CARGO_BIN_EXE_horde-model-reference"), data.cache_home())
                .env("AI_HORDE_URL", format!("{}/api/", horde.base_url()))
                .env("HORDE_MODEL_REFERENCE_PENDING_QUEUE__REQUESTOR_IDS", "2,3")
                .env("HORDE_MODEL_REFERENCE_PENDING_QUEUE__APPROVER_IDS", "1");
        for (name, value) in settings {
            let prefix = if *name == "AI_HORDE_TESTING" { "" } else { "HORDE_MODEL_REFERENCE_" };
            launch = launch.env(format!("{prefix}{name}"), *value);
        }
        Ok(Self { process: launch.start()?, data, _horde: horde })
    }

    /// A PRIMARY whose legacy records are changed at once.
    pub fn start_direct() -> Result<Self> {
        Self::start(&[("CANONICAL_FORMAT", "legacy"), ("PENDING_QUEUE__ENABLED", "false")])
    }

    pub fn send(&self, request: &Request) -> Result<Response> {
        self.process.send(request)
    }

    /// The tag of a model as it is read in v2.
    pub fn tag(&self, name: &str) -> Result<String> {
        let answer = self.send(&Request::get(&v2(name)))?;
        Ok(answer.header("etag").context("no tag")?.to_owned())
    }

    /// A member of the model.
    pub fn described(&self, name: &str) -> Result<Value> {
        Ok(self.send(&Request::get(&v2(name)))?.json()?["description"].clone())
    }
}

/// The path of a model of the category that is changed.
pub fn v2(name: &str) -> String {
    format!("/api/model_references/v2/clip/model/{name}")
}

/// A request with a JSON body.
pub fn with_body(method: &str, target: &str, key: &str, body: &Value) -> Request {
    let request = Request::new(method, target).header("apikey", key);
    request.header("content-type", "application/json").body(body.to_string())
}

/// A legacy record.
pub fn legacy(name: &str, description: &str) -> Value {
    json!({"name": name, "description": description})
}

pub const V1: &str = "/api/model_references/v1/clip";
pub const V2: &str = "/api/model_references/v2/clip";
