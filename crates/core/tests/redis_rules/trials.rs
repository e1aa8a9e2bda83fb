//! The trials: what goes wrong in Redis, and what must be so all the same.

use horde_model_reference::settings;
use testkit::{Fault, FaultProxy, ProxiedConnection, RedisServer, eventually};

use crate::stage::{
    CLIP, COPY, Folder, RECORD, SOON, Worker, at, by_message_only, copy, recorded, records, until,
    with_comparisons_every,
};

/// How often a process is started: one that is slow to connect reads its files.
const STARTS: usize = 5;

/// Writes, and waits until Redis has it and the file is old enough to be proven.
fn settle(server: &RedisServer, folder: &Folder, worker: &Worker, name: &str) {
    worker.put(name);
    let generation = worker.primary.category_blocking(CLIP).view.generation().to_string();
    let proof = folder.path().join(".coherence/clip.json.settled");
    until("the file is proven", || {
        std::fs::read_to_string(&proof).is_ok_and(|proof| proof.contains(&generation))
    });
    until("the copy is there", || holds(server, name));
}

fn holds(server: &RedisServer, name: &str) -> bool {
    copy(server).is_some_and(|copy| copy.contains(&format!("\"{name}\"")))
}

/// Milliseconds between comparisons that are not to happen.
const NEVER: u32 = 3_600_000;

/// A process that starts takes no copy that is not what the file holds.
pub(crate) fn a_foreign_copy() -> Result<(), String> {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let first = folder.open(&at(server.port()));
    settle(&server, &folder, &first, "m");
    for _ in 0..STARTS {
        server.command(&["SET", COPY, &records(&["poison"])]).unwrap();
        let second = folder.open(&at(server.port()));
        if second.shows("poison") || !second.shows("m") {
            return Err(format!("a foreign copy is served: {:?}", second.names()));
        }
    }
    Ok(())
}

/// Nor one that is what the file held once, although the record agrees with it.
pub(crate) fn an_outdated_copy() -> Result<(), String> {
    let (mut server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let first = folder.open(&at(server.port()));
    settle(&server, &folder, &first, "m");
    let dump = server.dump().unwrap();
    settle(&server, &folder, &first, "n");
    drop(first);
    for _ in 0..STARTS {
        server.restart_from(&dump).unwrap();
        let second = folder.open(&at(server.port()));
        if !second.shows("n") {
            return Err(format!("an outdated copy is served: {:?}", second.names()));
        }
    }
    Ok(())
}

/// What is announced after something newer was leaves the record as it is.
pub(crate) fn a_late_announcement() -> Result<(), String> {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let worker = folder.open(&with_comparisons_every(NEVER, at(server.port())));
    worker.await_live();
    worker.put("m");
    until("it is announced and copied", || holds(&server, "m"));
    let (generation, digest) = recorded(&server).unwrap();
    let ahead = generation + 1_000_000_000;
    server.command(&["HSET", RECORD, "v2/clip", &format!("{ahead}:{digest}")]).unwrap();
    let ended = |worker: &Worker| {
        let counters = worker.counters();
        counters.announced + counters.announcements_refused
    };
    let before = ended(&worker);
    worker.put("n");
    until("it was announced", || ended(&worker) > before);
    match recorded(&server) {
        Some((recorded, _)) if recorded >= ahead => Ok(()),
        other => Err(format!("the record fell from {ahead} to {other:?}")),
    }
}

/// A copy that arrives after something newer was announced is not stored.
pub(crate) fn a_late_copy() -> Result<(), String> {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let proxy = FaultProxy::start(server.address()).unwrap();
    let other = folder.open_with(&at(server.port()), by_message_only());
    other.await_live();
    other.put("m");
    until("it is announced and copied", || holds(&server, "m"));
    let patient = settings::Redis {
        use_pubsub: false,
        socket_timeout_seconds: 60.try_into().unwrap(),
        command_budget_ms: 500.try_into().unwrap(),
        value_budget_ms: 60_000.try_into().unwrap(),
        ..with_comparisons_every(NEVER, at(proxy.port()))
    };
    // It hears of nothing, and does not look.
    let late = folder.open_with(&patient, by_message_only());
    until("it is connected and has compared", || {
        let status = late.redis().status();
        status.is_connected && status.has_values && status.counters.comparisons > 0
    });
    let values = connection_for_values(&proxy, &late);
    values.set_fault(Fault::BlackHole);
    let ended = |worker: &Worker| worker.counters().fills + worker.counters().fills_refused;
    let (announced, before) = (late.counters().announced, ended(&late));
    late.put("late");
    until("it is announced", || late.counters().announced > announced);
    other.put("newer");
    until("the newer one is there", || holds(&server, "newer"));
    values.set_fault(Fault::Pass);
    until("the copy has arrived", || ended(&late) > before);
    match copy(&server) {
        Some(copy) if copy.contains("\"newer\"") => Ok(()),
        _ => Err("an older copy replaced a newer one".to_owned()),
    }
}

/// The one of the two connections without which small commands are still answered.
fn connection_for_values(proxy: &FaultProxy, worker: &Worker) -> ProxiedConnection {
    let open = proxy.connections().into_iter().filter(ProxiedConnection::is_open);
    let [one, two] = open.collect::<Vec<_>>().try_into().unwrap();
    one.set_fault(Fault::BlackHole);
    let answers = worker.block_on(worker.redis().ping());
    one.set_fault(Fault::Pass);
    if answers { one } else { two }
}

/// What Redis has lost is said again although nothing changes.
pub(crate) fn a_loss_of_everything() -> Result<(), String> {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let worker = folder.open(&at(server.port()));
    worker.await_live();
    until("it is announced and copied", || recorded(&server).is_some() && holds(&server, "first"));
    server.command(&["FLUSHALL"]).unwrap();
    let is_back = || {
        let is_there = recorded(&server).is_some() && holds(&server, "first");
        is_there.then_some(()).ok_or("Redis stays empty")
    };
    eventually(SOON, is_back).map_err(|error| error.to_string())
}

/// What was announced while there was no subscription is found when there is one again.
pub(crate) fn a_gap() -> Result<(), String> {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let proxy = FaultProxy::start(server.address()).unwrap();
    let writer = folder.open_with(&at(server.port()), by_message_only());
    let settings = with_comparisons_every(NEVER, at(proxy.port()));
    let reader = folder.open_with(&settings, by_message_only());
    [&writer, &reader].iter().for_each(|worker| worker.await_live());
    proxy.set_fault_of_new(Fault::Cut).unwrap();
    server.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).unwrap();
    until("the reader notices", || reader.counters().gaps > 0);
    let written = writer.put("m").generation.get();
    until("it is announced", || recorded(&server).is_some_and(|(known, _)| known == written));
    proxy.set_fault_of_new(Fault::Pass).unwrap();
    reader.await_live();
    let shows = || reader.shows("m").then_some(()).ok_or("what was missed is not looked for");
    eventually(SOON, shows).map_err(|error| error.to_string())
}
