//! A file of extended exchanges, as its reading guide describes it.

use std::path::Path;

use anyhow::{Context, Result, bail};
use horde_model_reference::json::Json;
use testkit::{HordeMode, Request};

/// One file.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub name: String,
    /// `v2` or `legacy`: the data it starts from, and the canonical format.
    pub setup: String,
    /// Environment on top of the configuration that all have in common.
    pub settings: Vec<(String, String)>,
    /// Files that are written over the data: path below the data folder, content.
    pub seeds: Vec<(String, Vec<u8>)>,
    pub steps: Vec<Step>,
}

/// What is done, and what has to come of it.
#[derive(Debug, Clone)]
pub enum Step {
    Exchange(Request, Recorded),
    /// Sent at the same time; the answers come in any order.
    Parallel(Vec<Request>, Vec<Recorded>, Compared),
    Control(Control),
    /// Path below the data folder, and what the file has to hold.
    Files(Vec<(String, Json)>),
}

/// How much of an answer is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    Whole,
    Status,
}

/// What is done to the server or around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Control {
    HordeApi(HordeMode),
    Restart,
    Sleep(f64),
}

/// The answer of the reference, or the one that is wanted in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    pub status: u16,
    pub content_type: String,
    /// `None`: empty.
    pub body: Option<Json>,
}

const JSON: &str = "application/json";

impl Exchange {
    /// Every file of a folder, in the order of their names.
    pub fn all(folder: &Path) -> Result<Vec<Self>> {
        let entries = folder.read_dir().with_context(|| folder.display().to_string())?;
        let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
        paths.sort();
        paths.iter().map(|path| Self::read(path)).collect()
    }

    fn read(path: &Path) -> Result<Self> {
        let document = Json::parse(&std::fs::read(path)?).map_err(anyhow::Error::from);
        let document = document.and_then(|document| Self::from_json(&document));
        document.with_context(|| path.display().to_string())
    }

    fn from_json(document: &Json) -> Result<Self> {
        let steps = document.get("steps").and_then(Json::as_array).context("no steps")?;
        let seeds = members(document.get("seed_files")).map(|(path, content)| {
            let text = content.as_str().map_or_else(|| content.to_string(), str::to_owned);
            (path, text.into_bytes())
        });
        Ok(Self {
            name: text(document, "name")?,
            setup: text(document, "setup")?,
            settings: texts(document.get("settings")),
            seeds: seeds.collect(),
            steps: steps.iter().map(Step::from_json).collect::<Result<_>>()?,
        })
    }
}

impl Step {
    fn from_json(step: &Json) -> Result<Self> {
        if let Some(control) = step.get("control") {
            return Ok(Self::Control(Control::from_json(control)?));
        }
        if let Some(files) = step.get("files") {
            return Ok(Self::Files(members(Some(files)).collect()));
        }
        if let Some(requests) = step.get("parallel").and_then(Json::as_array) {
            let answers = step.get("responses_any_order").and_then(Json::as_array);
            let compared = match step.get("compare").and_then(Json::as_str) {
                Some("status") => Compared::Status,
                _ => Compared::Whole,
            };
            return Ok(Self::Parallel(
                requests.iter().map(request).collect::<Result<_>>()?,
                answers
                    .unwrap_or_default()
                    .iter()
                    .map(Recorded::from_json)
                    .collect::<Result<_>>()?,
                compared,
            ));
        }
        let request = request(step.get("request").context("a step of no known kind")?)?;
        let recorded = Recorded::from_json(step.get("response").context("no response")?)?;
        Ok(Self::Exchange(request, recorded))
    }
}

impl Control {
    fn from_json(control: &Json) -> Result<Self> {
        if let Some(mode) = control.get("horde_api").and_then(Json::as_str) {
            return Ok(Self::HordeApi(mode.parse()?));
        }
        if let Some(seconds) = control.get("sleep_seconds").and_then(Json::as_f64) {
            return Ok(Self::Sleep(seconds));
        }
        match control.get("restart") {
            Some(Json::Bool(true)) => Ok(Self::Restart),
            _ => bail!("unknown control {control}"),
        }
    }
}

impl Recorded {
    fn from_json(response: &Json) -> Result<Self> {
        let status = response.get("status").and_then(Json::as_i64).context("no status")?;
        let content_type = response.get("content_type").and_then(Json::as_str).unwrap_or(JSON);
        Ok(Self {
            status: u16::try_from(status)?,
            content_type: content_type.to_owned(),
            body: response.get("body").filter(|body| !body.is_null()).cloned(),
        })
    }

    pub fn is_json(&self) -> bool {
        self.content_type == JSON
    }
}

fn request(request: &Json) -> Result<Request> {
    let mut read = Request::new(&text(request, "method")?, &text(request, "path")?);
    read.headers = texts(request.get("headers"));
    let Some(body) = request.get("body").filter(|body| !body.is_null()) else { return Ok(read) };
    let raw = body.get("$raw").and_then(Json::as_str).map(str::to_owned);
    let says_type = read.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let read = if says_type { read } else { read.header("content-type", JSON) };
    Ok(read.body(raw.unwrap_or_else(|| body.to_string())))
}

fn text(object: &Json, name: &str) -> Result<String> {
    let member = object.get(name).and_then(Json::as_str);
    Ok(member.with_context(|| format!("no {name}"))?.to_owned())
}

fn members(object: Option<&Json>) -> impl Iterator<Item = (String, Json)> {
    let members = object.and_then(Json::as_object).into_iter().flatten();
    members.map(|(name, value)| (name.clone(), value.clone()))
}

fn texts(object: Option<&Json>) -> Vec<(String, String)> {
    members(object).filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect()
}
