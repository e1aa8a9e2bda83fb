//! Where Redis is: the address and the single variables brought together. Each completes what the
//! other leaves out; where both say something, they must say the same, because whichever won would
//! surprise somebody.

use std::io;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};

use super::redis_target::{Node, Refusal, Target, TargetError, Tls, Topology};
use super::redis_url::{Parts, Place};
use super::{Host, Redis, RedisMode, Secret, Value};

const URL: &str = Redis::HORDE_MODEL_REFERENCE_REDIS__URL;
const MODE: &str = Redis::HORDE_MODEL_REFERENCE_REDIS__MODE;
const HOST: &str = Redis::HORDE_MODEL_REFERENCE_REDIS__HOST;
const PORT: &str = Redis::HORDE_MODEL_REFERENCE_REDIS__PORT;
const SOCKET: &str = Redis::HORDE_MODEL_REFERENCE_REDIS__SOCKET;
const NODES: &str = Redis::HORDE_MODEL_REFERENCE_REDIS__NODES;
const USERNAME: &str = Redis::HORDE_MODEL_REFERENCE_REDIS__USERNAME;
const PASSWORD: &str = Redis::HORDE_MODEL_REFERENCE_REDIS__PASSWORD;
const DATABASE: &str = Redis::HORDE_MODEL_REFERENCE_REDIS__DATABASE;
const TLS: &str = Redis::HORDE_MODEL_REFERENCE_REDIS__TLS;
const CA: &str = Redis::HORDE_MODEL_REFERENCE_REDIS__TLS_CA_FILE;
const CERTIFICATE: &str = Redis::HORDE_MODEL_REFERENCE_REDIS__TLS_CERTIFICATE_FILE;
const KEY: &str = Redis::HORDE_MODEL_REFERENCE_REDIS__TLS_KEY_FILE;
const SERVICE: &str = Redis::HORDE_MODEL_REFERENCE_REDIS__SENTINEL_SERVICE;
const SENTINEL_USERNAME: &str = Redis::HORDE_MODEL_REFERENCE_REDIS__SENTINEL_USERNAME;
const SENTINEL_PASSWORD: &str = Redis::HORDE_MODEL_REFERENCE_REDIS__SENTINEL_PASSWORD;
const SHARDED: &str = Redis::HORDE_MODEL_REFERENCE_REDIS__SHARDED_PUBSUB;
const KEY_PREFIX: &str = Redis::HORDE_MODEL_REFERENCE_REDIS__KEY_PREFIX;

impl Redis {
    /// Where Redis is; files for encryption are tried.
    pub fn target(&self) -> Result<Target, TargetError> {
        let mut assembly = Assembly::new(self);
        let target = assembly.target();
        let refusals = assembly.refusals;
        if refusals.is_empty() { Ok(target) } else { Err(TargetError { refusals }) }
    }

    /// Everything that keeps these settings from being used.
    pub(super) fn check(&self) -> Vec<Refusal> {
        let mut refusals = self.target().err().map_or_else(Vec::new, |error| error.refusals);
        if !is_word(&self.key_prefix) {
            let accepted = "a text without blanks, such as horde:model_ref";
            refusals.push(refusal(KEY_PREFIX, &self.key_prefix, accepted));
        } else if self.mode == RedisMode::Cluster && has_broken_tag(&self.key_prefix) {
            let accepted = "a text with something between its first braces, such as {horde}, or \
                            without braces: all keys belong into one slot of a cluster";
            refusals.push(refusal(KEY_PREFIX, &self.key_prefix, accepted));
        }
        refusals
    }
}

fn refusal(variable: &'static str, value: &str, accepted: impl Into<String>) -> Refusal {
    Refusal { variable, value: format!("{value:?}"), accepted: accepted.into() }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(|char: char| char.is_whitespace() || char.is_control())
}

/// Whether there is a brace, but no part for a cluster to choose the slot by: what is between the
/// first brace and the next closing one, unless that is nothing.
fn has_broken_tag(text: &str) -> bool {
    let Some((_, after)) = text.split_once('{') else { return false };
    after.find('}').is_none_or(|length| length == 0)
}

/// The target in the making, and all that is wrong about it.
struct Assembly<'a> {
    settings: &'a Redis,
    url: Option<Parts>,
    refusals: Vec<Refusal>,
}

impl<'a> Assembly<'a> {
    fn new(settings: &'a Redis) -> Self {
        let mut assembly = Self { settings, url: None, refusals: Vec::new() };
        match settings.url.as_ref().map(super::RedisUrl::parts) {
            None => {}
            Some(Ok(parts)) => assembly.url = Some(parts),
            Some(Err(accepted)) => assembly.refuse_url(accepted),
        }
        assembly
    }

