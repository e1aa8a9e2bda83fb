//! Changes of the text guidance that are reviewed and applied together.

use std::collections::HashSet;

use super::rules::check;
use super::{Assignment, Guidance, Profile};
use crate::catalogue::change_set::{Proposal, read_payload, stored_or};
use crate::catalogue::{RecordMetadata, Refusal, Stamp, States, Stored, Title};
use crate::change::WriteError;
use crate::json::{Json, Object};
use crate::legacy::unknown_settings;
use crate::queue::{Draft, ResourceKind};
use crate::shape::{members, words};
use crate::{Category, Document};

members! {
    /// Changes that are reviewed and applied together.
    pub struct GuidanceChangeSet(reject) rule(broken_rule) {
        /// What it is about.
        title: Title => required,
        /// Changes of profiles, made one after the other.
        profile_changes: Vec<ProfileChange> => absent,
        /// Changes of assignments, made after those of profiles.
        assignment_changes: Vec<AssignmentChange> => absent,
    }
}

members! {
    /// A change of one profile.
    pub struct ProfileChange(reject) {
        /// What is done to it.
        operation: ProfileOperation => required,
        /// Its key.
        profile_id: String => required,
        /// What it becomes.
        profile: Option<Profile> => absent,
        /// What it was when the change was thought of.
        expected_before: Option<Profile> => absent,
    }
}

members! {
    /// A change of one model's assignment.
    #[derive(Eq)]
    pub struct AssignmentChange(reject) {
        /// The model.
        model_name: String => required,
        /// What it becomes; without it, the model has none any more.
        assignment: Option<Assignment> => absent,
        /// What it was when the change was thought of.
        expected_before: Option<Assignment> => absent,
    }
}

words! {
    /// What is done to a profile.
    pub enum ProfileOperation as "literal_error" {
        Create = "create",
        Update = "update",
        /// It stays, but must no longer be assigned.
        Deprecate = "deprecate",
    }
}

/// Whether there is a text model of a name.
pub type IsModel<'a> = &'a dyn Fn(&str) -> bool;

impl GuidanceChangeSet {
    fn broken_rule(&self) -> Option<String> {
        let is_empty = self.profile_changes.is_empty() && self.assignment_changes.is_empty();
        is_empty.then(|| "a change set has at least one change".into())
    }

    /// The set as the queue keeps it: every member is written out.
    pub fn payload(&self) -> Object {
        self.to_json().as_object().cloned().unwrap_or_default()
    }

    /// The models whose assignments it changes, in the order of the changes.
    pub fn models(&self) -> Vec<String> {
        self.assignment_changes.iter().map(|change| change.model_name.clone()).collect()
    }

    /// What is proposed to the queue, under an id that names the set.
    pub fn draft(&self, id: &str) -> Draft {
        let proposal = Proposal {
            kind: ResourceKind::Guidance,
            category: Category::TextGeneration,
            label: "guidance",
            route: "submit_text_guidance_change_set",
            affected: "affected_models",
            names: self.models(),
            title: &self.title,
            payload: self.payload(),
        };
        proposal.draft(id)
    }

    /// Refuses settings that no text model may recommend.
    pub fn check_settings(&self) -> Result<(), Refusal> {
        let profiles = self.profile_changes.iter().filter_map(|change| change.profile.as_ref());
        let names = profiles.flat_map(|profile| {
            let common = &profile.common;
            let examples = common.ai_horde_examples.iter().map(|example| &example.parameters);
            let maps = std::iter::once(&common.recommended_settings).chain(examples);
            maps.flat_map(|map| map.0.keys().map(String::as_str))
        });
        let mut unknown = unknown_settings(names);
        unknown.sort_unstable();
        unknown.dedup();
        if unknown.is_empty() {
            return Ok(());
        }
        Err(Refusal::UnknownSettings(unknown.into_iter().map(str::to_owned).collect()))
    }

    /// The catalogue with the changes in it, not yet counted as a revision.
    pub fn changed(
        &self,
        catalogue: &Guidance,
        is_model: IsModel<'_>,
        stamp: Stamp<'_>,
    ) -> Result<Guidance, Refusal> {
        let mut changed = catalogue.clone();
        for change in &self.profile_changes {
            change.make(&mut changed, stamp)?;
        }
        for change in &self.assignment_changes {
            change.make(&mut changed, stamp)?;
        }
        let touched: HashSet<&str> =
            self.assignment_changes.iter().map(|change| change.model_name.as_str()).collect();
        check(&changed, &touched, is_model)?;
        Ok(changed)
    }

