//! Text guidance: how text models want to be prompted, and which model follows which profile.

mod assignment;
mod change_set;
mod content;
mod migration;
mod profile;
mod prose;
mod rules;
mod template;

pub use assignment::Assignment;
pub use change_set::{
    AssignmentChange, GuidanceChangeSet, IsModel, ProfileChange, ProfileOperation, apply_change_set,
};
pub use content::{Advice, Message, PromptExample, RequestExample, Role};
pub use migration::Migration;
pub use profile::{Contract, Profile, ProfileCommon, ProfileId, ProfileKind, Recipe, Specifics};
pub use prose::{Prose, ProseList};
pub use template::{Syntax, Template, Variable};

use super::{CatalogueMetadata, Records, Stored};
use crate::json::{Json, Object};
use crate::record::{GuidanceStatus, GuidanceSummary};
use crate::shape::{Field, Print, members};

/// Names with these beginnings belong to a backend's copy of a model; guidance is for the model.
const BACKEND_PREFIXES: [&str; 2] = ["aphrodite/", "koboldcpp/"];

members! {
    /// The catalogue of text guidance, as its file and its export have it.
    #[derive(Default)]
    pub struct Guidance(reject) {
        /// History of the catalogue.
        metadata: CatalogueMetadata => absent,
        /// The profiles by id, in the order of the file.
        profiles: Records<Profile> => absent,
        /// The assignments by model name, in the order of the file.
        assignments: Records<Assignment> => absent,
    }
}

impl Guidance {
    /// The catalogue that ships with the program: an empty one.
    pub fn packaged() -> Self {
        Self::default()
    }

    /// Answer to `…/guidance/export`: the catalogue in the order of its file.
    pub fn export(&self) -> Json {
        self.to_json()
    }

    /// Answer to `…/guidance/profiles`: an entry for every profile, by id.
    pub fn profiles(&self, include_deprecated: bool) -> Json {
        let mut profiles: Vec<&Profile> = self.profiles.values().collect();
        profiles.retain(|profile| include_deprecated || !profile.common.deprecated);
        profiles.sort_by(|a, b| a.common.profile_id.cmp(&b.common.profile_id));
        let entry =
            |profile: &Profile| profile.entry(self.assigned_count(&profile.common.profile_id));
        self.page(profiles.into_iter().map(entry).collect())
    }

    /// Answer to `…/guidance/profiles/{id}`.
    pub fn profile(&self, profile_id: &str) -> Option<&Profile> {
        self.profiles.get(profile_id)
    }

    /// Answer to `…/guidance/assignments`: by model name, those of one model or one profile if named.
    pub fn assignments(&self, model_name: Option<&str>, profile_id: Option<&str>) -> Json {
        let mut assignments: Vec<&Assignment> = self.assignments.values().collect();
        assignments.retain(|assignment| {
            model_name.is_none_or(|name| *assignment.model_name == *name)
                && profile_id.is_none_or(|id| assignment.names(id))
        });
        assignments.sort_by(|a, b| a.model_name.cmp(&b.model_name));
        self.page(assignments.into_iter().map(Stored::to_json).collect())
    }

