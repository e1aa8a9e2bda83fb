//! Watching whom Sentinels call the primary, over connections that are kept.
//!
//! One Sentinel is asked each time, in turn, because one that is cut off from the others would go on
//! naming the old primary. What it says is only a reason to find out: that takes new connections.

use std::time::Duration;

use ::redis::aio::{ConnectionLike, MultiplexedConnection};
use ::redis::{FromRedisValue, RedisResult, cmd};

use super::Shared;
use super::connect::Server;

/// How often one is asked.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Connections to the Sentinels, as far as they have been asked and have answered.
struct Kept<'a> {
    server: &'a Server,
    connections: Vec<Option<MultiplexedConnection>>,
    next: usize,
}

impl Shared {
    /// Lets go of connections to a server that is not the primary any more: it may go on answering.
    pub(super) async fn watch_primary(&self) {
        let mut sentinels = Kept::of(&self.server);
        let mut known = None;
        loop {
            tokio::time::sleep(ASK_EVERY).await;
            let Some(said) = sentinels.ask_the_next().await else { continue };
            if !self.is_led_elsewhere(&said) {
                known = None;
                continue;
            }
            let Some(address) = self.server.primary_address().await else { continue };
            // A Sentinel that is cut off from the others may be the first to answer, once.
            if known.replace(address.clone()) != Some(address.clone()) {
                continue;
            }
            self.commands.leave_for(&address);
            self.values.leave_for(&address);
            if self.heard.led.is_elsewhere(&address) {
                // Nobody waits for it while the subscription is being made; then the next time.
                self.moved.notify_waiters();
            }
        }
    }

    fn is_led_elsewhere(&self, address: &str) -> bool {
        self.commands.leads_elsewhere(address)
            || self.values.leads_elsewhere(address)
            || self.heard.led.is_elsewhere(address)
    }
}

impl<'a> Kept<'a> {
    fn of(server: &'a Server) -> Self {
        let connections = server.sentinels().iter().map(|_| None).collect();
        Self { server, connections, next: 0 }
    }

    /// What the next Sentinel says that answers; `None` if none does, or there are none.
    async fn ask_the_next(&mut self) -> Option<String> {
        for _ in 0..self.connections.len() {
            let place = self.next;
            self.next = (place + 1) % self.connections.len();
            let asked = tokio::time::timeout(self.server.patience_with_one(), self.ask(place));
            // The connection of one that does not answer is gone.
            if let Ok(Ok(address)) = asked.await {
                return Some(address);
            }
        }
        None
    }

    async fn ask(&mut self, place: usize) -> RedisResult<String> {
        let mut connection = match self.connections[place].take() {
            Some(connection) => connection,
            None => self.server.connect_to_sentinel(place).await?,
        };
        let question =
            cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(self.server.service()).to_owned();
        let answer = connection.req_packed_command(&question).await?.extract_error()?;
        self.connections[place] = Some(connection);
        let (host, port) = <(String, u16)>::from_redis_value(answer)?;
        Ok(format!("{host}:{port}"))
    }
}
