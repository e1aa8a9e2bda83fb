//! A licence: its name, where to read it, and what it means in short.

use super::Store;
use crate::catalogue::{Keyed, RecordMetadata, Stored};
use crate::json::Json;
use crate::record::license_expression::{Expression, NO_ASSERTION};
use crate::record::{Obligation, Permission};
use crate::shape::{Field, NonEmpty, Reader, members, text_value};

members! {
    /// One licence.
    pub struct Definition(reject) {
        /// The identifier that expressions use; the key of its record.
        license_id: LicenseId => required,
        /// The name for people.
        name: NonEmpty => required,
        /// The identifier on the SPDX list, if it is there.
        spdx_identifier: Option<String> => absent,
        /// Where the licence can be read.
        canonical_url: NonEmpty => required,
        /// Whether commercial use is allowed.
        commercial_use: Permission => required,
        /// Whether what is licensed may be passed on.
        redistribution: Permission => required,
        /// What must be done in return.
        obligations: Vec<Obligation> => absent,
        /// What must not be done, in words.
        restrictions: Vec<String> => absent,
        /// Anything else.
        notes: Option<String> => absent,
        /// Whether it must no longer be assigned.
        deprecated: bool => absent,
        /// History of this record.
        metadata: RecordMetadata => absent,
    }
}

text_value! {
    /// The identifier of one licence.
    pub struct LicenseId by license_id;
}

fn license_id(value: &Json, reader: &mut Reader) -> Option<String> {
    let id = NonEmpty::read(value, reader)?.0;
    match Expression::parse(&id) {
        Ok(expression) if expression.is_no_assertion() => {
            reader.refuse_value(format!("{NO_ASSERTION} is not a licence"), value)
        }
        Ok(Expression::License(whole)) if whole == id => Some(id),
        _ => reader.refuse_value("expected one licence identifier", value),
    }
}

impl Keyed for Definition {
    const KEY: &'static str = "license_id";

    fn key(&self) -> String {
        self.license_id.0.clone()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> Option<&'static str> {
        let value = Json::parse(text.as_bytes()).unwrap();
        Definition::parse(&value).err().map(|issues| issues[0].kind)
    }

    #[test]
    fn the_packaged_licences_are_written_as_they_are_read() {
        let definitions = Definitions::packaged();
        assert_eq!(definitions.records.len(), 16);
        assert!(definitions.get("MIT").is_some() && definitions.get("mit").is_none());
        let text = definitions.to_json().to_text(crate::json::Style::INDENT_2_ASCII);
        assert_eq!(text, include_str!("../packaged/licenses.json"));
    }

    #[test]
    fn a_definition_is_of_one_licence() {
        let text = r#"{"license_id":"LicenseRef-Quarry","name":"n","canonical_url":"u",
            "commercial_use":"prohibited","redistribution":"unknown"}"#;
        assert_eq!(refusal(text), None);
        for id in ["MIT OR WTFPL", "NOASSERTION", "(MIT)", "()"] {
            assert_eq!(refusal(&text.replace("LicenseRef-Quarry", id)), Some("value_error"));
        }
        assert_eq!(refusal(&text.replace("LicenseRef-Quarry", "")), Some("string_too_short"));
        assert_eq!(refusal(&text.replace("unknown", "maybe")), Some("enum"));
        assert_eq!(
            refusal(&text.replace("\"name\"", "\"extra\":1,\"name\"")),
            Some("extra_forbidden")
        );
    }
}
