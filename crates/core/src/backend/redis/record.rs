//! The record: Redis's note of the newest announced content of every document.

use std::fmt;

use crate::Document;
use crate::generation::{Digest, Generation};

/// Larger numbers are nobody's names. As a clock in milliseconds it is more than a hundred thousand
/// years ahead.
const LARGEST: u64 = 1 << 52;
/// What others say is believed up to here: a file that is named above it has room for all the names it
/// will ever be given.
const BELIEVED: u64 = LARGEST - (1 << 40);
/// How far others may be ahead of a name beyond that, as those who write the same file are.
const AHEAD: u64 = 1 << 20;

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

/// Up to which number others are believed, where `known` is the largest that the files gave. A record
/// beyond it is no obstacle to anybody.
pub(super) fn largest_believed(known: Generation) -> u64 {
    (known.get() + AHEAD).clamp(BELIEVED, LARGEST)
}

impl Named {
    /// The name in exactly the words in which it is written: scripts compare words.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (generation, digest) = text.split_once(':')?;
        let generation: Generation = generation.parse().ok()?;
        if !Self::can_name(generation) || !generation.is_some() {
            return None;
        }
        let digest = match digest {
            ABSENT => None,
            digest => Some(Digest::from_hex(digest)?),
        };
        Some(Self { generation, digest }).filter(|named| named.to_string() == text)
    }

    /// Whether a number is one that others accept.
    pub(super) fn can_name(generation: Generation) -> bool {
        generation.get() <= LARGEST
    }

    /// Whether it is believed where `known` is the largest generation that the files gave.
    pub(super) fn is_believed(&self, known: Generation) -> bool {
        self.generation.get() <= largest_believed(known)
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
        let far = format!("{}:{hex}", LARGEST + 1);
        let loud = format!("5:{}", hex.to_uppercase());
        let words = ["", "5", "5:", ":absent", "0:absent", "-1:absent", "+5:absent", "05:absent"];
        for text in words.into_iter().chain(["5:beef", &far, &loud]) {
            assert_eq!(Named::parse(text), None, "{text}");
        }
    }

    #[test]
    fn above_everything_that_is_believed_there_is_room_for_names() {
        let named =
            |number: u64| Named { generation: number.to_string().parse().unwrap(), digest: None };
        let held = named(1_700_000_000_000).generation;
        let (last, first_refused) = (named(BELIEVED), named(BELIEVED + 1));
        assert!(last.is_believed(held) && !first_refused.is_believed(held));
        // Every name that a process gives above that is read and believed by the others.
        let mut above = last.generation.following();
        for _ in 0..3 {
            let next = Named { generation: above.following(), digest: None };
            assert!(next.is_believed(above) && Named::parse(&next.to_string()) == Some(next));
            above = next.generation;
        }
        assert!(!named(LARGEST).is_believed(above));
        assert!(named(LARGEST).is_believed(named(LARGEST - 1).generation));
        assert!(!named(LARGEST + 1).is_believed(named(LARGEST).generation));
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
