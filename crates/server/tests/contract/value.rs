//! Comparing JSON with a recorded value that may hold placeholders.

use horde_model_reference::json::{Json, Object};

/// How bodies are compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules {
    /// The order of members counts.
    pub ordered: bool,
    /// Members that are null are as good as absent.
    pub null_equals_absent: bool,
    /// Objects of the answer may have further members.
    pub subset: bool,
}

/// What the placeholders stand for while a server runs.
#[derive(Debug, Clone)]
pub struct Meaning {
    /// Scheme, host and port under which the server is addressed.
    pub base: String,
    /// Unix seconds before the data was laid out, and now.
    pub seconds: (i64, i64),
}

/// Every way in which `actual` is not what was recorded; paths begin with `at`.
pub fn differences(
    recorded: &Json,
    actual: &Json,
    at: &str,
    rules: Rules,
    meaning: &Meaning,
) -> Vec<String> {
    let mut comparison = Comparison { rules, meaning, found: Vec::new() };
    comparison.compare(recorded, actual, at);
    comparison.found
}

struct Comparison<'a> {
    rules: Rules,
    meaning: &'a Meaning,
    found: Vec<String>,
}

impl Comparison<'_> {
    fn compare(&mut self, recorded: &Json, actual: &Json, at: &str) {
        match (recorded, actual) {
            (Json::Object(recorded), Json::Object(actual)) => self.objects(recorded, actual, at),
            (Json::Array(recorded), Json::Array(actual)) => self.arrays(recorded, actual, at),
            (Json::String(text), actual) if text.contains('<') => self.pattern(text, actual, at),
            (recorded, actual) if same_scalar(recorded, actual) => {}
            (recorded, actual) => self.found.push(mismatch(recorded, actual, at)),
        }
    }

    fn objects(&mut self, recorded: &Object, actual: &Object, at: &str) {
        let counts = |value: &Json| !(self.rules.null_equals_absent && value.is_null());
        let recorded: Vec<_> = recorded.iter().filter(|(_, value)| counts(value)).collect();
        let mut order = Vec::new();
        for (name, value) in actual.iter().filter(|(_, value)| counts(value)) {
            if recorded.iter().any(|(known, _)| *known == name) {
                order.push(name);
            } else if !self.rules.subset {
                self.found.push(format!("{at}/{name}: not recorded, got {}", brief(value)));
            }
        }
        if self.rules.ordered {
            let wanted: Vec<_> = recorded.iter().map(|(name, _)| *name).collect();
            let wanted: Vec<_> = wanted.into_iter().filter(|name| order.contains(name)).collect();
            if wanted != order {
                self.found.push(format!("{at}: members wanted in order {wanted:?}, got {order:?}"));
            }
        }
        for (name, value) in recorded {
            match actual.get(name) {
                Some(actual) if counts_for(value, actual, self.rules) => {
                    self.compare(value, actual, &format!("{at}/{name}"));
                }
                _ if self.rules.null_equals_absent && value.as_str() == Some("<any>") => {}
                _ => self.found.push(format!("{at}/{name}: missing, wanted {}", brief(value))),
            }
        }
    }

    fn arrays(&mut self, recorded: &[Json], actual: &[Json], at: &str) {
        if recorded.len() != actual.len() {
            let (wanted, got) = (recorded.len(), actual.len());
            self.found.push(format!("{at}: wanted {wanted} elements, got {got}"));
        }
        for (index, (recorded, actual)) in recorded.iter().zip(actual).enumerate() {
            self.compare(recorded, actual, &format!("{at}/{index}"));
        }
    }

    fn pattern(&mut self, pattern: &str, actual: &Json, at: &str) {
        let (earliest, latest) = self.meaning.seconds;
        let fits = match pattern {
            "<any>" => true,
            "<text>" => actual.as_str().is_some_and(|text| !text.is_empty()),
            "<count>" => actual.as_i64().is_some_and(|count| count >= 0),
            "<seconds>" => actual.as_f64().is_some_and(|seconds| (0.0..=120.0).contains(&seconds)),
            "<timestamp>" => {
                actual.as_i64().is_some_and(|seconds| (earliest..=latest).contains(&seconds))
            }
            _ => actual.as_str().is_some_and(|text| {
                fits_text(&pattern.replace("<base>", &self.meaning.base), text)
            }),
        };
        if !fits {
            let range = if pattern == "<timestamp>" {
                format!(" ({earliest} to {latest})")
            } else {
                String::new()
            };
            self.found.push(format!("{at}: wanted {pattern}{range}, got {}", brief(actual)));
        }
    }
}

