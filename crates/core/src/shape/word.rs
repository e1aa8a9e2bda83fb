//! Words of a fixed list.

use crate::json::Json;
use crate::{Domain, Purpose};

use super::field::{Field, Key, Print};
use super::reader::Reader;

/// A type whose values are the words of a list.
pub trait Word: Copy + Eq + std::hash::Hash + 'static {
    /// Every value, in the order of the contract.
    const ALL: &'static [Self];

    /// The contract's word for the issue when it is none of them.
    const ISSUE: &'static str = "enum";

    /// The word on the wire.
    fn word(self) -> &'static str;

    /// The value that the word stands for.
    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.word() == word)
    }
}

/// The text is none of the words that may stand there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown word `{0}`")]
pub struct UnknownWord(pub String);

/// The words as a sentence wants them: quoted, the last one joined by `or`.
pub fn list_of_words(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

fn refuse<W: Word>(input: &Json, reader: &mut Reader) -> Option<W> {
    let words: Vec<&str> = W::ALL.iter().map(|value| value.word()).collect();
    let expected = list_of_words(&words);
    let message = format!("Input should be {expected}");
    reader.refuse_with(W::ISSUE, message, input, [("expected", expected.into())])
}

impl<W: Word> Field for W {
    fn read(value: &Json, reader: &mut Reader) -> Option<Self> {
        value.as_str().and_then(W::from_word).or_else(|| refuse(value, reader))
    }

    fn write(&self, _: Print) -> Json {
        self.word().into()
    }
}

impl<W: Word> Key for W {
    fn read_key(name: &str, reader: &mut Reader) -> Option<Self> {
        W::from_word(name).or_else(|| refuse(&name.into(), reader))
    }

    fn key(&self) -> &str {
        self.word()
    }
}

/// Declares an enumeration and the word of each of its variants, with `as "literal_error"` behind the
/// name where the contract faults other words by another word than `enum`.
macro_rules! words {
    (
        $(#[$doc:meta])*
        pub enum $name:ident $(as $issue:literal)? { $($(#[$word_doc:meta])* $variant:ident = $word:literal,)* }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "the names are the words of the contract")]
        pub enum $name { $($(#[$word_doc])* $variant,)* }

        impl $name {
            /// All the words, in order.
            pub const WORDS: &'static [&'static str] = &[$($word),*];

            /// The word on the wire.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl $crate::shape::Word for $name {
            const ALL: &'static [Self] = &[$(Self::$variant),*];
            $(const ISSUE: &'static str = $issue;)?

            fn word(self) -> &'static str {
                self.name()
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::shape::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                let found = <Self as $crate::shape::Word>::from_word(word);
                found.ok_or_else(|| $crate::shape::UnknownWord(word.to_owned()))
            }
        }
    };
}

pub(crate) use words;

impl Word for Domain {
    const ALL: &'static [Self] =
        &[Self::Image, Self::Text, Self::Video, Self::Audio, Self::Rendered3d];

    fn word(self) -> &'static str {
        self.name()
    }
}

impl Word for Purpose {
    const ALL: &'static [Self] = &[
        Self::Generation,
        Self::PostProcessing,
        Self::AuxiliaryOrPatch,
        Self::FeatureExtractor,
        Self::SafetyChecker,
        Self::Miscellaneous,
    ];

    fn word(self) -> &'static str {
        self.name()
    }
}
