//! The two formats in which a category can be written.

/// A format: the one that is the source of truth, or the one metadata is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The older, frozen format, which v1 reads and writes.
    Legacy,
    /// The current format, which v2 reads and writes.
    V2,
}

impl Format {
    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::V2 => "v2",
        }
    }

    /// Reads the word.
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Legacy, Self::V2].into_iter().find(|format| format.name() == name)
    }
}