/// How much of the beginning of a text is such a part, if it begins with one.
type Length = fn(&str) -> Option<usize>;

/// What stands inside a longer text for a part of it; other angle brackets are text.
const PARTS: [(&str, Length); 4] =
    [("<hex32>", hex32), ("<id>", id), ("<n>", whole_number), ("<error text>", anything)];

/// Text against a pattern.
fn fits_text(pattern: &str, text: &str) -> bool {
    let found = PARTS.iter().filter_map(|(part, length)| Some((pattern.find(part)?, part, length)));
    let Some((at, part, length)) = found.min_by_key(|(at, ..)| *at) else {
        return pattern == text;
    };
    let Some(rest) = text.strip_prefix(&pattern[..at]) else { return false };
    let pattern = &pattern[at + part.len()..];
    match length(rest) {
        // Free text reaches as far as it has to.
        Some(_) if *part == "<error text>" => {
            let mut ends = rest.char_indices().map(|(end, _)| end).skip(1);
            pattern.is_empty() || ends.any(|end| fits_text(pattern, &rest[end..]))
        }
        Some(end) => fits_text(pattern, &rest[end..]),
        None => false,
    }
}

/// The length of 32 lower-case hexadecimal digits, if the text begins with them.
fn hex32(text: &str) -> Option<usize> {
    let digits = text.as_bytes().get(..32)?;
    digits.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).then_some(32)
}

/// The same for such digits or a UUID.
fn id(text: &str) -> Option<usize> {
    const UUID: usize = 36;
    let is_dash = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    let fits = |(at, byte): (usize, &u8)| match byte {
        b'-' => is_dash(at),
        byte => !is_dash(at) && byte.is_ascii_hexdigit(),
    };
    let uuid = || text.as_bytes().get(..UUID)?.iter().enumerate().all(fits).then_some(UUID);
    hex32(text).or_else(uuid)
}

fn whole_number(text: &str) -> Option<usize> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    (end > 0).then_some(end)
}

fn anything(text: &str) -> Option<usize> {
    (!text.is_empty()).then_some(text.len())
}

/// Whether a member of the answer is there to be compared.
fn counts_for(recorded: &Json, actual: &Json, rules: Rules) -> bool {
    !(rules.null_equals_absent && actual.is_null()) || recorded.as_str() == Some("<any>")
}

fn same_scalar(recorded: &Json, actual: &Json) -> bool {
    let is_number = |value: &Json| matches!(value, Json::Int(_) | Json::BigInt(_) | Json::Float(_));
    if !(is_number(recorded) && is_number(actual)) {
        return recorded == actual;
    }
    // Two integers are compared as such: as floats, large ones would look alike.
    let is_float = |value: &Json| matches!(value, Json::Float(_));
    if is_float(recorded) || is_float(actual) {
        return recorded.as_f64() == actual.as_f64();
    }
    recorded == actual
}

fn mismatch(recorded: &Json, actual: &Json, at: &str) -> String {
    format!("{at}: wanted {}, got {}", brief(recorded), brief(actual))
}

/// A value as it is shown in a difference.
pub fn brief(value: &Json) -> String {
    shortened(&value.to_string(), 200)
}