    /// The next revision of the catalogue.
    pub fn apply(
        &self,
        catalogue: &Guidance,
        is_model: IsModel<'_>,
        stamp: Stamp<'_>,
    ) -> Result<Guidance, Refusal> {
        let mut changed = self.changed(catalogue, is_model, stamp)?;
        changed.metadata = changed.metadata.written(stamp.at);
        Ok(changed)
    }

    /// What a diff compares: the whole catalogues; if the set does not fit any more, what it expected
    /// and what it wants.
    pub fn states(&self, catalogue: &Guidance, is_model: IsModel<'_>, at: i64) -> States {
        match self.changed(catalogue, is_model, Stamp { editor: None, at }) {
            Ok(changed) => States { current: catalogue.to_json(), proposed: changed.to_json() },
            Err(_) => self.own_states(),
        }
    }

    fn own_states(&self) -> States {
        let mut profiles = (Object::new(), Object::new());
        for change in self.profile_changes.iter().rev() {
            let expected = change.expected_before.as_ref();
            let wanted = change.wanted(expected).ok();
            note(&mut profiles, &change.profile_id, expected, wanted.as_ref());
        }
        let mut assignments = (Object::new(), Object::new());
        for change in self.assignment_changes.iter().rev() {
            let (expected, wanted) = (change.expected_before.as_ref(), change.assignment.as_ref());
            note(&mut assignments, &change.model_name, expected, wanted);
        }
        let state = |profiles: Object, assignments: Object| {
            Json::from([
                ("profiles", Json::Object(profiles)),
                ("assignments", Json::Object(assignments)),
            ])
        };
        States {
            current: state(profiles.0, assignments.0),
            proposed: state(profiles.1, assignments.1),
        }
    }
}

/// Notes what a change expects and wants. Changes come from the last to the first: of what is
/// expected the first counts, of what is wanted the last.
fn note<T: Stored>(
    (expected, wanted): &mut (Object, Object),
    key: &str,
    before: Option<&T>,
    after: Option<&T>,
) {
    if let Some(before) = before {
        expected.insert(key.to_owned(), before.to_json());
    }
    if let Some(after) = after {
        wanted.entry(key.to_owned()).or_insert_with(|| after.to_json());
    }
}

impl ProfileChange {
    fn make(&self, catalogue: &mut Guidance, stamp: Stamp<'_>) -> Result<(), Refusal> {
        let present = catalogue.profiles.get(&self.profile_id);
        if present != self.expected_before.as_ref() {
            return Err(Refusal::ProfileChanged(self.profile_id.clone()));
        }
        let mut wanted = self.wanted(present)?;
        wanted.common.metadata =
            RecordMetadata::reviewed(present.map(|present| &present.common.metadata), stamp);
        catalogue.profiles.insert(self.profile_id.clone(), wanted);
        Ok(())
    }

    /// What the profile becomes if it is `present` now.
    fn wanted(&self, present: Option<&Profile>) -> Result<Profile, Refusal> {
        let id = || self.profile_id.clone();
        let given = self.profile.clone();
        match self.operation {
            ProfileOperation::Create => given.ok_or_else(|| Refusal::ProfileWithoutRecord(id())),
            ProfileOperation::Update => {
                given.filter(|_| present.is_some()).ok_or_else(|| Refusal::ProfileNotUpdated(id()))
            }
            ProfileOperation::Deprecate => {
                let mut profile =
                    present.cloned().ok_or_else(|| Refusal::ProfileNotDeprecated(id()))?;
                profile.common.deprecated = true;
                Ok(profile)
            }
        }
    }
}

impl AssignmentChange {
    fn make(&self, catalogue: &mut Guidance, stamp: Stamp<'_>) -> Result<(), Refusal> {
        let present = catalogue.assignments.get(&self.model_name);
        if present != self.expected_before.as_ref() {
            return Err(Refusal::AssignmentChanged(self.model_name.clone()));
        }
        let Some(assignment) = &self.assignment else {
            catalogue.assignments.shift_remove(&self.model_name);
            return Ok(());
        };
        let metadata = RecordMetadata::reviewed(present.map(|present| &present.metadata), stamp);
        let assignment = Assignment { metadata, ..assignment.clone() };
        catalogue.assignments.insert(self.model_name.clone(), assignment);
        Ok(())
    }
}

