//! What is wrong with the settings, all of it at once, so that an operator corrects it in one go.

use std::fmt;

use super::Origin;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Problem {
    /// A variable has a value it cannot have.
    #[error("{variable} cannot be {value} (from: {origin})\n    accepted: {accepted}")]
    Value {
        /// Name of the variable.
        variable: String,
        /// The value, masked if it may be a secret.
        value: String,
        /// Where the value was given.
        origin: Origin,
        /// What it could be.
        accepted: String,
    },
    /// A file of settings cannot be read.
    #[error("{place}: {reason}")]
    Source {
        /// The file, and the line where known.
        place: String,
        /// Why.
        reason: String,
    },
}

/// The settings cannot be used.
#[derive(Debug, Clone, PartialEq)]
pub struct SettingsError {
    /// Everything that is wrong; never empty.
    pub problems: Vec<Problem>,
}

impl std::error::Error for SettingsError {}

impl fmt::Display for SettingsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() {
            1 => write!(formatter, "a setting is wrong:")?,
            count => write!(formatter, "{count} settings are wrong:")?,
        }
        for problem in &self.problems {
            write!(formatter, "\n  {problem}")?;
        }
        Ok(())
    }
}
