//! What the news cost at least: a bare name, published to bare subscribers with the same client library.

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client};
use testkit::RedisServer;

use super::stage::{CATEGORY, Watcher, now_ns, runtime, tell};

const CHANNEL: &str = "bare";

/// A client of the server at a port of this machine.
pub(crate) fn client(port: u16) -> Client {
    Client::open(format!("redis://127.0.0.1:{port}")).expect("an address")
}

/// A connection like those that the cache makes.
pub(crate) async fn connect(port: u16) -> MultiplexedConnection {
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    let connection = client(port);
    let connection = connection.get_multiplexed_async_connection_with_config(&config);
    connection.await.expect("the server answers")
}

/// Counts messages, and tells when each came; first that it listens.
pub(crate) fn subscribe(port: u16) {
    use futures_util::StreamExt;

    runtime().block_on(async {
        let mut subscription = client(port).get_async_pubsub().await.expect("the server answers");
        subscription.subscribe(CHANNEL).await.expect("it may listen");
        let mut messages = subscription.into_on_message();
        let mut count = 1;
        while tell(count) && messages.next().await.is_some() {
            count += 1;
        }
    });
}

/// From the beginning of each publication until the slowest of `processes` has it, in milliseconds.
pub(crate) fn published(server: &RedisServer, processes: usize, turns: usize) -> Vec<f64> {
    let port = server.port().to_string();
    let watchers: Vec<_> = (0..processes).map(|_| Watcher::start(&["subscribe", &port])).collect();
    for watcher in &watchers {
        watcher.saw(1);
    }
    let runtime = runtime();
    let mut connection = runtime.block_on(connect(server.port()));
    let publish = redis::cmd("PUBLISH").arg(CHANNEL).arg(CATEGORY.name()).to_owned();
    let mut times = Vec::with_capacity(turns);
    for turn in 1..=turns as u64 {
        std::thread::sleep(super::seen::pause(turn));
        let begun = now_ns();
        let told = runtime.block_on(publish.query_async::<usize>(&mut connection));
        assert_eq!(told.expect("is published"), processes);
        let seen = watchers.iter().map(|watcher| watcher.saw(turn + 1));
        times.push(seen.max().unwrap_or(begun).saturating_sub(begun) as f64 / 1e6);
    }
    times
}
