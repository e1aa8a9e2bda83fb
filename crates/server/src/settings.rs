//! Settings of the server: its address, its limits, its log, keys; and the core's settings with them.

use std::net::{SocketAddr, ToSocketAddrs};
use std::num::NonZeroU32;

use horde_model_reference::setting_group;
use horde_model_reference::settings::{
    BaseUrl, Choice, Group, Loaded, Reader, ReplicateMode, Secret, Settings, SettingsError,
    Sources, Value, Words, positive,
};
use tracing_subscriber::EnvFilter;

use crate::client_address::Networks;

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Choice for LogFormat {
    const CHOICES: &'static [(&'static str, Self)] = &[("text", Self::Text), ("json", Self::Json)];
}

/// Which log lines are written: a level, or levels by target such as `info,hyper=warn`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLevel(String);

impl LogLevel {
    /// The filter it stands for.
    pub fn filter(&self) -> EnvFilter {
        EnvFilter::new(&self.0)
    }
}

impl Value for LogLevel {
    fn kind() -> String {
        "log level".into()
    }

    fn accepted() -> String {
        "off, error, warn, info, debug or trace, also by target, such as info,hyper=warn".into()
    }

    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_word = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        // A single word that is no level would be taken for a target and silence all others.
        let is_level = text.parse::<tracing_subscriber::filter::LevelFilter>().is_ok();
        let acceptable = !text.is_empty() && (is_level || !is_word);
        (acceptable && EnvFilter::try_new(text).is_ok()).then(|| Self(text.to_owned()))
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

/// The name or address a server listens at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host(String);

impl Host {
    /// The name or address as given, an IPv6 address without brackets.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for Host {
    fn kind() -> String {
        "host".into()
    }