    /// Answer to `…/guidance/model`: all there is for the model `name` of the text models `records`.
    /// `None` when there is no such model, or the name is that of a backend's copy.
    pub fn model(&self, name: &str, records: &Object) -> Option<Json> {
        if BACKEND_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
            return None;
        }
        let record = records.get(name)?;
        let assignment = self.assignments.get(name);
        let primary = assignment.and_then(|assigned| self.profile(&assigned.primary_profile_id));
        let supplemental: Vec<Json> = assignment
            .iter()
            .flat_map(|assigned| &assigned.supplemental_profile_ids)
            .filter_map(|id| self.profile(id))
            .map(Stored::to_json)
            .collect();
        Some(Json::from([
            ("model_name", name.into()),
            ("summary", self.summary(name, record).write(Print::COMPLETE)),
            ("primary_profile", primary.map(Stored::to_json).into()),
            ("supplemental_profiles", supplemental.into()),
            ("legacy_instruct_format", instruct_format(record).into()),
            ("catalog_metadata", self.metadata.to_json()),
        ]))
    }

    /// The member `guidance` of the text model `name` as read over HTTP. Only records that say that
    /// they are text models have one.
    pub fn summary_for(&self, name: &str, record: &Json) -> Option<Json> {
        let record_type = record.get("record_type").and_then(Json::as_str);
        (record_type == Some("text_generation"))
            .then(|| self.summary(name, record).write(Print::COMPLETE))
    }

    fn summary(&self, name: &str, record: &Json) -> GuidanceSummary {
        let assignment = self.assignments.get(name);
        let status = match assignment {
            Some(_) => GuidanceStatus::Published,
            None if instruct_format(record).is_some() => GuidanceStatus::LegacyLabel,
            None => GuidanceStatus::Undocumented,
        };
        let supplemental = assignment.map(|assigned| assigned.supplemental_profile_ids.clone());
        GuidanceSummary {
            status,
            primary_profile_id: assignment.map(|assigned| assigned.primary_profile_id.clone()),
            supplemental_profile_ids: supplemental.unwrap_or_default(),
        }
    }

    /// The weak validator of every answer from this catalogue.
    pub fn etag(&self) -> String {
        format!("W/\"text-guidance-{}\"", self.metadata.revision.0)
    }

    fn assigned_count(&self, profile_id: &str) -> usize {
        self.assignments.values().filter(|assignment| assignment.names(profile_id)).count()
    }

    fn page(&self, items: Vec<Json>) -> Json {
        let total = Json::count(items.len());
        Json::from([
            ("items", items.into()),
            ("total", total),
            ("metadata", self.metadata.to_json()),
        ])
    }
}

/// The label that older records carry instead of guidance, unless it is blank.
fn instruct_format(record: &Json) -> Option<&str> {
    let label = record.get("instruct_format").and_then(Json::as_str)?;
    (!label.trim().is_empty()).then_some(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        Json::parse(text.as_bytes()).unwrap()
    }

    fn catalogue() -> Guidance {
        let document = json(
            r#"{"metadata":{"revision":3},"profiles":{
                "chat":{"kind":"prompt_contract","profile_id":"chat","display_name":"Chat",
                    "summary":"s","interaction_modes":["chat"],
                    "sources":[{"url":"HTTPS://Example.org"}]},
                "old":{"kind":"usage_recipe","profile_id":"old","display_name":"Old","summary":"s",
                    "deprecated":true}},
              "assignments":{"b":{"model_name":"b","primary_profile_id":"chat"},
                "a":{"model_name":"a","primary_profile_id":"chat",
                    "supplemental_profile_ids":["old"]}}}"#,
        );
        Guidance::parse(&document).unwrap()
    }

    #[test]
    fn lists_are_filtered_and_sorted() {
        let guidance = catalogue();
        assert_eq!(guidance.etag(), "W/\"text-guidance-3\"");
        let ids = |list: Json, member: &str| -> Vec<String> {
            let items = list.get("items").and_then(Json::as_array).unwrap().iter();
            items.map(|item| item.get(member).and_then(Json::as_str).unwrap().to_owned()).collect()
        };
        assert_eq!(ids(guidance.profiles(false), "profile_id"), ["chat"]);
        assert_eq!(ids(guidance.profiles(true), "profile_id"), ["chat", "old"]);
        assert_eq!(ids(guidance.assignments(None, None), "model_name"), ["a", "b"]);
        assert_eq!(ids(guidance.assignments(None, Some("old")), "model_name"), ["a"]);
        assert_eq!(ids(guidance.assignments(Some("b"), Some("old")), "model_name"), [""; 0]);
    }

    #[test]
    fn the_status_follows_from_assignment_and_label() {
        let guidance = catalogue();
        let status = |name: &str, record: &str| {
            let summary = guidance.summary_for(name, &json(record))?;
            summary.get("status").and_then(Json::as_str).map(str::to_owned)
        };
        let labelled = r#"{"record_type":"text_generation","instruct_format":"ChatML"}"#;
        let blank = r#"{"record_type":"text_generation","instruct_format":" "}"#;
        assert_eq!(status("a", blank).as_deref(), Some("published"));
        assert_eq!(status("c", labelled).as_deref(), Some("legacy_label"));
        assert_eq!(status("c", blank).as_deref(), Some("undocumented"));
        assert_eq!(status("a", "{}"), None);
    }

    #[test]
    fn a_written_catalogue_reads_back_equal() {
        let guidance = catalogue();
        assert_eq!(Guidance::parse(&guidance.export()), Ok(guidance.clone()));
        assert!(guidance.export().to_string().contains(r#""url":"https://example.org/""#));
        assert_eq!(Guidance::parse(&json("{}")), Ok(Guidance::packaged()));
    }
}