/// The next content of the catalogue's document, from its present one and a change set of the queue.
pub fn apply_change_set(
    stored: &Json,
    payload: &Object,
    is_model: IsModel<'_>,
    stamp: Stamp<'_>,
) -> Result<Json, WriteError> {
    let set: GuidanceChangeSet = read_payload(payload)?;
    let catalogue = stored_or(stored, Document::Guidance, Guidance::packaged)?;
    Ok(set.apply(&catalogue, is_model, stamp)?.to_json())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp<'_> = Stamp { editor: Some("7"), at: 50 };
    const CHAT: &str = r#"{"kind":"prompt_contract","profile_id":"chat","display_name":"Chat",
        "summary":"s","aliases":["chat-ml"],"interaction_modes":["chat"]}"#;
    const TOOLS: &str = r#"{"kind":"usage_recipe","profile_id":"tools","display_name":"Tools",
        "summary":"s"}"#;

    fn set(profiles: &str, assignments: &str) -> GuidanceChangeSet {
        let text = format!(
            r#"{{"title":"t","profile_changes":[{profiles}],"assignment_changes":[{assignments}]}}"#
        );
        GuidanceChangeSet::parse(&Json::parse(text.as_bytes()).unwrap()).unwrap()
    }

    fn create(id: &str, profile: &str) -> String {
        format!(r#"{{"operation":"create","profile_id":"{id}","profile":{profile}}}"#)
    }

    fn assign(model: &str, primary: &str, supplemental: &str) -> String {
        format!(
            r#"{{"model_name":"{model}","assignment":{{"model_name":"{model}",
                "primary_profile_id":"{primary}","supplemental_profile_ids":[{supplemental}]}}}}"#
        )
    }

    fn is_model(name: &str) -> bool {
        name == "a" || name == "b"
    }

    /// A catalogue with both profiles, the contract assigned to `model`.
    fn catalogue(model: &str) -> Guidance {
        let profiles = [create("chat", CHAT), create("tools", TOOLS)].join(",");
        let set = set(&profiles, &assign(model, "chat", "\"tools\""));
        set.apply(&Guidance::packaged(), &|_| true, STAMP).unwrap()
    }

    fn refusal(set: &GuidanceChangeSet, catalogue: &Guidance) -> String {
        let changed = set.changed(catalogue, &is_model, STAMP);
        changed.map(|_| String::new()).unwrap_or_else(|refusal| refusal.to_string())
    }

    #[test]
    fn a_set_has_a_change_and_a_payload_every_member() {
        let empty = Json::parse(br#"{"title":"t","profile_changes":[]}"#).unwrap();
        let issues = GuidanceChangeSet::parse(&empty).unwrap_err();
        assert_eq!((issues[0].kind, issues[0].loc.len()), ("value_error", 0));
        let one = set("", r#"{"model_name":"gone"}"#);
        assert_eq!(
            Json::Object(one.payload()).to_string(),
            r#"{"title":"t","profile_changes":[],"assignment_changes":[{"model_name":"gone","assignment":null,"expected_before":null}]}"#
        );
        let draft = one.draft("5-6");
        assert_eq!(draft.model_name, "guidance:5-6");
        assert_eq!(draft.notes.as_deref(), Some("t"));
        assert_eq!(
            Json::Object(draft.request_metadata).to_string(),
            r#"{"route":"submit_text_guidance_change_set","title":"t","affected_models":["gone"]}"#
        );
    }

    #[test]
    fn unknown_settings_are_named_once_and_sorted() {
        let with = CHAT.replace(
            "\"aliases\"",
            r#""recommended_settings":{"top_k":1,"bogus":2},"ai_horde_examples":[{"title":"e",
                "prompt":"p","parameters":{"bogus":1,"also":2,"max_length":3}}],"aliases""#,
        );
        let refused = set(&create("chat", &with), "").check_settings().unwrap_err();
        assert_eq!(refused.to_string(), "Unknown text generation settings: also, bogus");
        assert_eq!(set(&create("chat", CHAT), "").check_settings(), Ok(()));
    }

    #[test]
    fn each_rule_has_its_words() {
        let empty = Guidance::packaged();
        let chat = create("chat", CHAT);
        let both = [chat.clone(), create("tools", TOOLS)].join(",");
        let twin = CHAT.replace("\"chat\",\"display", "\"twin\",\"display").replace("-ml", "-ML");
        let expecting = format!(
            r#"{{"operation":"create","profile_id":"chat","profile":{CHAT},"expected_before":{CHAT}}}"#
        );
        for (profiles, assignments, words) in [
            (expecting, String::new(), "Guidance profile 'chat' changed after review."),
            (
                r#"{"operation":"create","profile_id":"x"}"#.into(),
                String::new(),
                "Cannot create guidance profile 'x'.",
            ),
            (
                chat.replace("create", "update"),
                String::new(),
                "Cannot update missing guidance profile 'chat'.",
            ),
            (
                r#"{"operation":"deprecate","profile_id":"x"}"#.into(),
                String::new(),
                "Cannot deprecate missing guidance profile 'x'.",
            ),
            (
                create("other", CHAT),
                String::new(),
                "Profile key 'other' does not match its profile_id.",
            ),
            (
                [chat.clone(), create("twin", &twin)].join(","),
                String::new(),
                "Guidance alias 'chat-ML' is shared by multiple profiles.",
            ),
            (
                chat.clone(),
                assign("a", "chat", "").replacen("\"a\"", "\"b\"", 1),
                "Assignment key 'b' does not match its model_name.",
            ),
            (
                chat.clone(),
                assign("koboldcpp/a", "chat", ""),
                "Guidance must target canonical text models, not 'koboldcpp/a'.",
            ),
            (chat.clone(), assign("no", "chat", ""), "Unknown canonical text model: no"),
            (
                String::new(),
                assign("a", "chat", ""),
                "Assignment for 'a' requires an active prompt contract.",
            ),
            (
                both.clone(),
                assign("a", "tools", ""),
                "Assignment for 'a' requires an active prompt contract.",
            ),
            (
                chat,
                assign("a", "chat", "\"missing\""),
                "Supplemental profile 'missing' must be an active usage recipe.",
            ),
            (both, assign("a", "chat", "\"tools\""), ""),
            (String::new(), r#"{"model_name":"no"}"#.into(), ""),
        ] {
            assert_eq!(refusal(&set(&profiles, &assignments), &empty), words);
        }
        let stale = set("", r#"{"model_name":"a"}"#);
        let words = "Guidance assignment for 'a' changed after review.";
        assert_eq!(refusal(&stale, &catalogue("a")), words);
    }

    #[test]
    fn an_assigned_profile_cannot_be_deprecated_but_that_of_a_deleted_model_can() {
        let deprecate = |catalogue: &Guidance| {
            let before = catalogue.profile("tools").unwrap().to_json();
            set(
                &format!(
                    r#"{{"operation":"deprecate","profile_id":"tools","expected_before":{before}}}"#
                ),
                "",
            )
        };
        let assigned = catalogue("a");
        let words = "Supplemental profile 'tools' must be an active usage recipe.";
        assert_eq!(refusal(&deprecate(&assigned), &assigned), words);
        let of_deleted = catalogue("deleted");
        let changed = deprecate(&of_deleted).apply(&of_deleted, &is_model, STAMP).unwrap();
        let profile = changed.profile("tools").unwrap();
        assert!(profile.common.deprecated);
        assert_eq!(profile.common.metadata.revision.0, 2);
        // What is touched is checked all the same.
        let touch = format!(
            r#"{{"model_name":"deleted","assignment":{{"model_name":"deleted",
                "primary_profile_id":"chat"}},"expected_before":{}}}"#,
            of_deleted.assignments.get("deleted").unwrap().to_json()
        );
        let words = "Unknown canonical text model: deleted";
        assert_eq!(refusal(&set("", &touch), &of_deleted), words);
    }

    #[test]
    fn applying_counts_and_tells_who_and_when() {
        let first = catalogue("a");
        assert_eq!((first.metadata.revision.0, first.metadata.updated_at), (2, Some(50)));
        let metadata = &first.assignments.get("a").unwrap().metadata;
        assert_eq!(metadata.created_by.as_deref(), Some("7"));
        assert_eq!((metadata.created_at, metadata.updated_at), (Some(50), Some(50)));
        let second = set("", &assign("b", "chat", ""));
        let stamp = Stamp { editor: Some("8"), at: 60 };
        let stored = first.to_json();
        let next = apply_change_set(&stored, &second.payload(), &is_model, stamp).unwrap();
        let next = Guidance::parse(&next).unwrap();
        assert_eq!(next.metadata.revision.0, 3);
        assert_eq!(next.assignments.get("a"), first.assignments.get("a"));
        let again = apply_change_set(&next.to_json(), &second.payload(), &is_model, stamp);
        assert_eq!(again, Err(Refusal::AssignmentChanged("b".into()).into()));
    }

    #[test]
    fn a_diff_of_a_stale_set_shows_what_it_expected_and_wants() {
        let set = set(&create("chat", CHAT), &assign("a", "chat", ""));
        let fitting = set.states(&Guidance::packaged(), &is_model, 5);
        assert_eq!(fitting.current, Guidance::packaged().to_json());
        assert!(fitting.proposed.to_string().contains(r#""created_at":5,"created_by":null"#));
        let stale = set.states(&catalogue("a"), &is_model, 5);
        assert_eq!(stale.current.to_string(), r#"{"profiles":{},"assignments":{}}"#);
        let wanted = stale.proposed.get("assignments").and_then(|all| all.get("a")).unwrap();
        assert_eq!(wanted.get("primary_profile_id"), Some(&"chat".into()));
        assert!(stale.proposed.get("profiles").unwrap().get("chat").is_some());
    }
}
