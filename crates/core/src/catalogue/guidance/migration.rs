//! A proposal that turns the labels of older text records into guidance.

use super::content::Advice;
use super::prose::Prose;
use super::{
    Assignment, AssignmentChange, Contract, Guidance, GuidanceChangeSet, Profile, ProfileChange,
    ProfileCommon, ProfileId, ProfileKind, ProfileOperation, Specifics, instruct_format,
};
use crate::catalogue::case_folding::case_folded;
use crate::catalogue::{RecordMetadata, Stored, Title};
use crate::json::{Json, Object};
use crate::record::InteractionMode;
use crate::shape::{AtLeastOne, NonEmpty, ValueMap};
use crate::text::backend_prefix;

const TITLE: &str = "Guidance from the labels of older records";

/// What is proposed, and how much it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Migration {
    /// The changes; `None` where nothing is to be done.
    pub change_set: Option<GuidanceChangeSet>,
    /// How many models get an assignment.
    pub models: usize,
    /// How many labels become new profiles.
    pub formats: usize,
}

impl Migration {
    /// Answer to `…/guidance/migration/preview`.
    pub fn to_json(&self) -> Json {
        Json::from([
            ("change_set", self.change_set.as_ref().map(Stored::to_json).into()),
            ("source_model_count", Json::count(self.models)),
            ("format_count", Json::count(self.formats)),
        ])
    }
}

impl Guidance {
    /// What would make the labels of the text models `records` guidance.
    pub fn migration(&self, records: &Object) -> Migration {
        let mut profiles = Profiles::of(self);
        let mut assignment_changes = Vec::new();
        for (model, record) in records {
            let Some(label) = instruct_format(record).map(str::trim) else { continue };
            // Copies of models for backends follow what is said of the models.
            if backend_prefix(model).is_some() {
                continue;
            }
            let profile_id = profiles.id_for(label);
            if !self.assignments.contains_key(model) {
                assignment_changes.push(assign(model, profile_id));
            }
        }
        let profile_changes = profiles.proposed;
        let (models, formats) = (assignment_changes.len(), profile_changes.len());
        let title = Title(TITLE.to_owned());
        let set = GuidanceChangeSet { title, profile_changes, assignment_changes };
        let change_set = (models + formats > 0).then_some(set);
        Migration { change_set, models, formats }
    }
}

/// The profiles there are, and those that are proposed.
struct Profiles {
    /// Case-folded names, and the profiles that they name.
    names: Vec<(String, String)>,
    ids: Vec<String>,
    proposed: Vec<ProfileChange>,
}

impl Profiles {
    fn of(guidance: &Guidance) -> Self {
        let named = guidance.profiles.iter().flat_map(|(id, profile)| {
            let names = std::iter::once(&profile.common.display_name);
            let names = names.chain(&profile.common.aliases);
            names.map(move |name| (case_folded(name), id.clone()))
        });
        let ids = guidance.profiles.keys().cloned().collect();
        Self { names: named.collect(), ids, proposed: Vec::new() }
    }

    /// The profile that has this label as a name; a new one if there is none.
    fn id_for(&mut self, label: &str) -> String {
        let folded = case_folded(label);
        if let Some((_, id)) = self.names.iter().find(|(name, _)| *name == folded) {
            return id.clone();
        }
        let id = self.free_id(&folded);
        self.names.push((folded, id.clone()));
        self.ids.push(id.clone());
        self.proposed.push(ProfileChange {
            operation: ProfileOperation::Create,
            profile_id: id.clone(),
            profile: Some(contract(&id, label)),
            expected_before: None,
        });
        id
    }

    fn free_id(&self, folded: &str) -> String {
        let is_kept = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let parts: Vec<&str> =
            folded.split(|c| !is_kept(c)).filter(|part| !part.is_empty()).collect();
        let id = if parts.is_empty() { "prompt-contract".to_owned() } else { parts.join("-") };
        let numbered = (2..).map(|number| format!("{id}-{number}"));
        let mut candidates = std::iter::once(id.clone()).chain(numbered);
        candidates.find(|candidate| !self.ids.contains(candidate)).unwrap_or(id)
    }
}

fn contract(id: &str, label: &str) -> Profile {
    // A label may hold what looks like a tag of HTML, which prose must not.
    let summary = "Made from a label of older records; what it means is still to be written down.";
    Profile {
        common: ProfileCommon {
            profile_id: ProfileId(id.to_owned()),
            display_name: label.to_owned(),
            aliases: vec![label.to_owned()],
            summary: Prose(summary.to_owned()),
            user: Advice::default(),
            developer: Advice::default(),
            examples: Vec::new(),
            recommended_settings: ValueMap::default(),
            ai_horde_examples: Vec::new(),
            sources: Vec::new(),
            deprecated: false,
            metadata: RecordMetadata::default(),
            kind: ProfileKind::PromptContract,
        },
        specifics: Specifics::Contract(Contract {
            interaction_modes: AtLeastOne(vec![InteractionMode::Instruction]),
            accepted_roles: Vec::new(),
            role_markers: indexmap::IndexMap::new(),
            stop_sequences: Vec::new(),
            templates: Vec::new(),
        }),
    }
}

fn assign(model: &str, primary_profile_id: String) -> AssignmentChange {
    let assignment = Assignment {
        model_name: NonEmpty(model.to_owned()),
        primary_profile_id,
        supplemental_profile_ids: Vec::new(),
        metadata: RecordMetadata::default(),
    };
    AssignmentChange {
        model_name: model.to_owned(),
        assignment: Some(assignment),
        expected_before: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Stamp;

    fn records(labels: &[(&str, &str)]) -> Object {
        let record = |label: &str| Json::from([("instruct_format", Json::from(label))]);
        labels.iter().map(|(name, label)| ((*name).to_owned(), record(label))).collect()
    }

    #[test]
    fn labels_become_profiles_and_models_are_assigned_to_them() {
        let models = [
            ("a", " ChatML "),
            ("b", "chatml"),
            ("c", " "),
            ("d", "Chat+ML!"),
            ("e", "«»"),
            ("f", "chat (ml)"),
            ("koboldcpp/a", "Other"),
        ];
        let records = records(&models);
        let migration = Guidance::packaged().migration(&records);
        assert_eq!((migration.models, migration.formats), (5, 4));
        let set = migration.change_set.unwrap();
        let ids: Vec<&str> =
            set.profile_changes.iter().map(|change| change.profile_id.as_str()).collect();
        assert_eq!(ids, ["chatml", "chat-ml", "prompt-contract", "chat-ml-2"]);
        let first = &set.profile_changes[0].profile.as_ref().unwrap().common;
        assert_eq!((first.display_name.as_str(), first.aliases.len()), ("ChatML", 1));
        // What is proposed can be applied, and then there is nothing left to do.
        let stamp = Stamp { editor: None, at: 1 };
        let is_model = |name: &str| records.contains_key(name);
        let migrated = set.apply(&Guidance::packaged(), &is_model, stamp).unwrap();
        assert_eq!(
            migrated.migration(&records).to_json().to_string(),
            r#"{"change_set":null,"source_model_count":0,"format_count":0}"#
        );
    }
}
