//! A small blocking Redis client, so that tests look at a server without the library they test.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::resp_reply::{Reply, parse};

/// How long an answer may take unless [`RedisClient::set_timeout`] says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The kernel knows no shorter time-out than this one; zero would mean none.
const SHORTEST: Duration = Duration::from_millis(1);

/// One connection.
#[derive(Debug)]
pub struct RedisClient {
    stream: Stream,
    /// Received and not yet a whole reply, so that nothing is lost by a time-out.
    received: Vec<u8>,
    messages: VecDeque<Message>,
    timeout: Duration,
}

/// Something a subscription brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The channel it was published to.
    pub channel: String,
    /// The payload.
    pub payload: Vec<u8>,
}

#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl RedisClient {
    /// Connects over TCP.
    pub fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&address, TIMEOUT)
            .with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        Self::on(Stream::Tcp(stream))
    }

    /// Connects to a socket in the file system.
    pub fn connect_unix(path: &Path) -> Result<Self> {
        let stream = UnixStream::connect(path)
            .with_context(|| format!("cannot connect to {}", path.display()))?;
        Self::on(Stream::Unix(stream))
    }

    fn on(stream: Stream) -> Result<Self> {
        let timeout = TIMEOUT;
        stream.set_write_timeout(timeout)?;
        Ok(Self { stream, received: Vec::new(), messages: VecDeque::new(), timeout })
    }

    /// Another patience for answers.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    /// Sends a command and returns its reply; what the server refuses is an error that begins with
    /// the words of the server.
    ///
    /// After a time-out the late reply would be taken for that of the next command: throw the
    /// client away.
    pub fn command<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> Result<Reply> {
        match self.reply_to(arguments)? {
            Reply::Error(refusal) => bail!("{refusal}"),
            reply => Ok(reply),
        }
    }

    /// The same, with a refusal as [`Reply::Error`].
    pub fn reply_to<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> Result<Reply> {
        self.send(arguments)?;
        let deadline = Instant::now() + self.timeout;
        loop {
            match self.next_reply(deadline)?.context("no answer in time")? {
                Reply::Push(items) => self.keep_message(&items),
                reply => return Ok(reply),
            }
        }
    }

    /// Sends a command without waiting for its reply.
    pub fn send<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> Result<()> {
        let mut bytes = format!("*{}\r\n", arguments.len()).into_bytes();
        for argument in arguments {
            let argument = argument.as_ref();
            bytes.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
            bytes.extend_from_slice(argument);
            bytes.extend_from_slice(b"\r\n");
        }
        Ok(self.stream.write_all(&bytes)?)
    }

    /// Subscribes to channels and returns when the server has confirmed them all.
    pub fn subscribe(&mut self, channels: &[&str]) -> Result<()> {
        self.subscribe_by("SUBSCRIBE", channels)
    }

    /// Subscribes to patterns of channels.
    pub fn psubscribe(&mut self, patterns: &[&str]) -> Result<()> {
        self.subscribe_by("PSUBSCRIBE", patterns)
    }

    /// Subscribes to sharded channels, of one slot and at a node that has it.
    pub fn ssubscribe(&mut self, channels: &[&str]) -> Result<()> {
        self.subscribe_by("SSUBSCRIBE", channels)
    }

    fn subscribe_by(&mut self, command: &str, channels: &[&str]) -> Result<()> {
        let arguments: Vec<&str> = [command].iter().chain(channels).copied().collect();
        self.send(&arguments)?;
        let kind = command.to_lowercase();
        let deadline = Instant::now() + self.timeout;
        let mut confirmed = 0;
        while confirmed < channels.len() {
            let reply = self.next_reply(deadline)?.context("no confirmation in time")?;
            match reply {
                Reply::Error(refusal) => bail!("{refusal}"),
                Reply::Array(items) | Reply::Push(items) => {
                    if items.first().and_then(Reply::text).is_some_and(|word| word == kind) {
                        confirmed += 1;
                    } else {
                        self.keep_message(&items);
                    }
                }
                other => bail!("{command} was answered with {other:?}"),
            }
        }
        Ok(())
    }

    /// The next message of the subscriptions; `None` if there is none within `timeout`, an error if
    /// the connection ended.
    pub fn next_message(&mut self, timeout: Duration) -> Result<Option<Message>> {
        let deadline = Instant::now() + timeout;
        loop {
            if let Some(message) = self.messages.pop_front() {
                return Ok(Some(message));
            }
            match self.next_reply(deadline)? {
                Some(Reply::Array(items) | Reply::Push(items)) => self.keep_message(&items),
                Some(other) => bail!("{other:?} came instead of a message"),
                None => return Ok(None),
            }
        }
    }

    /// Keeps `items` if they are a message; confirmations and the like are dropped.
    fn keep_message(&mut self, items: &[Reply]) {
        let kind = items.first().and_then(Reply::text);
        let channel_and_payload = match (kind.as_deref(), items) {
            (Some("message" | "smessage"), [_, channel, payload]) => Some((channel, payload)),
            (Some("pmessage"), [_, _, channel, payload]) => Some((channel, payload)),
            _ => None,
        };
        let Some((channel, payload)) = channel_and_payload else { return };
        let (Some(channel), Reply::Bulk(payload)) = (channel.text(), payload) else { return };
        self.messages.push_back(Message { channel, payload: payload.clone() });
    }

    /// The next reply of any kind; `None` when it has not come by the deadline.
    pub fn next_reply(&mut self, deadline: Instant) -> Result<Option<Reply>> {
        let mut chunk = vec![0; 64 * 1024];
        loop {
            if let Some((reply, length)) = parse(&self.received)? {
                self.received.drain(..length);
                return Ok(Some(reply));
            }
            let left = deadline.saturating_duration_since(Instant::now()).max(SHORTEST);
            self.stream.set_read_timeout(left)?;
            match self.stream.read(&mut chunk) {
                Ok(read) => {
                    ensure!(read > 0, "the server closed the connection");
                    self.received.extend_from_slice(&chunk[..read]);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    if Instant::now() >= deadline {
                        return Ok(None);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Stream {
    fn set_read_timeout(&self, timeout: Duration) -> std::io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_read_timeout(Some(timeout)),
            Self::Unix(stream) => stream.set_read_timeout(Some(timeout)),
        }
    }

    fn set_write_timeout(&self, timeout: Duration) -> std::io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_write_timeout(Some(timeout)),
            Self::Unix(stream) => stream.set_write_timeout(Some(timeout)),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.write_all(bytes),
            Self::Unix(stream) => stream.write_all(bytes),
        }
    }
}
