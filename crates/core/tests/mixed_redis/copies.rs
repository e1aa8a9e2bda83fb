//! What workers of the reference keep in Redis, in their own format and maybe stale, reaches no reader
//! of ours.

use horde_model_reference::{Format, Json};
use testkit::RedisServer;

use crate::peer::Peer;
use crate::stage::{CLIP, COPY, Folder, Worker, at, copy, soon, until};

const METADATA: [(&str, &str); 2] = [
    ("horde:model_ref:meta:v2:clip", "meta/v2/clip_metadata.json"),
    ("horde:model_ref:meta:legacy:clip", "meta/legacy/clip_metadata.json"),
];

fn file(folder: &Folder, name: &str) -> Option<String> {
    std::fs::read_to_string(folder.path().join(name)).ok()
}

fn value(server: &RedisServer, key: &str) -> Option<String> {
    server.command(&["GET", key]).unwrap().text()
}

/// Waits until a worker that starts can prove what the file holds, and so asks for its copy.
fn until_proven(folder: &Folder, worker: &Worker) {
    let digest = worker.primary.category_blocking(CLIP).view.generation().to_string();
    until("the file is proven", || {
        file(folder, ".coherence/clip.json.settled").is_some_and(|proof| proof.contains(&digest))
    });
}

/// Starts a worker that meets this copy; it must hold these names nevertheless.
fn meets(server: &RedisServer, folder: &Folder, theirs: &str, names: &[&str]) -> Worker {
    // A busy server may not be there in time, and then nobody asks it.
    soon(|| {
        server.command(&["SET", COPY, theirs]).unwrap();
        let worker = folder.open(&at(server.port()));
        assert_eq!(worker.names(), names);
        let counters = worker.counters();
        if counters.copies_refused > 0 { Ok(worker) } else { Err(counters) }
    })
}

#[test]
fn a_stale_copy_of_theirs_and_one_in_their_format_are_refused_and_replaced() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let Some(mut peer) = Peer::start(&server, &folder) else { return };
    let writer = folder.open(&at(server.port()));
    writer.await_live();
    peer.is_held("held_read");
    writer.put("m");
    until_proven(&folder, &writer);
    until("it is copied", || copy(&server) == file(&folder, "clip.json"));
    // Nobody of ours is there to notice what they do now.
    drop(writer);
    assert_eq!(peer.goes_on().as_array().map(<[_]>::len), Some(1));
    let stale = copy(&server).unwrap();
    assert!(!stale.contains("\"m\""));
    let _second = meets(&server, &folder, &stale, &["first", "m"]);
    until("it is replaced", || copy(&server) == file(&folder, "clip.json"));

    peer.does("read");
    let (theirs, held) = (copy(&server).unwrap(), file(&folder, "clip.json").unwrap());
    assert_ne!(theirs, held);
    let parsed = [&theirs, &held].map(|text| Json::parse(text.as_bytes()).unwrap());
    assert_eq!(parsed[0], parsed[1]);
    let _third = meets(&server, &folder, &theirs, &["first", "m"]);
    until("it is replaced", || copy(&server) == file(&folder, "clip.json"));
    let left = server.command(&["TTL", COPY]).unwrap().integer().unwrap();
    assert!(left > 60, "theirs live for a minute, and this one for {left} s");
}

/// The name of the record that was written last, as a reader of ours is told.
fn last_written(worker: &Worker) -> Option<String> {
    let read = worker.block_on(worker.primary.metadata(Format::V2));
    let metadata = Json::parse(&read.view.category(CLIP).identity.bytes).unwrap();
    metadata.get("last_operation_model")?.as_str().map(str::to_owned)
}

#[test]
fn their_metadata_in_redis_do_not_outlive_a_write_of_ours_and_reach_nobody() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let Some(mut peer) = Peer::start(&server, &folder) else { return };
    let ours = folder.open(&at(server.port()));
    ours.await_live();
    for round in 0..3 {
        let (mine, theirs) = (format!("rs-{round}"), format!("py-{round}"));
        peer.does(&format!("update {theirs}"));
        until("its metadata are read", || last_written(&ours).as_ref() == Some(&theirs));
        // What we announce late makes those of theirs go.
        let stale = soon(|| {
            assert_eq!(peer.does("metadata").as_str(), Some(&*theirs));
            match METADATA.map(|(key, _)| value(&server, key)) {
                [Some(v2), Some(legacy)] => Ok([v2, legacy]),
                missing => Err(missing),
            }
        });
        assert!(stale[0].contains(&theirs));
        ours.put(&mine);
        until("they are gone, or are those of now", || {
            METADATA.iter().all(|(key, name)| {
                let parsed = |text: String| Json::parse(text.as_bytes()).unwrap();
                let (value, file) = (value(&server, key), file(&folder, name));
                value.is_none() || value.map(parsed) == file.map(parsed)
            })
        });
        assert_eq!(peer.does("metadata").as_str(), Some(&*mine));
        // As if one of theirs had put them there later than it read them.
        for ((key, _), stale) in METADATA.iter().zip(&stale) {
            server.command(&["SET", key, stale]).unwrap();
        }
        let second = folder.open(&at(server.port()));
        assert_eq!(last_written(&second).as_ref(), Some(&mine));
        assert_eq!(last_written(&ours).as_ref(), Some(&mine));
    }
}
