//! Parameter counts: billions in the table of text models, whole numbers everywhere else.
//!
//! The reference multiplies in binary floating point and cuts, so that 8.2 billions become
//! 8 199 999 999 and drift further with every write. Here the digits are shifted, which is exact.

use crate::shape::{Integer, joined_digits};

/// Shifts the decimal point to the right by `places` and cuts what is behind it. `None` if the text
/// is not a finite decimal number, or longer than a number of parameters ever is.
fn shifted(text: &str, places: i64) -> Option<Integer> {
    let text = text.trim();
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Integer::parse(exponent)?.to_i64()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let digits_of =
        |part: &str| if part.is_empty() { Some(String::new()) } else { joined_digits(part) };
    let digits = digits_of(whole)? + &digits_of(fraction)?;
    let fraction_length =
        i64::try_from(fraction.bytes().filter(|byte| *byte != b'_').count()).ok()?;
    let behind = fraction_length.checked_sub(places)?.checked_sub(exponent)?;
    let kept = match usize::try_from(behind) {
        Ok(cut) => digits.get(..digits.len().saturating_sub(cut))?.to_owned(),
        Err(_) => {
            const LONGEST: u64 = 300;
            let zeros = behind.unsigned_abs();
            (zeros <= LONGEST).then(|| digits + &"0".repeat(zeros as usize))?
        }
    };
    Some(Integer::from_digits(negative, &kept))
}

/// The whole number that a number of billions stands for; what is less than one is cut.
pub(super) fn from_billions(text: &str) -> Option<Integer> {
    shifted(text, 9)
}

/// The whole part of a number.
pub(super) fn whole_part(text: &str) -> Option<Integer> {
    shifted(text, 0)
}

/// The number of billions, exactly and without an exponent.
pub(super) fn to_billions(parameters: &Integer) -> String {
    let text = parameters.to_string();
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
    let digits = format!("{digits:0>10}");
    let (whole, fraction) = digits.split_at(digits.len() - 9);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

/// The tag that tells the size in whole billions, a half going to the even neighbour.
pub(super) fn size_tag(billions: f64) -> String {
    let rounded = billions.round_ties_even();
    // Adding zero turns a negative zero into zero.
    format!("{:.0}B", rounded + 0.0)
}

/// Whether the tag tells some size.
pub(super) fn is_size_tag(tag: &str) -> bool {
    tag.strip_suffix('B').is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn billions_are_shifted_not_multiplied() {
        for (text, number) in [
            ("8.2", 8_200_000_000),
            ("1e-1", 100_000_000),
            ("1_0", 10_000_000_000),
            ("+3", 3_000_000_000),
            (".5", 500_000_000),
            ("7.", 7_000_000_000),
            ("0.0000000019", 1),
            ("-0.5", -500_000_000),
            ("0", 0),
        ] {
            assert_eq!(from_billions(text), Some(number.into()), "{text}");
        }
        for text in ["", ".", "nan", "inf", "1e", "1e1e1", "_1", "1__0", "1e999999", "0x1", "--1"] {
            assert_eq!(from_billions(text), None, "{text}");
        }
    }

    #[test]
    fn and_back() {
        for (number, text) in [
            (560_000_000, "0.56"),
            (1, "0.000000001"),
            (1_234_567_890, "1.23456789"),
            (7_000_000_000, "7"),
            (-1_500_000_000, "-1.5"),
        ] {
            assert_eq!(to_billions(&number.into()), text);
        }
    }

    #[test]
    fn sizes_round_half_to_even() {
        let tags = [0.5, 1.5, 2.5, -1.0, -0.4, 6.7].map(size_tag);
        assert_eq!(tags, ["0B", "2B", "2B", "-1B", "0B", "7B"]);
    }
}
