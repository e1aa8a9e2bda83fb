//! The stand-in for the AI-Horde's user look-up: which key is answered with what.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{Answer, HttpStub, Request};

/// Longer than the reference waits for an answer.
const SLOW: Duration = Duration::from_secs(11);

/// The running stand-in.
#[derive(Debug)]
pub struct HordeStub {
    stub: HttpStub,
    asked: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl HordeStub {
    /// Starts with the answers listed under `user_lookup_stub` in a file of set-ups.
    pub fn start(setups: &Path) -> Result<Self> {
        let text = std::fs::read(setups).with_context(|| setups.display().to_string())?;
        let setups: Value = serde_json::from_slice(&text)?;
        let table = setups.get("user_lookup_stub").context("no user_lookup_stub")?.clone();
        let asked = Arc::new(Mutex::new(BTreeMap::new()));
        let count = Arc::clone(&asked);
        let stub = HttpStub::start(move |request| {
            if let Some(key) = key_of(&table, request) {
                let mut count = count.lock().unwrap_or_else(PoisonError::into_inner);
                *count.entry(key.to_owned()).or_default() += 1;
            }
            answer(&table, request)
        })?;
        Ok(Self { stub, asked })
    }

    /// Scheme, host and port; the API lies under `/api/`.
    pub fn base_url(&self) -> String {
        self.stub.base_url()
    }

    /// How often this key was looked up.
    pub fn asked(&self, key: &str) -> usize {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.get(key).copied().unwrap_or_default()
    }
}

/// The key a look-up is about; `None` if this is no look-up.
fn key_of<'a>(table: &Value, request: &'a Request) -> Option<&'a str> {
    let path = request.target.split('?').next().unwrap_or_default();
    let expected = &table["request"];
    if expected["method"] != request.method.as_str() || expected["path"] != path {
        return None;
    }
    let header = expected["key_header"].as_str().unwrap_or("apikey");
    let named = request.headers.iter().find(|(name, _)| name == header);
    Some(named.map_or("", |(_, key)| key.as_str()))
}

fn answer(table: &Value, request: &Request) -> Answer {
    let Some(key) = key_of(table, request) else {
        return listed(&table["any_other_path"], Duration::ZERO);
    };
    // The file describes these three in words.
    match key {
        "key-html" => Answer::Respond {
            status: 200,
            content_type: "text/html".into(),
            body: b"<html></html>".to_vec(),
            after: Duration::ZERO,
        },
        "key-drop" => Answer::Close,
        "key-slow" => listed(&table["answers"]["key-requestor"], SLOW),
        _ => {
            let known = table["answers"].get(key);
            listed(known.unwrap_or(&table["any_other_key"]), Duration::ZERO)
        }
    }
}

fn listed(entry: &Value, after: Duration) -> Answer {
    let status = entry["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    Answer::Respond {
        status: status.unwrap_or(500),
        content_type: "application/json".into(),
        body: entry["body"].to_string().into_bytes(),
        after,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::send;

    const SETUPS: &str = r#"{"user_lookup_stub": {
        "request": {"method": "GET", "path": "/api/v2/find_user", "key_header": "apikey"},
        "answers": {"key-requestor": {"status": 200, "body": {"username": "requestor#1001"}}},
        "any_other_key": {"status": 404, "body": {"rc": "UserNotFound"}},
        "any_other_path": {"status": 404, "body": {"message": "no such path"}}}}"#;

    #[test]
    fn answers_by_key_and_closes_where_it_should() -> Result<()> {
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), SETUPS)?;
        let stub = HordeStub::start(file.path())?;
        let ask = |target: &str, key: &str| {
            send(stub.stub.address(), &Request::get(target).header("apikey", key))
        };
        let found = ask("/api/v2/find_user", "key-requestor")?;
        assert_eq!(
            (found.status, found.json()?["username"].as_str()),
            (200, Some("requestor#1001"))
        );
        assert_eq!(ask("/api/v2/find_user", "other")?.json()?["rc"], "UserNotFound");
        assert_eq!(ask("/apiv2/find_user", "key-requestor")?.json()?["message"], "no such path");
        assert_eq!(ask("/api/v2/find_user", "key-html")?.header("content-type"), Some("text/html"));
        assert!(ask("/api/v2/find_user", "key-drop").is_err());
        assert_eq!(stub.asked("key-requestor"), 1);
        Ok(())
    }
}
