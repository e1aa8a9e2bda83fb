//! The key in a request's head, and who sends it.

use std::net::{IpAddr, Ipv4Addr};

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::client_address::ClientAddress;
use crate::error::ApiError;

/// The header that carries it, to us and to the AI-Horde.
pub(super) const HEADER: HeaderName = HeaderName::from_static("apikey");

/// A key as it was sent, without blanks around it. It does not show itself.
#[derive(Debug, Clone)]
pub struct ApiKey(HeaderValue);

impl ApiKey {
    /// Takes it from a request's headers; `None` where there is none or an empty one.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let sent = headers.get(HEADER)?.as_bytes().trim_ascii();
        let mut key = HeaderValue::from_bytes(sent).ok().filter(|key| !key.is_empty())?;
        key.set_sensitive(true);
        Some(Self(key))
    }

    /// Whether the AI-Horde could have given it out. It has no keys beyond ASCII.
    pub(super) fn is_plausible(&self) -> bool {
        self.0.to_str().is_ok()
    }

    /// The key itself, marked as a secret for whoever sends it on.
    pub(super) fn expose(&self) -> &HeaderValue {
        &self.0
    }
}

/// Whoever sends a request with a key.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The key.
    pub key: ApiKey,
    /// From where it was sent.
    pub address: IpAddr,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let key = ApiKey::of(&parts.headers).ok_or(ApiError::NotAuthenticated)?;
        // Requests without a connection are those of our own tests.
        let client = parts.extensions.get::<ClientAddress>();
        let address = client.map_or(Ipv4Addr::LOCALHOST.into(), |client| client.0);
        Ok(Self { key, address })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(sent: &[u8]) -> Option<ApiKey> {
        let mut headers = HeaderMap::new();
        headers.insert("ApiKey", HeaderValue::from_bytes(sent).unwrap());
        ApiKey::of(&headers)
    }

    #[test]
    fn blanks_do_not_count() {
        assert_eq!(key(b"\t hunter2 ").unwrap().expose(), "hunter2");
        assert!(key(b"").is_none() && key(b" \t").is_none());
        assert!(ApiKey::of(&HeaderMap::new()).is_none());
    }

    #[test]
    fn only_ascii_is_plausible() {
        assert!(key(b"hunter2").unwrap().is_plausible());
        assert!(!key("cl\u{e9}".as_bytes()).unwrap().is_plausible());
        assert!(!key(b"cl\xe9").unwrap().is_plausible());
    }

    #[test]
    fn a_key_does_not_show_itself() {
        assert_eq!(format!("{:?}", key(b"hunter2").unwrap()), "ApiKey(Sensitive)");
    }
}
