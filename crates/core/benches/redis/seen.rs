//! How long after a commit eight other processes serve it, by plain reads: with Redis, without, and
//! beside a bare publication of the bare name, which carries nothing and loads nothing.

use std::path::Path;
use std::time::Duration;

use horde_model_reference::change::WriteOptions;
use testkit::RedisServer;

use super::bare;
use super::stage::{
    CATEGORY, SIZES, Watcher, at, await_live, folder, now_ns, open, percentile, record, runtime,
    tell,
};

const PROCESSES: usize = 8;
/// Between two reads of a watching process: what is told is late by half of it.
const READ_EVERY: Duration = Duration::from_micros(500);

pub(crate) fn measure(turns: usize) {
    for (size, models) in SIZES {
        let server = RedisServer::start().expect("a Redis server");
        let mut times = bare::published(&server, PROCESSES, turns);
        print(&format!("seen {size}: bare publication"), [&mut times.clone(), &mut times]);
        for (words, port) in [("with Redis", server.port()), ("without Redis", 0)] {
            let [mut begun, mut done] = written(models, port, turns);
            print(&format!("seen {size}: {words}"), [&mut begun, &mut done]);
        }
    }
}

/// A different moment of everybody's lease and of the comparisons each time, and long enough for copies
/// to have been stored.
pub(crate) fn pause(turn: u64) -> Duration {
    Duration::from_millis(150 + 37 * turn % 100)
}

/// Prints each generation with the time at which a read first returned it. Without Redis where the port
/// is 0.
pub(crate) fn watch(folder: &Path, port: u16) {
    let settings = (port != 0).then(|| at(port));
    let primary = open(folder, settings.as_ref());
    if settings.is_some() {
        await_live(&primary);
    }
    let mut seen = 0;
    let parent = rustix::process::getppid();
    while rustix::process::getppid() == parent {
        let generation = primary.category_blocking(CATEGORY).view.generation().get();
        if generation != seen {
            seen = generation;
            if !tell(generation) {
                return;
            }
        }
        std::thread::sleep(READ_EVERY);
    }
}

/// Until the slowest process serves each write, in milliseconds: since it began, and since it was
/// committed and served by its own process.
fn written(models: usize, port: u16, turns: usize) -> [Vec<f64>; 2] {
    let folder = folder(models);
    let settings = (port != 0).then(|| at(port));
    let primary = open(folder.path(), settings.as_ref());
    if settings.is_some() {
        await_live(&primary);
    }
    let path = folder.path().to_string_lossy();
    let arguments = ["watch", &path, &port.to_string()];
    let watchers: Vec<_> = (0..PROCESSES).map(|_| Watcher::start(&arguments)).collect();
    for watcher in &watchers {
        watcher.saw(1);
    }
    let runtime = runtime();
    let mut times = [Vec::with_capacity(turns), Vec::with_capacity(turns)];
    for turn in 1..=turns {
        std::thread::sleep(pause(turn as u64));
        let begun = now_ns();
        let options = WriteOptions::default().local();
        let write = primary.update(CATEGORY, "model 0", record(0, turn), options);
        let committed = runtime.block_on(write).expect("the write succeeds");
        let done = now_ns();
        let seen = watchers.iter().map(|watcher| watcher.saw(committed.generation.get()));
        let slowest = seen.max().unwrap_or(done);
        for (times, since) in times.iter_mut().zip([begun, done]) {
            times.push(slowest.saturating_sub(since) as f64 / 1e6);
        }
    }
    times
}

fn print(case: &str, [begun, done]: [&mut Vec<f64>; 2]) {
    println!(
        "{{\"case\":\"{case}\",\"writes\":{},\"p50_ms\":{:.2},\"p99_ms\":{:.2},\"from_begin_p50_ms\":{:.2},\"from_begin_p99_ms\":{:.2}}}",
        done.len(),
        percentile(done, 50),
        percentile(done, 99),
        percentile(begun, 50),
        percentile(begun, 99)
    );
}
