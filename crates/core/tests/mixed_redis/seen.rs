//! What each kind of worker writes is seen by the other, by message, and nothing is dropped.

use std::collections::BTreeSet;

use horde_model_reference::Json;
use testkit::RedisServer;

use crate::peer::Peer;
use crate::shown;
use crate::stage::{CLIP, Folder, Worker, at, by_message_only, copy, recorded, soon, until};

const ROUNDS: usize = 20;

/// A server, a folder, and two workers of the reference; nothing where they cannot be run.
fn scene() -> Option<(RedisServer, Folder, [Peer; 2])> {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let peers = [Peer::start(&server, &folder)?, Peer::start(&server, &folder)?];
    Some((server, folder, peers))
}

fn open(folder: &Folder, server: &RedisServer) -> Worker {
    let worker = folder.open_with(&at(server.port()), by_message_only());
    worker.await_live();
    worker
}

fn file(folder: &Folder) -> String {
    std::fs::read_to_string(folder.path().join("clip.json")).unwrap()
}

#[test]
fn what_we_write_is_read_by_all_of_theirs() {
    let Some((server, folder, mut peers)) = scene() else { return };
    let ours = open(&folder, &server);
    until("everything is announced", || copy(&server).is_some());
    for round in 0..ROUNDS {
        let name = format!("rs-{round}");
        // What they read they put into Redis.
        let before = peers.each_mut().map(|peer| {
            assert!(!peer.names("read").contains(&name));
            peer.heard()
        });
        ours.put(&name);
        for (peer, before) in peers.iter_mut().zip(before) {
            until("they have heard of it", || peer.heard() > before);
        }
        let copied = copy(&server);
        assert!(copied.is_none() || copied == Some(file(&folder)), "{copied:?}");
        let is_copied = round % 2 == 1;
        if is_copied {
            until("our copy is there", || copy(&server) == Some(file(&folder)));
        }
        for peer in &mut peers {
            assert!(peer.names("read_async").contains(&name));
        }
        // Had they not found it, they would have put theirs there.
        assert!(!is_copied || copy(&server) == Some(file(&folder)));
        for peer in &mut peers {
            assert!(peer.names("read").contains(&name));
        }
    }
    let read: BTreeSet<_> = peers[0].names("read").into_iter().collect();
    assert_eq!(read, shown(&ours));
    assert_eq!(read.len(), 1 + ROUNDS);
    println!("{ROUNDS} writes of ours, each read by two of theirs in both ways");
}

/// Waits until workers of ours show what is in the file, under one name that is announced, and its copy
/// is stored.
fn until_known(server: &RedisServer, folder: &Folder, ours: &[Worker]) {
    soon(|| {
        let (file, recorded, copy) = (file(folder), recorded(server), copy(server));
        let Ok(Json::Object(records)) = Json::parse(file.as_bytes()) else { return Err(file) };
        let named = recorded.as_ref().map(|(generation, _)| *generation);
        // Whoever could not have the lock at once serves it without a name until the next look, and
        // here nobody looks for minutes.
        let strong = |worker: &Worker| worker.block_on(worker.primary.category_strong(CLIP)).view;
        let held = ours.iter().map(strong);
        let is_held = held.map(|held| {
            let is_named = held.generation().is_some() && named == Some(held.generation().get());
            (is_named, held.records().is_some_and(|held| held.keys().eq(records.keys())))
        });
        let is_held: Vec<_> = is_held.collect();
        if is_held.iter().all(|is_held| *is_held == (true, true)) && copy.as_ref() == Some(&file) {
            return Ok(());
        }
        let counters: Vec<_> = ours.iter().map(Worker::counters).collect();
        Err(format!("{is_held:?} of {file} {recorded:?}, copy {copy:?}; {counters:#?}"))
    });
}

#[test]
fn what_they_write_is_heard_adopted_announced_and_copied_and_nothing_is_dropped() {
    let Some((server, folder, mut peers)) = scene() else { return };
    let ours = [open(&folder, &server), open(&folder, &server)];
    until_known(&server, &folder, &ours);
    // Who subscribes while others announce may hear half of it.
    let heard = ours.each_ref().map(|worker| worker.counters().invalidations_heard);
    let mut expected = BTreeSet::from(["first".to_owned()]);
    let mut written = 0;
    for round in 0..ROUNDS {
        let (mine, theirs) = (format!("rs-{round}"), format!("py-{round}"));
        ours[round % 2].put(&mine);
        peers[round % 2].does(&format!("update {theirs}"));
        written += 1;
        for worker in &ours {
            until("it was heard", || shown(worker).contains(&theirs));
            assert!(shown(worker).contains(&mine));
        }
        until_known(&server, &folder, &ours);
        expected.extend([mine, theirs]);
        if round % 3 == 2 {
            // Records of both kinds.
            for gone in [format!("py-{}", round - 1), format!("rs-{}", round - 1)] {
                peers[(round + 1) % 2].does(&format!("delete {gone}"));
                written += 1;
                for worker in &ours {
                    until("it was heard", || !shown(worker).contains(&gone));
                }
                until_known(&server, &folder, &ours);
                expected.remove(&gone);
            }
        }
    }
    for (worker, before) in ours.iter().zip(heard) {
        assert_eq!(shown(worker), expected);
        assert_eq!(worker.counters().invalidations_heard - before, written);
        assert!(worker.redis().status().is_mixed);
    }
    for peer in &mut peers {
        assert_eq!(peer.names("read").into_iter().collect::<BTreeSet<_>>(), expected);
    }
    let adopted: u64 = ours.iter().map(|worker| worker.primary.file_statistics().adoptions).sum();
    assert!(adopted >= written, "{adopted} of {written}");
    println!("{ROUNDS} writes of ours, {written} of theirs in turn: all there, all heard");
}

#[test]
fn ours_hear_theirs_again_after_the_server_was_killed() {
    let (mut server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let Some(mut peer) = Peer::start(&server, &folder) else { return };
    let ours = open(&folder, &server);
    peer.does("update before");
    until("it was heard", || shown(&ours).contains("before"));
    for round in 0..3 {
        let gaps = ours.counters().gaps;
        server.kill().unwrap();
        let (mine, theirs) = (format!("rs-{round}"), format!("py-{round}"));
        ours.put(&mine);
        until("it was noticed", || ours.counters().gaps > gaps);
        server.restart().unwrap();
        ours.await_live();
        peer.does(&format!("update {theirs}"));
        until("it was heard", || shown(&ours).contains(&theirs));
        assert!(shown(&ours).contains(&mine));
        until_known(&server, &folder, std::slice::from_ref(&ours));
        // Their listener ends with the connection and is not started again, so nothing is asked of it:
        // without messages they read what the file's time of modification tells them to.
        let read = peer.names("read");
        assert!(read.contains(&mine) && read.contains(&theirs));
    }
}