    fn target(&mut self) -> Target {
        let nodes = match self.settings.mode {
            RedisMode::Standalone => vec![self.server()],
            RedisMode::Sentinel | RedisMode::Cluster => self.several_nodes(),
        };
        let (username, password) = self.user();
        Target {
            topology: self.topology(),
            username,
            password,
            database: self.database(),
            tls: self.tls(),
            nodes,
        }
    }

    fn refuse(&mut self, variable: &'static str, value: &str, accepted: impl Into<String>) {
        self.refusals.push(refusal(variable, value, accepted));
    }

    fn refuse_url(&mut self, accepted: impl Into<String>) {
        let shown = self.settings.url.as_ref().map(Value::show).unwrap_or_default();
        self.refuse(URL, &shown, accepted);
    }

    /// What the variable says, completed by the address.
    fn agreed<T: Value + PartialEq + Clone>(
        &mut self,
        variable: &'static str,
        field: &Option<T>,
        in_url: Option<T>,
    ) -> Option<T> {
        let Some(field) = field else { return in_url };
        if in_url.is_some_and(|said| said != *field) {
            self.refuse(variable, &field.show(), format!("what {URL} says, or null"));
        }
        Some(field.clone())
    }

    fn host_and_port(&mut self) -> (Option<Host>, Option<NonZeroU16>) {
        let (host, port) = match self.url.as_ref().map(|url| &url.place) {
            Some(Place::Tcp { host, port, .. }) => (Some(host.clone()), *port),
            Some(Place::Socket(_)) | None => (None, None),
        };
        let settings = self.settings;
        (self.agreed(HOST, &settings.host, host), self.agreed(PORT, &settings.port, port))
    }

    fn socket_in_url(&self) -> Option<PathBuf> {
        match &self.url.as_ref()?.place {
            Place::Socket(path) => Some(path.clone()),
            Place::Tcp { .. } => None,
        }
    }

    fn server(&mut self) -> Node {
        let settings = self.settings;
        if !settings.nodes.as_slice().is_empty() {
            let accepted = format!("empty, unless {MODE} is sentinel or cluster");
            self.refuse(NODES, &settings.nodes.show(), accepted);
        }
        let socket_in_url = self.socket_in_url();
        if let Some(socket) = self.agreed(SOCKET, &settings.socket, socket_in_url) {
            self.refuse_places_beside_socket();
            return Node::Socket(socket);
        }
        let (host, port) = self.host_and_port();
        node(&host.unwrap_or_else(Host::local), port, self.usual_port())
    }

    fn refuse_places_beside_socket(&mut self) {
        let settings = self.settings;
        let naming = if settings.socket.is_some() { SOCKET } else { URL };
        let accepted = format!("null, because {naming} names a socket");
        if let Some(host) = &settings.host {
            self.refuse(HOST, &host.show(), &*accepted);
        }
        if let Some(port) = &settings.port {
            self.refuse(PORT, &port.show(), accepted);
        }
        if let Some(socket) = &settings.socket
            && matches!(&self.url, Some(Parts { place: Place::Tcp { .. }, .. }))
        {
            self.refuse(SOCKET, &socket.show(), format!("null, because {URL} names a host"));
        }
    }

    fn usual_port(&self) -> u16 {
        if self.settings.mode == RedisMode::Sentinel { 26379 } else { 6379 }
    }

    fn several_nodes(&mut self) -> Vec<Node> {
        let settings = self.settings;
        let mode = settings.mode.show();
        if let Some(socket) = &settings.socket {
            self.refuse(SOCKET, &socket.show(), format!("null, because {MODE} is {mode}"));
        }
        if self.socket_in_url().is_some() {
            self.refuse_url(format!("an address with a host, because {MODE} is {mode}"));
        }
        let (host, port) = self.host_and_port();
        let usual_port = self.usual_port();
        let named = host.map(|host| node(&host, port, usual_port));
        let default_port = settings.port.map_or(usual_port, NonZeroU16::get);
        let listed = settings.nodes.as_slice().iter();
        let listed: Vec<_> = listed.map(|(host, port)| node(host, *port, default_port)).collect();
        match named {
            Some(named) if listed.is_empty() => return vec![named],
            Some(named) if !listed.contains(&named) => {
                let accepted = format!("one of {NODES}");
                match &settings.host {
                    Some(host) => self.refuse(HOST, &host.show(), accepted + ", or null"),
                    None => self.refuse_url(format!("an address with {accepted}")),
                }
            }
            None if listed.is_empty() => {
                let accepted = format!("standalone, unless {NODES} names at least one");
                self.refuse(MODE, &mode, accepted);
            }
            Some(_) | None => {}
        }
        listed
    }

