//! Whether coded bytes decode to what they should.
//!
//! Coded bytes from elsewhere may be anything, such as a few that decode to gigabytes: decoding stops
//! at the first byte that differs, so it takes no more time or memory than honest bytes do.

use std::io::{self, Read, Write};

use crate::body::Coding;

/// The largest window a client must be ready for, as a power of two.
const LARGEST_ZSTD_WINDOW: u32 = 23;
/// Bytes of brotli that are decoded at a time.
const PIECE: usize = 16 << 10;

/// Whether `coded`, to its last byte, is one form of exactly `plain`, and smaller.
pub(crate) fn yields(coding: Coding, coded: &[u8], plain: &[u8]) -> bool {
    let mut rest = coded;
    let decoded = match coding {
        Coding::Identity => return coded == plain,
        Coding::Gzip => matches(flate2::bufread::GzDecoder::new(&mut rest), plain),
        Coding::Brotli => brotli(&mut rest, plain),
        Coding::Zstd => zstd(&mut rest, plain),
    };
    // A client may take bytes behind the end for an error.
    coded.len() < plain.len() && decoded.is_ok() && rest.is_empty()
}

fn brotli(coded: &mut &[u8], plain: &[u8]) -> io::Result<()> {
    let mut decoder = brotli::Decompressor::new(coded, PIECE);
    matches(&mut decoder, plain)?;
    // It tells of bytes behind the end, but not at once.
    match decoder.read(&mut [0])? {
        0 => Ok(()),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn zstd(coded: &mut &[u8], plain: &[u8]) -> io::Result<()> {
    let mut decoder = zstd::Decoder::with_buffer(coded)?.single_frame();
    decoder.window_log_max(LARGEST_ZSTD_WINDOW)?;
    matches(&mut decoder, plain)?;
    decoder.finish_frame()
}

fn matches(mut decoder: impl Read, plain: &[u8]) -> io::Result<()> {
    let mut expected = Expected(plain);
    io::copy(&mut decoder, &mut expected)?;
    if expected.0.is_empty() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Takes the bytes that are yet to come, and no others.
struct Expected<'a>(&'a [u8]);

impl Write for Expected<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.strip_prefix(bytes).ok_or(io::ErrorKind::InvalidData)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Body;

    fn text(lines: usize) -> String {
        let lines: Vec<_> = (0..lines).map(|n| format!("model number {n} of many")).collect();
        lines.join("\n")
    }

    fn forms(plain: &str) -> [(Coding, Vec<u8>); 3] {
        let body = Body::new(plain.to_owned());
        Coding::COMPRESSED.map(|coding| (coding, body.better(coding).unwrap().to_vec()))
    }

    #[test]
    fn forms_of_a_text_yield_it_and_no_other() {
        let plain = text(2000);
        for (coding, coded) in forms(&plain) {
            assert!(yields(coding, &coded, plain.as_bytes()), "{coding:?}");
            let other = plain.replacen("number 1999", "number 1998", 1);
            assert!(!yields(coding, &coded, other.as_bytes()), "{coding:?}: another text");
            for length in [1999, 2001] {
                assert!(!yields(coding, &coded, text(length).as_bytes()), "{coding:?}: {length}");
            }
        }
    }

    #[test]
    fn no_byte_may_be_missing_behind_or_changed() {
        let plain = text(2000);
        for (coding, coded) in forms(&plain) {
            for length in 0..coded.len() {
                assert!(!yields(coding, &coded[..length], plain.as_bytes()), "{coding:?}");
            }
            for more in [1, PIECE + 1] {
                let longer = [&coded[..], &vec![0; more]].concat();
                assert!(!yields(coding, &longer, plain.as_bytes()), "{coding:?}: {more} more");
            }
            let twice = [&coded[..], &coded[..]].concat();
            assert!(!yields(coding, &twice, plain.as_bytes()), "{coding:?}: twice");
        }
    }

    #[test]
    fn nothing_larger_than_the_text_itself_is_taken() {
        let plain = "x";
        let coded = zstd::bulk::compress(plain.as_bytes(), 3).unwrap();
        assert!(coded.len() > plain.len());
        assert!(!yields(Coding::Zstd, &coded, plain.as_bytes()));
    }
}
