//! What can stand in a document: how it is read from JSON and printed back.
//!
//! Reading is as lenient as the reference: integers may come as text, booleans as words. Text is
//! never made from anything else, and nor are arrays and objects.

use indexmap::IndexMap;

use crate::json::{Json, Object};

use super::reader::Reader;

/// Which null members are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// None.
    Nowhere,
    /// Those of the document itself; nested ones are not.
    Outermost,
    /// All.
    Everywhere,
}

/// What of a document is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Print {
    /// Which null members are printed.
    pub nulls: Nulls,
    /// Whether members are printed that have their default value.
    pub defaults: bool,
}

impl Print {
    /// Defaults are written out, nulls are not: the form in the queue and in most files.
    pub const PLAIN: Self = Self { nulls: Nulls::Nowhere, defaults: true };
    /// Every member of the record itself, as legacy submissions are shown.
    pub const WITH_NULLS: Self = Self { nulls: Nulls::Outermost, defaults: true };
    /// Every member, however deep: the form of the catalogues.
    pub const COMPLETE: Self = Self { nulls: Nulls::Everywhere, defaults: true };
    /// Only what says something: the form of image records made from the legacy file.
    pub const SPARSE: Self = Self { nulls: Nulls::Nowhere, defaults: false };

    /// The same for what lies inside a member.
    pub fn inside(self) -> Self {
        match self.nulls {
            Nulls::Outermost => Self { nulls: Nulls::Nowhere, ..self },
            Nulls::Nowhere | Nulls::Everywhere => self,
        }
    }
}

/// A type that can stand in a document.
pub trait Field: Sized {
    /// Reads the value; what is wrong with it is noted in `reader`.
    fn read(value: &Json, reader: &mut Reader) -> Option<Self>;

    /// The value as JSON.
    fn write(&self, print: Print) -> Json;
}

/// A type that can be the name of a member of a map.
pub trait Key: Sized + Eq + std::hash::Hash {
    /// Reads the name; what is wrong with it is noted in `reader`.
    fn read_key(name: &str, reader: &mut Reader) -> Option<Self>;

    /// The name.
    fn key(&self) -> &str;
}

impl Field for bool {
    fn read(value: &Json, reader: &mut Reader) -> Option<Self> {
        match value {
            Json::Bool(value) => Some(*value),
            Json::Int(0) => Some(false),
            Json::Int(1) => Some(true),
            Json::Float(number) if *number == 0.0 => Some(false),
            Json::Float(number) if *number == 1.0 => Some(true),
            Json::String(word) if word_to_bool(word).is_some() => word_to_bool(word),
            Json::String(_) | Json::Int(_) | Json::BigInt(_) => {
                const MESSAGE: &str = "Input should be a valid boolean, unable to interpret input";
                reader.refuse("bool_parsing", MESSAGE, value)
            }
            _ => reader.refuse("bool_type", "Input should be a valid boolean", value),
        }
    }

    fn write(&self, _: Print) -> Json {
        Json::Bool(*self)
    }
}

/// The boolean a word stands for, in records and in queries alike.
pub fn word_to_bool(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "1" | "on" | "t" | "true" | "y" | "yes" => Some(true),
        "0" | "off" | "f" | "false" | "n" | "no" => Some(false),
        _ => None,
    }
}

impl Field for f64 {
    fn read(value: &Json, reader: &mut Reader) -> Option<Self> {
        match value {
            Json::Bool(value) => Some(Self::from(u8::from(*value))),
            Json::String(text) => match text.trim().parse() {
                Ok(number) if Self::is_finite(number) => Some(number),
                _ => {
                    const MESSAGE: &str =
                        "Input should be a valid number, unable to parse string as a number";
                    reader.refuse("float_parsing", MESSAGE, value)
                }
            },
            _ => {
                let number = value.as_f64().filter(|number| number.is_finite());
                const MESSAGE: &str = "Input should be a valid number";
                number.or_else(|| reader.refuse("float_type", MESSAGE, value))
            }
        }
    }

    fn write(&self, _: Print) -> Json {
        Json::Float(*self)
    }
}

impl Field for String {
    fn read(value: &Json, reader: &mut Reader) -> Option<Self> {
        const MESSAGE: &str = "Input should be a valid string";
        let text = value.as_str().map(str::to_owned);
        text.or_else(|| reader.refuse("string_type", MESSAGE, value))
    }

    fn write(&self, _: Print) -> Json {
        Json::String(self.clone())
    }
}

impl Key for String {
    fn read_key(name: &str, _: &mut Reader) -> Option<Self> {
        Some(name.to_owned())
    }

    fn key(&self) -> &str {
        self
    }
}

impl<T: Field> Field for Option<T> {
    fn read(value: &Json, reader: &mut Reader) -> Option<Self> {
        if value.is_null() { Some(None) } else { T::read(value, reader).map(Some) }
    }

    fn write(&self, print: Print) -> Json {
        self.as_ref().map_or(Json::Null, |value| value.write(print))
    }
}

impl<T: Field> Field for Vec<T> {
    fn read(value: &Json, reader: &mut Reader) -> Option<Self> {
        let Some(items) = value.as_array() else {
            return reader.refuse("list_type", "Input should be a valid list", value);
        };
        let read_all = |(index, item)| reader.within(index, |reader| T::read(item, reader));
        // Collected before it is judged, so that every element has its say.
        let items: Vec<Option<T>> = items.iter().enumerate().map(read_all).collect();
        items.into_iter().collect()
    }

    fn write(&self, print: Print) -> Json {
        Json::Array(self.iter().map(|item| item.write(print.inside())).collect())
    }
}

/// A list with something in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtLeastOne<T>(pub Vec<T>);

impl<T: Field> Field for AtLeastOne<T> {
    fn read(value: &Json, reader: &mut Reader) -> Option<Self> {
        let items = Vec::read(value, reader)?;
        if !items.is_empty() {
            return Some(Self(items));
        }
        const MESSAGE: &str = "List should have at least 1 item after validation, not 0";
        let facts = [
            ("field_type", "List".into()),
            ("min_length", Json::Int(1)),
            ("actual_length", Json::Int(0)),
        ];
        reader.refuse_with("too_short", MESSAGE, value, facts)
    }

    fn write(&self, print: Print) -> Json {
        self.0.write(print)
    }
}

impl<K: Key, T: Field> Field for IndexMap<K, T> {
    fn read(value: &Json, reader: &mut Reader) -> Option<Self> {
        reader.entries(value, |name, value, reader| {
            let key = reader.within("[key]", |reader| K::read_key(name, reader));
            let value = T::read(value, reader);
            key.zip(value)
        })
    }

    fn write(&self, print: Print) -> Json {
        let member = |(key, value): (&K, &T)| (key.key().to_owned(), value.write(print.inside()));
        Json::Object(self.iter().map(member).collect())
    }
}

impl Field for Json {
    fn read(value: &Self, _: &mut Reader) -> Option<Self> {
        Some(value.clone())
    }

    fn write(&self, _: Print) -> Self {
        self.clone()
    }
}

/// A group of members with fixed names: what the `members!` macro makes.
pub trait Members: Sized {
    /// The names, in the order they are printed.
    const NAMES: &'static [&'static str];

    /// Reads the known members; the others are left to the caller.
    fn read_members(members: &Object, reader: &mut Reader) -> Option<Self>;

    /// Appends the members to `out`.
    fn write_members(&self, out: &mut Object, print: Print);
}
