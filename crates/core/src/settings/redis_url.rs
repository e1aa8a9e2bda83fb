//! Address of a Redis server in one text, and what it says: a place, a user, a database, TLS.

use std::fmt;
use std::num::NonZeroU16;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use url::Url;

use super::address::{mask, shown_masked};
use super::{Host, Secret, Value};

/// Address of a Redis server, kept as written. It shows itself without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl(String);

/// What an address says; what it leaves out is absent.
pub(super) struct Parts {
    pub(super) place: Place,
    pub(super) username: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) database: Option<u32>,
    /// Without verification of the server; only with TLS.
    pub(super) insecure: bool,
}

/// Where an address leads.
pub(super) enum Place {
    Tcp { host: Host, port: Option<NonZeroU16>, tls: bool },
    Socket(PathBuf),
}

/// What an address has to be like, for one that is not; never a part of it, which may be a secret.
type Accepted = &'static str;

const DATABASE: Accepted = "an address with the number of the database in its path or `db`";
const PARAMETERS: Accepted =
    "an address with no other parameters than db, protocol, username and password";
const NOT_TEXT: Accepted = "an address of UTF-8 text once its percent signs are decoded";

impl RedisUrl {
    /// The whole address with the password in it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What it says.
    pub(super) fn parts(&self) -> Result<Parts, Accepted> {
        let (user_of_socket, text) = without_user_of_socket(&self.0);
        let url = Url::parse(&text).map_err(|_| "an address that can be read")?;
        let place = place(&url)?;
        let insecure = match (url.fragment(), &place) {
            (None, _) => false,
            (Some("insecure"), Place::Tcp { tls: true, .. }) => true,
            (Some(_), _) => {
                return Err("an address with nothing after # but insecure, and that \
                                        only with rediss:// or valkeys://");
            }
        };
        let mut parts = Parts {
            username: decoded(url.username())?,
            password: decoded(url.password().unwrap_or_default())?.map(Secret::new),
            database: match &place {
                Place::Tcp { .. } => database_of_path(url.path())?,
                Place::Socket(_) => None,
            },
            place,
            insecure,
        };
        if let Some(user) = user_of_socket {
            let (name, password) = user.split_once(':').unwrap_or((user, ""));
            parts.username = decoded(name)?;
            parts.password = decoded(password)?.map(Secret::new);
        }
        parts.add_parameters(&url)?;
        Ok(parts)
    }
}

impl Parts {
    fn add_parameters(&mut self, url: &Url) -> Result<(), Accepted> {
        for (name, value) in url.query_pairs() {
            match name.as_ref() {
                "db" => {
                    let database = Some(value.parse().map_err(|_| DATABASE)?);
                    say(&mut self.database, database, "an address that names one database")?;
                }
                // The reference's client needs to be told; ours speaks what it needs.
                "protocol" if matches!(&*value, "2" | "3" | "resp2" | "resp3") => {}
                "protocol" => return Err("an address whose protocol is 2 or 3"),
                "user" | "username" => {
                    let user = Some(value.into_owned()).filter(|user| !user.is_empty());
                    say(&mut self.username, user, "an address that names one user")?;
                }
                "pass" | "password" => {
                    let password = Some(value.into_owned()).filter(|text| !text.is_empty());
                    let password = password.map(Secret::new);
                    say(&mut self.password, password, "an address that has one password")?;
                }
                _ => return Err(PARAMETERS),
            }
        }
        Ok(())
    }
}

/// Puts `new` into `place`, unless something else is there.
fn say<T: PartialEq>(
    place: &mut Option<T>,
    new: Option<T>,
    accepted: Accepted,
) -> Result<(), Accepted> {
    if place.is_some() && new.is_some() && *place != new {
        return Err(accepted);
    }
    *place = new.or(place.take());
    Ok(())
}

