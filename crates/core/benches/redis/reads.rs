//! Plain reads while the server is well, hangs, refuses or swallows everything, in turns in one
//! process; and without one.

use std::hint::black_box;
use std::time::{Duration, Instant};

use horde_model_reference::Primary;
use testkit::{Fault, FaultProxy, RedisServer};

use super::stage::{CATEGORY, at, await_live, folder, open, percentile};

const MODELS: usize = 400;
/// How long one state is read in at a time.
const TURN: Duration = Duration::from_millis(200);
/// Reads that are timed together: the clock takes as long as one of them.
const BATCH: u32 = 100;
/// Until everything that notices a fault has.
const SETTLE: Duration = Duration::from_secs(3);

/// A process whose server is in some state.
struct State {
    name: &'static str,
    primary: Primary,
    batches_ns: Vec<f64>,
    rates: Vec<f64>,
    errors: u64,
    // What it reads from and listens to, for as long as it does.
    _folder: tempfile::TempDir,
    _server: Option<RedisServer>,
    _proxy: Option<FaultProxy>,
}

pub(crate) fn measure(rounds: usize) {
    let mut states = [without(), healthy(), hung(), refused(), black_holed()];
    std::thread::sleep(SETTLE);
    for round in 0..rounds {
        for place in 0..states.len() {
            // Whoever comes first in one round comes last in another.
            let place = (round + place) % states.len();
            states[place].turn();
        }
    }
    for state in &mut states {
        state.print();
    }
}

impl State {
    fn new(name: &'static str, server: Option<RedisServer>, proxy: Option<FaultProxy>) -> Self {
        let folder = folder(MODELS);
        let port = proxy.as_ref().map(FaultProxy::port).or(server.as_ref().map(RedisServer::port));
        let settings = port.map(at);
        let primary = open(folder.path(), settings.as_ref());
        if settings.is_some() {
            await_live(&primary);
        }
        Self {
            name,
            primary,
            batches_ns: Vec::new(),
            rates: Vec::new(),
            errors: 0,
            _folder: folder,
            _server: server,
            _proxy: proxy,
        }
    }

    fn turn(&mut self) {
        let begun = Instant::now();
        let (mut reads, mut last) = (0, begun);
        while last.duration_since(begun) < TURN {
            for _ in 0..BATCH {
                let read = self.primary.category_blocking(CATEGORY);
                self.errors += u64::from(!read.fresh || black_box(&read).view.v2.is_none());
            }
            reads += BATCH;
            let now = Instant::now();
            let elapsed = now.duration_since(last).as_nanos() as f64;
            self.batches_ns.push(elapsed / f64::from(BATCH));
            last = now;
        }
        self.rates.push(f64::from(reads) / begun.elapsed().as_secs_f64());
    }

    fn print(&mut self) {
        let (rate, least) = (percentile(&mut self.rates, 50), self.rates[0]);
        let most = self.rates[self.rates.len() - 1];
        let [p50, p99] = [50, 99].map(|percent| percentile(&mut self.batches_ns, percent));
        println!(
            "{{\"case\":\"reads: {}\",\"per_second\":{rate:.0},\"least\":{least:.0},\"most\":{most:.0},\"p50_ns\":{p50:.1},\"p99_ns\":{p99:.1},\"errors\":{}}}",
            self.name, self.errors
        );
    }
}

fn without() -> State {
    State::new("without Redis", None, None)
}

fn healthy() -> State {
    State::new("healthy", Some(server()), None)
}

fn hung() -> State {
    let state = State::new("hung", Some(server()), None);
    state._server.as_ref().expect("it has one").pause().expect("it stops");
    state
}

fn refused() -> State {
    let mut state = State::new("refused", Some(server()), None);
    state._server.as_mut().expect("it has one").kill().expect("it ends");
    state
}

fn black_holed() -> State {
    let server = server();
    let proxy = FaultProxy::start(server.address()).expect("a relay");
    let state = State::new("black-holed", Some(server), Some(proxy));
    state._proxy.as_ref().expect("it has one").set_fault(Fault::BlackHole).expect("it does");
    state
}

fn server() -> RedisServer {
    RedisServer::start().expect("a Redis server")
}
