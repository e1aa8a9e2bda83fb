//! The first load of a document from its copy, beside a plain `GET` of the same bytes with the same
//! client, in turns; the same with what every load does to the bytes; and beside the load of its file.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use horde_model_reference::backend::Backend;
use horde_model_reference::backend::redis::Redis;
use horde_model_reference::generation::Digest;
use horde_model_reference::{Json, Options};
use redis::aio::MultiplexedConnection;
use testkit::RedisServer;
use tokio::runtime::Runtime;

use super::bare::connect;
use super::stage::{
    CATEGORY, DOCUMENT, SIZES, at, await_live, await_that, files, folder, open, percentile, runtime,
};

const COPY: &str = "horde:model_ref:category:miscellaneous";
const PAUSE: Duration = Duration::from_millis(2);
const CASES: [&str; 4] = ["from its copy", "GET", "GET, hash, parse", "from its file"];

pub(crate) fn measure(turns: usize) {
    for (size, models) in SIZES {
        let (server, folder) = (RedisServer::start().expect("a Redis server"), folder(models));
        let length = fill(&server, folder.path());
        let plain = Plain::to(&server);
        let (mut times, mut missed): ([Vec<f64>; 4], usize) = Default::default();
        for _ in 0..turns {
            times[1].push(timed(|| drop(black_box(plain.get()))));
            times[2].push(timed(|| drop(black_box(plain.get_and_parse()))));
            let (elapsed, is_hit) = from_copy(&server, folder.path());
            times[0].push(elapsed);
            missed += usize::from(!is_hit);
            let files = files(folder.path());
            times[3].push(timed(|| drop(black_box(files.load(DOCUMENT)))));
        }
        for (case, mut times) in CASES.iter().zip(times) {
            let (p50, p99) = (percentile(&mut times, 50), percentile(&mut times, 99));
            let missed = if *case == CASES[0] { missed } else { 0 };
            println!(
                "{{\"case\":\"load {size}: {case}\",\"bytes\":{length},\"loads\":{turns},\"missed\":{missed},\"p50_us\":{p50:.1},\"p99_us\":{p99:.1}}}"
            );
        }
    }
}

/// Waits for the copy, and for the proof of what the file holds. How long the copy is.
fn fill(server: &RedisServer, folder: &Path) -> i64 {
    let first = open(folder, Some(&at(server.port())));
    await_live(&first);
    let generation = first.category_blocking(CATEGORY).view.generation().to_string();
    let proof = folder.join(".coherence/miscellaneous.json.settled");
    await_that("the file is proven", || {
        std::fs::read_to_string(&proof).is_ok_and(|proof| proof.contains(&generation))
    });
    let length = || server.command(&["STRLEN", COPY]).ok()?.integer();
    await_that("the copy is there", || length() > Some(0));
    length().expect("it is there")
}

/// Microseconds of the load that a process which starts makes, and whether it took the copy.
fn from_copy(server: &RedisServer, folder: &Path) -> (f64, bool) {
    let files = files(folder);
    let directory = files.directory(Options::default().leases.lease).expect("a folder of ours");
    let redis = Redis::start(Arc::clone(&files), &at(server.port()), directory, None);
    let redis = redis.expect("a thread starts");
    await_that("there is a connection", || redis.status().has_values);
    let elapsed = timed(|| drop(black_box(redis.load(DOCUMENT).expect("is loaded"))));
    (elapsed, redis.status().counters.copy_hits == 1)
}

/// A connection that gets the copy and believes it.
struct Plain {
    runtime: Runtime,
    connection: MultiplexedConnection,
}

impl Plain {
    fn to(server: &RedisServer) -> Self {
        let runtime = runtime();
        let connection = runtime.block_on(connect(server.port()));
        Self { runtime, connection }
    }

    fn get(&self) -> Vec<u8> {
        let mut connection = self.connection.clone();
        let get = redis::cmd("GET").arg(COPY).to_owned();
        self.runtime.block_on(get.query_async(&mut connection)).expect("is got")
    }

    fn get_and_parse(&self) -> (Digest, Json) {
        let bytes = self.get();
        (Digest::of(&bytes), Json::parse(&bytes).expect("is JSON"))
    }
}

/// Microseconds, after the same pause each time, so that nothing finds a warmer machine than the rest.
fn timed(work: impl FnOnce()) -> f64 {
    std::thread::sleep(PAUSE);
    let begun = Instant::now();
    work();
    let elapsed: Duration = begun.elapsed();
    elapsed.as_secs_f64() * 1e6
}
