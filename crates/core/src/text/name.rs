//! Names of text models: with and without author, and under the names of the backends that serve them.

use super::parts::NameParts;

/// What the names of models served by a backend begin with, case counting.
pub const BACKEND_PREFIXES: [&str; 2] = [APHRODITE, KOBOLDCPP];

const APHRODITE: &str = "aphrodite/";
const KOBOLDCPP: &str = "koboldcpp/";

/// The backend's prefix, if the name begins with one.
pub fn backend_prefix(name: &str) -> Option<&'static str> {
    BACKEND_PREFIXES.into_iter().find(|prefix| name.starts_with(prefix))
}

/// The name without one backend's prefix.
pub fn without_backend_prefix(name: &str) -> &str {
    backend_prefix(name).map_or(name, |prefix| &name[prefix.len()..])
}

/// The name without its author: what stands between the first and the second slash, or all of it.
pub fn short_name(name: &str) -> &str {
    name.split('/').nth(1).unwrap_or(name)
}

/// The author and the rest of the name.
pub fn split_author(name: &str) -> (Option<&str>, &str) {
    name.split_once('/').map_or((None, name), |(author, rest)| (Some(author), rest))
}

/// A name for people, made from the short name.
pub fn display_name(short_name: &str) -> String {
    let blanks = short_name.replace(['-', '_'], " ");
    let words: Vec<&str> = blanks.split(' ').filter(|word| !word.is_empty()).collect();
    words.join(" ").trim().to_owned()
}

/// The names under which one model appears: its own, and one for each backend. The `koboldcpp` name
/// drops the author, by the same rule as everywhere else.
pub fn variants(name: &str) -> Vec<String> {
    let all =
        [name.to_owned(), format!("{APHRODITE}{name}"), format!("{KOBOLDCPP}{}", short_name(name))];
    let mut variants: Vec<String> = Vec::with_capacity(all.len());
    for variant in all {
        if !variants.contains(&variant) {
            variants.push(variant);
        }
    }
    variants
}

/// The names of the backends' copies of a model.
pub fn related_names(name: &str) -> Vec<String> {
    variants(name).into_iter().filter(|variant| variant != name).collect()
}

/// The group of a name: what its sizes, variants and quantisations share.
pub fn group_of(name: &str) -> String {
    let name = without_backend_prefix(name);
    let name = name.split_once('/').map_or(name, |(_, rest)| rest);
    NameParts::parse(name).base
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_model_under_three_names() {
        assert_eq!(variants("owl/Barn"), ["owl/Barn", "aphrodite/owl/Barn", "koboldcpp/Barn"]);
        assert_eq!(variants("koboldcpp/Barn").len(), 2);
        assert_eq!(related_names("Barn"), ["aphrodite/Barn", "koboldcpp/Barn"]);
        assert_eq!(short_name("a/b/c"), "b");
    }

    #[test]
    fn groups_forget_authors_and_backends() {
        assert_eq!(group_of("aphrodite/owl/Barn-24B"), "Barn");
        assert_eq!(group_of("koboldcpp/Barn-24B-Q4_K_M"), "Barn");
        assert_eq!(group_of("KoboldCpp/x-7B"), "x");
        assert_eq!(group_of("a//b-7B"), "/b");
        assert_eq!(group_of("koboldcpp/"), "");
    }

    #[test]
    fn names_for_people() {
        assert_eq!(display_name("__barn--owl_ day-"), "barn owl day");
    }
}
