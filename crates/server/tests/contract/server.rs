//! A server for a set-up and a data set of the contract, on data of its own.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use horde_model_reference::json::Json;
use testkit::{DataFolder, HordeStub, Launch, Response, ServerProcess};

use crate::exchange::{Exchange, Step};
use crate::value::Meaning;

/// What all servers of a run have in common.
pub struct Setups {
    contract: PathBuf,
    setups: Json,
    horde: HordeStub,
    closed_port: String,
}

/// A running server. It goes before its data does.
pub struct Server {
    process: ServerProcess,
    _data: DataFolder,
    since: i64,
}

impl Setups {
    pub fn read(contract: &Path) -> Result<Self> {
        let path = contract.join("setups-core.json");
        let document = Json::parse(&std::fs::read(&path)?)?;
        Ok(Self {
            contract: contract.to_owned(),
            setups: document.get("setups").context("no setups")?.clone(),
            horde: HordeStub::start(&path)?,
            closed_port: testkit::closed_port()?,
        })
    }

    /// A fresh server for a file, and for those that may share it.
    pub fn start(&self, file: &Exchange) -> Result<Server> {
        let since = now();
        let data = match file.dataset.as_str() {
            "empty" => DataFolder::empty()?,
            name => DataFolder::filled_from(&self.contract.join(name))?,
        };
        let executable = std::env::var_os("HMR_SERVER")
            .unwrap_or_else(|| env!("CARGO_BIN_EXE_horde-model-reference").into());
        let mut launch = Launch::new(executable, data.cache_home());
        for (name, value) in self.environment(file)? {
            launch = launch.env(name, value);
        }
        Ok(Server { process: launch.start()?, _data: data, since })
    }

    fn environment(&self, file: &Exchange) -> Result<Vec<(String, String)>> {
        let setup = self.setups.get(&file.setup).and_then(Json::as_object);
        let setup = setup.with_context(|| format!("no setup {}", file.setup))?;
        let variables = setup.iter().map(|(name, value)| {
            let value = value.as_str().unwrap_or_default();
            let value = value.replace("<stub>", &self.horde.base_url());
            (name.clone(), value.replace("<closed-port>", &self.closed_port))
        });
        Ok(variables.chain(file.settings.iter().cloned()).collect())
    }
}

impl Server {
    /// Sends the step's request; the body of the answer is the entity without content encoding.
    pub fn send(&self, step: &Step) -> Result<Response> {
        let mut answer = self.process.send(&step.request)?;
        answer.body = decoded(&answer)?;
        Ok(answer)
    }

    /// What placeholders mean for an answer of just now.
    pub fn meaning(&self) -> Meaning {
        Meaning { base: self.process.base_url(), seconds: (self.since, now()) }
    }

    /// The last lines it has written.
    pub fn end_of_log(&self) -> String {
        let log = self.process.log();
        let lines: Vec<_> = log.lines().rev().take(20).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn decoded(answer: &Response) -> Result<Vec<u8>> {
    use std::io::Read;
    let mut entity = Vec::new();
    match answer.header("content-encoding") {
        _ if answer.body.is_empty() => {}
        None | Some("identity") => entity.clone_from(&answer.body),
        Some("gzip") => {
            flate2::read::MultiGzDecoder::new(answer.body.as_slice()).read_to_end(&mut entity)?;
        }
        Some("br") => {
            brotli::Decompressor::new(answer.body.as_slice(), 4096).read_to_end(&mut entity)?;
        }
        Some(other) => anyhow::bail!("nobody asked for content-encoding {other}"),
    }
    Ok(entity)
}
