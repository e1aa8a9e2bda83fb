//! What is known of the licence of one thing: a model, one of its files, or a piece of software.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use jiff::civil::Date;

use super::license_expression::license_ids;
use super::{Obligation, Permission};
use crate::catalogue::members::{Members, filled_text, list, map, text};
use crate::catalogue::problem::Reading;
use crate::catalogue::words::word;
use crate::json::{Json, Object};

/// The expression that says that nothing is known.
const NO_ASSERTION: &str = "NOASSERTION";

/// The note where nobody has said anything about a model's licence yet.
const NOT_RECORDED: &str = "Nobody has recorded the licence of this model yet.";

/// What is known of one licence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The licences and how they combine, or `NOASSERTION`.
    pub license_expression: String,
    /// The identifiers in the expression.
    pub license_ids: Vec<String>,
    /// Whether commercial use is allowed.
    pub commercial_use: Permission,
    /// Whether it may be passed on.
    pub redistribution: Permission,
    /// What must be done in return.
    pub obligations: Vec<Obligation>,
    /// Whom to name.
    pub attribution: Option<String>,
    /// Where this is known from.
    pub evidence: Vec<Evidence>,
    /// Who looked at it.
    pub reviewed_by: Option<String>,
    /// Day on which they did, as `YYYY-MM-DD`.
    pub reviewed_at: Option<String>,
    /// Anything else.
    pub notes: Option<String>,
}

/// Where something is known from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// An address, a file, a person.
    pub source: String,
    /// What it says.
    pub description: Option<String>,
    /// Day on which it said so, as `YYYY-MM-DD`.
    pub checked_at: Option<String>,
}

/// What is known of the licence of a model, and of those of its files that differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelLicensing {
    /// The model as a whole.
    pub whole: Assignment,
    /// Single files, by their names.
    pub files: IndexMap<String, Assignment>,
}

/// The member `licensing` of a record, as read over HTTP, that has none of its own.
pub fn unknown_assignment() -> Json {
    let mut members = ModelLicensing::unknown().members();
    members.retain(|_, value| !value.is_null());
    members.into()
}

impl Assignment {
    pub(crate) fn read(value: &Json, reading: &mut Reading) -> Option<Self> {
        let mut members = Members::open(value, reading)?;
        let assignment = Self::take(&mut members);
        members.close();
        assignment?.checked(reading)
    }

    /// Reads the members from among others.
    fn take(members: &mut Members<'_, '_>) -> Option<Self> {
        let license_expression = members.required("license_expression", filled_text);
        let license_ids = members.or("license_ids", Vec::new(), list(text));
        let commercial_use = members.required("commercial_use", word);
        let redistribution = members.required("redistribution", word);
        let obligations = members.or("obligations", Vec::new(), list(word));
        let attribution = members.optional("attribution", text);
        let evidence = members.or("evidence", Vec::new(), list(Evidence::read));
        let reviewed_by = members.optional("reviewed_by", text);
        let reviewed_at = members.optional("reviewed_at", day);
        let notes = members.optional("notes", text);
        Some(Self {
            license_expression: license_expression?,
            license_ids: license_ids?,
            commercial_use: commercial_use?,
            redistribution: redistribution?,
            obligations: obligations?,
            attribution: attribution?,
            evidence: evidence?,
            reviewed_by: reviewed_by?,
            reviewed_at: reviewed_at?,
            notes: notes?,
        })
    }

    /// The assignment, if its members agree with one another.
    fn checked(self, reading: &mut Reading) -> Option<Self> {
        let named: BTreeSet<&str> = self.license_ids.iter().map(String::as_str).collect();
        if self.license_expression.trim() == NO_ASSERTION {
            let says_nothing = named.is_empty()
                && self.commercial_use == Permission::Unknown
                && self.redistribution == Permission::Unknown;
            if !says_nothing {
                let reason = "NOASSERTION goes with no identifiers and unknown permissions";
                return reading.refuse("value_error", reason);
            }
            return Some(self);
        }
        match license_ids(&self.license_expression) {
            Err(error) => reading.refuse("value_error", error.to_string()),
            Ok(ids) if !ids.iter().map(String::as_str).eq(named) => {
                let reason = "`license_ids` are not the identifiers of `license_expression`";
                reading.refuse("value_error", reason)
            }
            Ok(_) => Some(self),
        }
    }

    /// All members, nulls included.
    pub fn to_json(&self) -> Json {
        Json::from([
            ("license_expression", self.license_expression.as_str().into()),
            ("license_ids", self.license_ids.clone().into()),
            ("commercial_use", self.commercial_use.into()),
            ("redistribution", self.redistribution.into()),
            ("obligations", self.obligations.clone().into()),
            ("attribution", self.attribution.as_deref().into()),
            ("evidence", self.evidence.iter().map(Evidence::to_json).collect::<Vec<_>>().into()),
            ("reviewed_by", self.reviewed_by.as_deref().into()),
            ("reviewed_at", self.reviewed_at.as_deref().into()),
            ("notes", self.notes.as_deref().into()),
        ])
    }
}

