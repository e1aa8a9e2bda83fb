//! Far more messages than changes.

use testkit::{RedisClient, RedisServer};

use crate::harm::{heals, is_unharmed, open};
use crate::stage::{Folder, at, until};

const MESSAGES: usize = 100_000;
/// Messages sent before their replies are read, so that neither side waits for the other.
const AT_ONCE: usize = 500;

#[test]
fn a_storm_of_messages_delays_nothing_that_matters() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let worker = open(&folder, &at(server.port()));
    let other = open(&folder, &at(server.port()));
    heals(&worker, &server, &folder);
    let before = worker.counters();
    let far = format!("1 v2/clip {} {} x", 1_u64 << 52, "ab".repeat(32));
    let garbage = "x".repeat(300);
    let said = [
        ("horde:model_ref:coh:changes", far.as_str()),
        ("horde:model_ref:coh:changes", garbage.as_str()),
        ("horde:model_ref:invalidate", "clip"),
        ("horde:model_ref:invalidate", "no category"),
    ];
    std::thread::scope(|scope| {
        let sent = scope.spawn(|| {
            let mut client = RedisClient::connect(server.address()).unwrap();
            for batch in 0..MESSAGES / AT_ONCE {
                for number in 0..AT_ONCE {
                    let (channel, message) = said[(batch * AT_ONCE + number) % said.len()];
                    client.send(&["PUBLISH", channel, message]).unwrap();
                }
                for _ in 0..AT_ONCE {
                    let deadline = std::time::Instant::now() + crate::stage::SOON;
                    client.next_reply(deadline).unwrap().expect("no reply");
                }
            }
        });
        let mut round = 0;
        while !sent.is_finished() || round < 3 {
            let name = format!("m{round}");
            is_unharmed(&worker, &name);
            until("it is seen", || other.shows(&name));
            round += 1;
        }
        sent.join().unwrap();
    });
    until("all is heard, or it is known that it is not", || {
        let counters = worker.counters();
        let heard = counters.changes_heard - before.changes_heard
            + (counters.invalidations_heard - before.invalidations_heard)
            + (counters.nonsense_heard - before.nonsense_heard);
        heard >= MESSAGES as u64 || counters.gaps > before.gaps
    });
    heals(&worker, &server, &folder);
}
