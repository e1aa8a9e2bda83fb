//! What is said on the two channels. A message never carries truth: it says where to look.

use std::borrow::Cow;
use std::fmt;

use super::record::Named;
use crate::{Category, Document};

/// First word of a message of ours: the format of the rest.
const FORMAT: &str = "1";
/// Longer messages are nobody's.
const LONGEST: usize = 512;

/// Stands for the name of a content: whatever it is, look.
const LOOK: &str = "look";

/// A document has another content, or is to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ChangeMessage<'a> {
    pub(super) document: Document,
    /// What it is now; `None` where nothing is known but that it is to be looked at.
    pub(super) named: Option<Named>,
    /// Who announced it.
    pub(super) worker: Cow<'a, str>,
}

impl<'a> ChangeMessage<'a> {
    pub(super) fn parse(payload: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(payload).ok().filter(|text| text.len() <= LONGEST)?;
        let mut words = text.split(' ');
        if words.next()? != FORMAT {
            return None;
        }
        let document = Document::named(words.next()?)?;
        let named = match words.next()? {
            LOOK => None,
            generation => Some(Named::parse(&format!("{generation}:{}", words.next()?))?),
        };
        let worker = words.next()?.into();
        words.next().is_none().then_some(Self { document, named, worker })
    }
}

impl fmt::Display for ChangeMessage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { document, named, worker } = self;
        match named {
            None => write!(f, "{FORMAT} {document} {LOOK} {worker}"),
            Some(named) => {
                let (generation, digest) = (named.generation, named.digest_text());
                write!(f, "{FORMAT} {document} {generation} {digest} {worker}")
            }
        }
    }
}

/// The category a worker of the reference names.
pub(super) fn category_named(payload: &[u8]) -> Option<Category> {
    std::str::from_utf8(payload).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generation::Digest;

    #[test]
    fn messages_are_read_as_they_are_written() {
        let named = Named { generation: "9".parse().unwrap(), digest: Some(Digest::of(b"x")) };
        let document = Document::LegacyMetadata(Category::Clip);
        let look = ChangeMessage { document, named: None, worker: "w1".into() };
        assert_eq!(ChangeMessage::parse(look.to_string().as_bytes()), Some(look));
        let message = ChangeMessage { document, named: Some(named), worker: "w1".into() };
        let text = message.to_string();
        assert_eq!(ChangeMessage::parse(text.as_bytes()), Some(message));
        for wrong in [text.replacen('1', "2", 1), text.clone() + " x", text.replace("clip", "clap")]
        {
            assert_eq!(ChangeMessage::parse(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(ChangeMessage::parse(b"\xff"), None);
        assert_eq!(ChangeMessage::parse(b"image_generation"), None);
        assert_eq!(category_named(b"image_generation"), Some(Category::ImageGeneration));
    }
}
