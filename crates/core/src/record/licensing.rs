//! Under which licence a model is: the assignment that records and assets carry.
//!
//! Its parts refuse unknown members, unlike the rest of a record. Whether the licences exist is the
//! catalogue's question, not this file's.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use crate::json::{Json, Object};
use crate::shape::field::Members;
use crate::shape::members::put;
use crate::shape::{Date, Field, NonEmpty, Print, Reader, Unknown, members, words};

use super::license_expression::{Expression, NO_ASSERTION};

words! {
    /// What a licence says of a use.
    pub enum Permission {
        Allowed = "allowed",
        AllowedWithConditions = "allowed_with_conditions",
        Prohibited = "prohibited",
        Unknown = "unknown",
    }
}

words! {
    /// What a licence asks in return.
    pub enum Obligation {
        Attribution = "attribution",
        IncludeLicense = "include_license",
        ShareAlike = "share_alike",
        DiscloseSource = "disclose_source",
        NetworkSourceDisclosure = "network_source_disclosure",
        ResponsibleUseRestrictions = "responsible_use_restrictions",
        Other = "other",
    }
}

members! {
    /// Where the licence of a model is stated.
    pub struct Evidence(reject) {
        /// The place, usually an address.
        source: NonEmpty => required,
        /// What is found there.
        description: Option<String> => absent,
        /// When someone looked.
        checked_at: Option<Date> => absent,
    }
}

members! {
    /// The licence of a model or of one file, and what follows from it.
    pub struct Assignment(reject) rule(broken_rule) {
        /// The licence or licences.
        license_expression: NonEmpty => required,
        /// The licences of the expression, as a list.
        license_ids: Vec<String> => absent,
        /// Whether one may earn money with it.
        commercial_use: Permission => required,
        /// Whether one may pass it on.
        redistribution: Permission => required,
        /// What is asked in return.
        obligations: Vec<Obligation> => absent,
        /// Whom to name.
        attribution: Option<String> => absent,
        /// Where this is stated.
        evidence: Vec<Evidence> => absent,
        /// Who looked at it last.
        reviewed_by: Option<String> => absent,
        /// When.
        reviewed_at: Option<Date> => absent,
        /// Anything else.
        notes: Option<String> => absent,
    }
}

/// The licence of a model, with exceptions for some of its files.
#[derive(Debug, Clone, PartialEq)]
pub struct Licensing {
    /// What holds for the model.
    pub assignment: Assignment,
    /// What holds for single files instead, by file name.
    pub files: IndexMap<String, Assignment>,
}

impl Assignment {
    /// The assignment of a model of which nothing is known.
    pub fn unknown(notes: Option<String>) -> Self {
        Self {
            license_expression: NonEmpty(NO_ASSERTION.into()),
            license_ids: Vec::new(),
            commercial_use: Permission::Unknown,
            redistribution: Permission::Unknown,
            obligations: Vec::new(),
            attribution: None,
            evidence: Vec::new(),
            reviewed_by: None,
            reviewed_at: None,
            notes,
        }
    }

    fn broken_rule(&self) -> Option<String> {
        let expression = match Expression::parse(&self.license_expression) {
            Ok(expression) => expression,
            Err(error) => return Some(error.to_string()),
        };
        let given: BTreeSet<&str> = self.license_ids.iter().map(String::as_str).collect();
        if !expression.is_no_assertion() {
            let differ = given != expression.identifiers();
            return differ
                .then(|| "license_ids and license_expression name different licences".into());
        }
        if !given.is_empty() {
            return Some(format!("{NO_ASSERTION} names no licence, so license_ids must be empty"));
        }
        let permissions = [self.commercial_use, self.redistribution];
        let known = permissions.iter().any(|permission| *permission != Permission::Unknown);
        known.then(|| format!("{NO_ASSERTION} asks for permissions that are unknown"))
    }
}

impl Licensing {
    /// The licensing of a model of which nothing is known.
    pub fn unknown(notes: Option<String>) -> Self {
        Self { assignment: Assignment::unknown(notes), files: IndexMap::new() }
    }

    /// Refuses the `record` if a file has a licence of its own that is no file of the model.
    pub fn check_files(&self, is_file: impl Fn(&str) -> bool, record: &Json, reader: &mut Reader) {
        let names = self.files.keys().map(String::as_str);
        let undeclared: Vec<&str> = names.filter(|name| !is_file(name)).collect();
        if !undeclared.is_empty() {
            let names = undeclared.join(", ");
            let reason = format!("licensing of files that are no downloads: {names}");
            reader.refuse_value::<()>(reason, record);
        }
    }

    /// The licences of the model and of single files.
    pub fn all_license_ids(&self) -> BTreeSet<&str> {
        let files = self.files.values();
        let all = std::iter::once(&self.assignment).chain(files);
        all.flat_map(|known| &known.license_ids).map(String::as_str).collect()
    }
}

