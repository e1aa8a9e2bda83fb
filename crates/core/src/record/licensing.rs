//! Under which licence a model is: the assignment that records and assets carry.
//!
//! Its parts refuse unknown members, unlike the rest of a record. Whether the licences exist is the
//! catalogue's question, not this file's.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use crate::json::{Json, Object};

use super::field::{Field, Members, Print};
use super::license_expression::{Expression, NO_ASSERTION};
use super::members::members;
use super::reader::{Reader, Unknown};
use super::text_value::{Date, NonEmpty};
use super::word::words;

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
    pub struct AssignmentMembers(reject) {
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

/// The licence of a model or of one file, checked against its own rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment(pub AssignmentMembers);

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
        Self(AssignmentMembers {
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
            unknown: Object::new(),
        })
    }

    fn checked(members: AssignmentMembers, input: &Json, reader: &mut Reader) -> Option<Self> {
        match broken_rule(&members) {
            Some(reason) => reader.refuse_value(reason, input),
            None => Some(Self(members)),
        }
    }
}

fn broken_rule(members: &AssignmentMembers) -> Option<String> {
    let expression = match Expression::parse(&members.license_expression) {
        Ok(expression) => expression,
        Err(error) => return Some(error.to_string()),
    };
    let given: BTreeSet<&str> = members.license_ids.iter().map(String::as_str).collect();
    if !expression.is_no_assertion() {
        let named = expression.identifiers();
        let differ = given != named;
        return differ.then(|| "license_ids and license_expression name different licences".into());
    }
    if !given.is_empty() {
        return Some(format!("{NO_ASSERTION} names no licence, so license_ids must be empty"));
    }
    let permissions = [members.commercial_use, members.redistribution];
    let known = permissions.iter().any(|permission| *permission != Permission::Unknown);
    known.then(|| format!("{NO_ASSERTION} asks for permissions that are unknown"))
}

impl Field for Assignment {
    fn read(value: &Json, reader: &mut Reader) -> Option<Self> {
        let members = AssignmentMembers::read(value, reader)?;
        Self::checked(members, value, reader)
    }

    fn write(&self, print: Print) -> Json {
        self.0.write(print)
    }
}

impl Licensing {
    /// The licensing of a model of which nothing is known.
    pub fn unknown(notes: Option<String>) -> Self {
        Self { assignment: Assignment::unknown(notes), files: IndexMap::new() }
    }

    /// The files with a licence of their own that `declared` does not name.
    pub fn undeclared<'a>(&'a self, declared: impl Fn(&str) -> bool) -> Vec<&'a str> {
        self.files.keys().map(String::as_str).filter(|name| !declared(name)).collect()
    }
}

impl Field for Licensing {
    fn read(value: &Json, reader: &mut Reader) -> Option<Self> {
        let members = reader.object(value)?;
        let assignment = AssignmentMembers::read_members(members, reader);
        let files = reader.optional(members, "files", IndexMap::new);
        reader.others(members, &[AssignmentMembers::NAMES, &["files"]], Unknown::Reject);
        let (assignment, files) = assignment.zip(files)?;
        Some(Self { assignment: Assignment::checked(assignment, value, reader)?, files })
    }

    fn write(&self, print: Print) -> Json {
        let mut out = Object::new();
        self.assignment.0.write_members(&mut out, print);
        super::members::put(&mut out, "files", &self.files, print, self.files.is_empty());
        out.into()
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
