//! One declaration for a group of members: the struct, how it is read, how it is printed.
//!
//! ```text
//! members! {
//!     /// What it is.
//!     pub struct Download(caller) {
//!         /// Required: its absence is an issue.
//!         file_name: String => required,
//!         /// May be absent, and then has the type's own default.
//!         content_hash: Option<String> => absent,
//!         /// May be absent, and then has this value.
//!         sha256sum: String => or("FIXME".to_owned()),
//!         /// The same, and null counts as absent; printed even where defaults are not.
//!         tags: Vec<Trimmed> => nullable(Vec::new()),
//!         /// May be absent, and then has this value; printed even where defaults are not.
//!         download: Vec<Download> => spelled(Vec::new()),
//!         /// The default depends on the reading; printed even where defaults are not.
//!         record_type: String => by(category_name),
//!         /// Validated when given, but never printed.
//!         guidance: Option<Guidance> => unwritten,
//!     }
//! }
//! ```
//!
//! The word behind the struct's name says what becomes of unknown members: what the `caller` of the
//! reading wants, or always `keep`, `discard` or `reject`. Where they may be kept, the struct has a
//! member `unknown` for them. With `rule(broken_rule)` behind that, the method of that name is asked
//! what is wrong with the members together: `fn broken_rule(&self) -> Option<String>`.

use crate::json::Object;

use super::field::{Field, Nulls, Print};

/// Adds one member to `out`, unless `print` says that it need not be there.
pub(crate) fn put<T: Field>(
    out: &mut Object,
    name: &'static str,
    value: &T,
    print: Print,
    is_default: bool,
) {
    if is_default && !print.defaults {
        return;
    }
    let value = value.write(print.inside());
    if print.nulls != Nulls::Nowhere || !value.is_null() {
        out.insert(name.to_owned(), value);
    }
}

