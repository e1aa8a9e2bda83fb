//! From the moment at which a server answers again until it says what the files say, holds the copies,
//! and every process listens to it.

use std::time::{Duration, Instant};

use horde_model_reference::backend::redis::Subscription;
use horde_model_reference::settings::{self, NodeList, RedisMode, Value};
use horde_model_reference::{Primary, change::WriteOptions};
use tempfile::TempDir;
use testkit::{RedisClient, RedisSentinels, RedisServer};

use super::stage::{
    CATEGORY, at, await_live, await_that, folder, open, percentile, record, runtime, status,
};

const MODELS: usize = 400;
const WORKERS: usize = 2;
const RECORD: &str = "horde:model_ref:coh:gen";
const COPY: &str = "horde:model_ref:category:miscellaneous";
/// How long the server is away: until nobody tries every moment any more.
const AWAY: Duration = Duration::from_secs(3);
const FAILOVER_WITHIN: Duration = Duration::from_secs(30);

pub(crate) fn measure(times: usize) {
    print("restart", (0..times).map(restarted()).collect());
    print("FLUSHALL", (0..times).map(flushed()).collect());
    // Five processes must agree each time.
    print("failover", (0..times.div_ceil(3)).map(failed_over()).collect());
}

/// Milliseconds until something is as it should be.
#[derive(Default)]
struct Repaired {
    record: f64,
    copy: f64,
    live: f64,
}

/// Processes over one folder.
struct Workers {
    workers: Vec<Primary>,
    folder: TempDir,
    written: usize,
}

impl Workers {
    fn over(settings: &settings::Redis) -> Self {
        let folder = folder(MODELS);
        let workers = (0..WORKERS).map(|_| open(folder.path(), Some(settings))).collect();
        let started = Self { workers, folder, written: 0 };
        started.workers.iter().for_each(await_live);
        started
    }

    /// Changes something, so that what is found there later is not what was there before.
    fn write(&mut self) {
        assert!(self.folder.path().is_dir());
        self.written += 1;
        let options = WriteOptions::default().local();
        let write = self.workers[0].update(CATEGORY, "model 0", record(0, self.written), options);
        runtime().block_on(write).expect("the write succeeds");
    }

    fn await_agreement(&self, server: &RedisServer) {
        let mut client = server.client().expect("it answers");
        await_that("the server says what the files say", || {
            self.is_recorded(&mut client) && has_copy(&mut client)
        });
    }

    fn is_recorded(&self, client: &mut RedisClient) -> bool {
        let generation = self.workers[0].category_blocking(CATEGORY).view.generation();
        let reply = client.command(&["HGET", RECORD, "v2/miscellaneous"]).ok();
        let recorded = reply.and_then(|reply| reply.text());
        recorded.is_some_and(|recorded| recorded.starts_with(&format!("{generation}:")))
    }

    fn are_live(&self) -> bool {
        self.workers.iter().all(|worker| status(worker).subscription == Subscription::Live)
    }

    fn await_silence(&self) {
        await_that("all have noticed", || {
            self.workers.iter().all(|worker| status(worker).subscription != Subscription::Live)
        });
    }

    /// How long it takes from now on.
    fn await_repair(&self, server: &RedisServer) -> Repaired {
        let begun = Instant::now();
        let mut client = server.client().expect("it answers");
        let (mut record, mut copy, mut live) = (None, None, None);
        await_that("it is repaired", || {
            let now = || begun.elapsed().as_secs_f64() * 1e3;
            if record.is_none() && self.is_recorded(&mut client) {
                record = Some(now());
            }
            if copy.is_none() && record.is_some() && has_copy(&mut client) {
                copy = Some(now());
            }
            if live.is_none() && self.are_live() {
                live = Some(now());
            }
            record.is_some() && copy.is_some() && live.is_some()
        });
        let told = |time: Option<f64>| time.unwrap_or(f64::NAN);
        Repaired { record: told(record), copy: told(copy), live: told(live) }
    }
}

fn has_copy(client: &mut RedisClient) -> bool {
    client.command(&["EXISTS", COPY]).ok().and_then(|reply| reply.integer()) == Some(1)
}

fn restarted() -> impl FnMut(usize) -> Repaired {
    let mut server = RedisServer::start().expect("a Redis server");
    let mut workers = Workers::over(&at(server.port()));
    move |_| {
        workers.await_agreement(&server);
        server.kill().expect("it ends");
        workers.await_silence();
        workers.write();
        std::thread::sleep(AWAY);
        server.restart().expect("it starts");
        workers.await_repair(&server)
    }
}

fn flushed() -> impl FnMut(usize) -> Repaired {
    let server = RedisServer::start().expect("a Redis server");
    let workers = Workers::over(&at(server.port()));
    move |turn| {
        workers.await_agreement(&server);
        // A different moment between two comparisons each time.
        std::thread::sleep(Duration::from_millis(173 * turn as u64 % 1000));
        server.command(&["FLUSHALL"]).expect("it is done");
        workers.await_repair(&server)
    }
}

/// From the moment at which a quorum of Sentinels names another primary, and it agrees.
fn failed_over() -> impl FnMut(usize) -> Repaired {
    let mut sentinels = RedisSentinels::start().expect("a primary and its Sentinels");
    let nodes = sentinels.sentinel_ports().into_iter().map(|port| format!("127.0.0.1:{port}"));
    let nodes = nodes.collect::<Vec<_>>().join(",");
    let settings = settings::Redis {
        use_redis: true,
        mode: RedisMode::Sentinel,
        nodes: NodeList::read(&nodes).expect("a list"),
        sentinel_service: RedisSentinels::PRIMARY_NAME.into(),
        ..settings::Redis::default()
    };
    let mut workers = Workers::over(&settings);
    move |_| {
        workers.await_agreement(sentinels.primary().expect("there is one"));
        let old = sentinels.primary_port().expect("there is one");
        sentinels.primary_mut().expect("there is one").kill().expect("it ends");
        workers.await_silence();
        workers.write();
        let new = sentinels.await_other_primary(old, FAILOVER_WITHIN).expect("there is another");
        let repaired = workers.await_repair(sentinels.server(new).expect("it is one of ours"));
        sentinels.server_mut(old).expect("it was one of ours").restart().expect("it starts");
        sentinels.await_replica(old).expect("it follows");
        repaired
    }
}

fn print(fault: &str, found: Vec<Repaired>) {
    let (mut record, mut copy, mut live) = (Vec::new(), Vec::new(), Vec::new());
    for repaired in found {
        record.push(repaired.record);
        copy.push(repaired.copy);
        live.push(repaired.live);
    }
    for (part, mut times) in [("record", record), ("copy", copy), ("subscription", live)] {
        let (p50, most) = (percentile(&mut times, 50), percentile(&mut times, 100));
        println!(
            "{{\"case\":\"repair after {fault}: {part}\",\"times\":{},\"p50_ms\":{p50:.1},\"most_ms\":{most:.1}}}",
            times.len()
        );
    }
}
