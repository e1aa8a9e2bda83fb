//! A profile: a prompt contract that models follow, or a recipe for one use of them.

use std::sync::LazyLock;

use regex::Regex;

use super::profile_content::{self, prose};
use crate::catalogue::RecordMetadata;
use crate::catalogue::members::{Members, boolean, list, text};
use crate::catalogue::problem::Reading;
use crate::catalogue::words::{self, words};
use crate::json::{Json, Object};

words! {
    /// What a profile describes.
    pub enum ProfileKind {
        PromptContract = "prompt_contract",
        UsageRecipe = "usage_recipe",
    }
}

/// One profile.
///
/// Members that nothing here looks into are kept as documents, checked and with their defaults
/// written out.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Lower-case identifier, fit for an address.
    pub profile_id: String,
    /// The name for people.
    pub display_name: String,
    /// Other names, such as the labels that older records carry.
    pub aliases: Vec<String>,
    /// One paragraph about it.
    pub summary: String,
    /// `user` to `sources`, which both kinds have.
    pub content: Object,
    /// Whether it must no longer be assigned.
    pub deprecated: bool,
    /// History of this record.
    pub metadata: RecordMetadata,
    /// What it describes.
    pub kind: ProfileKind,
    /// The members that only this kind has.
    pub specifics: Object,
}

impl Profile {
    pub(crate) fn read(value: &Json, reading: &mut Reading) -> Option<Self> {
        let kind = read_kind(value, reading)?;
        // The contract puts the kind into the places of what is wrong inside a profile.
        reading.within(kind.name(), |reading| Self::read_whole(value, reading))
    }

    fn read_whole(value: &Json, reading: &mut Reading) -> Option<Self> {
        let mut members = Members::open(value, reading)?;
        let profile_id = members.required("profile_id", identifier);
        let display_name = members.required("display_name", text);
        let aliases = members.or("aliases", Vec::new(), list(text));
        let summary = members.required("summary", prose);
        profile_content::keep_common(&mut members);
        let content = members.take_kept();
        let deprecated = members.or("deprecated", false, boolean);
        let metadata = members.or("metadata", RecordMetadata::default(), RecordMetadata::read);
        let kind = members.required("kind", words::word);
        match kind {
            Some(ProfileKind::PromptContract) => profile_content::keep_contract(&mut members),
            Some(ProfileKind::UsageRecipe) => profile_content::keep_recipe(&mut members),
            None => {}
        }
        let specifics = members.close();
        Some(Self {
            profile_id: profile_id?,
            display_name: display_name?,
            aliases: aliases?,
            summary: summary?,
            content,
            deprecated: deprecated?,
            metadata: metadata?,
            kind: kind?,
            specifics,
        })
    }

    /// All members, nulls included.
    pub fn to_json(&self) -> Json {
        let mut members = Object::new();
        let mut put = |name: &str, value: Json| {
            members.insert(name.to_owned(), value);
        };
        put("profile_id", self.profile_id.as_str().into());
        put("display_name", self.display_name.as_str().into());
        put("aliases", self.aliases.clone().into());
        put("summary", self.summary.as_str().into());
        for (name, value) in &self.content {
            put(name, value.clone());
        }
        put("deprecated", self.deprecated.into());
        put("metadata", self.metadata.to_json());
        put("kind", self.kind.into());
        for (name, value) in &self.specifics {
            put(name, value.clone());
        }
        members.into()
    }

    /// The profile as one entry of a list.
    pub(super) fn entry(&self, assigned_model_count: usize) -> Json {
        Json::from([
            ("profile_id", self.profile_id.as_str().into()),
            ("kind", self.kind.into()),
            ("display_name", self.display_name.as_str().into()),
            ("summary", self.summary.as_str().into()),
            ("aliases", self.aliases.clone().into()),
            ("deprecated", self.deprecated.into()),
            ("assigned_model_count", Json::count(assigned_model_count)),
        ])
    }
}

fn read_kind(value: &Json, reading: &mut Reading) -> Option<ProfileKind> {
    if value.as_object().is_none() {
        return reading.refuse("model_attributes_type", "a profile is an object");
    }
    let Some(kind) = value.get("kind") else {
        return reading.refuse("union_tag_not_found", "a profile names its `kind`");
    };
    match kind.as_str().and_then(words::find) {
        Some(kind) => Some(kind),
        None => reading
            .refuse("union_tag_invalid", "the `kind` is neither prompt_contract nor usage_recipe"),
    }
}

fn identifier(value: &Json, reading: &mut Reading) -> Option<String> {
    static IDENTIFIER: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\A[a-z0-9]+(?:[._-][a-z0-9]+)*\z").expect("the pattern is well-formed")
    });
    let id = text(value, reading)?;
    if !IDENTIFIER.is_match(&id) {
        return reading.refuse(
            "value_error",
            "an identifier is made of a-z and 0-9, joined by single `.`, `_` or `-`",
        );
    }
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Problem;

    fn parse(text: &str) -> Result<Profile, Vec<Problem>> {
        let value = Json::parse(text.as_bytes()).unwrap();
        Reading::document(|reading| Profile::read(&value, reading))
    }

    fn refusal(text: &str) -> String {
        let problems = parse(text).unwrap_err();
        let told: Vec<String> =
            problems.iter().map(|problem| format!("{} {problem}", problem.kind)).collect();
        told.join("\n")
    }

    const RECIPE: &str = r#"{"kind":"usage_recipe","profile_id":"tools-basic","display_name":"Tools",
        "summary":"How to ask.","recommended_settings":{"top_k":40,"sampler_order":[1,2.5]}}"#;

    #[test]
    fn members_are_written_in_the_order_of_the_contract() {
        let written = parse(RECIPE).unwrap().to_json();
        let names: Vec<&str> = written.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            names.join(" "),
            "profile_id display_name aliases summary user developer examples recommended_settings \
             ai_horde_examples sources deprecated metadata kind capability scenario"
        );
        let settings = written.get("recommended_settings").unwrap().to_string();
        assert_eq!(settings, r#"{"top_k":40,"sampler_order":[1.0,2.5]}"#);
    }

    #[test]
    fn the_kind_selects_the_shape() {
        assert!(refusal("{}").starts_with("union_tag_not_found"));
        assert!(refusal(r#"{"kind":"other"}"#).starts_with("union_tag_invalid"));
        let contract = RECIPE.replace("usage_recipe", "prompt_contract");
        assert_eq!(
            refusal(&contract),
            "missing /prompt_contract/interaction_modes: this member is required"
        );
        let with_more = RECIPE.replace("\"summary\"", "\"templates\":[],\"summary\"");
        assert!(refusal(&with_more).starts_with("extra_forbidden /usage_recipe/templates"));
    }

    #[test]
    fn identifiers_and_prose_are_checked() {
        for id in ["Bad Id", "a..b", "-a", "a-", ""] {
            let text = RECIPE.replace("tools-basic", id);
            assert!(refusal(&text).starts_with("value_error /usage_recipe/profile_id"), "{id}");
        }
        for summary in ["a <b>bold</b> claim", "< / br >", "<A href=x>"] {
            let text = RECIPE.replace("How to ask.", summary);
            assert!(refusal(&text).starts_with("value_error /usage_recipe/summary"), "{summary}");
        }
        for summary in ["1 < 2 > 0", "<|im_end|>", "a < b"] {
            assert!(parse(&RECIPE.replace("How to ask.", summary)).is_ok(), "{summary}");
        }
    }
}
