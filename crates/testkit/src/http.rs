//! A client that sends exactly what it is told.
//!
//! Ordinary clients normalise the target and add headers of their own; the contract is about the
//! raw target and about what happens without such headers, and some tests send what is not HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

/// Long enough for the slowest answer of the contract, short enough for a hanging test to end.
const TIMEOUT: Duration = Duration::from_secs(60);
const MAX_HEADERS: usize = 100;
const MAX_HEAD_BYTES: usize = 1 << 20;

/// What is sent: nothing beyond it except `Host` and, where there can be a body, `Content-Length`.
#[derive(Debug, Clone)]
pub struct Request {
    /// Any token, such as `GET`.
    pub method: String,
    /// The raw target, percent-encoded already.
    pub target: String,
    /// Sent in this order; values as UTF-8.
    pub headers: Vec<(String, String)>,
    /// `None` and a method that usually has a body: `Content-Length: 0`.
    pub body: Option<Vec<u8>>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// In the order they came, names in lower case.
    pub headers: Vec<(String, String)>,
    /// After removing the transfer encoding; the content encoding is left as it is.
    pub body: Vec<u8>,
}

/// One connection, used for as many requests as the server allows.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
    address: SocketAddr,
}

/// Sends one request over a connection of its own.
pub fn send(address: SocketAddr, request: &Request) -> Result<Response> {
    let exchange = || Connection::open(address)?.send(request);
    exchange().with_context(|| format!("{} {}", request.method, request.target))
}

impl Request {
    /// A request without headers and body.
    pub fn new(method: &str, target: &str) -> Self {
        Self { method: method.into(), target: target.into(), headers: Vec::new(), body: None }
    }

    /// `GET` of a target.
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same with a body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    fn to_bytes(&self, address: SocketAddr) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nHost: {address}\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let may_have_body = matches!(self.method.as_str(), "POST" | "PUT" | "PATCH");
        if self.body.is_some() || may_have_body {
            let length = self.body.as_ref().map_or(0, Vec::len);
            head.push_str(&format!("Content-Length: {length}\r\n"));
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(self.body.as_deref().unwrap_or_default());
        bytes
    }
}

impl Response {
    /// The first header of this name, which is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every header of this name, which is given in lower case.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let named = self.headers.iter().filter(move |(header, _)| header == name);
        named.map(|(_, value)| value.as_str())
    }

    /// The body as text, with marks in place of what is not UTF-8.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_slice(&self.body).with_context(|| format!("not JSON: {}", self.text()))
    }
}