impl Evidence {
    fn read(value: &Json, reading: &mut Reading) -> Option<Self> {
        let mut members = Members::open(value, reading)?;
        let source = members.required("source", filled_text);
        let description = members.optional("description", text);
        let checked_at = members.optional("checked_at", day);
        members.close();
        Some(Self { source: source?, description: description?, checked_at: checked_at? })
    }

    fn to_json(&self) -> Json {
        Json::from([
            ("source", self.source.as_str().into()),
            ("description", self.description.as_deref().into()),
            ("checked_at", self.checked_at.as_deref().into()),
        ])
    }
}

fn day(value: &Json, reading: &mut Reading) -> Option<String> {
    let text = text(value, reading)?;
    // The parser knows more spellings than this one.
    match text.parse::<Date>() {
        Ok(day) if day.to_string() == text => Some(text),
        _ => reading.refuse("date_from_datetime_parsing", "expected a day as YYYY-MM-DD"),
    }
}

impl ModelLicensing {
    /// What there is to say when a record says nothing.
    pub fn unknown() -> Self {
        Self::from(Assignment {
            license_expression: NO_ASSERTION.to_owned(),
            license_ids: Vec::new(),
            commercial_use: Permission::Unknown,
            redistribution: Permission::Unknown,
            obligations: Vec::new(),
            attribution: None,
            evidence: Vec::new(),
            reviewed_by: None,
            reviewed_at: None,
            notes: Some(NOT_RECORDED.to_owned()),
        })
    }

    pub(crate) fn read(value: &Json, reading: &mut Reading) -> Option<Self> {
        let mut members = Members::open(value, reading)?;
        let whole = Assignment::take(&mut members);
        let read_file =
            |_: &str, value: &Json, reading: &mut Reading| Assignment::read(value, reading);
        let files = members.or("files", IndexMap::new(), map(read_file));
        members.close();
        Some(Self { whole: whole?.checked(reading)?, files: files? })
    }

    /// The licence identifiers of the whole and of single files.
    pub fn all_license_ids(&self) -> BTreeSet<&str> {
        let files = self.files.values();
        let ids = std::iter::once(&self.whole).chain(files).flat_map(|known| &known.license_ids);
        ids.map(String::as_str).collect()
    }

    fn members(&self) -> Object {
        let files = self.files.iter();
        let files = files.map(|(name, known)| (name.clone(), known.to_json())).collect();
        let mut members = match self.whole.to_json() {
            Json::Object(members) => members,
            _ => Object::new(),
        };
        members.insert("files".to_owned(), Json::Object(files));
        members
    }

    /// All members, nulls included.
    pub fn to_json(&self) -> Json {
        self.members().into()
    }
}

impl From<Assignment> for ModelLicensing {
    fn from(whole: Assignment) -> Self {
        Self { whole, files: IndexMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let value = Json::parse(text.as_bytes()).unwrap();
        match Reading::document(|reading| ModelLicensing::read(&value, reading)) {
            Ok(_) => Vec::new(),
            Err(problems) => {
                problems.iter().map(|problem| format!("{} {problem}", problem.kind)).collect()
            }
        }
    }

    const MIT: &str = r#"{"license_expression":"MIT OR WTFPL","license_ids":["WTFPL","MIT"],
        "commercial_use":"allowed","redistribution":"allowed"}"#;

    #[test]
    fn identifiers_must_be_those_of_the_expression() {
        assert_eq!(problems(MIT), [""; 0]);
        for wrong in [MIT.replace("\"WTFPL\",", ""), MIT.replace("OR", "OR (")] {
            assert!(problems(&wrong)[0].starts_with("value_error :"), "{wrong}");
        }
    }

    #[test]
    fn no_assertion_asserts_nothing() {
        let unknown = unknown_assignment().to_string();
        assert_eq!(problems(&unknown), [""; 0]);
        assert!(!problems(&unknown.replacen("unknown", "allowed", 1)).is_empty());
        assert!(
            !problems(&unknown.replace("\"license_ids\":[]", "\"license_ids\":[\"X\"]")).is_empty()
        );
    }

    #[test]
    fn files_and_evidence_are_looked_into() {
        let with =
            |more: &str| MIT.replace("\"commercial_use\"", &format!("{more},\"commercial_use\""));
        let file = format!(r#""files":{{"a.pt":{MIT}}}"#);
        assert_eq!(problems(&with(&file)), [""; 0]);
        let nested = file.replacen("\"redistribution\"", "\"files\":{},\"redistribution\"", 1);
        assert_eq!(
            problems(&with(&nested)),
            ["extra_forbidden /files/a.pt/files: no such member exists"]
        );
        for (day, good) in [("2024-02-29", true), ("2023-02-29", false), ("20240229", false)] {
            let evidence = format!(r#""evidence":[{{"source":"x","checked_at":"{day}"}}]"#);
            assert_eq!(problems(&with(&evidence)).is_empty(), good, "{day}");
        }
    }
}
