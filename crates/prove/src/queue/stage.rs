//! What the clients meet: servers on one directory, the Redis that they share, and the stand-in that
//! knows whose keys are whose; and what is done to them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use fastrand::Rng;
use serde_json::Value;
use testkit::{HordeApi, Launch, RedisServer, Request, ServerProcess, eventually, send};

use super::left::{self, Left, Served};

/// Categories that records are proposed for.
pub const CATEGORIES: [&str; 2] = ["clip", "esrgan"];

/// How many users may propose, and how many may decide.
pub const REQUESTORS: usize = 8;
/// See [`REQUESTORS`].
pub const APPROVERS: usize = 4;

/// Within which time nothing is half done any more.
const SETTLED_WITHIN: Duration = Duration::from_secs(30);

/// How many changes one request asks for.
const PAGE: usize = 500;

/// Everything that runs. It ends when dropped.
#[derive(Debug)]
pub struct Stage {
    root: PathBuf,
    servers: Vec<ServerProcess>,
    redis: RedisServer,
    _users: HordeApi,
    /// Faults made, by their words.
    pub made: BTreeMap<String, u64>,
    /// How often the files of the queue could be read after a kill, and why they could not.
    pub readings: Vec<Result<(), String>>,
}

/// The key of the `n`th user who may propose.
pub fn requestor_key(n: usize) -> String {
    format!("key-r{}", n % REQUESTORS)
}

/// The key of the `n`th user who may decide.
pub fn approver_key(n: usize) -> String {
    format!("key-a{}", n % APPROVERS)
}

impl Stage {
    /// Starts `servers` processes of `executable` on a directory below `home`.
    pub fn start(executable: &Path, home: &Path, servers: usize) -> Result<Self> {
        let root = home.join("horde_model_reference");
        std::fs::create_dir_all(&root)?;
        for category in CATEGORIES {
            std::fs::write(root.join(format!("{category}.json")), "{}")?;
        }
        // So that the files of the queue are there whenever somebody is killed.
        let queue = root.join("pending_queue");
        std::fs::create_dir_all(&queue)?;
        std::fs::write(queue.join("changes.json"), "[]")?;
        std::fs::write(queue.join("index.json"), r#"{"last_change_id": 0, "last_batch_id": 0}"#)?;
        let users = users();
        let users =
            HordeApi::of_users(users.iter().map(|(key, name)| (key.as_str(), name.as_str())))?;
        let redis = RedisServer::start()?;
        let launch = launch(executable, home, &redis, &users);
        let start = |_| launch.clone().start();
        Ok(Self {
            servers: (0..servers).map(start).collect::<Result<_>>()?,
            root,
            redis,
            _users: users,
            made: BTreeMap::new(),
            readings: Vec::new(),
        })
    }

    /// Where each server listens, whichever process it is.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.servers.iter().map(ServerProcess::address).collect()
    }

    /// Makes one fault, and ends it.
    pub fn disturb(&mut self, random: &mut Rng) -> Result<()> {
        match random.u32(..20) {
            0..=11 => {
                let server = random.usize(..self.servers.len());
                self.kill(&[server], random)
            }
            12..=14 => {
                let first = random.usize(..self.servers.len());
                let second = (first + random.usize(1..self.servers.len())) % self.servers.len();
                self.kill(&[first, second], random)
            }
            15 | 16 => {
                self.count("stops of a server");
                let server = random.usize(..self.servers.len());
                self.servers[server].pause()?;
                std::thread::sleep(Duration::from_millis(random.u64(50..400)));
                self.servers[server].resume()
            }
            17 | 18 => {
                self.count("redis killed, and started with nothing");
                self.redis.kill()?;
                self.redis.restart()
            }
            _ => {
                self.count("redis killed, and started with what it had");
                self.redis.restart_with_data()
            }
        }
    }

    fn kill(&mut self, servers: &[usize], random: &mut Rng) -> Result<()> {
        for &server in servers {
            self.count("kills of a server");
            self.servers[server].kill()?;
            let read = left::parse(&self.root);
            self.readings.push(read.map_err(|error| format!("{error:#}")));
        }
        std::thread::sleep(Duration::from_millis(random.u64(..150)));
        servers.iter().try_for_each(|&server| self.servers[server].restart())
    }

