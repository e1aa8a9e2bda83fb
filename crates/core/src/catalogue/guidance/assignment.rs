//! Which profiles a text model follows.

use std::collections::HashSet;

use crate::catalogue::RecordMetadata;
use crate::catalogue::members::{Members, filled_text, list, text};
use crate::catalogue::problem::Reading;
use crate::json::Json;

/// The profiles of one text model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The model.
    pub model_name: String,
    /// The prompt contract it follows.
    pub primary_profile_id: String,
    /// Usage recipes that go with it.
    pub supplemental_profile_ids: Vec<String>,
    /// History of this record.
    pub metadata: RecordMetadata,
}

impl Assignment {
    pub(crate) fn read(value: &Json, reading: &mut Reading) -> Option<Self> {
        let mut members = Members::open(value, reading)?;
        let model_name = members.required("model_name", filled_text);
        let primary_profile_id = members.required("primary_profile_id", text);
        let supplemental = members.or("supplemental_profile_ids", Vec::new(), list(text));
        let metadata = members.or("metadata", RecordMetadata::default(), RecordMetadata::read);
        members.close();
        let assignment = Self {
            model_name: model_name?,
            primary_profile_id: primary_profile_id?,
            supplemental_profile_ids: supplemental?,
            metadata: metadata?,
        };
        if !assignment.names_each_once() {
            return reading.refuse("value_error", "a profile is named more than once");
        }
        Some(assignment)
    }

    fn names_each_once(&self) -> bool {
        let mut seen = HashSet::from([self.primary_profile_id.as_str()]);
        self.supplemental_profile_ids.iter().all(|id| seen.insert(id))
    }

    /// Whether the model follows this profile, as its contract or as a recipe.
    pub fn names(&self, profile_id: &str) -> bool {
        self.primary_profile_id == profile_id
            || self.supplemental_profile_ids.iter().any(|id| id == profile_id)
    }

    /// All members, nulls included.
    pub fn to_json(&self) -> Json {
        Json::from([
            ("model_name", self.model_name.as_str().into()),
            ("primary_profile_id", self.primary_profile_id.as_str().into()),
            ("supplemental_profile_ids", self.supplemental_profile_ids.clone().into()),
            ("metadata", self.metadata.to_json()),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Problem;

    fn parse(text: &str) -> Result<Assignment, Vec<Problem>> {
        let value = Json::parse(text.as_bytes()).unwrap();
        Reading::document(|reading| Assignment::read(&value, reading))
    }

    #[test]
    fn no_profile_is_named_twice() {
        let text =
            r#"{"model_name":"m","primary_profile_id":"p","supplemental_profile_ids":["q"]}"#;
        assert!(parse(text).is_ok());
        assert!(parse(&text.replace("[\"q\"]", "[\"q\",\"q\"]")).is_err());
        assert!(parse(&text.replace("[\"q\"]", "[\"p\"]")).is_err());
    }
}
