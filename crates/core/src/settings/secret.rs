//! Texts that must never be shown.

use std::fmt;

use super::Value;

/// What stands for a secret wherever it is shown.
pub(super) const MASK: &str = "***";

/// A text that shows itself as `***`, so that no log line or message can tell it by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Every use is worth a look in review.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(MASK)
    }
}

impl Value for Secret {
    const SECRET: bool = true;

    fn kind() -> String {
        "secret".into()
    }

    fn accepted() -> String {
        "text".into()
    }

    fn read(text: &str) -> Option<Self> {
        Some(Self::new(text))
    }

    fn show(&self) -> String {
        MASK.into()
    }

    fn show_refused(_text: &str) -> String {
        MASK.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = Secret::read("hunter2").unwrap();
        assert_eq!(
            format!("{secret} {secret:?} {:?} {}", Some(&secret), secret.show()),
            "*** *** Some(***) ***"
        );
        assert_eq!(Secret::show_refused("hunter2"), "***");
        assert_eq!(secret.expose(), "hunter2");
    }
}
