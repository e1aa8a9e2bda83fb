//! Which version of a category is meant, and which there are when it is none of them.

use horde_model_reference::history::{History, Version};
use horde_model_reference::json::Json;

use crate::terminal::{Align, columns, size};
use crate::when;

/// A smaller number is one of seconds since 1970, unless there is such a generation.
const SMALLEST_MS: u64 = 100_000_000_000;

/// No such version is kept; says what is.
#[derive(Debug)]
pub(crate) struct Missing(String);

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Missing {}

/// How a version is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// A generation.
    Generation(u64),
    /// What was in force at a time, in milliseconds since 1970.
    At(u64),
    /// A generation, if there is such a one; else a time in seconds since 1970.
    Number(u64),
}

impl Which {
    /// Reads what stands behind an `@`.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(number) => Ok(Self::Number(number)),
            Err(_) => when::begin(text).map(|time| Self::At(when::ms(time))),
        }
    }

    /// The version that is meant, or what there is instead.
    pub(crate) fn find(self, history: &History) -> Result<&Version, Missing> {
        let of = |number: u64| history.of(number.to_string().parse().ok()?);
        let found = match self {
            Self::Generation(number) => of(number),
            Self::At(ms) => history.at(ms),
            Self::Number(number) if number >= SMALLEST_MS => of(number),
            Self::Number(number) => of(number).or_else(|| history.at(number * 1000)),
        };
        found.ok_or_else(|| Missing(self.missing(history)))
    }

    fn missing(self, history: &History) -> String {
        let document = history.document();
        let wanted = match self {
            Self::At(ms) => format!("nothing is kept of {document} from {}", when::shown_ms(ms)),
            Self::Number(number) if number < SMALLEST_MS => {
                format!("nothing is kept of {document} from {}", when::shown_ms(number * 1000))
            }
            Self::Generation(number) | Self::Number(number) => {
                format!("{document} has no generation {number}, or it is kept no longer")
            }
        };
        if history.versions().is_empty() {
            return format!("{wanted}; there is nothing of it at all");
        }
        let rows: Vec<Vec<String>> = history.versions().iter().rev().map(row).collect();
        let lines = columns(&rows, &[Align::Right, Align::Left, Align::Right, Align::Left]);
        format!("{wanted}; there are\n  {}", lines.join("\n  "))
    }
}

fn row(version: &Version) -> Vec<String> {
    vec![
        name(version),
        when::shown_ms(version.since_ms),
        size(version.bytes.len() as u64),
        if version.is_present { "now".to_owned() } else { String::new() },
    ]
}

/// The generation; a hyphen where there is none.
pub(crate) fn name(version: &Version) -> String {
    match version.generation.is_some() {
        true => version.generation.to_string(),
        false => "-".to_owned(),
    }
}

/// The first digits of the digest, as `list` shows them.
pub(crate) fn mark(version: &Version) -> String {
    version.digest.to_string().chars().take(12).collect()
}

/// What every program wants to know of a version.
pub(crate) fn to_json(version: &Version) -> Vec<(&'static str, Json)> {
    let generation = version.generation.is_some().then(|| version.generation.get());
    let users: Vec<Json> = version.users().into_iter().map(Json::from).collect();
    vec![
        ("generation", generation.into()),
        ("from", when::shown_ms(version.since_ms).into()),
        ("present", version.is_present.into()),
        ("size", Json::count(version.bytes.len())),
        ("digest", version.digest.to_string().into()),
        ("users", users.into()),
    ]
}
