//! Changes arrive by message, from processes of ours and from workers of the reference.

use testkit::{RedisClient, RedisServer};

use crate::stage::{CLIP, Folder, at, by_message_only, copy, recorded, records, soon, until};

const CHANGES: &str = "horde:model_ref:coh:changes";
const INVALIDATIONS: &str = "horde:model_ref:invalidate";

#[test]
fn a_write_is_seen_elsewhere_without_a_look() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let settings = at(server.port());
    let writer = folder.open_with(&settings, by_message_only());
    let readers = [(); 3].map(|()| folder.open_with(&settings, by_message_only()));
    readers.iter().for_each(|reader| reader.await_live());
    writer.await_live();
    for round in 0..5 {
        let name = format!("m{round}");
        writer.put(&name);
        for reader in &readers {
            until("the reader has heard of it", || reader.shows(&name));
        }
        assert!(writer.shows(&name));
    }
    assert!(readers.iter().all(|reader| reader.counters().changes_heard > 0));
    assert!(!readers[0].redis().status().is_mixed);
}

#[test]
fn a_write_is_announced_in_the_words_of_both_kinds_of_workers_and_its_copies_go() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let writer = folder.open(&at(server.port()));
    writer.await_live();
    until("everything is announced", || copy(&server).is_some());
    let mut client = RedisClient::connect(server.address()).unwrap();
    client.subscribe(&[CHANGES, INVALIDATIONS]).unwrap();
    for kind in ["v2", "legacy"] {
        server.command(&["SET", &format!("horde:model_ref:meta:{kind}:clip"), "stale"]).unwrap();
    }
    let committed = writer.put("m");
    let mut next = || soon(|| client.next_message(crate::stage::SOON).unwrap().ok_or("silence"));
    let worker = writer.redis().worker().to_owned();
    let (generation, digest) = (committed.generation, committed.digest);
    // The write's metadata are a document of their own and may be told of first.
    let said = loop {
        let message = next();
        if message.channel == CHANGES && message.payload.starts_with(b"1 v2/clip ") {
            break message;
        }
    };
    assert_eq!(
        String::from_utf8(said.payload).unwrap(),
        format!("1 v2/clip {generation} {digest} {worker}")
    );
    let bare = next();
    assert_eq!((&*bare.channel, &*bare.payload), (INVALIDATIONS, &b"clip"[..]));
    assert_eq!(recorded(&server), Some((generation.get(), digest.to_string())));
    let legacy = server.command(&["GET", "horde:model_ref:meta:legacy:clip"]).unwrap();
    assert_eq!(legacy.text(), None);
    let file = std::fs::read_to_string(folder.path().join("clip.json")).unwrap();
    until("the copy is the file", || copy(&server).as_ref() == Some(&file));
}

#[test]
fn a_bare_name_is_enough_to_see_what_a_worker_of_the_reference_wrote() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let reader = folder.open_with(&at(server.port()), by_message_only());
    reader.await_silence();
    folder.write("clip.json", &records(&["first", "theirs"]));
    assert!(!reader.shows("theirs"));
    server.command(&["PUBLISH", INVALIDATIONS, "clip"]).unwrap();
    until("it was heard", || reader.shows("theirs"));
    let read = reader.primary.category_blocking(CLIP);
    assert!(read.view.generation().is_some());
    assert!(reader.redis().status().is_mixed);
    until("it is announced", || {
        recorded(&server).is_some_and(|(g, _)| g == read.view.generation().get())
    });
}

#[test]
fn nonsense_on_the_channels_is_counted_and_harms_nobody() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let reader = folder.open(&at(server.port()));
    reader.await_live();
    until("everything is announced", || copy(&server).is_some());
    let before = (recorded(&server), reader.names());
    let far = format!("1 v2/clip {} {} x", (1_u64 << 53) - 1, "ab".repeat(32));
    let long = "x".repeat(1 << 20);
    let words = ["", "clap", "2 v2/clip 5 absent x", "1 v2/clip", "\u{0}", &far, &long];
    for word in words {
        for channel in [CHANGES, INVALIDATIONS] {
            server.command(&["PUBLISH", channel, word]).unwrap();
        }
    }
    server.command(&["PUBLISH", CHANGES, &format!("1 v2/clip 1 {} x", "ab".repeat(32))]).unwrap();
    until("all of it was heard", || {
        let counters = reader.counters();
        counters.nonsense_heard == 2 * words.len() as u64 && counters.changes_heard == 1
    });
    assert_eq!((recorded(&server), reader.names()), before);
}

#[test]
fn without_messages_a_change_is_found_by_looking() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let mut settings = at(server.port());
    settings.use_pubsub = false;
    let (writer, reader) = (folder.open(&settings), folder.open(&settings));
    writer.put("m");
    until("it was looked at", || reader.shows("m"));
    assert_eq!(reader.counters().changes_heard, 0);
    let numsub = server.command(&["PUBSUB", "NUMSUB", CHANGES]).unwrap();
    assert!(format!("{numsub:?}").contains("Integer(0)"), "{numsub:?}");
}
