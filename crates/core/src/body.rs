//! Ready bytes: one representation of one resource, made once and sent to everybody.
//!
//! A body is published in its identity form; fast compressed forms come milliseconds later.
//! Better ones replace those when there is time; both have the tag of their own bytes, and a
//! client that holds the earlier one is still told that nothing changed.

use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;

use crate::generation::Digest;

/// Bodies smaller than this are sent as they are: headers would outweigh what is saved.
const SMALLEST_COMPRESSED: usize = 1024;

/// A content coding of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coding {
    /// As it is.
    Identity,
    /// `gzip`
    Gzip,
    /// `br`
    Brotli,
    /// `zstd`
    Zstd,
}

/// One coded form and its entity tags.
#[derive(Debug, Clone)]
pub struct Coded {
    /// What is sent.
    pub bytes: Bytes,
    /// The strong entity tag of exactly these bytes, quotes included.
    pub tag: Bytes,
    /// The tag of the form that these bytes replaced.
    pub earlier_tag: Option<Bytes>,
}

/// All forms of one body.
#[derive(Debug)]
pub struct Body {
    /// The form without coding.
    pub identity: Coded,
    compressed: ArcSwap<Compressed>,
}

/// The compressed forms a body has at present; each is missing where it would not be smaller.
#[derive(Debug, Clone, Default)]
pub struct Compressed {
    /// `gzip`
    pub gzip: Option<Coded>,
    /// `br`
    pub brotli: Option<Coded>,
    /// `zstd`
    pub zstd: Option<Coded>,
}

/// How much time is spent on smaller bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// Milliseconds for a megabyte, as soon as the body is published.
    Fast,
    /// Up to a second for a megabyte, in the background.
    Thorough,
}

impl Coded {
    fn new(bytes: Bytes) -> Self {
        let tag = Bytes::from(Digest::of(&bytes).entity_tag());
        Self { bytes, tag, earlier_tag: None }
    }

    /// Whether `tag` (quotes included) names this form or the one it replaced.
    pub fn matches(&self, tag: &[u8]) -> bool {
        self.tag == tag || self.earlier_tag.as_ref().is_some_and(|earlier| earlier == tag)
    }
}

impl Body {
    /// A body in its identity form alone.
    pub fn new(bytes: impl Into<Bytes>) -> Arc<Self> {
        let identity = Coded::new(bytes.into());
        Arc::new(Self { identity, compressed: ArcSwap::default() })
    }

    /// A body in its identity form and, where that pays, compressed fast.
    pub fn ready(bytes: impl Into<Bytes>) -> Arc<Self> {
        let body = Self::new(bytes);
        body.compress();
        body
    }

    /// Makes the fast compressed forms, unless they are there.
    pub fn compress(&self) {
        let forms = self.compressed.load();
        if forms.gzip.is_none() && forms.brotli.is_none() && forms.zstd.is_none() {
            let forms = Compressed::of(&self.identity.bytes, Effort::Fast);
            self.compressed.store(Arc::new(forms));
        }
    }

    /// The compressed forms there are at present.
    pub fn compressed(&self) -> arc_swap::Guard<Arc<Compressed>> {
        self.compressed.load()
    }

    /// Spends time on better compressed forms, and installs those that are smaller.
    pub fn refine(&self) {
        self.compress();
        let earlier = self.compressed.load_full();
        let better = Compressed::of(&self.identity.bytes, Effort::Thorough);
        let keep_smaller = |old: &Option<Coded>, new: Option<Coded>| match (old, new) {
            (Some(old), Some(mut new)) if new.bytes.len() < old.bytes.len() => {
                new.earlier_tag = Some(old.tag.clone());
                Some(new)
            }
            (old, _) => old.clone(),
        };
        self.compressed.store(Arc::new(Compressed {
            gzip: keep_smaller(&earlier.gzip, better.gzip),
            brotli: keep_smaller(&earlier.brotli, better.brotli),
            zstd: keep_smaller(&earlier.zstd, better.zstd),
        }));
    }

    /// Whether it is large enough to be compressed.
    pub fn is_compressed(&self) -> bool {
        self.identity.bytes.len() >= SMALLEST_COMPRESSED
    }
}

impl Compressed {
    fn of(bytes: &Bytes, effort: Effort) -> Self {
        if bytes.len() < SMALLEST_COMPRESSED {
            return Self::default();
        }
        let useful = |coded: std::io::Result<Vec<u8>>| {
            // Compressing memory into memory fails only for lack of memory.
            let mut coded = coded.ok()?;
            coded.shrink_to_fit();
            (coded.len() < bytes.len()).then(|| Coded::new(coded.into()))
        };
        Self {
            gzip: useful(gzip(bytes, effort)),
            brotli: useful(brotli(bytes, effort)),
            zstd: useful(zstd(bytes, effort)),
        }
    }
}

fn gzip(bytes: &[u8], effort: Effort) -> std::io::Result<Vec<u8>> {
    use std::io::Write;
    let level = match effort {
        Effort::Fast => 6,
        Effort::Thorough => 9,
    };
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn brotli(bytes: &[u8], effort: Effort) -> std::io::Result<Vec<u8>> {
    // Quality 11 would take two seconds and tens of megabytes for a megabyte.
    let quality = match effort {
        Effort::Fast => 4,
        Effort::Thorough => 9,
    };
    let parameters = brotli::enc::BrotliEncoderParams {
        quality,
        lgwin: 20,
        size_hint: bytes.len(),
        ..Default::default()
    };
    let mut out = Vec::new();
    brotli::BrotliCompress(&mut &*bytes, &mut out, &parameters)?;
    Ok(out)
}

fn zstd(bytes: &[u8], effort: Effort) -> std::io::Result<Vec<u8>> {
    let level = match effort {
        Effort::Fast => 3,
        Effort::Thorough => 15,
    };
    zstd::bulk::compress(bytes, level)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repetitive() -> Bytes {
        let lines: Vec<_> = (0..2000).map(|n| format!("model number {n} of many")).collect();
        lines.join("\n").into()
    }

    #[test]
    fn every_form_decodes_to_the_same_bytes_before_and_after_refining() {
        let body = Body::ready(repetitive());
        for _ in 0..2 {
            let forms = body.compressed();
            let mut plain = Vec::new();
            let gzip = forms.gzip.as_ref().unwrap();
            std::io::copy(&mut flate2::read::GzDecoder::new(&*gzip.bytes), &mut plain).unwrap();
            assert_eq!(plain, body.identity.bytes);
            plain.clear();
            brotli::BrotliDecompress(&mut &*forms.brotli.as_ref().unwrap().bytes, &mut plain)
                .unwrap();
            assert_eq!(plain, body.identity.bytes);
            let zstd = &forms.zstd.as_ref().unwrap().bytes;
            assert_eq!(zstd::bulk::decompress(zstd, 1 << 20).unwrap(), body.identity.bytes);
            body.refine();
        }
    }

    #[test]
    fn a_refined_form_still_answers_to_the_tag_it_had() {
        let body = Body::ready(repetitive());
        let before = body.compressed().brotli.clone().unwrap();
        body.refine();
        let after = body.compressed().brotli.clone().unwrap();
        assert!(after.bytes.len() < before.bytes.len());
        assert_ne!(after.tag, before.tag);
        assert!(after.matches(&before.tag) && after.matches(&after.tag));
    }

    #[test]
    fn small_bodies_are_not_compressed() {
        assert!(Body::ready("{}").compressed().gzip.is_none());
    }
}
