//! Names for contents: a generation orders them, a digest tells them apart.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Json;
use crate::disk::faults::clock_ms;

/// Names one content in the history of one document; larger is later. Below 2^53, so that JSON and
/// Lua keep it exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Generation(u64);

impl Generation {
    /// Larger than that of any content.
    pub const MAX: Self = Self(u64::MAX);

    /// The generation after `self`: one more, or the wall clock in milliseconds if that is larger,
    /// so that numbers go on rising when the memory of earlier ones is lost.
    pub fn next(self) -> Self {
        Self((self.0 + 1).max(clock_ms()).min(Self::LARGEST))
    }

    /// One more, whatever the clock says.
    pub(crate) fn following(self) -> Self {
        Self((self.0 + 1).min(Self::LARGEST))
    }

    /// Numbers beyond it are not kept exactly by others.
    const LARGEST: u64 = (1 << 53) - 1;

    /// Whether it names a content. What could not be recorded has no generation.
    pub const fn is_some(self) -> bool {
        self.0 != 0
    }

    /// As JSON has it.
    pub(crate) fn to_json(self) -> Json {
        Json::Int(self.0.cast_signed())
    }

    /// Reads the number from JSON.
    pub(crate) fn from_json(value: &Json) -> Option<Self> {
        let number = value.as_i64()?.try_into().ok()?;
        (number <= Self::LARGEST).then_some(Self(number))
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

/// As others have raised it so far.
impl From<&AtomicU64> for Generation {
    fn from(number: &AtomicU64) -> Self {
        Self(number.load(Ordering::Acquire))
    }
}

impl FromStr for Generation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.parse().ok().filter(|number| *number <= Self::LARGEST);
        number.map(Self).ok_or_else(|| format!("`{text}` is no generation"))
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

    /// Reads 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        blake3::Hash::from_hex(text).ok().map(|hash| Self(*hash.as_bytes()))
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
