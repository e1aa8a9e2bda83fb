//! The AI-Horde's route that tells whose key it is.
//!
//! A look-up is one request over a connection of its own: nothing is tried again, and no redirect
//! takes a key elsewhere. It ends within its limit of time.

use std::error::Error;
use std::sync::OnceLock;
use std::time::Duration;

use horde_model_reference::Json;
use horde_model_reference::settings::BaseUrl;
use reqwest::{Client, ClientBuilder, StatusCode};
use tokio::sync::Semaphore;

use super::{ApiKey, Refusal, User, key};

/// Look-ups at a time; more wait, within their limit.
const AT_ONCE: usize = 64;
/// Largest answer, in bytes. Users with many workers have long ones.
const LARGEST_ANSWER: usize = 1 << 20;

/// Why keys cannot be looked up at all.
#[derive(Debug)]
pub enum SetupError {
    /// The system gives no random numbers.
    Randomness,
}

impl std::fmt::Display for SetupError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Randomness => f.write_str("the system gives no random numbers"),
        }
    }
}

impl Error for SetupError {}

/// Asks the AI-Horde whose key it is.
pub(super) struct FindUser {
    client: OnceLock<Option<Client>>,
    url: String,
    limit: Duration,
    places: Semaphore,
}

impl FindUser {
    pub(super) fn new(horde: &BaseUrl, limit: Duration) -> Self {
        Self {
            client: OnceLock::new(),
            url: horde.join("v2/find_user"),
            limit,
            places: Semaphore::new(AT_ONCE),
        }
    }

    /// Made at the first look-up: reading the machine's certificates takes longer than a start.
    fn client(&self) -> Option<&Client> {
        self.client.get_or_init(client).as_ref()
    }

    /// Whose key it is.
    pub(super) async fn ask(&self, key: &ApiKey) -> Result<User, Refusal> {
        let answered = match tokio::time::timeout(self.limit, self.answer_about(key)).await {
            Ok(answered) => answered,
            Err(_) => {
                tracing::warn!(limit = ?self.limit, "the AI-Horde did not tell in time whose key it is");
                return Err(Refusal::TimedOut);
            }
        };
        answered.and_then(|(status, body)| read(status, &body)).map_err(|failure| match failure {
            Failure::NobodysKey => Refusal::InvalidKey,
            Failure::NoSense(reason) => {
                tracing::warn!(reason, "the AI-Horde cannot tell whose key it is");
                Refusal::Unavailable
            }
        })
    }

    async fn answer_about(&self, key: &ApiKey) -> Result<(StatusCode, Vec<u8>), Failure> {
        // Never closed, so there is always a place in the end.
        let _place = self.places.acquire().await;
        let no_client = || Failure::NoSense("no connections can be made".into());
        let client = self.client().ok_or_else(no_client)?;
        let request = client.get(&self.url).header(key::HEADER, key.expose().clone());
        let mut response = request.send().await.map_err(Failure::of)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(Failure::of)? {
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST_ANSWER {
                return Err(Failure::NoSense(format!(
                    "it answers more than {LARGEST_ANSWER} bytes"
                )));
            }
        }
        Ok((response.status(), body))
    }
}

/// The machine's certificates are trusted; without any, only `http` addresses work.
fn client() -> Option<Client> {
    // Whoever chose a provider before keeps their choice.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = builder().build().or_else(|error| {
        tracing::warn!(%error, "no certificates on this machine; https will not work");
        builder().tls_certs_only([]).build()
    });
    client.inspect_err(|error| tracing::error!(%error, "no connections can be made")).ok()
}

fn builder() -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("horde-model-reference/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        // An idle connection may be closed by the other side at the moment it is used again, which
        // would look like an outage; and it would belong to the thread that opened it.
        .pool_max_idle_per_host(0)
}

/// Random bytes for a secret.
pub(super) fn random() -> Result<[u8; 32], SetupError> {
    let mut bytes = [0; 32];
    let source = rustls::crypto::ring::default_provider().secure_random;
    source.fill(&mut bytes).map_err(|_| SetupError::Randomness)?;
    Ok(bytes)
}

/// A look-up without a user.
#[derive(Debug, PartialEq, Eq)]
enum Failure {
    NobodysKey,
    /// The answer, or its absence, says nothing about the key.
    NoSense(String),
}

impl Failure {
    /// The address may hold a password, and the error says little; its causes say more.
    fn of(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut reason = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            reason = format!("{reason}: {error}");
            cause = error.source();
        }
        Self::NoSense(reason)
    }
}

/// What an answer says. Overload and breakdowns say nothing about a key, and neither does an answer
/// that is not the AI-Horde's.
fn read(status: StatusCode, body: &[u8]) -> Result<User, Failure> {
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(Failure::NoSense(format!("it answers {status}")));
    }
    if status != StatusCode::OK {
        return Err(Failure::NobodysKey);
    }
    let name = match Json::parse(body) {
        Ok(Json::Object(mut members)) => members.shift_remove("username"),
        Ok(_) | Err(_) => return Err(Failure::NoSense("its answer is no JSON object".into())),
    };
    match name {
        None => Err(Failure::NobodysKey),
        Some(Json::String(name)) => match name.rsplit_once('#') {
            Some((_, id)) => Ok(User { id: id.to_owned(), name }),
            None => Err(Failure::NobodysKey),
        },
        Some(other) => Err(Failure::NoSense(format!("its user name is {}", other.kind()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(body: &str) -> Result<(String, String), bool> {
        told(200, body)
    }

    /// The id and the name; or whether the key is known to be nobody's.
    fn told(status: u16, body: &str) -> Result<(String, String), bool> {
        let user = read(StatusCode::from_u16(status).unwrap(), body.as_bytes());
        user.map(|user| (user.id, user.name)).map_err(|failure| failure == Failure::NobodysKey)
    }

    #[test]
    fn the_id_follows_the_last_hash() {
        let user = |id: &str, name: &str| Ok((id.to_owned(), name.to_owned()));
        assert_eq!(ok(r#"{"id": 5, "username": "a#1001"}"#), user("1001", "a#1001"));
        assert_eq!(ok(r#"{"username": "odd#name#7"}"#), user("7", "odd#name#7"));
        assert_eq!(ok(r##"{"username": "blank#"}"##), user("", "blank#"));
    }

    #[test]
    fn only_the_horde_can_say_that_a_key_is_nobodys() {
        for (status, body) in [
            (200, r#"{"id": 7}"#),
            (200, r#"{"username": "nohash"}"#),
            (404, ""),
            (403, "<html>"),
            (302, ""),
        ] {
            assert_eq!(told(status, body), Err(true), "{status} {body}");
        }
        for (status, body) in [
            (200, ""),
            (200, "<html></html>"),
            (200, "[1]"),
            (200, r#"{"username": null}"#),
            (429, "{}"),
            (500, "{}"),
            (503, r#"{"username": "a#1"}"#),
        ] {
            assert_eq!(told(status, body), Err(false), "{status} {body}");
        }
    }
}
