//! Text without its case, for comparing and sorting.

/// The text with case differences removed.
///
/// Raising before lowering makes `ß` and `ss`, or the two small sigmas, equal, which lowering alone
/// does not. The few letters that full case folding treats differently do not occur in names.
pub(crate) fn case_folded(text: &str) -> String {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::case_folded;

    #[test]
    fn spellings_that_differ_in_case_are_equal() {
        assert_eq!(case_folded("VIT-S/14"), "vit-s/14");
        assert_eq!(case_folded("Straße ΟΔΟΣ"), case_folded("STRASSE οδος"));
    }
}
