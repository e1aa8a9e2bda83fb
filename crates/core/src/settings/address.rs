//! Addresses of other services. They may carry passwords, so they show themselves without them.

use std::fmt;

use url::Url;

use super::Value;
use super::secret::MASK;

/// Address of an HTTP service, under which paths are joined: it ends in a slash, whether or not the
/// operator wrote one, because without it the last segment would be lost on joining.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// An address known to be written well, with its final slash: the defaults.
    pub(super) fn known(address: &str) -> Self {
        Self(address.to_owned())
    }

    /// The address of `relative` (without a leading slash) under this one, as text to send a
    /// request to.
    pub fn join(&self, relative: &str) -> String {
        format!("{}{relative}", self.0)
    }

    /// The whole address with whatever secrets are in it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Value for BaseUrl {
    fn kind() -> String {
        "URL".into()
    }

    fn accepted() -> String {
        "an address such as https://example.org/api/".into()
    }

    fn read(text: &str) -> Option<Self> {
        let mut url = Url::parse(text.trim()).ok()?;
        let is_http = matches!(url.scheme(), "http" | "https");
        if !is_http || !url.has_host() || url.query().is_some() || url.fragment().is_some() {
            return None;
        }
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        Some(Self(url.into()))
    }

    fn show(&self) -> String {
        mask(self.expose())
    }

    fn show_refused(text: &str) -> String {
        // Without a scheme this is likely a mistyped address, which helps to see; with an `@`
        // there may be a password before it.
        if text.contains("://") || text.contains('@') { mask(text) } else { text.to_owned() }
    }
}

/// The address without what stands before its last `@`, and without a query that names a password.
/// Cut from the text rather than from a parsed URL, so that broken addresses are masked as well.
pub fn mask(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return MASK.into() };
    let (rest, query) =
        rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
    if query.is_some_and(|query| query.contains('@')) {
        // A question mark inside the password: nothing tells where the place begins.
        return format!("{scheme}://{MASK}");
    }
    let place = match rest.rsplit_once('@') {
        None => rest.to_owned(),
        Some((user, place)) => match user.split_once(':') {
            Some((name, password)) if !password.is_empty() => format!("{name}:{MASK}@{place}"),
            // A name without a password may be a password in the wrong place.
            _ => format!("{MASK}@{place}"),
        },
    };
    match query {
        Some(query) if query.to_ascii_lowercase().contains("pass") => {
            format!("{scheme}://{place}?{MASK}")
        }
        Some(query) => format!("{scheme}://{place}?{query}"),
        None => format!("{scheme}://{place}"),
    }
}

macro_rules! shown_masked {
    ($type:ty) => {
        impl fmt::Debug for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.show())
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.show())
            }
        }
    };
}

pub(super) use shown_masked;

shown_masked!(BaseUrl);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_final_slash_does_not_matter() {
        for text in ["https://horde.example/api", "https://horde.example/api/"] {
            let base = BaseUrl::read(text).unwrap();
            assert_eq!(base.join("v2/find_user"), "https://horde.example/api/v2/find_user");
        }
        assert_eq!(BaseUrl::read("http://localhost:1").unwrap().join("x"), "http://localhost:1/x");
    }

    #[test]
    fn other_addresses_are_refused() {
        for text in
            ["", "horde.example/api", "ftp://x/", "https://", "https://x/?a=1", "https://x/#a"]
        {
            assert!(BaseUrl::read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn passwords_are_masked_everywhere() {
        for text in [
            "redis:/:hunter2@host",
            "redis://:hunter2?hunter2@host",
            "redis://:a@hunter2?b@host",
            "hunter2@host",
        ] {
            assert!(!BaseUrl::show_refused(text).contains("hunter2"), "{text}");
        }
        let base = BaseUrl::read("https://me:hunter2@host/api").unwrap();
        assert_eq!(format!("{base:?}"), "https://me:***@host/api/");
    }
}
