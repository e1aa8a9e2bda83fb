//! Names for contents: a generation orders them, a digest tells them apart.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// Names one content in the history of one document; larger is later. Below 2^53, so that JSON and
/// Lua keep it exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Generation(u64);

impl Generation {
    /// The generation after `self`: one more, or the wall clock in milliseconds if that is larger,
    /// so that numbers go on rising when the memory of earlier ones is lost.
    pub fn next(self) -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let clock_ms = u64::try_from(since_epoch.as_millis()).unwrap_or(0);
        Self((self.0 + 1).max(clock_ms))
    }

    /// The number itself.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// BLAKE3-256 of exact bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// A strong entity tag, quotes included, made of the first half: 128 bits tell apart all that
    /// will ever be served under one URL.
    pub fn entity_tag(&self) -> String {
        let mut tag = String::with_capacity(34);
        tag.push('"');
        push_hex(&mut tag, &self.0[..16]);
        tag.push('"');
        tag
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(64);
        push_hex(&mut text, &self.0);
        f.write_str(&text)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

fn push_hex(out: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)] as char);
        out.push(DIGITS[usize::from(byte & 15)] as char);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_rise_and_start_at_the_clock() {
        let first = Generation::default().next();
        let far_ahead = Generation(first.get() + 1_000_000);
        assert!(first.get() > 1_700_000_000_000);
        assert_eq!(far_ahead.next().get(), far_ahead.get() + 1);
    }

    #[test]
    fn tags_are_quoted_hex() {
        let tag = Digest::of(b"").entity_tag();
        assert_eq!(tag, "\"af1349b9f5f9a1a6a0404dea36dcc949\"");
    }
}
