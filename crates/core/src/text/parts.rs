//! The parts of a text model's name: size, version, quantisation, variant, date; and what is left.
//!
//! The rules are those by which stored group names were made, so they are kept with their oddities:
//! `8x22B` has the size `2B`. Each rule removes at most one match, the leftmost one of its first
//! alternative that matches anywhere. The `regex` crate has no look-around, so what may not stand
//! beside a match is checked here, position by position.

use std::sync::LazyLock;

use regex::Regex;

/// What a name consists of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NameParts {
    /// What is left when everything else is taken out.
    pub base: String,
    /// Such as `7B` or `8X7B`, in capitals.
    pub size: Option<String>,
    /// Such as `Instruct`.
    pub variant: Option<String>,
    /// Such as `v1.2`.
    pub version: Option<String>,
    /// Such as `Q4_K_M`, in capitals.
    pub quant: Option<String>,
    /// Anything else that was recognised.
    pub extras: Vec<Extra>,
}

/// A further part of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extra {
    /// The part as written.
    pub value: String,
    /// How many separators stand before it.
    pub position: usize,
    /// What it is taken for.
    pub kind: ExtraKind,
}

/// What a further part of a name is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExtraKind {
    /// A version before the name.
    LeadingVersion,
    /// A month and a year, a year and a month, or four digits.
    Date,
}

impl ExtraKind {
    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LeadingVersion => "LEADING_VERSION",
            Self::Date => "DATE",
        }
    }
}

/// A pattern anchored to where it is tried, and what may not stand beside its match.
struct Rule {
    pattern: Regex,
    /// A quick look at the first character, before the pattern is tried.
    first: Class,
    before: Class,
    after: Class,
    /// Whether a shorter match of the same place is tried when the character after it is forbidden.
    gives_back: GivesBack,
}

#[derive(Clone, Copy)]
enum GivesBack {
    Nothing,
    /// Single characters, but never the last one of the pattern's group 1.
    Digits,
    /// Whole groups of a dot and digits, but never the first one.
    DotGroups,
}

type Class = fn(char) -> bool;

fn rule(pattern: &str, [first, before, after]: [Class; 3], gives_back: GivesBack) -> Rule {
    // The patterns are constants and the tests below run them all.
    let pattern = Regex::new(&format!("^(?:{pattern})")).unwrap_or_else(|_| never());
    Rule { pattern, first, before, after, gives_back }
}

fn never() -> Regex {
    #[allow(clippy::unwrap_used, reason = "an empty class is a valid pattern that matches nothing")]
    Regex::new("[^\\s\\S]").unwrap()
}

fn is_digit(c: char) -> bool {
    c.is_numeric()
}

fn is_v(c: char) -> bool {
    matches!(c, 'v' | 'V')
}

fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || is_fold_of_letter(c)
}

/// Case folding makes these two the letters `s` and `k`.
fn is_fold_of_letter(c: char) -> bool {
    matches!(c, 'ſ' | '\u{212a}')
}

fn is_alnum(c: char) -> bool {
    c.is_ascii_alphanumeric()
}

