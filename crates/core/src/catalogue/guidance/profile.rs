//! A profile: a prompt contract that models follow, or a recipe for one use of them.

use std::sync::LazyLock;

use indexmap::IndexMap;
use regex::Regex;

use super::content::{Advice, PromptExample, RequestExample, Role};
use super::prose::Prose;
use super::template::Template;
use crate::catalogue::{Keyed, RecordMetadata};
use crate::json::{Json, Object};
use crate::record::{Capability, InteractionMode, Source};
use crate::shape::field::Members;
use crate::shape::{
    AtLeastOne, Field, Print, Reader, Unknown, ValueMap, members, text_value, words,
};

words! {
    /// What a profile describes.
    pub enum ProfileKind {
        PromptContract = "prompt_contract",
        UsageRecipe = "usage_recipe",
    }
}

/// One profile.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// The members that both kinds have.
    pub common: ProfileCommon,
    /// The members that only this kind has.
    pub specifics: Specifics,
}

members! {
    /// The members that profiles of both kinds have.
    pub struct ProfileCommon(reject) {
        /// Lower-case identifier, fit for an address.
        profile_id: ProfileId => required,
        /// The name for people.
        display_name: String => required,
        /// Other names, such as the labels that older records carry.
        aliases: Vec<String> => absent,
        /// One paragraph about it.
        summary: Prose => required,
        /// Advice for those who write prompts.
        user: Advice => absent,
        /// Advice for those who write programs.
        developer: Advice => absent,
        /// Prompts that show how it is meant.
        examples: Vec<PromptExample> => absent,
        /// Settings that go well with it.
        recommended_settings: ValueMap => absent,
        /// Requests that show how it is meant.
        ai_horde_examples: Vec<RequestExample> => absent,
        /// Who says so.
        sources: Vec<Source> => absent,
        /// Whether it must no longer be assigned.
        deprecated: bool => absent,
        /// History of this record.
        metadata: RecordMetadata => absent,
        /// What it describes.
        kind: ProfileKind => required,
    }
}

/// What profiles of one kind have.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "each is named after what it holds")]
pub enum Specifics {
    Contract(Contract),
    Recipe(Recipe),
}

members! {
    /// How a conversation becomes a prompt.
    pub struct Contract(reject) {
        /// In which ways the model can be used.
        interaction_modes: AtLeastOne<InteractionMode> => required,
        /// Who may say something.
        accepted_roles: Vec<Role> => absent,
        /// What stands before the words of each role.
        role_markers: IndexMap<String, String> => absent,
        /// Where the model's answer ends.
        stop_sequences: Vec<String> => absent,
        /// The prompt's templates.
        templates: Vec<Template> => absent,
    }
}

members! {
    /// What the recipe is for.
    pub struct Recipe(reject) {
        /// The ability it makes use of.
        capability: Option<Capability> => absent,
        /// The occasion.
        scenario: Option<String> => absent,
    }
}

text_value! {
    /// The identifier of a profile: groups of a-z and 0-9, joined by single `.`, `_` or `-`.
    pub struct ProfileId by profile_id;
}

fn profile_id(value: &Json, reader: &mut Reader) -> Option<String> {
    static PATTERN: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\A[a-z0-9]+(?:[._-][a-z0-9]+)*\z").expect("the pattern is well-formed")
    });
    let id = String::read(value, reader)?;
    if PATTERN.is_match(&id) {
        return Some(id);
    }
    const REASON: &str = "an identifier is made of a-z and 0-9, joined by single `.`, `_` or `-`";
    reader.refuse_value(REASON, value)
}

impl Field for Profile {
    fn read(value: &Json, reader: &mut Reader) -> Option<Self> {
        let members = reader.object(value)?;
        let kind: ProfileKind = reader.tag(members, "kind", value)?;
        // The contract puts the kind into the places of what is wrong inside a profile.
        reader.within(kind.name(), |reader| Self::read_members(kind, members, reader))
    }

    fn write(&self, print: Print) -> Json {
        let mut out = Object::new();
        self.common.write_members(&mut out, print);
        match &self.specifics {
            Specifics::Contract(contract) => contract.write_members(&mut out, print),
            Specifics::Recipe(recipe) => recipe.write_members(&mut out, print),
        }
        out.into()
    }
}

impl Profile {
    fn read_members(kind: ProfileKind, members: &Object, reader: &mut Reader) -> Option<Self> {
        let common = ProfileCommon::read_members(members, reader);
        let (specifics, names) = Specifics::read(kind, members, reader);
        reader.others(members, &[ProfileCommon::NAMES, names], Unknown::Reject);
        let (common, specifics) = common.zip(specifics)?;
        Some(Self { common, specifics })
    }

    /// The profile as one entry of a list.
    pub(super) fn entry(&self, assigned_model_count: usize) -> Json {
        let common = &self.common;
        Json::from([
            ("profile_id", common.profile_id.0.as_str().into()),
            ("kind", common.kind.name().into()),
            ("display_name", common.display_name.as_str().into()),
            ("summary", common.summary.0.as_str().into()),
            ("aliases", common.aliases.clone().into()),
            ("deprecated", common.deprecated.into()),
            ("assigned_model_count", Json::count(assigned_model_count)),
        ])
    }
}

impl Specifics {
    /// Reads the kind's own members, and tells their names.
    fn read(
        kind: ProfileKind,
        members: &Object,
        reader: &mut Reader,
    ) -> (Option<Self>, &'static [&'static str]) {
        match kind {
            ProfileKind::PromptContract => {
                let contract = Contract::read_members(members, reader);
                (contract.map(Self::Contract), Contract::NAMES)
            }
            ProfileKind::UsageRecipe => {
                let recipe = Recipe::read_members(members, reader);
                (recipe.map(Self::Recipe), Recipe::NAMES)
            }
        }
    }
}

impl Keyed for Profile {
    const KEY: &'static str = "profile_id";

    fn key(&self) -> String {
        self.common.profile_id.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Stored;
    use crate::shape::Issue;

    fn parse(text: &str) -> Result<Profile, Vec<Issue>> {
        Profile::parse(&Json::parse(text.as_bytes()).unwrap())
    }

    fn refusal(text: &str) -> String {
        let issues = parse(text).unwrap_err();
        let told: Vec<String> =
            issues.iter().map(|issue| format!("{} {issue}", issue.kind)).collect();
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
            "missing prompt_contract: interaction_modes: Field required"
        );
        let with_more = RECIPE.replace("\"summary\"", "\"templates\":[],\"summary\"");
        assert!(refusal(&with_more).starts_with("extra_forbidden usage_recipe: templates: "));
    }

    #[test]
    fn identifiers_and_prose_are_checked() {
        for id in ["Bad Id", "a..b", "-a", "a-", ""] {
            let text = RECIPE.replace("tools-basic", id);
            assert!(refusal(&text).starts_with("value_error usage_recipe: profile_id: "), "{id}");
        }
        for summary in ["a <b>bold</b> claim", "< / br >", "<A href=x>"] {
            let text = RECIPE.replace("How to ask.", summary);
            assert!(refusal(&text).starts_with("value_error usage_recipe: summary: "), "{summary}");
        }
        for summary in ["1 < 2 > 0", "<|im_end|>", "a < b"] {
            assert!(parse(&RECIPE.replace("How to ask.", summary)).is_ok(), "{summary}");
        }
    }
}
