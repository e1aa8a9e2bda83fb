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

impl Coding {
    /// All but the identity.
    pub(crate) const COMPRESSED: [Self; 3] = [Self::Gzip, Self::Brotli, Self::Zstd];

    /// Names the form that is made with time: the coding, how hard it is tried, and who makes it, so
    /// that processes of another release never take it for theirs.
    pub(crate) fn kind(self) -> String {
        let (name, level) = match self {
            Self::Identity => ("identity", 0),
            Self::Gzip => ("gzip", gzip_level(Effort::Thorough).into()),
            Self::Brotli => ("br", brotli_quality(Effort::Thorough)),
            Self::Zstd => ("zstd", zstd_level(Effort::Thorough)),
        };
        format!("{name}-{level}-{}", env!("CARGO_PKG_VERSION"))
    }
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
        for coding in Coding::COMPRESSED {
            if let Some(better) = self.better(coding) {
                self.improve(coding, better);
            }
        }
    }

    /// The form that is made with time, where it pays.
    pub(crate) fn better(&self, coding: Coding) -> Option<Bytes> {
        if !self.is_compressed() {
            return None;
        }
        coded(&self.identity.bytes, coding, Effort::Thorough)
    }

    /// Installs a form, if it is smaller than the one there is. One thread does this.
    pub(crate) fn improve(&self, coding: Coding, better: Bytes) {
        let mut forms = Compressed::clone(&self.compressed.load());
        let Some(form) = forms.form(coding) else { return };
        if better.len() < form.bytes.len() {
            let earlier_tag = Some(form.tag.clone());
            *form = Coded { earlier_tag, ..Coded::new(better) };
            self.compressed.store(Arc::new(forms));
        }
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
        let form = |coding| coded(bytes, coding, effort).map(Coded::new);
        Self { gzip: form(Coding::Gzip), brotli: form(Coding::Brotli), zstd: form(Coding::Zstd) }
    }

    fn form(&mut self, coding: Coding) -> Option<&mut Coded> {
        match coding {
            Coding::Identity => None,
            Coding::Gzip => self.gzip.as_mut(),
            Coding::Brotli => self.brotli.as_mut(),
            Coding::Zstd => self.zstd.as_mut(),
        }
    }
}

/// The coded bytes, unless they are no smaller.
fn coded(bytes: &Bytes, coding: Coding, effort: Effort) -> Option<Bytes> {
    let coded = match coding {
        Coding::Identity => return None,
        Coding::Gzip => gzip(bytes, effort),
        Coding::Brotli => brotli(bytes, effort),
        Coding::Zstd => zstd(bytes, effort),
    };
    // Compressing memory into memory fails only for lack of memory.
    let mut coded = coded.ok()?;
    coded.shrink_to_fit();
    (coded.len() < bytes.len()).then(|| coded.into())
}

fn gzip(bytes: &[u8], effort: Effort) -> std::io::Result<Vec<u8>> {
    use std::io::Write;
    let level = flate2::Compression::new(gzip_level(effort).into());
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn brotli(bytes: &[u8], effort: Effort) -> std::io::Result<Vec<u8>> {
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: brotli_quality(effort),
        lgwin: 20,
        size_hint: bytes.len(),
        ..Default::default()
    };
    let mut out = Vec::new();
    brotli::BrotliCompress(&mut &*bytes, &mut out, &parameters)?;
    Ok(out)
}

fn zstd(bytes: &[u8], effort: Effort) -> std::io::Result<Vec<u8>> {
    zstd::bulk::compress(bytes, zstd_level(effort))
}

const fn gzip_level(effort: Effort) -> u8 {
    match effort {
        Effort::Fast => 6,
        Effort::Thorough => 9,
    }
}

const fn brotli_quality(effort: Effort) -> i32 {
    // Quality 11 would take two seconds and tens of megabytes for a megabyte.
    match effort {
        Effort::Fast => 4,
        Effort::Thorough => 9,
    }
}

const fn zstd_level(effort: Effort) -> i32 {
    match effort {
        Effort::Fast => 3,
        Effort::Thorough => 15,
    }
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
