//! The stand-in for the whole external Horde API: users by key, and what it knows of models.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{Answer, HttpStub, Request};

/// How the statistics are answered. The user look-up is always as the table of users has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HordeMode {
    /// As the files have it.
    #[default]
    Ok,
    /// This status for everything.
    Status(u16),
    /// The connection is closed without a word.
    Refuse,
    /// JSON that is not what it should be.
    Invalid,
}

/// The running stand-in.
#[derive(Debug)]
pub struct HordeApi {
    stub: HttpStub,
    mode: Arc<Mutex<HordeMode>>,
}

/// What it answers from.
#[derive(Debug, Default)]
struct Tables {
    users: BTreeMap<String, Value>,
    /// By the name of their file.
    models: BTreeMap<String, Value>,
}

impl FromStr for HordeMode {
    type Err = anyhow::Error;

    fn from_str(word: &str) -> Result<Self> {
        Ok(match word {
            "ok" => Self::Ok,
            "refuse" => Self::Refuse,
            "invalid" => Self::Invalid,
            other => match other.strip_prefix("http:") {
                Some(status) => Self::Status(status.parse()?),
                None => bail!("unknown mode {other}"),
            },
        })
    }
}

impl HordeApi {
    /// Answers from the files of a folder: `users.json`, `status_*`, `stats_*`, `workers_*`.
    pub fn of_folder(folder: &Path) -> Result<Self> {
        let mut tables = Tables::default();
        for entry in folder.read_dir().with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let content: Value = serde_json::from_slice(&std::fs::read(&path)?)
                .with_context(|| path.display().to_string())?;
            match content {
                Value::Object(users) if name == "users" => tables.users.extend(users),
                content => drop(tables.models.insert(name, content)),
            }
        }
        Self::start(tables)
    }

    /// Knows users only: keys, and the names they belong to.
    pub fn of_users<'a>(users: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let users = users.into_iter();
        let users = users.map(|(key, name)| (key.into(), json!({"status": 200, "username": name})));
        Self::start(Tables { users: users.collect(), ..Tables::default() })
    }

    fn start(tables: Tables) -> Result<Self> {
        let mode = Arc::new(Mutex::new(HordeMode::default()));
        let present = Arc::clone(&mode);
        let stub = HttpStub::start(move |request| {
            let mode = *present.lock().unwrap_or_else(PoisonError::into_inner);
            tables.answer(request, mode)
        })?;
        Ok(Self { stub, mode })
    }

    /// Scheme, host and port; the API lies under `/api/`.
    pub fn base_url(&self) -> String {
        self.stub.base_url()
    }

    /// How statistics are answered from now on.
    pub fn set_mode(&self, mode: HordeMode) {
        *self.mode.lock().unwrap_or_else(PoisonError::into_inner) = mode;
    }
}

impl Tables {
    fn answer(&self, request: &Request, mode: HordeMode) -> Answer {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        if path == "/api/v2/find_user" {
            return self.user(request);
        }
        match mode {
            HordeMode::Ok => {}
            HordeMode::Status(status) => return Answer::json(status, &json!({"message": "no"})),
            HordeMode::Refuse => return Answer::Close,
            HordeMode::Invalid => return Answer::json(200, &json!({"not": ["what", "it", 5]})),
        }
        let kind = query.split('&').find_map(|pair| pair.strip_prefix("type="));
        let file = match (path, kind) {
            ("/api/v2/status/models", Some(kind)) => format!("status_{kind}"),
            ("/api/v2/workers", Some(kind)) => format!("workers_{kind}"),
            ("/api/v2/stats/img/models", _) => "stats_img".into(),
            ("/api/v2/stats/text/models", _) => "stats_text".into(),
            _ => String::new(),
        };
        match self.models.get(&file) {
            Some(content) => Answer::json(200, content),
            None => Answer::json(404, &json!({"message": "no such path"})),
        }
    }

    fn user(&self, request: &Request) -> Answer {
        let mut headers = request.headers.iter();
        let key = headers.find(|(name, _)| name == "apikey").map_or("", |(_, key)| key.as_str());
        let Some(user) = self.users.get(key) else {
            return Answer::json(404, &json!({"message": "no such user", "rc": "UserNotFound"}));
        };
        if user["close_connection"] == true {
            return Answer::Close;
        }
        let status = user["status"].as_u64().and_then(|status| u16::try_from(status).ok());
        let mut body = json!({"id": 1});
        if let Some(name) = user.get("username") {
            body["username"] = name.clone();
        }
        Answer::Respond {
            status: status.unwrap_or(500),
            content_type: "application/json".into(),
            body: body.to_string().into_bytes(),
            after: Duration::from_secs_f64(user["delay_seconds"].as_f64().unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::send;

    #[test]
    fn users_are_answered_in_every_mode_and_models_as_the_mode_says() -> Result<()> {
        let folder = tempfile::tempdir()?;
        std::fs::write(
            folder.path().join("users.json"),
            r#"{"k": {"status": 200, "username": "a#1"}, "d": {"close_connection": true}}"#,
        )?;
        std::fs::write(folder.path().join("status_image.json"), r#"[{"name": "m"}]"#)?;
        let api = HordeApi::of_folder(folder.path())?;
        let ask = |target: &str, key: &str| {
            send(api.stub.address(), &Request::get(target).header("apikey", key))
        };
        let models = "/api/v2/status/models?type=image&model_state=known";
        assert_eq!(ask(models, "")?.json()?[0]["name"], "m");
        for (word, expected) in [("http:503", Some(503)), ("invalid", Some(200)), ("refuse", None)]
        {
            api.set_mode(word.parse()?);
            assert_eq!(ask(models, "").ok().map(|answer| answer.status), expected);
            assert_eq!(ask("/api/v2/find_user", "k")?.json()?["username"], "a#1");
        }
        assert!(ask("/api/v2/find_user", "d").is_err());
        assert_eq!(ask("/api/v2/find_user", "other")?.status, 404);
        assert!("http:x".parse::<HordeMode>().is_err() && "?".parse::<HordeMode>().is_err());
        Ok(())
    }
}
