//! Records that others have replaced, or filled with numbers near the end of all numbers.

use testkit::RedisServer;

use crate::stage::{CLIP, Folder, RECORD, Worker, at, copy, recorded, until};

/// No record is believed that says more.
const LARGEST: u64 = 1 << 52;
/// What is left free above what is believed.
const ROOM: u64 = 1 << 40;

/// Whether the server says what both processes hold, copy and all.
fn agrees(server: &RedisServer, workers: &[&Worker]) -> bool {
    let name = |worker: &&Worker| worker.primary.category_blocking(CLIP).view.generation().get();
    let names: Vec<_> = workers.iter().map(name).collect();
    recorded(server).is_some_and(|(recorded, _)| names.iter().all(|name| *name == recorded))
        && copy(server).is_some()
}

#[test]
fn a_record_of_another_kind_is_made_anew_by_a_comparison() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let (first, second) = (folder.open(&at(server.port())), folder.open(&at(server.port())));
    first.put("m");
    until("it is announced", || agrees(&server, &[&first, &second]));
    for put in [["LPUSH", RECORD, "x"], ["SET", RECORD, "x"], ["SADD", RECORD, "x"]] {
        server.command(&["DEL", RECORD]).unwrap();
        server.command(&put).unwrap();
        until("it is repaired", || agrees(&server, &[&first, &second]));
    }
}

#[test]
fn no_record_leaves_the_files_without_room_for_names() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let (first, second) = (folder.open(&at(server.port())), folder.open(&at(server.port())));
    let both = [&first, &second];
    first.put("m");
    until("it is announced", || agrees(&server, &both));
    let digest = "ab".repeat(32);
    let poison = |generation: u64| {
        server.command(&["HSET", RECORD, "v2/clip", &format!("{generation}:{digest}")]).unwrap();
    };
    let before = recorded(&server).unwrap().0;
    for far in [LARGEST, LARGEST - 1, LARGEST - ROOM + 1] {
        poison(far);
        until("it is overwritten", || agrees(&server, &both));
        assert_eq!(recorded(&server).unwrap().0, before, "nothing was named above {far}");
    }
    // The largest number that is believed: the file is named above it, and above that there is room.
    poison(LARGEST - ROOM);
    until("it has a new name", || {
        recorded(&server).is_some_and(|(recorded, _)| recorded > LARGEST - ROOM)
            && agrees(&server, &both)
    });
    for far in [LARGEST, LARGEST - 1] {
        poison(far);
        until("it is overwritten", || agrees(&server, &both));
    }
    let committed = second.put("n").generation.get();
    assert!((LARGEST - ROOM..LARGEST - ROOM / 2).contains(&committed), "{committed}");
    until("it is announced", || agrees(&server, &both) && first.shows("n"));
    assert_eq!(recorded(&server).unwrap().0, committed);
}
