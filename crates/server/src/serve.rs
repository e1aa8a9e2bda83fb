//! Connections: who is let in, on which thread they are served, how long they may take, how they end.
//!
//! One thread accepts; as many as there are cores serve, each with a runtime of its own, so that a
//! request is answered on the core that read it and never waits for another. Connections are dealt
//! out in turn. Everything has a bound: connections, time for a request's head, time without
//! progress of an answer, time to stop.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use tokio::runtime::Runtime;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connection::Connection;

/// Bounds on connections.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Threads that serve; 0 means one for each core.
    pub threads: usize,
    /// Connections at a time; more wait in the system's queue.
    pub connections: usize,
    /// Time a client has for the head of a request, also for the first byte of the next one.
    pub head: Duration,
    /// Time an answer may make no progress because the client does not read.
    pub stall: Duration,
    /// Time that answers under way have when the server stops.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            threads: 0,
            connections: 4096,
            head: Duration::from_secs(10),
            stall: Duration::from_secs(30),
            grace: Duration::from_secs(10),
        }
    }
}

/// Largest head of a request, in bytes: one that is not whole when so much of it waits is answered 431.
const LARGEST_HEAD: usize = 32 * 1024;
/// Connections that may wait for a serving thread to take them.
const HAND_OVER: usize = 256;

/// What answers a request. Cheap to clone.
pub trait Handler: Clone + Send + 'static {
    /// A connection is served from now on.
    fn opened(&self) {}

    /// It has ended.
    fn closed(&self) {}

    /// Answers `request`, which came from `peer`.
    fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> impl Future<Output = Response> + Send;
}

/// Time for a connection without an answer yet to send its request when the server stops.
const LAST_REQUEST: Duration = Duration::from_millis(500);

/// An accepted connection and its place among those that are allowed.
struct Accepted {
    stream: std::net::TcpStream,
    peer: SocketAddr,
    place: OwnedSemaphorePermit,
}

/// A connection that is being served, as long as it lives.
struct Open<H: Handler>(H);

impl<H: Handler> Open<H> {
    fn of(handler: &H) -> Self {
        handler.opened();
        Self(handler.clone())
    }
}

impl<H: Handler> Drop for Open<H> {
    fn drop(&mut self) {
        self.0.closed();
    }
}

/// Serves `listener` until `stop`, then lets answers under way end. Returns when all threads have.
pub fn serve<H: Handler>(
    listener: TcpListener,
    handler: H,
    limits: Limits,
    stop: &CancellationToken,
) -> std::io::Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if limits.threads == 0 { cores } else { limits.threads };
    listener.set_nonblocking(true)?;
    std::thread::scope(|scope| {
        let mut workers = Vec::with_capacity(threads);
        for number in 0..threads {
            let (hand_over, accepted) = mpsc::channel(HAND_OVER);
            let (handler, stop) = (handler.clone(), stop.clone());
            let runtime = runtime()?;
            std::thread::Builder::new().name(format!("serve-{number}")).spawn_scoped(
                scope,
                move || {
                    serve_on_this_thread(&runtime, accepted, handler, limits, stop);
                },
            )?;
            workers.push(hand_over);
        }
        runtime()?.block_on(accept(listener, workers, limits.connections, stop))
    })
}

fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

async fn accept(
    listener: TcpListener,
    workers: Vec<mpsc::Sender<Accepted>>,
    connections: usize,
    stop: &CancellationToken,
) -> std::io::Result<()> {
    let last_ones = listener.try_clone()?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let places = Arc::new(Semaphore::new(connections));
    for worker in workers.iter().cycle() {
        let accept = async {
            let place = Arc::clone(&places).acquire_owned().await.ok()?;
            let (stream, peer) = accept_one(&listener).await;
            Some(Accepted { stream, peer, place })
        };
        let accepted = tokio::select! {
            accepted = accept => accepted,
            () = stop.cancelled() => None,
        };
        let Some(accepted) = accepted else { break };
        // The hand-over comes first: whoever was accepted is answered, also at a stop. A worker's queue
        // is full only if its thread is stuck.
        tokio::select! {
            biased;
            _ = worker.send(accepted) => {}
            () = stop.cancelled() => break,
        }
    }
    // Who connected before the stop is answered: when the socket closes, the system would turn
    // them away though another process may be listening at the same port.
    let mut workers = workers.iter().cycle();
    // Without a place nobody is accepted, and stays for the other process.
    while let (Ok(place), Some(worker)) = (Arc::clone(&places).try_acquire_owned(), workers.next())
        && let Ok((stream, peer)) = last_ones.accept()
    {
        let _ = worker.try_send(Accepted { stream, peer, place });
    }
    Ok(())
}

/// The next connection. Out of file descriptors is a state that passes: it is waited for.
async fn accept_one(listener: &tokio::net::TcpListener) -> (std::net::TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => match stream.into_std() {
                Ok(stream) => return (stream, peer),
                Err(error) => tracing::debug!(%error, "connection lost before it was served"),
            },
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept connections; trying again in a moment");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn is_of_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

fn serve_on_this_thread<H: Handler>(
    runtime: &Runtime,
    mut accepted: mpsc::Receiver<Accepted>,
    handler: H,
    limits: Limits,
    stop: CancellationToken,
) {
    runtime.block_on(async {
        let under_way = TaskTracker::new();
        // Ends when the accepting thread has, and with it the last connection handed over.
        while let Some(connection) = accepted.recv().await {
            under_way.spawn(serve_connection(connection, handler.clone(), limits, stop.clone()));
        }
        under_way.close();
        if tokio::time::timeout(limits.grace, under_way.wait()).await.is_err() {
            tracing::warn!(connections = under_way.len(), "connections cut off at the stop");
        }
    });
}

async fn serve_connection<H: Handler>(
    accepted: Accepted,
    handler: H,
    limits: Limits,
    stop: CancellationToken,
) {
    let Accepted { stream, peer, place } = accepted;
    let stream = match Connection::new(stream, limits.stall) {
        Ok(stream) => stream,
        Err(error) => {
            tracing::debug!(%peer, %error, "connection lost before it was served");
            return;
        }
    };
    let _open = Open::of(&handler);
    let answered = Arc::new(Notify::new());
    let first_answer = Arc::clone(&answered);
    let service = service_fn(move |request| {
        let (handler, answered) = (handler.clone(), Arc::clone(&answered));
        async move {
            let response = handler.answer(request, peer).await;
            answered.notify_one();
            Ok::<Response<Body>, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(stream, service);
    let mut connection = std::pin::pin!(connection);
    // Who connected just before the stop has a moment to be heard.
    let end = async {
        stop.cancelled().await;
        let _ = tokio::time::timeout(LAST_REQUEST, first_answer.notified()).await;
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = end => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "connection ended early");
    }
    drop(place);
}