fn place(url: &Url) -> Result<Place, Accepted> {
    if is_socket(url.scheme()) {
        if url.has_host() && url.host_str() != Some("") {
            return Err(
                "an address of a socket with three slashes, such as unix:///run/redis.sock",
            );
        }
        return Ok(Place::Socket(decoded(url.path())?.unwrap_or_default().into()));
    }
    let host = url.host_str().and_then(Host::read).ok_or("an address with the name of a host")?;
    let port = match url.port() {
        Some(port) => Some(NonZeroU16::new(port).ok_or("an address with a port from 1 to 65535")?),
        None => None,
    };
    Ok(Place::Tcp { host, port, tls: matches!(url.scheme(), "rediss" | "valkeys") })
}

fn is_socket(scheme: &str) -> bool {
    matches!(scheme, "unix" | "redis+unix" | "valkey+unix")
}

fn database_of_path(path: &str) -> Result<Option<u32>, Accepted> {
    match path.trim_matches('/') {
        "" => Ok(None),
        number => number.parse().map(Some).map_err(|_| DATABASE),
    }
}

/// The text without its percent signs; nothing if it is empty.
fn decoded(text: &str) -> Result<Option<String>, Accepted> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| NOT_TEXT)?.into_owned();
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// The user of `unix://user:password@/run/redis.sock`, and the address without it: a user without
/// a host is no URL, but clients of Redis write it.
fn without_user_of_socket(text: &str) -> (Option<&str>, String) {
    let whole = (None, text.to_owned());
    let Some((scheme, rest)) = text.split_once("://") else { return whole };
    let Some((user, path)) = rest.split_once("@/") else { return whole };
    if !is_socket(&scheme.to_ascii_lowercase()) || user.contains(['/', '?', '#']) {
        return whole;
    }
    (Some(user), format!("{scheme}:///{path}"))
}

impl Value for RedisUrl {
    const SECRET: bool = true;

    fn kind() -> String {
        "Redis URL".into()
    }

    fn accepted() -> String {
        "an address such as redis://:password@host:6379/0 (or rediss://, unix://)".into()
    }

    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.chars().any(char::is_control) {
            return None;
        }
        let url = Url::parse(&without_user_of_socket(text).1).ok()?;
        let acceptable = match url.scheme() {
            "redis" | "rediss" | "valkey" | "valkeys" => {
                url.has_host() && url.host_str() != Some("")
            }
            scheme => is_socket(scheme) && url.path().len() > 1,
        };
        acceptable.then(|| Self(text.to_owned()))
    }

    fn show(&self) -> String {
        mask(&self.0)
    }

    /// A text that is no address at all may well be the password alone.
    fn show_refused(text: &str) -> String {
        mask(text)
    }
}

shown_masked!(RedisUrl);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_addresses_are_refused() {
        for text in
            ["", "localhost:6379", "http://x", "redis://", "redis:///0", "unix://", "redis://h\t/0"]
        {
            assert!(RedisUrl::read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn addresses_are_kept_as_written() {
        for text in [
            "redis://localhost:6379/0",
            "rediss://h",
            "unix:///run/redis.sock?db=2",
            "redis+unix:///r.sock",
        ] {
            assert_eq!(RedisUrl::read(text).unwrap().expose(), text);
            assert_eq!(RedisUrl::read(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn passwords_are_masked_everywhere() {
        for (text, shown) in [
            ("redis://:hunter2@host:6379/0", "redis://:***@host:6379/0"),
            ("redis://app:hunter2@host/0", "redis://app:***@host/0"),
            ("redis://app:hunter2:b@hunter2@host/0", "redis://app:***@host/0"),
            ("redis://hunter2@host/0", "redis://***@host/0"),
            ("redis://hunter2:@host/0", "redis://***@host/0"),
            ("unix:///run/r.sock?password=hunter2", "unix:///run/r.sock?***"),
            ("unix://app:hunter2@/run/r.sock", "unix://app:***@/run/r.sock"),
        ] {
            let url = RedisUrl::read(text).unwrap();
            assert_eq!(format!("{url} {url:?} {}", url.show()), format!("{shown} {shown} {shown}"));
        }
        for text in [
            "hunter2",
            "redis:/:hunter2@host",
            "redis://:hunter2?hunter2@host",
            "redis://:a@hunter2?b@host",
            "hunter2@host",
        ] {
            assert!(!RedisUrl::show_refused(text).contains("hunter2"), "{text}");
        }
    }
}
