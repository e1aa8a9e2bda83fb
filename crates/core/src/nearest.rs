//! The known name that a mistyped one was probably meant to be.

/// The nearest of `known` to `name`, unless even that is too far to be a slip of the hand.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let farthest = (name.len() / 4).clamp(1, 4);
    known
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= farthest)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance, with one row of the table kept at a time.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (line, from) in a.chars().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        for (column, to) in b.iter().enumerate() {
            let above = row[column + 1];
            let replaced = diagonal + usize::from(from != *to);
            row[column] = left;
            left = replaced.min(above + 1).min(left + 1);
            diagonal = above;
        }
        row[b.len()] = left;
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in
            [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("ab", "ba", 2)]
        {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let known = ["REDIS__URL", "REDIS__USE_REDIS", "OFFLINE"];
        assert_eq!(nearest("REDIS_URL", known.into_iter()), Some("REDIS__URL"));
        assert_eq!(nearest("OFLINE", known.into_iter()), Some("OFFLINE"));
        assert_eq!(nearest("SOMETHING_ELSE", known.into_iter()), None);
    }
}
