//! The connection of a subscription: to the plain channels, which any node carries, or to the sharded
//! channel of a cluster, which lies where the keys are, so that news and record fail over together.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ::redis::aio::{ConnectionLike, MultiplexedConnection, PubSubSink, PubSubStream};
use ::redis::{Msg, PushInfo, PushKind, RedisResult, Value, cmd};
use futures_util::StreamExt;
use tokio::sync::mpsc::{self, Receiver};

use super::connect::{Led, Server};

/// Messages of a shard that may wait to be heard. One more is missed, which ends the subscription.
const WAITING: usize = 256;

/// What a subscription is kept alive through.
pub(super) enum Line {
    Plain(PubSubSink),
    Sharded(MultiplexedConnection),
}

/// What is heard through it.
pub(super) enum Messages {
    Plain(PubSubStream),
    Sharded { pushes: Receiver<PushInfo>, has_missed: Arc<AtomicBool> },
}

/// Subscribes to plain channels.
pub(super) async fn subscribe(
    server: &Server,
    led: &Led,
    channels: &[String],
) -> RedisResult<(Line, Messages)> {
    let (mut sink, stream) = server.subscribe(led).await?.split();
    // One by one: on a cluster each may lie elsewhere.
    for channel in channels {
        sink.subscribe(channel).await?;
    }
    Ok((Line::Plain(sink), Messages::Plain(stream)))
}

/// Subscribes to a sharded channel, wherever it lies.
pub(super) async fn subscribe_to_shard(
    server: &Server,
    channel: &str,
) -> RedisResult<(Line, Messages)> {
    let (sender, pushes) = mpsc::channel(WAITING);
    let has_missed = Arc::new(AtomicBool::new(false));
    let missed = Arc::clone(&has_missed);
    // Called by the connection itself, which must not wait.
    let hear = move |push: PushInfo| {
        sender.try_send(push).inspect_err(|_| missed.store(true, Ordering::Relaxed))
    };
    let connection = server.subscribe_to_shard(channel, Arc::new(hear)).await?;
    Ok((Line::Sharded(connection), Messages::Sharded { pushes, has_missed }))
}

impl Line {
    /// Whether the server is still there.
    pub(super) async fn ping(&mut self) -> RedisResult<()> {
        match self {
            Self::Plain(sink) => sink.ping::<Value>().await.map(drop),
            Self::Sharded(connection) => {
                connection.req_packed_command(&cmd("PING")).await?.extract_error().map(drop)
            }
        }
    }
}

impl Messages {
    /// The next message, or why there will be none.
    pub(super) async fn next(&mut self) -> Result<Msg, &'static str> {
        match self {
            Self::Plain(stream) => stream.next().await.ok_or("the connection ended"),
            Self::Sharded { pushes, has_missed } => loop {
                let push = pushes.recv().await.ok_or("the connection ended")?;
                if has_missed.load(Ordering::Relaxed) {
                    return Err("more messages came than could be heard");
                }
                match push.kind {
                    PushKind::Disconnection => return Err("the connection ended"),
                    PushKind::SUnsubscribe => return Err("the shard has moved to another node"),
                    _ => {}
                }
                if let Some(message) = Msg::from_push_info(push) {
                    return Ok(message);
                }
            },
        }
    }
}