impl Field for Licensing {
    fn read(value: &Json, reader: &mut Reader) -> Option<Self> {
        let members = reader.object(value)?;
        let assignment = Assignment::read_members(members, reader);
        let files = reader.optional(members, "files", IndexMap::new);
        reader.others(members, &[Assignment::NAMES, &["files"]], Unknown::Reject);
        let (assignment, files) = assignment.zip(files)?;
        match assignment.broken_rule() {
            Some(reason) => reader.refuse_value(reason, value),
            None => Some(Self { assignment, files }),
        }
    }

    fn write(&self, print: Print) -> Json {
        let mut out = Object::new();
        self.assignment.write_members(&mut out, print);
        put(&mut out, "files", &self.files, print, self.files.is_empty());
        out.into()
    }
}

impl From<Assignment> for Licensing {
    fn from(assignment: Assignment) -> Self {
        Self { assignment, files: IndexMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issues(text: &str) -> Vec<String> {
        let mut reader = Reader::new(Unknown::Drop);
        let value = Json::parse(text.as_bytes()).unwrap();
        Licensing::read(&value, &mut reader);
        reader
            .into_issues()
            .iter()
            .map(|issue| format!("{} {}", issue.kind, issue.loc.len()))
            .collect()
    }

    #[test]
    fn the_list_must_match_the_expression() {
        let with = |expression: &str, ids: &str, use_: &str| {
            issues(&format!(
                r#"{{"license_expression":"{expression}","license_ids":{ids},
                    "commercial_use":"{use_}","redistribution":"unknown"}}"#
            ))
        };
        assert!(with("MIT OR X", r#"["X","MIT"]"#, "allowed").is_empty());
        assert!(with("NOASSERTION", "[]", "unknown").is_empty());
        for (expression, ids, use_) in [
            ("MIT", "[]", "allowed"),
            ("MIT", r#"["MIT","X"]"#, "allowed"),
            ("MIT OR (", r#"["MIT"]"#, "allowed"),
            ("NOASSERTION", "[]", "allowed"),
            ("NOASSERTION", r#"["NOASSERTION"]"#, "unknown"),
        ] {
            assert_eq!(with(expression, ids, use_), ["value_error 0"], "{expression} {ids}");
        }
    }

    #[test]
    fn files_and_evidence_are_looked_into() {
        const MIT: &str = r#"{"license_expression":"MIT","license_ids":["MIT"],
            "commercial_use":"allowed","redistribution":"allowed"}"#;
        let with = |more: &str| {
            issues(&MIT.replace("\"commercial_use\"", &format!("{more},\"commercial_use\"")))
        };
        let file = format!(r#""files":{{"a.pt":{MIT}}}"#);
        assert!(with(&file).is_empty());
        assert_eq!(with(&file.replace("[\"MIT\"]", "[]")), ["value_error 2"]);
        let nested = file.replacen("\"redistribution\"", "\"files\":{},\"redistribution\"", 1);
        assert_eq!(with(&nested), ["extra_forbidden 3"]);
        for (day, good) in [("2024-02-29", true), ("2023-02-29", false), ("20240229", false)] {
            let evidence = format!(r#""evidence":[{{"source":"x","checked_at":"{day}"}}]"#);
            assert_eq!(with(&evidence).is_empty(), good, "{day}");
        }
        assert_eq!(with(r#""evidence":[{"source":""}]"#), ["string_too_short 3"]);
    }

    #[test]
    fn what_is_said_of_an_unknown_licence_is_valid_and_asserts_nothing() {
        let unknown = Licensing::unknown(Some("nothing".into())).write(Print::COMPLETE).to_string();
        assert!(issues(&unknown).is_empty(), "{unknown}");
        assert!(unknown.contains(r#""reviewed_at":null"#), "{unknown}");
        assert_eq!(issues(&unknown.replacen("unknown", "allowed", 1)), ["value_error 0"]);
    }

    #[test]
    fn unknown_members_are_refused_and_the_unknown_licence_prints_its_lists() {
        let found = issues(
            r#"{"license_expression":"X","license_ids":["X"],"commercial_use":"allowed",
                "redistribution":"maybe","files":{"a":{}},"z":1}"#,
        );
        assert_eq!(found, ["enum 1", "missing 3", "missing 3", "missing 3", "extra_forbidden 1"]);
        assert_eq!(
            Licensing::unknown(None).write(Print::PLAIN).to_string(),
            r#"{"license_expression":"NOASSERTION","license_ids":[],"commercial_use":"unknown","redistribution":"unknown","obligations":[],"evidence":[],"files":{}}"#
        );
    }
}
