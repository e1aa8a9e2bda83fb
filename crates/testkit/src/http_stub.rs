//! A small HTTP server whose answers, delays and faults a test decides.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::Request;

/// A client that stalls must not keep a test from ending.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What the stand-in does with a request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Answers, after a while.
    Respond {
        /// Status code.
        status: u16,
        /// Media type of the body.
        content_type: String,
        /// The entity.
        body: Vec<u8>,
        /// How long to wait before.
        after: Duration,
    },
    /// Writes these bytes, which need not be a whole answer, and closes the connection.
    Raw(Vec<u8>),
    /// Closes the connection without a word.
    Close,
}

impl Answer {
    /// JSON, at once.
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        let body = body.to_string().into_bytes();
        let content_type = "application/json".into();
        Self::Respond { status, content_type, body, after: Duration::ZERO }
    }
}

/// The server; it stops accepting when dropped.
#[derive(Debug)]
pub struct HttpStub {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl HttpStub {
    /// Starts on a free port and asks `answer` about every request, on a thread per connection.
    /// Header names reach it in lower case.
    pub fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Result<Self> {
        Self::start_at(0, answer)
    }

    /// Starts on a given port of the loopback.
    pub fn start_at(
        port: u16,
        answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let address = listener.local_addr()?;
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopping);
        let answer = Arc::new(answer);
        let acceptor = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let answer = Arc::clone(&answer);
                std::thread::spawn(move || serve(stream, &*answer));
            }
        });
        Ok(Self { address, stopping, acceptor: Some(acceptor) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Scheme, host and port.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for HttpStub {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // The acceptor sees the flag only when something wakes it.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

/// A base URL at which nothing listens: the port was free a moment ago.
pub fn closed_port() -> Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(format!("http://{}", listener.local_addr()?))
}

/// Answers the requests of one connection until either side has enough.
fn serve(stream: TcpStream, answer: &dyn Fn(&Request) -> Answer) {
    let _ = stream.set_read_timeout(Some(TIMEOUT));
    let mut stream = BufReader::new(stream);
    while let Ok(request) = read_request(&mut stream) {
        let (status, content_type, body, after) = match answer(&request) {
            Answer::Respond { status, content_type, body, after } => {
                (status, content_type, body, after)
            }
            Answer::Raw(bytes) => {
                let _ = stream.get_mut().write_all(&bytes);
                return;
            }
            Answer::Close => return,
        };
        std::thread::sleep(after);
        let head = format!(
            "HTTP/1.1 {status} Stub\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let body = if request.method == "HEAD" { &[] } else { body.as_slice() };
        if stream.get_mut().write_all(&[head.as_bytes(), body].concat()).is_err() {
            return;
        }
    }
}

fn read_request(stream: &mut BufReader<TcpStream>) -> Result<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        ensure!(stream.read_until(b'\n', &mut head)? > 0, "closed");
    }
    let mut space = [httparse::EMPTY_HEADER; 100];
    let mut parsed = httparse::Request::new(&mut space);
    parsed.parse(&head)?;
    let mut request = Request::new(
        parsed.method.context("a request has a method")?,
        parsed.path.context("a request has a target")?,
    );
    let mut length = 0;
    for header in parsed.headers {
        let (name, value) =
            (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value));
        if name == "content-length" {
            length = value.parse()?;
        }
        request.headers.push((name, value.into_owned()));
    }
    let mut body = Vec::new();
    stream.take(length).read_to_end(&mut body)?;
    request.body = (length > 0).then_some(body);
    Ok(request)
}