    fn accepted() -> String {
        "a name or an address without a port, such as 127.0.0.1, 0.0.0.0, :: or localhost".into()
    }

    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        let is_address = bare.parse::<std::net::IpAddr>().is_ok();
        let of_names =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        let is_name = !text.is_empty() && text.bytes().all(of_names);
        (is_address || is_name).then(|| Self(bare.to_owned()))
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

setting_group! {
    /// Where the server listens, whom it answers and what it bears.
    pub struct Http is "server" {
        /// Name or address to listen at.
        HORDE_MODEL_REFERENCE_HOST => host: Host = Host("127.0.0.1".into()),
        /// Port to listen at; 0: any free one.
        HORDE_MODEL_REFERENCE_PORT => port: u16 = 19800,
        /// Let several processes listen at one port.
        HORDE_MODEL_REFERENCE_SOCKET_REUSE_PORT => reuse_port: bool = false,
        /// Threads that answer requests; 0: one for each processor.
        HORDE_MODEL_REFERENCE_WORKER_THREADS => worker_threads: u16 = 0,
        /// Web pages of these origins may read answers; `*` means all.
        HORDE_MODEL_REFERENCE_CORS_ALLOWED_ORIGINS => cors_allowed_origins: Words = Words::none(),
        /// Most connections at a time; further ones wait.
        HORDE_MODEL_REFERENCE_MAX_CONNECTIONS => max_connections: NonZeroU32 = positive(4096),
        /// Seconds a client may take for the head of a request, and for beginning the next one.
        HORDE_MODEL_REFERENCE_HEADER_TIMEOUT_SECONDS => header_timeout_seconds: NonZeroU32 = positive(10),
        /// Largest body of a request, in bytes.
        HORDE_MODEL_REFERENCE_MAX_BODY_BYTES => max_body_bytes: NonZeroU32 = positive(4 << 20),
        /// Seconds a client may take for the body of a request.
        HORDE_MODEL_REFERENCE_BODY_TIMEOUT_SECONDS => body_timeout_seconds: NonZeroU32 = positive(30),
        /// Addresses and networks of proxies in front of the server, such as `127.0.0.1,10.0.0.0/8`:
        /// what they say in `X-Forwarded-For` is believed. Without, a client is the other end of its
        /// connection.
        HORDE_MODEL_REFERENCE_TRUSTED_PROXIES => trusted_proxies: Networks = Networks::none(),
        /// Seconds an answer may make no progress because the client does not read it.
        HORDE_MODEL_REFERENCE_STALL_TIMEOUT_SECONDS => stall_timeout_seconds: NonZeroU32 = positive(30),
        /// Seconds that requests under way are waited for when the server stops.
        HORDE_MODEL_REFERENCE_SHUTDOWN_GRACE_SECONDS => shutdown_grace_seconds: u32 = 10,
    }
}

impl Http {
    /// The addresses to try to listen at, in order.
    pub fn addresses(&self) -> std::io::Result<Vec<SocketAddr>> {
        Ok((self.host.as_str(), self.port).to_socket_addrs()?.collect())
    }
}

setting_group! {
    /// What is logged, and how.
    pub struct Log is "log" {
        /// `text` for people, `json` for programs.
        HORDE_MODEL_REFERENCE_LOG_FORMAT => format: LogFormat = LogFormat::Text,
        /// The least level of lines to write, also by target, such as `info,hyper=warn`.
        HORDE_MODEL_REFERENCE_LOG_LEVEL => level: LogLevel = LogLevel("info".into()),
        /// Write a line for each request.
        HORDE_MODEL_REFERENCE_ACCESS_LOG => access_log: bool = true,
    }
}

setting_group! {
    /// How the owners of keys are found out.
    pub struct Auth is "authentication" {
        /// Seconds for which the owner of a key is remembered, and so for which a key that was
        /// withdrawn may still be accepted; 0: not at all.
        HORDE_MODEL_REFERENCE_AUTH__CACHE_SECONDS => cache_seconds: u32 = 30,
        /// Seconds the AI-Horde may take to tell whose key it is.
        HORDE_MODEL_REFERENCE_AUTH__TIMEOUT_SECONDS => timeout_seconds: NonZeroU32 = positive(10),
        /// Look-ups in a row without an answer after which the AI-Horde is left alone for a while; 0:
        /// never.
        HORDE_MODEL_REFERENCE_AUTH__BREAKER_FAILURES => breaker_failures: u32 = 10,
        /// Seconds for which it is left alone, until one look-up tries again.
        HORDE_MODEL_REFERENCE_AUTH__BREAKER_SECONDS => breaker_seconds: NonZeroU32 = positive(10),
        /// Attempts a minute from one address (of IPv6: one network of 64 bits) with keys that belong
        /// to nobody, after which only keys that are remembered are let in from there; 0: any number.
        HORDE_MODEL_REFERENCE_AUTH__FAILURES_PER_ADDRESS => failures_per_address: u32 = 60,
        /// Attempts a minute with one key that belongs to nobody, after which it is refused from
        /// everywhere; 0: any number.
        HORDE_MODEL_REFERENCE_AUTH__FAILURES_PER_KEY => failures_per_key: u32 = 30,
    }
}

setting_group! {
    /// For the commands of maintainers, which change the reference through a server.
    pub struct Maintainer is "commands of maintainers" {
        /// Address of the server that `queue` and `propose` ask.
        HORDE_MODEL_REFERENCE_SERVER_URL => server_url: Option<BaseUrl> = None,
        /// Key of an AI-Horde user, for `queue` and `propose`; the service does not use it.
        HORDE_MODEL_REFERENCE_API_KEY => api_key: Option<Secret> = None,
    }
}

impl Maintainer {
    /// Reads these settings alone: what else is wrong in the environment is no matter here.
    pub fn load(sources: &Sources) -> Result<Self, SettingsError> {
        let mut reader = Reader::new(sources);
        let settings = Self::default().read_over(&mut reader);
        reader.finish(settings).map(|loaded| loaded.settings)
    }
}

/// All settings of the server.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(missing_docs, reason = "the types say it")]
pub struct ServerSettings {
    pub http: Http,
    pub log: Log,
    pub auth: Auth,
    pub maintainer: Maintainer,
    pub core: Settings,
}

impl ServerSettings {
    /// Reads and checks the settings, the core's among them. A server that nobody told its mode is a
    /// PRIMARY.
    pub fn load(sources: Sources) -> Result<Loaded<Self>, SettingsError> {
        let sources = Sources { default_mode: ReplicateMode::Primary, ..sources };
        let mut reader = Reader::new(&sources);
        let settings = Self {
            http: Http::default().read_over(&mut reader),
            log: Log::default().read_over(&mut reader),
            auth: Auth::default().read_over(&mut reader),
            maintainer: Maintainer::default().read_over(&mut reader),
            core: Settings::read(&sources, &mut reader),
        };
        reader.finish(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for (text, host) in [
            ("127.0.0.1", "127.0.0.1"),
            ("::", "::"),
            ("[::1]", "::1"),
            (" localhost ", "localhost"),
        ] {
            assert_eq!(Host::read(text).unwrap().as_str(), host);
        }
        for text in ["", "127.0.0.1:80", "http://a", "a b", "[::1]:80"] {
            assert!(Host::read(text).is_none(), "{text}");
        }
        let http = Http { host: Host("::1".into()), port: 5, ..Http::default() };
        assert_eq!(http.addresses().unwrap(), ["[::1]:5".parse().unwrap()]);
    }

    #[test]
    fn log_levels() {
        for text in ["info", "OFF", "info,hyper=warn", "horde_model_reference=trace"] {
            assert_eq!(LogLevel::read(text).unwrap().show(), text);
        }
        for text in ["", "loud", "info,hyper=loud", "=", "a=b=c"] {
            assert!(LogLevel::read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_server_is_a_primary_and_knows_the_settings_of_the_core() {
        let name = "HORDE_MODEL_REFERENCE_PENDING_QUEUE__APPROVER_IDS";
        let environment = vec![
            (name.into(), "1".into()),
            (
                Http::HORDE_MODEL_REFERENCE_CORS_ALLOWED_ORIGINS.into(),
                "https://a, https://b".into(),
            ),
        ];
        let sources = Sources { environment, ..Sources::default() };
        let loaded = ServerSettings::load(sources).unwrap();
        assert!(loaded.settings.core.replication.is_primary());
        assert_eq!(
            loaded.settings.http.cors_allowed_origins.as_slice(),
            ["https://a", "https://b"]
        );
        assert!(loaded.warnings.is_empty() && loaded.notes.is_empty(), "{loaded:?}");
    }
}
