//! From where a request comes: the other end of its connection, or what a trusted proxy says of it.

use std::net::{IpAddr, SocketAddr};

use horde_model_reference::settings::Value;
use http::{HeaderMap, HeaderName};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of whoever sent a request, kept with the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClientAddress(pub(crate) IpAddr);

/// Networks, each as an address and the number of its leading bits that count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Networks(Vec<(IpAddr, u8)>);

impl Networks {
    /// None at all.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Whether the address is in one of them.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|(network, bits)| {
            network.is_ipv4() == address.is_ipv4()
                && leading(*network, *bits) == leading(address, *bits)
        })
    }
}

/// The address a request came from. What `X-Forwarded-For` says counts only where a trusted proxy
/// added it: from its end, as far as the proxies are trusted.
pub(crate) fn client_address(
    headers: &HeaderMap,
    peer: SocketAddr,
    trusted: &Networks,
) -> ClientAddress {
    let mut address = peer.ip().to_canonical();
    let lists = headers.get_all(FORWARDED_FOR).into_iter();
    let lists: Vec<&str> = lists.filter_map(|list| list.to_str().ok()).collect();
    for named in lists.join(",").rsplit(',') {
        if !trusted.contains(address) {
            break;
        }
        let Some(named) = read_address(named) else { break };
        address = named;
    }
    ClientAddress(address)
}

/// An address, perhaps with a port as some proxies add it.
fn read_address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let address = text.parse().ok().or_else(with_port)?;
    Some(IpAddr::to_canonical(&address))
}

fn leading(address: IpAddr, bits: u8) -> u128 {
    let (value, width) = match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    value.checked_shr(width - u32::from(bits)).unwrap_or(0)
}

fn read_network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Some(width), |bits| bits.parse().ok())?;
    (bits <= width).then_some((address, bits))
}

impl Value for Networks {
    fn kind() -> String {
        "networks".into()
    }

    fn accepted() -> String {
        "addresses and networks such as 127.0.0.1,10.0.0.0/8,::1".into()
    }

    fn read(text: &str) -> Option<Self> {
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        words.map(read_network).collect::<Option<_>>().map(Self)
    }

    fn absent() -> Option<Self> {
        Some(Self::none())
    }

    fn show(&self) -> String {
        let words: Vec<_> =
            self.0.iter().map(|(address, bits)| format!("{address}/{bits}")).collect();
        words.join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(trusted: &str, peer: &str, lists: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for list in lists {
            headers.append(FORWARDED_FOR, list.parse().unwrap());
        }
        let peer = SocketAddr::new(peer.parse().unwrap(), 9);
        client_address(&headers, peer, &Networks::read(trusted).unwrap()).0.to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let proxies = "127.0.0.1, 10.0.0.0/8, ::1";
        for (peer, lists, client) in [
            ("192.0.2.9", &["203.0.113.7"][..], "192.0.2.9"),
            ("127.0.0.1", &[], "127.0.0.1"),
            ("127.0.0.1", &["203.0.113.7"], "203.0.113.7"),
            ("::ffff:127.0.0.1", &["203.0.113.7"], "203.0.113.7"),
            ("127.0.0.1", &["198.51.100.1, 203.0.113.7, 10.2.3.4"], "203.0.113.7"),
            ("127.0.0.1", &["198.51.100.1", "203.0.113.7"], "203.0.113.7"),
            ("::1", &["2001:db8::5"], "2001:db8::5"),
            ("::1", &["[2001:db8::5]:80"], "2001:db8::5"),
            ("127.0.0.1", &["nonsense"], "127.0.0.1"),
            ("127.0.0.1", &["203.0.113.7, nonsense, 10.1.1.1"], "10.1.1.1"),
        ] {
            assert_eq!(address(proxies, peer, lists), client, "{peer} {lists:?}");
        }
        assert_eq!(address("", "127.0.0.1", &["203.0.113.7"]), "127.0.0.1");
    }

    #[test]
    fn networks() {
        let contains = |network: &str, address: &str| {
            Networks::read(network).unwrap().contains(address.parse().unwrap())
        };
        assert!(contains("0.0.0.0/0", "8.8.8.8") && !contains("0.0.0.0/0", "::1"));
        assert!(contains("10.1.0.0/15", "10.0.9.9") && !contains("10.1.0.0/16", "10.0.9.9"));
        assert!(contains("2001:db8::/32", "2001:db8:1::1") && contains("::/0", "::1"));
        for text in ["10.0.0.0/33", "localhost", "10.0.0.0/", "::/129"] {
            assert!(Networks::read(text).is_none(), "{text}");
        }
    }
}