/// At most `limit` characters of a text.
pub fn shortened(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning() -> Meaning {
        Meaning { base: "http://127.0.0.1:9".into(), seconds: (100, 200) }
    }

    fn found(recorded: &str, actual: &str, rules: Rules) -> Vec<String> {
        let read = |text: &str| Json::parse(text.as_bytes()).unwrap();
        differences(&read(recorded), &read(actual), "", rules, &meaning())
    }

    fn equal(recorded: &str, actual: &str) -> bool {
        found(recorded, actual, Rules::default()).is_empty()
    }

    #[test]
    fn numbers_by_value() {
        assert!(equal("1", "1.0") && equal("1e3", "1000"));
        assert!(!equal("1", "2") && !equal("1", "true") && !equal("1", "\"1\""));
        let (big, bigger) = ("123456789012345678901234567890", "123456789012345678901234567891");
        assert!(equal(big, big) && !equal(big, bigger));
    }

    #[test]
    fn members_and_their_order() {
        let (one, other) = (r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#);
        assert!(equal(one, other));
        let ordered = Rules { ordered: true, ..Rules::default() };
        assert!(found(one, one, ordered).is_empty());
        assert_eq!(found(one, other, ordered).len(), 1);
        assert_eq!(found(one, r#"{"a":1}"#, ordered), ["/b: missing, wanted 2"]);
        assert_eq!(
            found(r#"{"a":[1,{"b":2}]}"#, r#"{"a":[1,{"b":3}]}"#, Rules::default()),
            ["/a/1/b: wanted 2, got 3"]
        );
        assert_eq!(found("{}", r#"{"c":0}"#, Rules::default()), ["/c: not recorded, got 0"]);
        let subset = Rules { subset: true, ..Rules::default() };
        assert!(found("{}", r#"{"c":0}"#, subset).is_empty());
        assert!(!found(r#"{"c":0}"#, "{}", subset).is_empty());
        assert!(!equal("[1,2]", "[2,1]") && !equal("[1]", "[1,2]") && !equal("{}", "[]"));
    }

    #[test]
    fn null_may_equal_absent() {
        let lenient = Rules { null_equals_absent: true, ..Rules::default() };
        for (recorded, actual) in [(r#"{"a":null}"#, "{}"), ("{}", r#"{"a":null}"#)] {
            assert!(found(recorded, actual, lenient).is_empty());
            assert!(!equal(recorded, actual));
        }
        assert!(found(r#"{"a":"<any>"}"#, r#"{"a":null}"#, lenient).is_empty());
        assert!(!found(r#"{"a":1}"#, r#"{"a":null}"#, lenient).is_empty());
    }

    #[test]
    fn placeholders_have_limits() {
        assert!(equal("\"<timestamp>\"", "150"));
        assert!(!equal("\"<timestamp>\"", "99") && !equal("\"<timestamp>\"", "201"));
        assert!(!equal("\"<timestamp>\"", "150.5") && !equal("\"<timestamp>\"", "null"));
        assert!(equal("\"<count>\"", "0") && !equal("\"<count>\"", "-1"));
        assert!(equal("\"<seconds>\"", "1.5") && !equal("\"<seconds>\"", "121"));
        assert!(equal("\"<text>\"", "\"x\"") && !equal("\"<text>\"", "\"\""));
        assert!(equal("\"<any>\"", "null"));
        let hex = "0123456789abcdef0123456789abcdef";
        assert!(equal("\"apply-1-<hex32>\"", &format!("\"apply-1-{hex}\"")));
        assert!(!equal("\"apply-1-<hex32>\"", &format!("\"apply-1-{}\"", &hex[1..])));
        assert!(!equal("\"<hex32>\"", &format!("\"{}\"", hex.to_uppercase())));
        let uuid = "01234567-89ab-cdef-0123-456789abcdef";
        assert!(equal("\"<id>\"", &format!("\"{uuid}\"")));
        assert!(equal("\"a-<id>\"", &format!("\"a-{hex}\"")));
        assert!(!equal("\"<id>\"", &format!("\"{}0\"", &uuid[1..])));
        assert!(equal("\"in <n> s\"", "\"in 12 s\"") && !equal("\"in <n> s\"", "\"in x s\""));
        assert!(equal("\"e: <error text>.\"", "\"e: a. b.\""));
        assert!(!equal("\"e: <error text>.\"", "\"e: \""));
        assert!(equal("\"<base>/x\"", "\"http://127.0.0.1:9/x\""));
        assert!(equal("\"a <b>\"", "\"a <b>\"") && !equal("\"a <b>\"", "\"a b\""));
    }
}