macro_rules! members {
    ($(#[$doc:meta])* pub struct $name:ident(reject) $($rest:tt)*) => {
        $crate::shape::members::shape! { $(#[$doc])* pub struct $name(reject) [] $($rest)* }
    };
    ($(#[$doc:meta])* pub struct $name:ident(discard) $($rest:tt)*) => {
        $crate::shape::members::shape! { $(#[$doc])* pub struct $name(discard) [] $($rest)* }
    };
    ($(#[$doc:meta])* pub struct $name:ident($unknown:ident) $($rest:tt)*) => {
        $crate::shape::members::shape! {
            $(#[$doc])* pub struct $name($unknown) [unknown] $($rest)*
        }
    };
}

/// The same with the member for unknown members named, where there is one.
macro_rules! shape {
    (
        $(#[$doc:meta])*
        pub struct $name:ident($policy:ident) [$($unknown:ident)?] $(rule($rule:ident))? {
            $(
                $(#[$field_doc:meta])*
                $field:ident $(as $json_name:literal)? : $type:ty => $how:ident $(($given:expr))?,
            )*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
            $(
                /// Members of other names.
                pub $unknown: $crate::json::Object,
            )?
        }

        impl $crate::shape::field::Members for $name {
            const NAMES: &'static [&'static str] =
                &[$($crate::shape::members::member_name!($field $($json_name)?)),*];

            fn read_members(
                members: &$crate::json::Object,
                reader: &mut $crate::shape::Reader,
            ) -> Option<Self> {
                $(
                    let $field: Option<$type> = $crate::shape::members::read_member!(
                        reader, members,
                        $crate::shape::members::member_name!($field $($json_name)?),
                        $how $(($given))?
                    );
                )*
                Some(Self { $($field: $field?,)* $($unknown: $crate::json::Object::new(),)? })
            }

            fn write_members(
                &self,
                out: &mut $crate::json::Object,
                print: $crate::shape::Print,
            ) {
                $(
                    $crate::shape::members::write_member!(
                        out, print, &self.$field, $type,
                        $crate::shape::members::member_name!($field $($json_name)?),
                        $how $(($given))?
                    );
                )*
                $(out.extend(self.$unknown.clone());)?
            }
        }

        impl $crate::shape::Field for $name {
            fn read(
                value: &$crate::json::Json,
                reader: &mut $crate::shape::Reader,
            ) -> Option<Self> {
                use $crate::shape::field::Members;
                let members = reader.object(value)?;
                let read = Self::read_members(members, reader);
                let policy = $crate::shape::members::policy!(reader, $policy);
                let others = reader.others(members, &[Self::NAMES], policy);
                let read = $crate::shape::members::with_others!(read?, others $(, $unknown)?);
                $(
                    if let Some(reason) = read.$rule() {
                        return reader.refuse_value(reason, value);
                    }
                )?
                Some(read)
            }

            fn write(&self, print: $crate::shape::Print) -> $crate::json::Json {
                use $crate::shape::field::Members;
                let mut out = $crate::json::Object::new();
                self.write_members(&mut out, print);
                out.into()
            }
        }
    };
}

macro_rules! with_others {
    ($read:expr, $others:ident) => {{
        // Nothing is kept here: they were issues, or are let go.
        drop($others);
        $read
    }};
    ($read:expr, $others:ident, $unknown:ident) => {
        Self { $unknown: $others, ..$read }
    };
}

macro_rules! member_name {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $json_name:literal) => {
        $json_name
    };
}

macro_rules! policy {
    ($reader:ident, caller) => {
        $reader.unknown()
    };
    ($reader:ident, keep) => {
        $crate::shape::Unknown::Keep
    };
    ($reader:ident, discard) => {
        $crate::shape::Unknown::Drop
    };
    ($reader:ident, reject) => {
        $crate::shape::Unknown::Reject
    };
}

macro_rules! read_member {
    ($reader:ident, $members:ident, $name:expr, required) => {
        $reader.required($members, $name)
    };
    ($reader:ident, $members:ident, $name:expr, absent) => {
        $reader.optional($members, $name, Default::default)
    };
    ($reader:ident, $members:ident, $name:expr, unwritten) => {
        $reader.optional($members, $name, Default::default)
    };
    ($reader:ident, $members:ident, $name:expr, or($default:expr)) => {
        $reader.optional($members, $name, || $default)
    };
    ($reader:ident, $members:ident, $name:expr, spelled($default:expr)) => {
        $reader.optional($members, $name, || $default)
    };
    ($reader:ident, $members:ident, $name:expr, nullable($default:expr)) => {
        $reader.nullable($members, $name, || $default)
    };
    ($reader:ident, $members:ident, $name:expr, by($default:expr)) => {{
        let default = $default($reader);
        $reader.optional($members, $name, || default)
    }};
}

macro_rules! write_member {
    ($out:ident, $print:ident, $value:expr, $type:ty, $name:expr, unwritten) => {};
    ($out:ident, $print:ident, $value:expr, $type:ty, $name:expr, absent) => {
        let is_default = *$value == <$type>::default();
        $crate::shape::members::put($out, $name, $value, $print, is_default);
    };
    ($out:ident, $print:ident, $value:expr, $type:ty, $name:expr, or($default:expr)) => {
        let is_default = *$value == $default;
        $crate::shape::members::put($out, $name, $value, $print, is_default);
    };
    ($out:ident, $print:ident, $value:expr, $type:ty, $name:expr, $how:ident $(($default:expr))?) => {
        $crate::shape::members::put($out, $name, $value, $print, false);
    };
}

pub(crate) use {member_name, members, policy, read_member, shape, with_others, write_member};

#[cfg(test)]
mod tests {
    use crate::json::Json;
    use crate::shape::{AtLeast, AtLeastOne, Field, Issue, NonEmpty, Print, Reader, Unknown};

    members! {
        /// Something to read.
        #[expect(unreachable_pub, reason = "the macro declares what others may see")]
        pub struct Thing(reject) rule(broken_rule) {
            /// At least one.
            size: AtLeast<1, i64> => required,
            /// None of them empty.
            tags: Vec<NonEmpty> => absent,
            /// Not empty itself.
            parts: Option<AtLeastOne<Thing>> => absent,
        }
    }

    impl Thing {
        fn broken_rule(&self) -> Option<String> {
            (self.size.0 == 13).then(|| "13 brings bad luck".into())
        }
    }

    fn read(text: &str) -> Result<Thing, Vec<Issue>> {
        let mut reader = Reader::new(Unknown::Drop);
        let thing = Thing::read(&Json::parse(text.as_bytes()).unwrap(), &mut reader);
        reader.conclude(thing).map(|(thing, _)| thing)
    }

    #[test]
    fn defaults_fill_what_is_absent() {
        let written = |print| read(r#"{"size":2,"parts":[{"size":1}]}"#).unwrap().write(print);
        assert_eq!(
            written(Print::COMPLETE).to_string(),
            r#"{"size":2,"tags":[],"parts":[{"size":1,"tags":[],"parts":null}]}"#
        );
        assert_eq!(
            written(Print::WITH_NULLS).to_string(),
            r#"{"size":2,"tags":[],"parts":[{"size":1,"tags":[]}]}"#
        );
        assert_eq!(written(Print::SPARSE).to_string(), r#"{"size":2,"parts":[{"size":1}]}"#);
    }

    #[test]
    fn every_issue_is_told_with_its_place() {
        let told = |text| read(text).unwrap_err().iter().map(Issue::to_string).collect::<Vec<_>>();
        assert_eq!(
            told(r#"{"tags":["", 1],"parts":[],"more":null}"#),
            [
                "size: Field required",
                "tags: 0: String should have at least 1 character",
                "tags: 1: Input should be a valid string",
                "parts: List should have at least 1 item after validation, not 0",
                "more: Extra inputs are not permitted",
            ]
        );
        assert_eq!(told(r#"{"size":0}"#), ["size: Input should be greater than or equal to 1"]);
        assert_eq!(told(r#"{"size":13}"#), ["Value error, 13 brings bad luck"]);
        let huge = r#"{"size":123456789012345678901234567890}"#;
        assert_eq!(read(huge).unwrap_err()[0].kind, "int_parsing_size");
        // A thing that is whole by itself is refused for what stands beside its members.
        assert_eq!(told(r#"{"size":1,"more":1}"#), ["more: Extra inputs are not permitted"]);
        assert_eq!(read("[]").unwrap_err()[0].kind, "model_attributes_type");
    }
}
