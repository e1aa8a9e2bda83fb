//! Requests of maintainers to a server, with their key.
//!
//! The key comes from the environment or from a file, never from the command line, which other users
//! of a machine can see. It is sent to the server that was named and nowhere else: no redirect is
//! followed, and nothing shows it.

mod key;
mod refusal;

use std::error::Error as _;
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use horde_model_reference::Json;
use horde_model_reference::json::Style;
use horde_model_reference::settings::{BaseUrl, Sources, Value, mask};
use horde_model_reference_server::settings::Maintainer;
use http::header::{ACCEPT_ENCODING, CONTENT_TYPE, ETAG, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, ClientBuilder};
use tokio::runtime::Runtime;

pub(crate) use refusal::{Refusal, concluded};

/// How long one attempt may take. The server looks a key up, and may apply many changes.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How often a request is sent in all, where sending it again does nothing twice.
const ATTEMPTS: u32 = 3;
/// Longest pause between attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Largest answer, in bytes.
const LARGEST: usize = 64 << 20;
const KEY: HeaderName = HeaderName::from_static("apikey");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// What a path segment need not encode.
const IN_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Options that say which server is asked, and by whom.
#[derive(clap::Args)]
pub(crate) struct ServerArgs {
    /// Address of the server [default: HORDE_MODEL_REFERENCE_SERVER_URL]
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// File that holds the AI-Horde key [default: the key in HORDE_MODEL_REFERENCE_API_KEY]
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

/// A server, and the key of whoever asks it.
pub(crate) struct Api {
    client: Client,
    runtime: Runtime,
    base: String,
    key: Option<HeaderValue>,
}

/// A request.
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Below `/api`.
    pub(crate) path: String,
    body: Option<Json>,
    headers: Vec<(HeaderName, String)>,
    /// Whether sending it again does nothing twice.
    is_repeatable: bool,
}

/// What a server answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Json,
    /// The entity tag of what was read.
    pub(crate) tag: Option<String>,
    retry_after: Option<u64>,
    /// Where it came from, without secrets.
    from: String,
}

/// An attempt without an answer.
struct Trouble {
    reason: String,
    /// Whether the request never left.
    is_unsent: bool,
}

impl ServerArgs {
    pub(crate) fn open(&self) -> anyhow::Result<Api> {
        let settings = Maintainer::load(&Sources::from_process_env())?;
        let base = match &self.server {
            Some(url) => address(url)?,
            None => settings.server_url.context(
                "which server? Say --server URL, or set HORDE_MODEL_REFERENCE_SERVER_URL",
            )?,
        };
        let base = base.expose().trim_end_matches('/');
        let base = if base.ends_with("/api") { base.to_owned() } else { format!("{base}/api") };
        let key = match &self.key_file {
            Some(file) => Some(key::of_file(file)?),
            None => settings.api_key.as_ref().map(key::of_environment).transpose()?,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Api { client: client()?, runtime, base, key })
    }
}

fn address(given: &str) -> anyhow::Result<BaseUrl> {
    let url = if given.contains("://") { given.to_owned() } else { format!("http://{given}") };
    let wrong = || format!("{} is no address of a server", BaseUrl::show_refused(&url));
    BaseUrl::read(&url).with_context(wrong)
}

/// The machine's certificates are trusted; without any, only `http` addresses work.
fn client() -> anyhow::Result<Client> {
    // Whoever chose a provider before keeps their choice.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = builder().build().or_else(|_| builder().tls_certs_only([]).build());
    client.map_err(|error| anyhow!("no connections can be made: {error}"))
}

fn builder() -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("horde-model-reference/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        // A redirect would take the key elsewhere.
        .redirect(reqwest::redirect::Policy::none())
        // What may be sent again is decided here.
        .retry(reqwest::retry::never())
}

/// A name as one segment of a path: a slash in it becomes `%2F`.
pub(crate) fn segment(name: &str) -> String {
    utf8_percent_encode(name, IN_SEGMENT).to_string()
}

/// Names a request as nobody has named one before.
pub(crate) fn fresh_name() -> String {
    // Every one of these is seeded at random.
    let random = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", random(), random())
}

impl Call {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        let mut call = Self::new(Method::GET, path, None);
        call.is_repeatable = true;
        call
    }

    pub(crate) fn post(path: impl Into<String>, body: Json) -> Self {
        Self::new(Method::POST, path, Some(body))
    }

    pub(crate) fn new(method: Method, path: impl Into<String>, body: Option<Json>) -> Self {
        Self { method, path: path.into(), body, headers: Vec::new(), is_repeatable: false }
    }

    /// With these parameters behind the path.
    pub(crate) fn query<'a>(mut self, given: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        let mut text = form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(given);
        let text = text.finish();
        if !text.is_empty() {
            self.path = format!("{}?{text}", self.path);
        }
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Under a name by which the server knows it again, so that it may be sent again.
    pub(crate) fn named(mut self, name: impl Into<String>) -> Self {
        self.is_repeatable = true;
        self.header(IDEMPOTENCY_KEY, name)
    }
}

