//! Enumerations that are words on the wire.

use super::problem::Reading;
use crate::json::Json;

/// The text is none of the words that may stand there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown word `{0}`")]
pub struct UnknownWord(pub String);

/// A fixed set of words.
pub(crate) trait Word: Copy + 'static {
    const ALL: &'static [Self];

    fn word(self) -> &'static str;
}

/// Declares an enumeration and the word of each of its variants.
macro_rules! words {
    ($(#[$note:meta])* $visibility:vis enum $name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$note])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "the names are the words of the contract")]
        $visibility enum $name { $($variant),+ }

        impl $name {
            /// All the words, in order.
            $visibility const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word on the wire.
            $visibility const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl $crate::catalogue::words::Word for $name {
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            fn word(self) -> &'static str {
                self.name()
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::catalogue::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                let found = $crate::catalogue::words::find(word);
                found.ok_or_else(|| $crate::catalogue::UnknownWord(word.to_owned()))
            }
        }

        impl From<$name> for $crate::json::Json {
            fn from(value: $name) -> Self {
                value.name().into()
            }
        }
    };
}

pub(crate) use words;

/// Which of the words of `T` this is, if any.
pub(crate) fn find<T: Word>(text: &str) -> Option<T> {
    T::ALL.iter().copied().find(|value| value.word() == text)
}

/// Reads one of the words of `T`.
pub(crate) fn word<T: Word>(value: &Json, reading: &mut Reading) -> Option<T> {
    if let Some(value) = value.as_str().and_then(find) {
        return Some(value);
    }
    let words: Vec<&str> = T::ALL.iter().map(|value| value.word()).collect();
    reading.refuse("enum", format!("expected one of {}", words.join(", ")))
}
