//! A server on the data of a file, with a stand-in for the external API of its own.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use testkit::{DataFolder, HordeApi, Launch, Request, Response, ServerProcess};

use crate::exchange::{Control, Exchange};
use crate::value::Meaning;

/// It goes before what it stands on does.
pub struct Server {
    process: ServerProcess,
    horde: HordeApi,
    data: DataFolder,
    since: i64,
}

impl Server {
    pub fn start(file: &Exchange, contract: &Path) -> Result<Self> {
        let since = now();
        let fixtures = contract.join("dataset-extended");
        let data = DataFolder::empty()?;
        lay_out(&fixtures.join(&file.setup), "", &data)?;
        for (path, content) in &file.seeds {
            data.write(path, content)?;
        }
        let horde = HordeApi::of_folder(&fixtures.join("horde-api"))?;
        let executable = std::env::var_os("HMR_SERVER")
            .unwrap_or_else(|| env!("CARGO_BIN_EXE_horde-model-reference").into());
        let mut launch = Launch::new(executable, data.cache_home());
        for (name, value) in configuration(file, &horde) {
            launch = launch.env(name, value);
        }
        Ok(Self { process: launch.start()?, horde, data, since })
    }

    pub fn send(&self, request: &Request) -> Result<Response> {
        self.process.send(request)
    }

    /// Sends all at the same time; the answers stand in the order of the requests.
    pub fn send_together(&self, requests: &[Request]) -> Result<Vec<Response>> {
        std::thread::scope(|scope| {
            let sent: Vec<_> =
                requests.iter().map(|request| scope.spawn(|| self.send(request))).collect();
            let answers = sent.into_iter().map(|sent| sent.join().expect("sending panics never"));
            answers.collect()
        })
    }

    pub fn control(&mut self, control: Control) -> Result<()> {
        match control {
            Control::HordeApi(mode) => self.horde.set_mode(mode),
            Control::Restart => self.process.restart()?,
            // The recording says how long.
            Control::Sleep(seconds) => std::thread::sleep(Duration::from_secs_f64(seconds)),
        }
        Ok(())
    }

    /// A file below the data folder.
    pub fn file(&self, path: &str) -> Result<Vec<u8>> {
        let path: PathBuf = self.data.root().join(path);
        std::fs::read(&path).with_context(|| path.display().to_string())
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

/// Later settings win.
fn configuration(file: &Exchange, horde: &HordeApi) -> Vec<(String, String)> {
    let format = if file.setup == "legacy" { "LEGACY" } else { "v2" };
    let common = [
        ("HORDE_MODEL_REFERENCE_REPLICATE_MODE", "PRIMARY"),
        ("HORDE_MODEL_REFERENCE_MAKE_FOLDERS", "true"),
        ("HORDE_MODEL_REFERENCE_CANONICAL_FORMAT", format),
        ("HORDE_MODEL_REFERENCE_PENDING_QUEUE__REQUESTOR_IDS", r#"["101","102"]"#),
        ("HORDE_MODEL_REFERENCE_PENDING_QUEUE__APPROVER_IDS", r#"["201","202"]"#),
        ("AI_HORDE_URL", &format!("{}/api/", horde.base_url())),
    ];
    let common = common.map(|(name, value)| (name.to_owned(), value.to_owned()));
    common.into_iter().chain(file.settings.iter().cloned()).collect()
}

/// Copies contents: the fixtures may be read-only. Folders come last, so that what is legacy is
/// younger than what was made of it.
fn lay_out(folder: &Path, below: &str, data: &DataFolder) -> Result<()> {
    let mut folders = Vec::new();
    for entry in folder.read_dir().with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let relative = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            folders.push((entry.path(), format!("{relative}/")));
        } else {
            data.write(&relative, &std::fs::read(entry.path())?)?;
        }
    }
    folders.iter().try_for_each(|(folder, below)| lay_out(folder, below, data))
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