impl Api {
    /// The answer, if it is a success.
    pub(crate) fn ask(&self, call: &Call) -> anyhow::Result<Json> {
        self.send(call)?.accepted()
    }

    /// The answer, whatever its status.
    pub(crate) fn send(&self, call: &Call) -> anyhow::Result<Answer> {
        self.runtime.block_on(self.send_until_answered(call))
    }

    async fn send_until_answered(&self, call: &Call) -> anyhow::Result<Answer> {
        let mut attempt = 1;
        loop {
            let tried = self.send_once(call).await;
            let pause = match &tried {
                Ok(answer) => answer.pause(),
                Err(trouble) if call.is_repeatable || trouble.is_unsent => {
                    Some(Duration::from_millis(200) * attempt)
                }
                Err(_) => None,
            };
            let Some(pause) = pause.filter(|_| attempt < ATTEMPTS) else {
                return tried.map_err(|trouble| self.unanswered(call, &trouble));
            };
            attempt += 1;
            tokio::time::sleep(pause).await;
        }
    }

    fn unanswered(&self, call: &Call, trouble: &Trouble) -> anyhow::Error {
        let asked = format!("cannot ask {}: {}", mask(&self.base), trouble.reason);
        match trouble.is_unsent || call.method == Method::GET {
            true => anyhow!(asked),
            false if call.is_repeatable => {
                anyhow!(
                    "{asked}. Perhaps it was done all the same; to say it again does nothing twice"
                )
            }
            false => anyhow!("{asked}. Perhaps it was done all the same: see `queue list --all`"),
        }
    }

    async fn send_once(&self, call: &Call) -> Result<Answer, Trouble> {
        let url = format!("{}{}", self.base, call.path);
        let mut request = self.client.request(call.method.clone(), &url).timeout(PATIENCE);
        if let Some(key) = &self.key {
            request = request.header(KEY, key.clone());
        }
        // Tags name one form of what is read, and this is the one that writes are compared with.
        request = request.header(ACCEPT_ENCODING, "identity");
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        if let Some(body) = &call.body {
            let body = body.to_text(Style::COMPACT);
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        let mut response = request.send().await?;
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > LARGEST {
                let reason = format!("it answers more than {LARGEST} bytes");
                return Err(Trouble { reason, is_unsent: false });
            }
        }
        let header = |name: HeaderName| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        Ok(Answer {
            status: response.status(),
            body: Json::parse(&bytes).unwrap_or(Json::Null),
            tag: header(ETAG),
            retry_after: header(RETRY_AFTER).and_then(|text| text.trim().parse().ok()),
            from: mask(&url),
        })
    }
}

impl Answer {
    /// How long to wait before asking again, if the server wants that and it is soon.
    fn pause(&self) -> Option<Duration> {
        let is_busy = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS];
        let asked = self.retry_after.filter(|_| is_busy.contains(&self.status));
        asked.map(Duration::from_secs).filter(|pause| *pause <= LONGEST_PAUSE)
    }

    /// What it says, or why it is no success.
    pub(crate) fn accepted(self) -> anyhow::Result<Json> {
        if !self.status.is_success() {
            return Err(Refusal::of(self).into());
        }
        if self.body.is_null() && self.status != StatusCode::NO_CONTENT {
            bail!("{} answers {} without JSON", self.from, self.status.as_u16());
        }
        Ok(self.body)
    }
}

impl From<reqwest::Error> for Trouble {
    /// The address may hold a password, and the error says little; its causes say more.
    fn from(error: reqwest::Error) -> Self {
        let is_unsent = error.is_connect() || error.is_builder();
        let error = error.without_url();
        let mut reason = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            reason = format!("{reason}: {error}");
            cause = error.source();
        }
        Self { reason, is_unsent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_segment() {
        assert_eq!(segment("ViT-L/14 ~é%"), "ViT-L%2F14%20~%C3%A9%25");
    }

    #[test]
    fn no_name_of_a_request_comes_twice() {
        let (one, other) = (fresh_name(), fresh_name());
        assert_ne!(one, other);
        assert_eq!(one.len(), 32);
    }

    #[test]
    fn parameters_are_encoded() {
        let call = Call::get("/a").query([("name", "b c&d".to_owned()), ("n", "1".to_owned())]);
        assert_eq!(call.path, "/a?name=b+c%26d&n=1");
        assert_eq!(Call::get("/a").query([]).path, "/a");
    }
}