    fn user(&mut self) -> (Option<String>, Option<Secret>) {
        let settings = self.settings;
        let url = self.url.as_ref();
        let (name, word) =
            url.map_or((None, None), |url| (url.username.clone(), url.password.clone()));
        let name = self.agreed(USERNAME, &settings.username, name);
        let word = self.agreed(PASSWORD, &settings.password, word);
        match &name {
            Some(name) if word.is_none() => {
                let accepted = format!("a user with a password, which {PASSWORD} may hold too");
                if settings.username.is_some() {
                    self.refuse(USERNAME, name, accepted);
                } else {
                    let accepted =
                        format!("an address with {accepted} (:password@ is one without a user)");
                    self.refuse_url(accepted);
                }
            }
            _ => {}
        }
        (name, word)
    }

    fn topology(&mut self) -> Topology {
        let settings = self.settings;
        if settings.sharded_pubsub && settings.mode != RedisMode::Cluster {
            self.refuse(SHARDED, "true", format!("false, unless {MODE} is cluster"));
        }
        match settings.mode {
            RedisMode::Standalone => return Topology::Standalone,
            RedisMode::Cluster => return Topology::Cluster,
            RedisMode::Sentinel => {}
        }
        let service = settings.sentinel_service.clone();
        if !is_word(&service) {
            self.refuse(SERVICE, &service, "a text without blanks, such as mymaster");
        }
        let (username, password) =
            (settings.sentinel_username.clone(), settings.sentinel_password.clone());
        if let Some(name) = &username
            && password.is_none()
        {
            self.refuse(SENTINEL_USERNAME, name, format!("null without {SENTINEL_PASSWORD}"));
        }
        Topology::Sentinel { service, username, password }
    }

    fn database(&mut self) -> i64 {
        let settings = self.settings;
        let in_url = self.url.as_ref().and_then(|url| url.database);
        let database = self.agreed(DATABASE, &settings.database, in_url).unwrap_or_default();
        if settings.mode == RedisMode::Cluster && database != 0 {
            match settings.database {
                Some(_) => {
                    let accepted = format!("0, because {MODE} is cluster");
                    self.refuse(DATABASE, &database.show(), accepted);
                }
                None => {
                    self.refuse_url(format!(
                        "an address with database 0, because {MODE} is cluster"
                    ));
                }
            }
        }
        database.into()
    }

    fn tls(&mut self) -> Option<Tls> {
        let settings = self.settings;
        let (in_url, insecure) = match &self.url {
            Some(Parts { place: Place::Tcp { tls, .. }, insecure, .. }) => (Some(*tls), *insecure),
            Some(_) | None => (None, false),
        };
        if let (Some(field), Some(said)) = (settings.tls, in_url)
            && field != said
        {
            let accepted = format!("what {URL} says (rediss:// is with TLS), or null");
            self.refuse(TLS, &field.show(), accepted);
        }
        let wanted = settings.tls.or(in_url).unwrap_or_default();
        if wanted && (settings.socket.is_some() || self.socket_in_url().is_some()) {
            self.refuse(TLS, "true", "false or null for a socket, which leaves no machine");
        }
        self.check_tls_files(wanted);
        wanted.then(|| Tls {
            ca_file: settings.tls_ca_file.clone(),
            certificate_file: settings.tls_certificate_file.clone(),
            key_file: settings.tls_key_file.clone(),
            insecure,
        })
    }

    fn check_tls_files(&mut self, wanted: bool) {
        let settings = self.settings;
        let files = [
            (CA, &settings.tls_ca_file),
            (CERTIFICATE, &settings.tls_certificate_file),
            (KEY, &settings.tls_key_file),
        ];
        for (variable, file) in files {
            let Some(file) = file else { continue };
            if !wanted {
                self.refuse(variable, &file.show(), "null for connections without TLS");
            } else if let Err(error) = try_file(file) {
                let accepted = format!("a file that can be read ({error})");
                self.refuse(variable, &file.show(), accepted);
            }
        }
        match (&settings.tls_certificate_file, &settings.tls_key_file) {
            (Some(file), None) => {
                self.refuse(CERTIFICATE, &file.show(), format!("null without {KEY}"));
            }
            (None, Some(file)) => {
                self.refuse(KEY, &file.show(), format!("null without {CERTIFICATE}"));
            }
            _ => {}
        }
    }
}

fn node(host: &Host, port: Option<NonZeroU16>, usual: u16) -> Node {
    Node::Tcp { host: host.as_str().to_owned(), port: port.map_or(usual, NonZeroU16::get) }
}

/// Opens a file only to see that it can be. A pipe would keep whoever opens it waiting, and is
/// left for later.
fn try_file(path: &Path) -> io::Result<()> {
    let metadata = path.metadata()?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if metadata.is_file() {
        std::fs::File::open(path)?;
    }
    Ok(())
}
