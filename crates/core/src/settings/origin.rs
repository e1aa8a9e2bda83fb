//! Where a value came from, as an operator needs to hear it to find and correct it.

use std::fmt;
use std::path::PathBuf;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody gave one.
    Default,
    /// A flag of the command line.
    CommandLine,
    /// The environment of the process.
    Environment,
    /// A line of a `.env` file.
    DotEnv {
        /// The file.
        file: PathBuf,
        /// Its line, from 1.
        line: usize,
    },
    /// A key of the TOML file.
    Toml {
        /// The file.
        file: PathBuf,
        /// The key with its tables, joined by dots.
        key: String,
    },
    /// A member of the JSON object that a group's variable holds.
    Member {
        /// Name of the group's variable.
        group: String,
        /// Where that variable was given.
        within: Box<Self>,
    },
    /// Another setting leaves no choice.
    Settled {
        /// That setting, as a clause.
        because: String,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => write!(formatter, "default"),
            Self::CommandLine => write!(formatter, "command line"),
            Self::Environment => write!(formatter, "environment"),
            Self::DotEnv { file, line } => write!(formatter, "{} line {line}", file.display()),
            Self::Toml { file, key } => write!(formatter, "{key} in {}", file.display()),
            Self::Member { group, within } => write!(formatter, "{group}, {within}"),
            Self::Settled { because } => write!(formatter, "because {because}"),
        }
    }
}
