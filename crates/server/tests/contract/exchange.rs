//! A file of recorded exchanges, as the contract's reading guide describes it.

use std::path::Path;

use anyhow::{Context, Result};
use horde_model_reference::json::Json;
use testkit::Request;

use crate::value::Rules;

/// One file.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub name: String,
    pub setup: String,
    pub dataset: String,
    /// Changes nothing, so that it may share a server with others of its kind.
    pub shares_server: bool,
    /// Tells of a fault of an earlier release.
    pub shows_a_fault: bool,
    /// Environment on top of the set-up.
    pub settings: Vec<(String, String)>,
    pub steps: Vec<Step>,
}

/// One request and what is known about its answer.
#[derive(Debug, Clone)]
pub struct Step {
    pub request: Request,
    pub recorded: Recorded,
    pub mode: String,
    pub rules: Rules,
    pub any_status: Vec<i64>,
    pub wait_seconds: f64,
    /// In files about faults: what is wanted instead of the recorded answer.
    pub wanted: Option<Json>,
}

/// The answer of the reference.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub status: i64,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Option<Json>,
    pub body_text: Option<String>,
}

impl Exchange {
    /// Every file of a folder, in the order of their names.
    pub fn all(folder: &Path) -> Result<Vec<Self>> {
        let entries = folder.read_dir().with_context(|| folder.display().to_string())?;
        let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
        paths.sort();
        paths.iter().map(|path| Self::read(path)).collect()
    }

    fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read(path)?;
        let document = Json::parse(&text).map_err(anyhow::Error::from);
        let document = document.and_then(|document| Self::from_json(&document));
        document.with_context(|| path.display().to_string())
    }

    fn from_json(document: &Json) -> Result<Self> {
        let steps = document.get("steps").and_then(Json::as_array).context("no steps")?;
        Ok(Self {
            name: text(document, "name")?,
            setup: text(document, "setup")?,
            dataset: text(document, "dataset")?,
            shares_server: flag(document, "shares_server"),
            shows_a_fault: document.get("defect").is_some_and(|name| !name.is_null()),
            settings: texts(document.get("settings")),
            steps: steps.iter().map(Step::from_json).collect::<Result<_>>()?,
        })
    }

    /// Whether no step could change anything.
    pub fn only_reads(&self) -> bool {
        let reads =
            |step: &Step| matches!(step.request.method.as_str(), "GET" | "HEAD" | "OPTIONS");
        self.steps.iter().all(reads)
    }
}

impl Step {
    fn from_json(step: &Json) -> Result<Self> {
        let any_status = step.get("any_status").and_then(Json::as_array).unwrap_or_default();
        let mode = text(step, "match")?;
        Ok(Self {
            request: request(step.get("request").context("no request")?)?,
            recorded: Recorded::from_json(step.get("response").context("no response")?)?,
            rules: Rules {
                ordered: flag(step, "ordered"),
                null_equals_absent: flag(step, "null_equals_absent"),
                subset: mode == "subset",
            },
            mode,
            any_status: any_status.iter().filter_map(Json::as_i64).collect(),
            wait_seconds: step.get("wait_seconds").and_then(Json::as_f64).unwrap_or_default(),
            wanted: step.get("wanted").cloned(),
        })
    }
}

impl Recorded {
    fn from_json(response: &Json) -> Result<Self> {
        let headers = texts(response.get("headers")).into_iter();
        Ok(Self {
            status: response.get("status").and_then(Json::as_i64).context("no status")?,
            headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect(),
            body: response.get("body").cloned(),
            body_text: response.get("body_text").and_then(Json::as_str).map(str::to_owned),
        })
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let named = self.headers.iter().find(|(header, _)| header == name);
        named.map(|(_, value)| value.as_str())
    }
}

fn request(request: &Json) -> Result<Request> {
    let mut read = Request::new(&text(request, "method")?, &text(request, "path")?);
    read.headers = texts(request.get("headers"));
    if let Some(body) = request.get("body") {
        read.body = Some(body.to_string().into_bytes());
    } else if let Some(body) = request.get("body_text") {
        read.body = Some(body.as_str().context("body_text is text")?.into());
    } else if let Some(body) = request.get("body_base64") {
        read.body = Some(from_base64(body.as_str().context("body_base64 is text")?)?);
    }
    Ok(read)
}

fn text(object: &Json, name: &str) -> Result<String> {
    let member = object.get(name).and_then(Json::as_str);
    Ok(member.with_context(|| format!("no {name}"))?.to_owned())
}

fn texts(object: Option<&Json>) -> Vec<(String, String)> {
    let members = object.and_then(Json::as_object).into_iter().flatten();
    members.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

fn flag(object: &Json, name: &str) -> bool {
    object.get(name).and_then(Json::as_bool).unwrap_or_default()
}

/// A single body of the contract is in this form; a crate for it would be too much.
fn from_base64(text: &str) -> Result<Vec<u8>> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for letter in text.trim_end_matches('=').bytes() {
        let value = ALPHABET.iter().position(|known| *known == letter).context("not base64")?;
        bits = (bits << 6) | u32::try_from(value)?;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff)?);
        }
    }
    Ok(bytes)
}

#[test]
fn base64() {
    assert_eq!(from_base64("eyJuYW1lIjogIv8ifQ==").unwrap(), b"{\"name\": \"\xff\"}");
    assert!(from_base64("!").is_err());
}
