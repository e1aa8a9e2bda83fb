//! What an import refuses, because it is more likely a mistake than meant.

use crate::diff::Diff;

use super::Options;

/// So many records may always go.
const FEW: usize = 5;

/// Why a category or a catalogue is left as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There would be nothing left.
    #[error("it is empty, and would replace {0} records")]
    Empty(usize),
    /// Much would be gone.
    #[error("{removed} of {before} records would go, more than a fifth")]
    Shrinks {
        /// How many there are.
        before: usize,
        /// How many of them would go.
        removed: usize,
    },
    /// Records are not valid.
    #[error("{0} records are not valid")]
    Invalid(usize),
    /// A catalogue is not valid.
    #[error("not valid: {0}")]
    InvalidCatalogue(String),
    /// What is in the folder cannot be seen.
    #[error("{0}")]
    Unreadable(String),
}

/// Whether so much may go.
pub(super) fn guard(before: usize, diff: &Diff, options: Options) -> Option<Refusal> {
    let removed = diff.removed.len();
    let is_emptied = before > 0 && removed == before && diff.added.is_empty();
    if is_emptied {
        return (!options.allow_empty).then_some(Refusal::Empty(before));
    }
    let shrinks = removed > FEW && removed * 5 > before;
    (shrinks && !options.allow_shrink).then_some(Refusal::Shrinks { before, removed })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(before: usize, removed: usize, added: usize, options: Options) -> bool {
        let names = |number: usize| vec![String::new(); number];
        let diff = Diff { added: names(added), removed: names(removed), ..Diff::default() };
        guard(before, &diff, options).is_some()
    }

    #[test]
    fn little_may_go_and_much_may_not() {
        let careful = Options::default();
        assert!(!refused(0, 0, 0, careful));
        assert!(refused(1, 1, 0, careful) && !refused(1, 1, 1, careful));
        assert!(!refused(6, 5, 0, careful) && refused(7, 6, 0, careful));
        assert!(!refused(100, 20, 0, careful) && refused(100, 21, 0, careful));
        assert!(!refused(9, 9, 0, Options { allow_empty: true, ..careful }));
        assert!(refused(9, 9, 0, Options { allow_shrink: true, ..careful }));
        assert!(!refused(9, 8, 0, Options { allow_shrink: true, ..careful }));
    }
}
