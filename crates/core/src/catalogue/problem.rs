//! What is wrong with a document, and where.

use std::fmt;

/// One step on the way into a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// To the member of this name.
    Member(String),
    /// To the element at this place.
    Element(usize),
}

/// One thing wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The way to the offending value; for a missing or unknown member, to its name.
    pub path: Vec<Step>,
    /// The contract's word for such an offence, such as `extra_forbidden`.
    pub kind: &'static str,
    /// What is wrong, as a sentence without its full stop.
    pub reason: String,
}

/// The place a reader has reached in a document, and the problems it has met so far.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    path: Vec<Step>,
    problems: Vec<Problem>,
}

impl Reading {
    /// Reads a whole document: its value, or every problem in it.
    pub(crate) fn document<T>(
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Result<T, Vec<Problem>> {
        let mut reading = Self::default();
        let value = read(&mut reading);
        // A value can come back whole although an unknown member stood beside what it was read from.
        match value {
            Some(value) if reading.problems.is_empty() => Ok(value),
            _ => Err(reading.problems),
        }
    }

    /// Runs `read` one step further inside.
    pub(crate) fn within<T>(
        &mut self,
        step: impl Into<Step>,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        self.path.push(step.into());
        let value = read(self);
        self.path.pop();
        value
    }

    /// Notes a problem at this place. There is no value then, hence the answer.
    pub(crate) fn refuse<T>(&mut self, kind: &'static str, reason: impl Into<String>) -> Option<T> {
        self.problems.push(Problem { path: self.path.clone(), kind, reason: reason.into() });
        None
    }

    /// Notes problems that a document at this place has by itself.
    pub(crate) fn adopt<T>(&mut self, problems: Vec<Problem>) -> Option<T> {
        for mut problem in problems {
            problem.path.splice(0..0, self.path.iter().cloned());
            self.problems.push(problem);
        }
        None
    }
}

impl From<&str> for Step {
    fn from(name: &str) -> Self {
        Self::Member(name.to_owned())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Element(index)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(name) => f.write_str(name),
            Self::Element(index) => write!(f, "{index}"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.path {
            write!(f, "/{step}")?;
        }
        write!(f, ": {}", self.reason)
    }
}
