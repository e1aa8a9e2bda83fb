//! The table of variables: each group of settings is written once, and that text is at once the
//! struct, the names of its variables, their defaults and their explanation.
//!
//! A group could be a struct, a reading function and a listing; three texts drift apart, so
//! [`setting_group!`](crate::setting_group) makes all of them from one.

use super::Reader;

/// What every variable of the project but the shared, unprefixed ones begins with.
pub const PREFIX: &str = "HORDE_MODEL_REFERENCE_";

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    /// Full name, in capitals.
    pub name: &'static str,
    /// Another name, which wins where both are given in the same place.
    pub stronger_name: Option<&'static str>,
    /// The group it is listed with.
    pub concern: &'static str,
    /// What it does.
    pub meaning: &'static str,
}

/// Settings of one concern.
pub trait Group: Sized {
    /// The heading they are listed under.
    const CONCERN: &'static str;

    /// Takes each variable from the reader; what is not given stays as it is in `self`.
    fn read_over(self, reader: &mut Reader) -> Self;
}

/// Declares a [`Group`](crate::settings::Group): a struct, the names of its variables as constants,
/// its defaults and how it is read. The documentation of a field is also what an operator is told.
///
/// ```
/// horde_model_reference::setting_group! {
///     /// How tea is made.
///     pub struct Tea is "tea" {
///         /// Minutes to wait.
///         HORDE_MODEL_REFERENCE_TEA__MINUTES => minutes: u32 = 4,
///     }
/// }
/// assert_eq!(Tea::default().minutes, 4);
/// ```
#[macro_export]
macro_rules! setting_group {
    (
        $(#[doc = $about:literal])+
        pub struct $group:ident is $concern:literal {
            $(
                $(#[doc = $meaning:literal])+
                $name:ident $(or $stronger:ident)? => $field:ident: $type:ty = $default:expr,
            )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq)]
        pub struct $group {
            $( $(#[doc = $meaning])+ pub $field: $type, )+
        }

        impl $group {
            $(
                #[doc = concat!("Name of the variable of `", stringify!($field), "`.")]
                pub const $name: &'static str = stringify!($name);
            )+
        }

        impl Default for $group {
            fn default() -> Self {
                Self { $( $field: $default, )+ }
            }
        }

        impl $crate::settings::Group for $group {
            const CONCERN: &'static str = $concern;

            fn read_over(self, reader: &mut $crate::settings::Reader) -> Self {
                Self {
                    $(
                        $field: reader.read(
                            $crate::settings::Variable {
                                name: Self::$name,
                                stronger_name: None $( .or(Some(stringify!($stronger))) )?,
                                concern: <Self as $crate::settings::Group>::CONCERN,
                                meaning: concat!($($meaning),+).trim_ascii_start(),
                            },
                            self.$field,
                        ),
                    )+
                }
            }
        }
    };
}