impl Connection {
    /// Connects, with time limits on connecting, reading and writing.
    pub fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), address })
    }

    /// Changes the time limit of every later read.
    pub fn set_read_timeout(&self, limit: Duration) -> Result<()> {
        Ok(self.stream.get_ref().set_read_timeout(Some(limit))?)
    }

    /// Sends a request and reads its answer.
    pub fn send(&mut self, request: &Request) -> Result<Response> {
        self.write_raw(&request.to_bytes(self.address))?;
        self.read_response(request.method == "HEAD")
    }

    /// Writes bytes that need not be HTTP.
    pub fn write_raw(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.stream.get_mut().write_all(bytes)?)
    }

    /// Reads an answer; one to `HEAD` has no body whatever its headers say.
    pub fn read_response(&mut self, to_head: bool) -> Result<Response> {
        loop {
            let (status, headers) = self.read_head()?;
            let mut response = Response { status, headers, body: Vec::new() };
            if (100..200).contains(&status) {
                continue;
            }
            if !(to_head || matches!(status, 204 | 304)) {
                response.body = self.read_body(&response)?;
            }
            return Ok(response);
        }
    }

    /// Reads what comes until the server closes: what answers an event stream or a rude client.
    pub fn read_to_end(&mut self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.stream.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads one line, without its end; `None` when the server has closed.
    pub fn read_line(&mut self) -> Result<Option<String>> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        let line = String::from_utf8(line)?;
        Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
    }

    /// Reads the status line and the headers, and leaves the body unread.
    pub fn read_head(&mut self) -> Result<(u16, Vec<(String, String)>)> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let read = self.stream.read_until(b'\n', &mut head)?;
            ensure!(read > 0, "the connection ended after {:?}", String::from_utf8_lossy(&head));
            ensure!(head.len() <= MAX_HEAD_BYTES, "the head of the answer is too long");
        }
        let mut space = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Response::new(&mut space);
        parsed.parse(&head)?;
        let headers = parsed.headers.iter().map(|header| {
            let value = String::from_utf8_lossy(header.value).into_owned();
            (header.name.to_ascii_lowercase(), value)
        });
        Ok((parsed.code.context("an answer has a status")?, headers.collect()))
    }

    fn read_body(&mut self, head: &Response) -> Result<Vec<u8>> {
        if let Some(encoding) = head.header("transfer-encoding") {
            ensure!(encoding.eq_ignore_ascii_case("chunked"), "unknown encoding {encoding}");
            return self.read_chunks();
        }
        match head.header("content-length") {
            Some(length) => self.read_exactly(length.parse().context("content-length")?),
            None => self.read_to_end(),
        }
    }

    fn read_chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.read_line()?.context("the connection ended between chunks")?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size =
                usize::from_str_radix(size, 16).with_context(|| format!("chunk {line:?}"))?;
            if size == 0 {
                break;
            }
            body.extend(self.read_exactly(size)?);
            if self.read_line()?.as_deref() != Some("") {
                bail!("a chunk is longer than its size");
            }
        }
        // Trailers end with an empty line.
        while self.read_line()?.is_some_and(|line| !line.is_empty()) {}
        Ok(body)
    }

    fn read_exactly(&mut self, length: usize) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = self.stream.by_ref().take(length as u64).read_to_end(&mut bytes)?;
        ensure!(read == length, "the body ended after {read} of {length} bytes");
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// Answers one connection with `answer`, and returns what had been asked.
    fn exchange(request: &Request, answer: &'static str) -> (String, Result<Response>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let length = request.to_bytes(address).len();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = vec![0; length];
            stream.read_exact(&mut asked).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(asked).unwrap()
        });
        let response = send(address, request);
        let asked = server.join().unwrap();
        (asked.replace(&address.to_string(), "ADDRESS"), response)
    }

    #[test]
    fn sends_the_raw_target_and_nothing_else() {
        let request = Request::get("/a%2Fb/../c?x=%20").header("apikey", "clé");
        let (asked, _) = exchange(&request, "HTTP/1.1 204 No Content\r\n\r\n");
        assert_eq!(asked, "GET /a%2Fb/../c?x=%20 HTTP/1.1\r\nHost: ADDRESS\r\napikey: clé\r\n\r\n");
        let (asked, _) =
            exchange(&Request::new("POST", "/"), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        assert!(asked.contains("Content-Length: 0\r\n"));
    }

    #[test]
    fn reads_every_kind_of_body() {
        for answer in [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nx-a: 2\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\n\r\nhello",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\
             X-A: 1\r\nx-a: 2\r\n\r\n2\r\nhe\r\n3;ext\r\nllo\r\n0\r\nTrailer: t\r\n\r\n",
        ] {
            let response = exchange(&Request::get("/"), answer).1.unwrap();
            assert_eq!((response.status, response.text().as_str()), (200, "hello"));
            assert_eq!(response.all("x-a").collect::<Vec<_>>(), ["1", "2"]);
        }
    }

    #[test]
    fn a_body_that_is_cut_short_is_an_error() {
        let cut = exchange(&Request::get("/"), "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello");
        assert!(cut.1.is_err());
        assert!(exchange(&Request::get("/"), "HTTP/1.1 200").1.is_err());
    }
}
