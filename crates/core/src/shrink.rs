//! How much may go at once without anybody asking for it.

/// How many replaced contents of a document are kept.
pub(crate) const KEPT_GENERATIONS: usize = 20;

/// So many records may always go.
const FEW: usize = 5;
/// One in so many may go.
const SHARE: usize = 5;

/// Whether losing `removed` of `before` records looks like an accident: more than five, and more
/// than a fifth.
pub(crate) fn has_shrunk(before: usize, removed: usize) -> bool {
    removed > FEW && removed * SHARE > before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_records_or_a_small_share_may_go() {
        assert!(!has_shrunk(5, 5));
        assert!(!has_shrunk(6, 5));
        assert!(has_shrunk(6, 6));
        assert!(!has_shrunk(100, 20));
        assert!(has_shrunk(100, 21));
    }
}