fn is_alnum_or_dot(c: char) -> bool {
    is_alnum(c) || c == '.'
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

static SIZE: LazyLock<[Rule; 2]> = LazyLock::new(|| {
    [
        rule(r"(?i)(\d+\.?\d*[BMK])\d*", [is_digit, is_letter, is_letter], GivesBack::Digits),
        rule(r"(?i)\d+x\d+[BMK]", [is_digit, is_letter, is_letter], GivesBack::Nothing),
    ]
});

static VERSION: LazyLock<[Rule; 2]> = LazyLock::new(|| {
    [
        rule(r"[vV]\d+(?:\.\d+)+", [is_v, is_alnum, is_alnum], GivesBack::DotGroups),
        rule(r"[vV]\d+", [is_v, is_alnum, is_alnum_or_dot], GivesBack::Nothing),
    ]
});

static QUANT: LazyLock<[Rule; 5]> = LazyLock::new(|| {
    [
        r"(?i)Q[2-8]_K(?:_[SMLH])?",
        r"(?i)Q[2-8]_[01]",
        r"(?i)Q[2-8]",
        r"(?i)GGUF|GGML|GPTQ|AWQ|EXL2",
        r"(?i)fp16|fp32|int8|int4",
    ]
    .map(|pattern| rule(pattern, [is_word, is_word, is_word], GivesBack::Nothing))
});

static VARIANT: LazyLock<[Rule; 3]> = LazyLock::new(|| {
    [
        r"(?i)Instruct|Chat|Code|Base|Uncensored|Finetune|FT",
        r"(?i)Thinking|Reasoning",
        r"(?i)turbo|preview|latest",
    ]
    .map(|pattern| rule(pattern, [is_word, is_word, is_word], GivesBack::Nothing))
});

static DATE: LazyLock<[Rule; 3]> = LazyLock::new(|| {
    [r"\d{2}-\d{4}", r"\d{4}-\d{2}", r"\d{4}"]
        .map(|pattern| rule(pattern, [is_digit, is_alnum, is_alnum], GivesBack::Nothing))
});

impl Rule {
    /// The leftmost match, as byte positions.
    fn find(&self, text: &str) -> Option<(usize, usize)> {
        let mut before = None;
        for (start, character) in text.char_indices() {
            let blocked = before.is_some_and(self.before) || !(self.first)(character);
            before = Some(character);
            if !blocked && let Some(length) = self.length_at(&text[start..]) {
                return Some((start, start + length));
            }
        }
        None
    }

    fn length_at(&self, rest: &str) -> Option<usize> {
        let captures = self.pattern.captures(rest)?;
        let longest = captures.get(0)?.end();
        let fits = |length: usize| !rest[length..].starts_with(self.after);
        if fits(longest) {
            return Some(longest);
        }
        let matched = &rest[..longest];
        match self.gives_back {
            GivesBack::Nothing => None,
            GivesBack::Digits => {
                let least = captures.get(1)?.end();
                let ends = matched.char_indices().map(|(end, _)| end);
                ends.rev().take_while(|end| *end >= least).find(|end| fits(*end))
            }
            GivesBack::DotGroups => {
                let first = matched.find('.')?;
                let ends = matched.match_indices('.').map(|(end, _)| end);
                ends.rev().take_while(|end| *end > first).find(|end| fits(*end))
            }
        }
    }
}

/// Takes the first match of the first rule that has one out of `work`.
fn take(work: &mut String, rules: &[Rule]) -> Option<(usize, String)> {
    let (start, end) = rules.iter().find_map(|rule| rule.find(work))?;
    let taken = work[start..end].to_owned();
    work.replace_range(start..end, "");
    Some((start, taken))
}

impl NameParts {
    /// Takes a name apart. The author is not treated specially.
    pub fn parse(name: &str) -> Self {
        let mut work = name.to_owned();
        let mut extras = Vec::from_iter(take_leading_version(&mut work));
        let size = take(&mut work, &*SIZE).map(|(_, size)| size.to_uppercase());
        let version = take(&mut work, &*VERSION).map(|(_, version)| version);
        let quant = take(&mut work, &*QUANT).map(|(_, quant)| quant.to_uppercase());
        let variant = take(&mut work, &*VARIANT).map(|(_, variant)| variant);
        let work_before = work.clone();
        if let Some((start, value)) = take(&mut work, &*DATE) {
            // Counted in the whole name although the offset belongs to the shortened one: the
            // positions that the reference reports are made like this.
            let offset = work_before[..start].chars().count();
            let is_separator = |c: &char| matches!(c, '-' | '_' | '.' | ' ');
            let position = name.chars().take(offset).filter(is_separator).count();
            extras.push(Extra { value, position, kind: ExtraKind::Date });
        }
        let base = tidy(&work);
        let base = if base.is_empty() { name.to_owned() } else { base };
        Self { base, size, variant, version, quant, extras }
    }
}

fn take_leading_version(work: &mut String) -> Option<Extra> {
    static LEADING: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^(\d+\.\d+(?:\.\d+)?)[-_]").unwrap_or_else(|_| never()));
    let captures = LEADING.captures(work)?;
    let value = captures.get(1)?.as_str().to_owned();
    let end = captures.get(0)?.end();
    work.replace_range(..end, "");
    Some(Extra { value, position: 0, kind: ExtraKind::LeadingVersion })
}

/// Joins runs of one separator, and removes separators at both ends.
fn tidy(work: &str) -> String {
    let mut text = work.to_owned();
    for separator in ['-', '_', ' ', '.'] {
        let mut previous = None;
        text.retain(|c| {
            let repeated = c == separator && previous == Some(separator);
            previous = Some(c);
            !repeated
        });
    }
    text.trim_matches(['-', '_', ' ', '.']).to_owned()
}

/// Every quantisation in the text, removed.
pub(super) fn without_quants(text: &str) -> String {
    let mut work = text.to_owned();
    for rule in &*QUANT {
        while let Some((start, end)) = rule.find(&work) {
            // A blank takes its place, so that what stood around it does not join to a new match.
            work.replace_range(start..end, " ");
        }
    }
    work
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_valid() {
        let all = [&SIZE[..], &VERSION[..], &QUANT[..], &VARIANT[..], &DATE[..]];
        for rule in all.into_iter().flatten() {
            assert!(rule.pattern.as_str().starts_with("^(?:"));
        }
    }

    #[track_caller]
    fn check(name: &str, base: &str, parts: [&str; 4]) {
        let found = NameParts::parse(name);
        let text = |part: &Option<String>| part.clone().unwrap_or_default();
        assert_eq!(found.base, base, "{name}");
        let found = [&found.size, &found.variant, &found.version, &found.quant].map(text);
        assert_eq!(found, parts, "{name}");
    }

    #[test]
    fn names_as_they_come() {
        check("owl/Barn-7b", "owl/Barn", ["7B", "", "", ""]);
        check("Barn-8x7B-Instruct-v0.1", "Barn", ["8X7B", "Instruct", "v0.1", ""]);
        check("Barn-8x22B", "Barn-8x2", ["2B", "", "", ""]);
        check("Barn-1.5B-Chat-Q4_K_M", "Barn", ["1.5B", "Chat", "", "Q4_K_M"]);
        check("Barn-Q4_K_XL", "Barn-Q4_K_XL", ["", "", "", ""]);
        check("Barn V1.0.V2", "Barn .V2", ["", "", "V1.0", ""]);
        check("Barn-7B12x", "Barn-2x", ["7B1", "", "", ""]);
        check("7B", "7B", ["7B", "", "", ""]);
        check("x12B", "x1", ["2B", "", "", ""]);
        check("Barn-v1.2.3a", "Barn-.3a", ["", "", "v1.2", ""]);
        check("Barn-\u{667}B", "Barn", ["\u{667}B", "", "", ""]);
    }

    #[test]
    fn further_parts_know_their_place() {
        let parts = NameParts::parse("1.2_Barn 2024-03");
        assert_eq!(parts.base, "Barn");
        let extras: Vec<_> = parts
            .extras
            .iter()
            .map(|extra| format!("{}@{}:{}", extra.value, extra.position, extra.kind.name()))
            .collect();
        assert_eq!(extras, ["1.2@0:LEADING_VERSION", "2024-03@2:DATE"]);
    }
}
