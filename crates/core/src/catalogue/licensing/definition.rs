//! A licence: its name, where to read it, and what it means in short.

use std::collections::BTreeSet;

use super::license_expression::license_ids;
use super::store::{Store, Stored};
use super::{Obligation, Permission};
use crate::catalogue::members::{Members, boolean, filled_text, list, text};
use crate::catalogue::problem::Reading;
use crate::catalogue::words::word;
use crate::catalogue::{Problem, RecordMetadata};
use crate::json::Json;

/// One licence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The identifier that expressions use; the key of its record.
    pub license_id: String,
    /// The name for people.
    pub name: String,
    /// The identifier on the SPDX list, if it is there.
    pub spdx_identifier: Option<String>,
    /// Where the licence can be read.
    pub canonical_url: String,
    /// Whether commercial use is allowed.
    pub commercial_use: Permission,
    /// Whether what is licensed may be passed on.
    pub redistribution: Permission,
    /// What must be done in return.
    pub obligations: Vec<Obligation>,
    /// What must not be done, in words.
    pub restrictions: Vec<String>,
    /// Anything else.
    pub notes: Option<String>,
    /// Whether it must no longer be assigned.
    pub deprecated: bool,
    /// History of this record.
    pub metadata: RecordMetadata,
}

/// The file of licences.
pub type Definitions = Store<Definition>;

impl Definitions {
    /// The licences that ship with the program.
    ///
    /// # Panics
    /// Never: a test reads the file, which is part of the program.
    pub fn packaged() -> Self {
        let text = include_str!("../packaged/licenses.json");
        let document = Json::parse(text.as_bytes()).expect("the packaged licences are JSON");
        Self::parse(&document).expect("the packaged licences are valid")
    }

    /// Answer to `…/licenses/{id}`: the licence of exactly this identifier.
    pub fn get(&self, license_id: &str) -> Option<&Definition> {
        self.records.get(license_id)
    }
}

impl Stored for Definition {
    fn key(&self) -> String {
        self.license_id.clone()
    }

    fn to_json(&self) -> Json {
        Json::from([
            ("license_id", self.license_id.as_str().into()),
            ("name", self.name.as_str().into()),
            ("spdx_identifier", self.spdx_identifier.as_deref().into()),
            ("canonical_url", self.canonical_url.as_str().into()),
            ("commercial_use", self.commercial_use.into()),
            ("redistribution", self.redistribution.into()),
            ("obligations", self.obligations.clone().into()),
            ("restrictions", self.restrictions.clone().into()),
            ("notes", self.notes.as_deref().into()),
            ("deprecated", self.deprecated.into()),
            ("metadata", self.metadata.to_json()),
        ])
    }

    fn parse(value: &Json) -> Result<Self, Vec<Problem>> {
        Reading::document(|reading| Self::read(value, reading))
    }
}

impl Definition {
    fn read(value: &Json, reading: &mut Reading) -> Option<Self> {
        let mut members = Members::open(value, reading)?;
        let license_id = members.required("license_id", single_id);
        let name = members.required("name", filled_text);
        let spdx_identifier = members.optional("spdx_identifier", text);
        let canonical_url = members.required("canonical_url", filled_text);
        let commercial_use = members.required("commercial_use", word);
        let redistribution = members.required("redistribution", word);
        let obligations = members.or("obligations", Vec::new(), list(word));
        let restrictions = members.or("restrictions", Vec::new(), list(text));
        let notes = members.optional("notes", text);
        let deprecated = members.or("deprecated", false, boolean);
        let metadata = members.or("metadata", RecordMetadata::default(), RecordMetadata::read);
        members.close();
        Some(Self {
            license_id: license_id?,
            name: name?,
            spdx_identifier: spdx_identifier?,
            canonical_url: canonical_url?,
            commercial_use: commercial_use?,
            redistribution: redistribution?,
            obligations: obligations?,
            restrictions: restrictions?,
            notes: notes?,
            deprecated: deprecated?,
            metadata: metadata?,
        })
    }
}

fn single_id(value: &Json, reading: &mut Reading) -> Option<String> {
    let id = filled_text(value, reading)?;
    if id == "NOASSERTION" {
        return reading.refuse("value_error", "NOASSERTION is not a licence");
    }
    if license_ids(&id) != Ok(BTreeSet::from([id.clone()])) {
        return reading.refuse("value_error", "expected one licence identifier");
    }
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> Option<&'static str> {
        let value = Json::parse(text.as_bytes()).unwrap();
        Definition::parse(&value).err().map(|problems| problems[0].kind)
    }

    #[test]
    fn the_packaged_licences_are_written_as_they_are_read() {
        let definitions = Definitions::packaged();
        assert_eq!(definitions.records.len(), 16);
        assert!(definitions.get("MIT").is_some() && definitions.get("mit").is_none());
        let text = definitions.to_file().to_text(crate::json::Style::INDENT_2_ASCII);
        assert_eq!(text, include_str!("../packaged/licenses.json"));
    }

    #[test]
    fn a_definition_is_of_one_licence() {
        let text = r#"{"license_id":"LicenseRef-Quarry","name":"n","canonical_url":"u",
            "commercial_use":"prohibited","redistribution":"unknown"}"#;
        assert_eq!(problem(text), None);
        for id in ["MIT OR WTFPL", "NOASSERTION", "(MIT)", "()"] {
            assert_eq!(problem(&text.replace("LicenseRef-Quarry", id)), Some("value_error"));
        }
        assert_eq!(problem(&text.replace("unknown", "maybe")), Some("enum"));
        assert_eq!(
            problem(&text.replace("\"name\"", "\"extra\":1,\"name\"")),
            Some("extra_forbidden")
        );
    }
}
