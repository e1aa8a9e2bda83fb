//! Copies are stored once there is a way to, without anybody having to miss them first.

use horde_model_reference::settings;
use testkit::{FaultProxy, RedisServer};

use crate::stage::{Folder, at, copy, until, with_comparisons_every};

#[test]
fn a_copy_whose_connection_was_broken_is_stored_by_the_next_one() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let proxy = FaultProxy::start(server.address()).unwrap();
    // Nobody finds out what is missing: a new subscription would compare, and so would time. What is
    // compared but once must not be given up because the machine is busy.
    let settings = settings::Redis {
        use_pubsub: false,
        command_budget_ms: settings::positive(5_000),
        ..at(proxy.port())
    };
    let worker = folder.open(&with_comparisons_every(600_000, settings));
    for round in 0..3 {
        let name = format!("m{round}");
        worker.put(&name);
        until("the copy is there", || copy(&server).is_some_and(|copy| copy.contains(&name)));
        // Each connection is only found to be broken when it is used.
        proxy.cut_connections();
    }
}
