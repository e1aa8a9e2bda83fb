//! Copies in Redis: stored for others, taken only when they are proven to be what the file holds.

use horde_model_reference::settings::L2Read;
use testkit::RedisServer;

use crate::stage::{COPY, Folder, at, copy, records, until};

/// A server that has everything, and a folder whose files are old enough to be proven.
fn filled(folder: &Folder) -> RedisServer {
    let server = RedisServer::start().unwrap();
    let first = folder.open(&at(server.port()));
    first.await_live();
    first.put("m");
    let proof = folder.path().join(".coherence/clip.json.settled");
    let digest = first.primary.category_blocking(crate::stage::CLIP).view.generation().to_string();
    until("the file is proven", || {
        std::fs::read_to_string(&proof).is_ok_and(|proof| proof.contains(&digest))
    });
    until("the copy is there", || copy(&server).is_some_and(|copy| copy.contains("\"m\"")));
    server
}

#[test]
fn a_process_that_starts_takes_copies_instead_of_reading_files() {
    let folder = Folder::new();
    let server = filled(&folder);
    let second = folder.open(&at(server.port()));
    assert!(second.counters().copy_hits > 0, "{:?}", second.counters());
    assert!(second.shows("m"));
    second.put("n");
    assert!(second.shows("n"));
}

#[test]
fn a_copy_that_is_not_what_the_file_holds_is_not_taken() {
    let folder = Folder::new();
    let server = filled(&folder);
    server.command(&["SET", COPY, &records(&["poison"])]).unwrap();
    let second = folder.open(&at(server.port()));
    assert!(second.shows("m") && !second.shows("poison"));
    assert!(second.counters().copies_refused > 0);
    until("it is replaced", || copy(&server).is_some_and(|copy| copy.contains("\"m\"")));
}

#[test]
fn a_file_that_was_changed_since_is_read() {
    let folder = Folder::new();
    let server = filled(&folder);
    folder.write("clip.json", &records(&["edited"]));
    let second = folder.open(&at(server.port()));
    assert_eq!(second.names(), ["edited"]);
}

#[test]
fn nobody_takes_copies_who_is_told_not_to() {
    let folder = Folder::new();
    let server = filled(&folder);
    server.command(&["DEL", COPY]).unwrap();
    let mut settings = at(server.port());
    settings.l2_read = L2Read::Off;
    let second = folder.open(&settings);
    second.await_live();
    assert!(second.shows("m"));
    let counters = second.counters();
    assert_eq!((counters.copy_hits, counters.copy_misses, counters.fills), (0, 0, 0));
}

#[test]
fn a_copy_lives_as_long_as_is_said() {
    for (argument, setting, expected) in
        [(None, None, 3600), (None, Some(70), 70), (Some(50), Some(70), 50), (Some(0), Some(70), 0)]
    {
        let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
        let mut settings = at(server.port());
        settings.ttl_seconds = setting;
        let _worker = folder.open_living(&settings, argument);
        until("the copy is there", || copy(&server).is_some());
        let left = server.command(&["TTL", COPY]).unwrap().integer().unwrap();
        match expected {
            0 => assert_eq!(left, -1),
            seconds => assert!((seconds - 5..=seconds).contains(&left), "{left} of {seconds}"),
        }
    }
}

#[test]
fn a_newer_copy_is_served_marked_where_the_file_cannot_be_read() {
    let folder = Folder::new();
    let server = filled(&folder);
    // Not even root can read this.
    let path = folder.path().join("clip.json");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let second = folder.open(&at(server.port()));
    // A busy server may not answer in time at first.
    until("the copy is served", || {
        let read = second.primary.category_blocking(crate::stage::CLIP);
        assert!(!read.fresh);
        read.view.records().is_some_and(|records| records.contains_key("m"))
    });
    assert!(second.counters().copies_instead > 0);
}
