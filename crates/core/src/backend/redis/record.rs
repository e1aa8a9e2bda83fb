//! The record: Redis's note of the newest announced content of every document.

use std::fmt;

use crate::Document;
use crate::generation::{Digest, Generation};

/// Numbers beyond it nobody has given: what the record says of such a document is not believed. As a
/// clock in milliseconds it is more than a hundred thousand years ahead.
pub(super) const LARGEST_BELIEVED: u64 = 1 << 52;

/// Field of the record's hash that says whose it is.
const DIRECTORY: &[u8] = b"_dir";
/// Stands for the digest of a document that is not there.
const ABSENT: &str = "absent";

/// A content by its name and digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) generation: Generation,
    /// `None` where there is no document.
    pub(super) digest: Option<Digest>,
}

/// The newest announced content of every document, as far as it makes sense.
#[derive(Debug, Clone)]
pub(super) struct Record([Option<Named>; Document::COUNT]);

impl Named {
    /// The name in exactly the words in which it is written: scripts compare words.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (generation, digest) = text.split_once(':')?;
        let generation: Generation = generation.parse().ok()?;
        if generation.get() > LARGEST_BELIEVED || !generation.is_some() {
            return None;
        }
        let digest = match digest {
            ABSENT => None,
            digest => Some(Digest::from_hex(digest)?),
        };
        Some(Self { generation, digest }).filter(|named| named.to_string() == text)
    }

    pub(super) fn digest_text(&self) -> String {
        self.digest.map_or_else(|| ABSENT.to_owned(), |digest| digest.to_string())
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.generation, self.digest_text())
    }
}

impl Default for Record {
    fn default() -> Self {
        Self([None; Document::COUNT])
    }
}

impl Record {
    /// Fields and values, one after the other.
    pub(super) fn of_pairs(pairs: &[Vec<u8>]) -> Self {
        let mut record = Self::default();
        for pair in pairs.chunks_exact(2) {
            let [field, value] = pair else { continue };
            if field == DIRECTORY {
                continue;
            }
            let text = |bytes| std::str::from_utf8(bytes).ok();
            let document = text(field).and_then(Document::named);
            if let (Some(document), Some(value)) = (document, text(value)) {
                record.0[document.index()] = Named::parse(value);
            }
        }
        record
    }

    pub(super) fn get(&self, document: Document) -> Option<Named> {
        self.0[document.index()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Category;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        let digest = Digest::of(b"x");
        for digest in [Some(digest), None] {
            let named = Named { generation: "5".parse().unwrap(), digest };
            assert_eq!(Named::parse(&named.to_string()), Some(named));
        }
    }

    #[test]
    fn nonsense_is_nobody_s_name() {
        let hex = Digest::of(b"x").to_string();
        let far = format!("{}:{hex}", LARGEST_BELIEVED + 1);
        let loud = format!("5:{}", hex.to_uppercase());
        let words = ["", "5", "5:", ":absent", "0:absent", "-1:absent", "+5:absent", "05:absent"];
        for text in words.into_iter().chain(["5:beef", &far, &loud]) {
            assert_eq!(Named::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_record_skips_what_it_does_not_know() {
        let pairs =
            ["_dir", "x", "v2/clip", "7:absent", "v2/nothing", "8:absent", "legacy/clip", "?"];
        let pairs: Vec<Vec<u8>> = pairs.iter().map(|word| word.as_bytes().to_vec()).collect();
        let record = Record::of_pairs(&pairs);
        let named = record.get(Document::V2(Category::Clip)).unwrap();
        assert_eq!(named.generation.get(), 7);
        assert_eq!(record.get(Document::Legacy(Category::Clip)), None);
    }
}
