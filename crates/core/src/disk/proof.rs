//! A note beside a document that tells, without reading it, what it holds: its digest, its name, and the
//! stamp it has had for long enough that any later change would show in it.
//!
//! It is written by whoever has read the file when its stamp was old enough. It is never flushed, and
//! need not be there: who does not find it reads the file.

#![cfg_attr(
    not(feature = "redis"),
    allow(dead_code, reason = "asked for by the tier over the files, which may be left out")
)]

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::Json;
use crate::backend::Stamp;
use crate::generation::{Digest, Generation};
use crate::json::Style;

/// How old a change must be for a later one to have another time: file systems stamp in ticks of some
/// milliseconds, and those without fractions in seconds.
const FINE: Duration = Duration::from_secs(1);
const COARSE: Duration = Duration::from_secs(3);

/// What a document is known to hold while it has this stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Proof {
    pub(crate) generation: Generation,
    pub(crate) digest: Digest,
    pub(crate) stamp: Stamp,
}

impl Proof {
    /// For how long a stamp must have been seen before what is read with it is proven by it.
    pub(crate) fn time_to_settle(stamp: &Stamp) -> Duration {
        if stamp.changed_ns % 1_000_000_000 == 0 { COARSE } else { FINE }
    }

    pub(crate) fn read(path: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(path).ok()?;
        let (checksum, body) = text.split_once('\n')?;
        if checksum != Digest::of(body.as_bytes()).to_string() {
            return None;
        }
        let body = Json::parse(body.as_bytes()).ok()?;
        let number = |name| body.get(name)?.as_str()?.parse::<i128>().ok();
        let unsigned = |name| u64::try_from(number(name)?).ok();
        Some(Self {
            generation: Generation::from_json(body.get("generation")?)?,
            digest: Digest::from_hex(body.get("digest")?.as_str()?)?,
            stamp: Stamp {
                device: unsigned("device")?,
                inode: unsigned("inode")?,
                size: unsigned("size")?,
                modified_ns: number("modified_ns")?,
                changed_ns: number("changed_ns")?,
            },
        })
    }

    /// Two that write at once write the same; what is torn is none.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        let Self { generation, digest, stamp } = self;
        // Numbers as text: some are larger than JSON's.
        let text = |number: i128| Json::from(number.to_string().as_str());
        let body = Json::from([
            ("generation", generation.to_json()),
            ("digest", digest.to_string().into()),
            ("device", text(stamp.device.into())),
            ("inode", text(stamp.inode.into())),
            ("size", text(stamp.size.into())),
            ("modified_ns", text(stamp.modified_ns)),
            ("changed_ns", text(stamp.changed_ns)),
        ]);
        let body = body.to_text(Style::COMPACT);
        std::fs::write(path, format!("{}\n{body}", Digest::of(body.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_read_as_it_was_written_and_not_when_it_is_torn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("proof");
        assert_eq!(Proof::read(&path), None);
        let proof = Proof {
            generation: "7".parse().unwrap(),
            digest: Digest::of(b"x"),
            stamp: Stamp {
                device: u64::MAX,
                inode: 5,
                size: 1,
                modified_ns: -1,
                changed_ns: i128::from(i64::MAX) + 1,
            },
        };
        proof.write(&path).unwrap();
        assert_eq!(Proof::read(&path), Some(proof));
        let text = std::fs::read(&path).unwrap();
        std::fs::write(&path, &text[..text.len() - 1]).unwrap();
        assert_eq!(Proof::read(&path), None);
    }
}
