//! The order and the separator in which the names of a group put their parts, inferred from them.

use crate::json::{Json, Object};

use super::name::split_author;
use super::parts::{NameParts, without_quants};

/// How the names of a group are composed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameSchema {
    /// What stands between the parts.
    pub separator: String,
    /// The parts, such as `base` and `size`.
    pub part_order: Vec<String>,
    /// Whether names begin with an author.
    pub author_included: bool,
    /// The author, if there is only one.
    pub common_author: Option<String>,
    /// A name with the parts' names in braces.
    pub template: Option<String>,
    /// Further parts met in the group.
    pub extra_parts: Vec<String>,
}

impl NameSchema {
    /// The schema of names without backend prefix. Without names it is the most usual one.
    pub fn infer<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let split: Vec<(Option<&str>, &str)> = names.into_iter().map(split_author).collect();
        let parsed: Vec<(&str, NameParts)> =
            split.iter().map(|(_, rest)| (*rest, NameParts::parse(rest))).collect();
        let Some(richest) = richest(&parsed) else { return Self::usual() };
        let separator = separator(split.iter().map(|(_, rest)| *rest));
        let part_order = part_order(richest.0, &richest.1);
        let author_included = split.iter().any(|(author, _)| author.is_some());
        let pattern: Vec<String> = part_order.iter().map(|part| format!("{{{part}}}")).collect();
        let author = if author_included { "{author}/" } else { "" };
        let template = format!("{author}{}", pattern.join(separator));
        Self {
            separator: separator.to_owned(),
            part_order,
            author_included,
            common_author: common_author(&split),
            template: Some(template),
            extra_parts: extra_parts(&parsed),
        }
    }

    /// The same for names that may also begin with a backend, as all names of the v1 view may.
    pub fn with_author(mut self) -> Self {
        let without = self.template.as_deref().filter(|_| !self.author_included);
        if let Some(template) = without.map(|template| format!("{{author}}/{template}")) {
            self.template = Some(template);
        }
        self.author_included = true;
        self
    }

    fn usual() -> Self {
        Self {
            separator: "-".into(),
            part_order: ["base", "size", "variant", "version", "quant"].map(str::to_owned).into(),
            author_included: false,
            common_author: None,
            template: Some("{base}-{size}".into()),
            extra_parts: Vec::new(),
        }
    }

    /// The five members that a summary shows.
    pub fn to_json(&self) -> Object {
        let members: [(&str, Json); 5] = [
            ("separator", self.separator.as_str().into()),
            ("part_order", self.part_order.clone().into()),
            ("author_included", self.author_included.into()),
            ("common_author", self.common_author.clone().into()),
            ("template", self.template.clone().into()),
        ];
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// The first of the names that have the most parts.
fn richest<'p>(parsed: &'p [(&'p str, NameParts)]) -> Option<&'p (&'p str, NameParts)> {
    let richness = |parts: &NameParts| {
        let named = [&parts.size, &parts.variant, &parts.version, &parts.quant];
        named.into_iter().flatten().count() + parts.extras.len()
    };
    // Of equals `max_by_key` takes the last, hence from behind.
    parsed.iter().rev().max_by_key(|(_, parts)| richness(parts))
}

fn separator<'a>(names: impl Iterator<Item = &'a str>) -> &'static str {
    let (mut dashes, mut underscores) = (0, 0);
    for name in names {
        let name = without_quants(name);
        dashes += name.matches('-').count();
        underscores += name.matches('_').count();
    }
    if underscores > dashes { "_" } else { "-" }
}

fn part_order(name: &str, parts: &NameParts) -> Vec<String> {
    let mut texts: Vec<(String, &str)> = vec![("base".into(), &parts.base)];
    let named = [
        ("size", &parts.size),
        ("variant", &parts.variant),
        ("version", &parts.version),
        ("quant", &parts.quant),
    ];
    let present = |(part, text)| Option::as_deref(text).map(|text| (String::from(part), text));
    texts.extend(named.into_iter().filter_map(present));
    for extra in &parts.extras {
        let part = format!("extra:{}", extra.kind.name());
        texts.retain(|(known, _)| *known != part);
        texts.push((part, &extra.value));
    }
    let name = name.to_lowercase();
    let place = |(part, text): (String, &str)| Some((name.find(&text.to_lowercase())?, part));
    let mut placed: Vec<(usize, String)> = texts.into_iter().filter_map(place).collect();
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, part)| part).collect()
}

fn common_author(names: &[(Option<&str>, &str)]) -> Option<String> {
    let mut authors = names.iter().filter_map(|(author, _)| *author);
    let first = authors.next()?;
    authors.all(|author| author == first).then(|| first.to_owned())
}

fn extra_parts(parsed: &[(&str, NameParts)]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for extra in parsed.iter().flat_map(|(_, parts)| &parts.extras) {
        let name = extra.kind.name();
        if !found.iter().any(|known| known == name) {
            found.push(name.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_of_small_groups() {
        for (names, template, author) in [
            (
                &["owl/Barn-7B", "owl/Barn-7B-Instruct-Q4_K_M"][..],
                "{author}/{base}-{size}-{variant}-{quant}",
                Some("owl"),
            ),
            (&["Barn_7B", "Barn_13B_v2"], "{base}_{size}_{version}", None),
            (&["a/Barn-7B", "b/Barn-7B"], "{author}/{base}-{size}", None),
            (&["a/Barn-7B", "Barn-8B"], "{author}/{base}-{size}", Some("a")),
            (&["Barn-Q4_K_M", "Barn_x_y"], "{base}_{quant}", None),
            (&["4.2.0-Barn-7B"], "{extra:LEADING_VERSION}-{base}-{size}", None),
            (&["owl/barn-v3-27b-kto"], "{author}/{version}-{size}", Some("owl")),
            (&[], "{base}-{size}", None),
        ] {
            let schema = NameSchema::infer(names.iter().copied());
            assert_eq!(schema.template.as_deref(), Some(template), "{names:?}");
            assert_eq!(schema.common_author.as_deref(), author, "{names:?}");
        }
    }
}
