//! Which profiles a text model follows.

use std::collections::HashSet;

use crate::catalogue::{Keyed, RecordMetadata};
use crate::shape::{NonEmpty, members};

members! {
    /// The profiles of one text model.
    #[derive(Eq)]
    pub struct Assignment(reject) rule(broken_rule) {
        /// The model.
        model_name: NonEmpty => required,
        /// The prompt contract it follows.
        primary_profile_id: String => required,
        /// Usage recipes that go with it.
        supplemental_profile_ids: Vec<String> => absent,
        /// History of this record.
        metadata: RecordMetadata => absent,
    }
}

impl Assignment {
    fn broken_rule(&self) -> Option<String> {
        let mut seen = HashSet::from([self.primary_profile_id.as_str()]);
        let once = self.supplemental_profile_ids.iter().all(|id| seen.insert(id));
        (!once).then(|| "a profile is named more than once".into())
    }

    /// Whether the model follows this profile, as its contract or as a recipe.
    pub fn names(&self, profile_id: &str) -> bool {
        self.primary_profile_id == profile_id
            || self.supplemental_profile_ids.iter().any(|id| id == profile_id)
    }
}

impl Keyed for Assignment {
    const KEY: &'static str = "model_name";

    fn key(&self) -> String {
        self.model_name.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Stored;
    use crate::json::Json;
    use crate::shape::Issue;

    fn parse(text: &str) -> Result<Assignment, Vec<Issue>> {
        Assignment::parse(&Json::parse(text.as_bytes()).unwrap())
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
