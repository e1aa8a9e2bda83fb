//! Documents from elsewhere over HTTP: conditional, bounded in time and size, tried again when that
//! can help.
//!
//! One budget of time covers everything a [`Fetcher::get`] does, pauses and repetitions included, so
//! that whoever calls it knows when it ends. Tried again are lost connections, time-outs, and the
//! answers 429 and 5xx; every other answer is final.

mod error;

use std::num::NonZeroU32;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use reqwest::header::{ETAG, HeaderMap, IF_NONE_MATCH, RETRY_AFTER};
use reqwest::{Client, ClientBuilder, Response, StatusCode, Url, redirect};
use tokio::time::Instant;

pub use crate::backoff::Backoff;
pub use error::FetchError;
use error::Trouble;

/// Redirects that are followed; more are likely a circle.
const REDIRECTS: usize = 3;

/// Bounds on fetching.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchSettings {
    /// Time for everything: connecting, reading, pauses and repetitions.
    pub timeout: Duration,
    /// How often a document is asked for in all.
    pub attempts: NonZeroU32,
    /// Pauses between attempts.
    pub backoff: Backoff,
    /// Largest document, in bytes after decompression.
    pub max_bytes: usize,
}

impl Default for FetchSettings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            attempts: NonZeroU32::MIN.saturating_add(2),
            backoff: Backoff::default(),
            max_bytes: 64 << 20,
        }
    }
}

/// Fetches documents over connections it keeps. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Fetcher {
    client: Client,
    settings: FetchSettings,
}

/// What is at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// What the caller holds already.
    Unchanged,
    /// A document.
    Found {
        /// Its content, decompressed.
        bytes: Bytes,
        /// Its entity tag, if the server gives one.
        tag: Option<String>,
    },
    /// Nothing: the server says so.
    Missing,
}

impl Fetcher {
    /// Prepares connections. The machine's certificates are trusted; without any, only `http`
    /// addresses work.
    pub fn new(settings: FetchSettings) -> Result<Self, FetchError> {
        // An application that chose a provider before keeps its choice.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = builder(settings).build().or_else(|error| {
            tracing::debug!(%error, "no certificates on this machine; https will not work");
            builder(settings).tls_certs_only([]).build()
        });
        let client = client.map_err(|error| FetchError::Unusable { reason: error.to_string() })?;
        Ok(Self { client, settings })
    }

    /// Asks what is at `url`; `held_tag` is the entity tag of what the caller holds.
    pub async fn get(&self, url: &str, held_tag: Option<&str>) -> Result<Fetched, FetchError> {
        let address = Url::parse(url).map_err(|error| FetchError::NoAddress {
            url: crate::settings::mask(url),
            reason: error.to_string(),
        })?;
        let deadline = Instant::now() + self.settings.timeout;
        let mut attempt = 1;
        loop {
            let once = self.get_once(address.clone(), held_tag);
            let trouble = match tokio::time::timeout_at(deadline, once).await {
                Ok(Ok(fetched)) => return Ok(fetched),
                Ok(Err(trouble)) => trouble,
                Err(_) => Trouble::out_of_time(self.settings.timeout),
            };
            let pause = trouble.pause.unwrap_or_else(|| self.settings.backoff.pause(attempt - 1));
            // A server may ask for any pause; one beyond the budget is as good as one of its length.
            let resume = Instant::now() + pause.min(self.settings.timeout);
            let last = attempt >= self.settings.attempts.get() || resume >= deadline;
            if last || !trouble.may_pass {
                return Err(trouble.at(url));
            }
            tracing::debug!(url = crate::settings::mask(url), reason = %trouble.reason, "trying again");
            tokio::time::sleep_until(resume).await;
            attempt += 1;
        }
    }

    async fn get_once(&self, url: Url, held_tag: Option<&str>) -> Result<Fetched, Trouble> {
        let mut request = self.client.get(url);
        if let Some(tag) = held_tag {
            request = request.header(IF_NONE_MATCH, tag);
        }
        let response = request.send().await?;
        match response.status() {
            StatusCode::OK => self.read(response).await,
            StatusCode::NOT_MODIFIED if held_tag.is_some() => Ok(Fetched::Unchanged),
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(Fetched::Missing),
            status => Err(Trouble::status(status.as_u16(), retry_after(response.headers()))),
        }
    }

    async fn read(&self, mut response: Response) -> Result<Fetched, Trouble> {
        let tag = response.headers().get(ETAG).and_then(|tag| tag.to_str().ok());
        let tag = tag.map(str::to_owned);
        let mut bytes = BytesMut::new();
        while let Some(chunk) = response.chunk().await? {
            if chunk.len() > self.settings.max_bytes.saturating_sub(bytes.len()) {
                return Err(Trouble::too_large(self.settings.max_bytes));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Fetched::Found { bytes: bytes.freeze(), tag })
    }
}

fn builder(settings: FetchSettings) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("horde-model-reference/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(settings.timeout / settings.attempts.get())
        // Silence for half of the budget leaves time for another attempt.
        .read_timeout(settings.timeout / 2)
        .redirect(redirect::Policy::custom(follow))
}

/// Follows a few redirects, none of which gives up encryption.
fn follow(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let from = attempt.previous().last();
    if attempt.previous().len() > REDIRECTS {
        attempt.error("too many redirects")
    } else if from.is_some_and(|from| from.scheme() == "https") && attempt.url().scheme() != "https"
    {
        attempt.error("a redirect from https to http")
    } else {
        attempt.follow()
    }
}

/// How long the server wants to be left alone: seconds, or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

#[cfg(test)]
mod tests;
