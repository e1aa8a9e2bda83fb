//! A worker of the reference in a process of its own, which does what it is told.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use horde_model_reference::Json;
use testkit::RedisServer;

use crate::stage::{Folder, until};

/// How long it may take for anything; it tries again and pauses where the server is gone.
const PATIENCE: Duration = Duration::from_secs(60);
/// Answers that may wait to be read.
const ANSWERS: usize = 16;

pub(crate) struct Peer {
    process: Child,
    orders: ChildStdin,
    answers: Receiver<String>,
    /// Ends with the process.
    reader: Option<JoinHandle<()>>,
}

impl Peer {
    /// Returns when it is told of changes. `None`, with a word, where it cannot be run.
    pub(crate) fn start(server: &RedisServer, folder: &Folder) -> Option<Self> {
        let before = listeners(server);
        let mut process = Command::new(python()?)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mixed_redis/peer.py"))
            .arg(folder.path())
            .env("AIWORKER_CACHE_HOME", folder.path())
            .env("HORDE_MODEL_REFERENCE_REPLICATE_MODE", "PRIMARY")
            .env("HORDE_MODEL_REFERENCE_REDIS__USE_REDIS", "true")
            .env("HORDE_MODEL_REFERENCE_REDIS__URL", server.url())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(folder.path().join("peer.log")).unwrap())
            .spawn()
            .unwrap();
        let orders = process.stdin.take().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (answer, answers) = sync_channel(ANSWERS);
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                // What else it prints is not for us.
                let Some(line) = line.strip_prefix("> ") else { continue };
                if answer.send(line.to_owned()).is_err() {
                    return;
                }
            }
        });
        let peer = Self { process, orders, answers, reader: Some(reader) };
        assert_eq!(peer.answer(), "ready");
        until("it is subscribed", || listeners(server) > before);
        Some(peer)
    }

    /// Has something done, to the end.
    pub(crate) fn does(&mut self, order: &str) -> Json {
        self.begin(order);
        Json::parse(self.answer().as_bytes()).unwrap()
    }

    /// Has something begun.
    pub(crate) fn begin(&mut self, order: &str) {
        self.orders.write_all(format!("{order}\n").as_bytes()).unwrap();
    }

    /// Has something done half way.
    pub(crate) fn is_held(&mut self, order: &str) {
        self.begin(order);
        assert_eq!(self.answer(), "held");
    }

    /// Has the other half done.
    pub(crate) fn goes_on(&mut self) -> Json {
        self.does("go on")
    }

    /// The names it reads, by one of its ways of reading.
    pub(crate) fn names(&mut self, order: &str) -> Vec<String> {
        texts(&self.does(order))
    }

    /// How many messages it has heard.
    pub(crate) fn heard(&mut self) -> i64 {
        self.does("heard").as_i64().unwrap()
    }

    pub(crate) fn answer(&self) -> String {
        self.answers.recv_timeout(PATIENCE).expect("no answer; what ails it is in its log")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if let Some(reader) = self.reader.take() {
            // It may wait for room for an answer.
            while self.answers.recv_timeout(PATIENCE).is_ok() {}
            let _ = reader.join();
        }
    }
}

pub(crate) fn texts(list: &Json) -> Vec<String> {
    list.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// How many are told of the changes that workers of the reference tell of.
fn listeners(server: &RedisServer) -> i64 {
    let reply = server.command(&["PUBSUB", "NUMSUB", "horde:model_ref:invalidate"]).unwrap();
    reply.items()[1].integer().unwrap()
}

fn python() -> Option<PathBuf> {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let python = testkit::python().map_err(|error| format!("{error:#}"))?;
        let script = "import importlib.metadata, redis
print(importlib.metadata.version('horde_model_reference'))";
        let ran = Command::new(&python).args(["-c", script]).output();
        let ran = ran.map_err(|error| error.to_string())?;
        let version = String::from_utf8_lossy(&ran.stdout).trim().to_owned();
        match version.starts_with("8.") {
            true => Ok(python),
            false => Err(format!(
                "{} has no horde_model_reference 8 with redis, but {version:?}",
                python.display()
            )),
        }
    });
    match found {
        Ok(python) => Some(python.clone()),
        Err(reason) => {
            eprintln!("skipped: {reason}");
            None
        }
    }
}
