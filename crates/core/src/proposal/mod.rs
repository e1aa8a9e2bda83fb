//! What somebody asks to be written, made into what is written: rules of names, bodies of requests
//! as payloads of the queue, licensing, times.
//!
//! Plain functions over what is stored: whoever calls them says what that is, in which order the
//! rules are asked, and what becomes of the answer.

mod legacy;
mod metadata;
mod v2;

pub use legacy::{LegacySubmission, stored_key};
pub use metadata::MetadataCorrection;
pub use v2::Submission;

use crate::json::{Json, Style};

/// Longest name of a record, in bytes as JSON prints it: four times it must go into what a commit
/// leaves in its slot.
pub(crate) const LONGEST_NAME: usize = 8 * 1024;

/// Why something cannot be written as it was sent, beside its shape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The name is empty or blank.
    #[error("Model name must not be empty or whitespace-only.")]
    EmptyName,
    /// The name has a character that no name may have.
    #[error("Model name must not contain invalid characters \\: '{0}'")]
    InvalidName(String),
    /// The name is longer than names can be.
    #[error("Model name must not be longer than {LONGEST_NAME} bytes.")]
    LongName,
    /// The baseline is not the name of one in the catalogue.
    #[error("Unknown image baseline: '{0}'. Use the exact name of a published baseline.")]
    UnknownBaseline(String),
    /// New records must say their licensing here, and this one does not.
    #[error("New v2 model records require an explicit licensing conclusion.")]
    LicensingRequired,
    /// Licensing cannot be taken away.
    #[error("licensing cannot be explicitly cleared; omit it to preserve the current conclusion.")]
    LicensingCleared,
    /// There is no such licence.
    #[error("Unknown license definition: {0}")]
    UnknownLicense(String),
    /// The licence is not to be used any more.
    #[error("Deprecated license definition cannot be newly assigned: {0}")]
    DeprecatedLicense(String),
}

/// Whether a record may have this name.
pub fn check_name(name: &str) -> Result<(), Refusal> {
    if name.trim().is_empty() {
        return Err(Refusal::EmptyName);
    }
    if name.contains('\\') {
        return Err(Refusal::InvalidName(name.to_owned()));
    }
    if Json::from(name).to_text(Style::COMPACT).len() > LONGEST_NAME {
        return Err(Refusal::LongName);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["a", " padded ", "a/b", "\u{1}", "\u{96ea}", &"x".repeat(8000)] {
            assert_eq!(check_name(name), Ok(()), "{name:?}");
        }
        for name in ["", " \n", "\u{2003}"] {
            assert_eq!(check_name(name), Err(Refusal::EmptyName), "{name:?}");
        }
        assert_eq!(check_name("a\\b"), Err(Refusal::InvalidName("a\\b".into())));
        assert_eq!(check_name(&"\u{1}".repeat(2000)), Err(Refusal::LongName));
    }
}