    fn count(&mut self, fault: &str) {
        *self.made.entry(fault.to_owned()).or_default() += 1;
    }

    /// Waits until nothing is being applied as any server sees it.
    pub fn settle(&self) -> Result<()> {
        let count = |server: &ServerProcess| {
            let target = "/api/model_references/v2/pending_queue/changes?statuses=applying&limit=1";
            let total = get(server.address(), target)?["total"].as_u64().context("no total")?;
            ensure!(total == 0, "{total} changes are still being applied");
            Ok(())
        };
        eventually(SETTLED_WITHIN, || self.servers.iter().try_for_each(count))
    }

    /// Everything that is left, when nobody writes any more.
    pub fn left(&self) -> Result<Left> {
        let mut left = Left::read(&self.root, &CATEGORIES)?;
        let served = self.servers.iter().enumerate();
        left.served =
            served.map(|(number, server)| of_server(number, server)).collect::<Result<_>>()?;
        Ok(left)
    }

    /// Stops the servers as an operator would; how each ended that did not end well.
    pub fn end(&mut self) -> Vec<String> {
        let ended = self.servers.iter_mut().map(|server| match server.terminate() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("a server ended with {status}\n{}", server.log())),
            Err(error) => Err(format!("{error:#}")),
        });
        ended.filter_map(Result::err).collect()
    }

    /// Keeps what the servers have written.
    pub fn keep_logs(&self, folder: &Path) -> Result<()> {
        for (number, server) in self.servers.iter().enumerate() {
            std::fs::write(folder.join(format!("server-{number}.log")), server.log())?;
        }
        Ok(())
    }
}

fn users() -> Vec<(String, String)> {
    let requestors = (0..REQUESTORS).map(|n| (requestor_key(n), format!("requestor#{}", 100 + n)));
    let approvers = (0..APPROVERS).map(|n| (approver_key(n), format!("approver#{}", 200 + n)));
    requestors.chain(approvers).collect()
}

fn launch(executable: &Path, home: &Path, redis: &RedisServer, users: &HordeApi) -> Launch {
    let ids = |first: usize, count: usize| {
        let ids: Vec<String> = (first..first + count).map(|id| format!("\"{id}\"")).collect();
        format!("[{}]", ids.join(","))
    };
    Launch::new(executable, home)
        .env("HORDE_MODEL_REFERENCE_REPLICATE_MODE", "PRIMARY")
        .env("HORDE_MODEL_REFERENCE_CANONICAL_FORMAT", "v2")
        .env("HORDE_MODEL_REFERENCE_PENDING_QUEUE__REQUESTOR_IDS", ids(100, REQUESTORS))
        .env("HORDE_MODEL_REFERENCE_PENDING_QUEUE__APPROVER_IDS", ids(200, APPROVERS))
        .env("HORDE_MODEL_REFERENCE_REDIS__USE_REDIS", "true")
        .env("HORDE_MODEL_REFERENCE_REDIS__URL", redis.url())
        .env("AI_HORDE_URL", format!("{}/api/", users.base_url()))
}

fn of_server(number: usize, server: &ServerProcess) -> Result<Served> {
    let mut served = Served { server: number, records: BTreeMap::new(), statuses: BTreeMap::new() };
    for category in CATEGORIES {
        let target = format!("/api/model_references/v2/{category}");
        served.records.extend(left::marks(category, &get(server.address(), &target)?));
    }
    for offset in (0..).step_by(PAGE) {
        let target =
            format!("/api/model_references/v2/pending_queue/changes?limit={PAGE}&offset={offset}");
        let page = get(server.address(), &target)?;
        let items = page["items"].as_array().context("no items")?;
        served.statuses.extend(items.iter().filter_map(|item| {
            Some((item["change_id"].as_i64()?, item["status"].as_str()?.to_owned()))
        }));
        if items.len() < PAGE {
            break;
        }
    }
    Ok(served)
}

fn get(address: SocketAddr, target: &str) -> Result<Value> {
    let answer = send(address, &Request::get(target).header("apikey", &approver_key(0)))?;
    ensure!(answer.status == 200, "{target} is answered {}: {}", answer.status, answer.text());
    answer.json().map_err(|error| anyhow!("{target}: {error:#}"))
}
