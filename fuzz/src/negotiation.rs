//! RFC 9110 read slowly and strictly: what a well-formed list of codings or of tags says. Whatever is
//! not well-formed is `None`, and says nothing about what is right.

/// The codings of an `Accept-Encoding`, in small letters, with their weights in thousandths.
pub struct Offers(Vec<(String, u16)>);

impl Offers {
    /// Reads all header lines as one list.
    pub fn parse(lines: &[&str]) -> Option<Self> {
        let elements = lines.iter().flat_map(|line| line.split(',')).map(trim);
        elements.filter(|element| !element.is_empty()).map(offer).collect::<Option<_>>().map(Self)
    }

    /// Whether something is named twice, with `synonyms` as one name.
    pub fn are_repeated(&self, synonyms: &[&str]) -> bool {
        let same = |a: &str, b: &str| a == b || synonyms.contains(&a) && synonyms.contains(&b);
        let names = || self.0.iter().map(|(name, _)| name.as_str());
        names().enumerate().any(|(n, name)| names().take(n).any(|other| same(name, other)))
    }

    /// The weight of a coding under one of its names, if it is named.
    pub fn named(&self, names: &[&str]) -> Option<u16> {
        self.0.iter().find(|(name, _)| names.contains(&name.as_str())).map(|(_, weight)| *weight)
    }

    /// The weight of a coding, named or not.
    pub fn weight(&self, names: &[&str]) -> Option<u16> {
        self.named(names).or_else(|| self.named(&["*"]))
    }
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn offer(element: &str) -> Option<(String, u16)> {
    let (name, weight) = match element.split_once(';') {
        Some((name, parameter)) => (trim(name), weight(trim(parameter))?),
        None => (element, 1000),
    };
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (!name.is_empty() && name.bytes().all(is_token)).then(|| (name.to_ascii_lowercase(), weight))
}

/// `q=` and a number with at most three digits behind the point.
fn weight(parameter: &str) -> Option<u16> {
    let number = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="))?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths: u16 = format!("{fraction:0<3}").parse().ok()?;
    match (whole, thousandths) {
        ("0", _) => Some(thousandths),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

/// The tags of an `If-None-Match`, quotes included, without their weakness. `*` is none.
pub fn opaque_tags<'a>(lines: &[&'a [u8]]) -> Option<Vec<&'a [u8]>> {
    let mut tags = Vec::new();
    for line in lines {
        let mut rest = *line;
        loop {
            rest = rest.trim_ascii_start();
            if let Some(behind) = rest.strip_prefix(b",") {
                rest = behind;
                continue;
            }
            if rest.is_empty() {
                break;
            }
            let (tag, behind) = first_tag(rest)?;
            tags.push(tag);
            rest = behind.trim_ascii_start();
            if !rest.is_empty() && !rest.starts_with(b",") {
                return None;
            }
        }
    }
    Some(tags)
}

fn first_tag(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.strip_prefix(b"W/").unwrap_or(text);
    let inside = text.strip_prefix(b"\"")?;
    let length = inside.iter().position(|byte| *byte == b'"')?;
    let is_allowed = |byte: &u8| matches!(byte, 0x21 | 0x23..=0x7e | 0x80..);
    inside[..length].iter().all(is_allowed).then(|| text.split_at(length + 2))
}
