//! What a process must do whatever happens to Redis, and what must become true afterwards.

use horde_model_reference::generation::Digest;
use horde_model_reference::{Options, settings};
use testkit::RedisServer;

use crate::stage::{CLIP, Folder, SOON, Worker, copy, recorded, until};

const READS: usize = 10_000;

/// Opens the folder for a process that looks as often as usual, but whose reads are fresh even where
/// the machine has so much to do that its looks come late.
pub(crate) fn open(folder: &Folder, settings: &settings::Redis) -> Worker {
    let mut options = Options::default();
    options.leases.lease = SOON;
    folder.open_with(settings, options)
}

/// Writes are acknowledged and seen at once, and thousands of reads are fresh.
pub(crate) fn is_unharmed(worker: &Worker, name: &str) {
    let committed = worker.put(name);
    assert!(worker.shows(name));
    for _ in 0..READS {
        let read = worker.primary.category_blocking(CLIP);
        assert!(read.fresh && read.view.generation() >= committed.generation);
    }
    assert!(worker.shows(name));
}

/// Waits until the worker hears of everything, and Redis says what the file says, copy and all.
pub(crate) fn heals(worker: &Worker, server: &RedisServer, folder: &Folder) {
    worker.await_live();
    until("redis says what the file says", || says_the_file(worker, server, folder));
}

fn says_the_file(worker: &Worker, server: &RedisServer, folder: &Folder) -> bool {
    let file = std::fs::read_to_string(folder.path().join("clip.json")).unwrap();
    let read = worker.primary.category_blocking(CLIP);
    let expected = (read.view.generation().get(), Digest::of(file.as_bytes()).to_string());
    recorded(server) == Some(expected) && copy(server) == Some(file)
}
