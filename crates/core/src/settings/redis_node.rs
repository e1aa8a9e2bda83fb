//! Names of servers as settings: a host, and lists of hosts with their ports.

use std::net::Ipv6Addr;
use std::num::NonZeroU16;

use super::secret::MASK;
use super::{Value, Words};

/// Name or address of a host, in lower case; IPv6 without its brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host(String);

impl Host {
    /// This machine.
    pub fn local() -> Self {
        Self("localhost".into())
    }

    /// The name or address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As it stands before a port: IPv6 in brackets.
    pub(super) fn before_port(&self) -> String {
        before_port(&self.0)
    }
}

/// `host` as it stands before a port: IPv6 in brackets.
pub(super) fn before_port(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

impl Value for Host {
    fn kind() -> String {
        "host".into()
    }

    fn accepted() -> String {
        "the name or address of a host, without a port".into()
    }

    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let inside = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        if let Ok(address) = inside.unwrap_or(text).parse::<Ipv6Addr>() {
            return Some(Self(address.to_string()));
        }
        let of_a_name = |char: char| char.is_alphanumeric() || matches!(char, '.' | '-' | '_');
        let acceptable = !text.is_empty() && text.chars().all(of_a_name);
        acceptable.then(|| Self(text.to_lowercase()))
    }

    fn show(&self) -> String {
        self.0.clone()
    }

    fn show_refused(text: &str) -> String {
        show_refused(text)
    }
}

/// Whoever writes an address where a host is asked for may write its password too.
fn show_refused(text: &str) -> String {
    if text.contains('@') { MASK.into() } else { text.to_owned() }
}

/// Hosts with their ports; one without has the usual port of whatever is there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeList(Vec<(Host, Option<NonZeroU16>)>);

impl NodeList {
    /// Nothing at all.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// The entries, in the order given.
    pub fn as_slice(&self) -> &[(Host, Option<NonZeroU16>)] {
        &self.0
    }
}

fn node(text: &str) -> Option<(Host, Option<NonZeroU16>)> {
    let (host, port) = match text.rsplit_once(':') {
        // The last colon belongs to an address in brackets.
        Some(_) if text.ends_with(']') => (text, None),
        // Nothing tells an address without brackets from its port.
        Some((host, _)) if host.contains(':') && !host.ends_with(']') => return None,
        Some((host, port)) => (host, Some(NonZeroU16::read(port)?)),
        None => (text, None),
    };
    Some((Host::read(host)?, port))
}

impl Value for NodeList {
    fn kind() -> String {
        "list of host:port".into()
    }

    fn accepted() -> String {
        r#"a list such as a:6379,[::1]:6379 or ["a:6379","b:6379"]"#.into()
    }

    fn read(text: &str) -> Option<Self> {
        let words = Words::read(text)?;
        words.as_slice().iter().map(|word| node(word)).collect::<Option<_>>().map(Self)
    }

    fn absent() -> Option<Self> {
        Some(Self::none())
    }

    fn show(&self) -> String {
        let shown = |(host, port): &(Host, Option<NonZeroU16>)| match port {
            Some(port) => format!("{}:{port}", host.before_port()),
            None => host.before_port(),
        };
        self.0.iter().map(shown).collect::<Vec<_>>().join(",")
    }

    fn show_refused(text: &str) -> String {
        show_refused(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for (text, host) in [
            ("redis", "redis"),
            (" Redis-1.example. ", "redis-1.example."),
            ("10.0.0.1", "10.0.0.1"),
            ("[::1]", "::1"),
            ("2001:DB8::0:1", "2001:db8::1"),
        ] {
            assert_eq!(Host::read(text).unwrap().as_str(), host);
            assert_eq!(Host::read(host).unwrap().show(), host);
        }
        for text in ["", "a:1", "a b", "a/b", "user@a", "redis://a", "[a]", "[::1]:1", "a\nb"] {
            assert_eq!(Host::read(text), None, "{text}");
        }
        assert_eq!(Host::show_refused("redis://:hunter2@a"), "***");
    }

    #[test]
    fn lists_of_nodes() {
        for (text, shown) in [
            ("a:1, b:2", "a:1,b:2"),
            (r#"["a:1", "[::1]:2"]"#, "a:1,[::1]:2"),
            ("a,[::1]", "a,[::1]"),
            ("", ""),
            ("null", ""),
        ] {
            let nodes = NodeList::read(text).unwrap();
            assert_eq!(nodes.show(), shown);
            assert_eq!(NodeList::read(shown), Some(nodes));
        }
        for text in
            ["::1", "::1:6379", "a:0", "a:", "a:65536", ":1", "redis://a:1", "a:1:2", "p@a:1"]
        {
            assert_eq!(NodeList::read(text), None, "{text}");
        }
        assert_eq!(NodeList::show_refused("a:1,:hunter2@b:1"), "***");
    }
}
