//! A v2 record as it was sent, and the payloads it becomes.

use std::collections::BTreeSet;

use super::Refusal;
use crate::Category;
use crate::catalogue::licensing::Definitions;
use crate::json::{Json, Object};
use crate::legacy::normalise;
use crate::record::{Kind, Licensing, Options, Record};
use crate::shape::{Field, Issue, Print, Reader, Unknown};
use crate::text::without_backend_prefix;

/// What a record without a licence says of it.
const NOT_DECLARED: &str = "No licensing conclusion was declared when the record was written.";

/// A v2 record as it was sent, and whether it said anything of its licensing.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    record: Record,
    is_cleared: bool,
}

impl Submission {
    /// Reads the body of a request about a record of `category`.
    pub fn read(
        category: Category,
        body: &Json,
        unknown: Unknown,
        knows_baseline: &dyn Fn(&str) -> bool,
    ) -> Result<Self, Vec<Issue>> {
        let options = Options { unknown, knows_baseline };
        let (mut record, _) = Record::parse(category, body, options)?;
        record.fill_text_model_group();
        if category == Category::TextGeneration {
            check_text(&record)?;
        }
        let is_cleared = body.get("licensing").is_some_and(Json::is_null);
        Ok(Self { record, is_cleared })
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        &self.record.common.name
    }

    /// Image models name a baseline of the catalogue, exactly.
    pub fn check_baseline(&self, is_published: impl Fn(&str) -> bool) -> Result<(), Refusal> {
        match &self.record.kind {
            Kind::Image(image) if !is_published(&image.baseline) => {
                Err(Refusal::UnknownBaseline(image.baseline.clone()))
            }
            _ => Ok(()),
        }
    }

    /// The payload of a creation. Without licensing the record says that it is not known, unless it
    /// has to say more.
    pub fn into_creation(
        mut self,
        licenses: &Definitions,
        must_say_licensing: bool,
    ) -> Result<Object, Refusal> {
        match &self.record.common.licensing {
            Some(given) => check_licenses(given, licenses)?,
            None if must_say_licensing => return Err(Refusal::LicensingRequired),
            None => self.record.common.licensing = Some(not_declared()),
        }
        Ok(self.record.to_json(Print::PLAIN))
    }

    /// The payload of an update of what is stored. Licensing that is not mentioned stays, whatever
    /// has become of its licences; who made the record when stays as well.
    pub fn into_update(mut self, stored: &Json, licenses: &Definitions) -> Result<Object, Refusal> {
        if self.is_cleared {
            return Err(Refusal::LicensingCleared);
        }
        match &self.record.common.licensing {
            Some(given) => check_licenses(given, licenses)?,
            None => self.record.common.licensing = Some(self.stored_licensing(stored)),
        }
        let mut payload = self.record.to_json(Print::PLAIN);
        if let Some(Json::Object(metadata)) = payload.get_mut("metadata") {
            keep_creation(metadata, stored);
        }
        Ok(payload)
    }

    /// The licensing of what is stored, without exceptions for files that are no more.
    fn stored_licensing(&self, stored: &Json) -> Licensing {
        let mut reader = Reader::of(self.record.category, Unknown::Drop);
        let stored = stored.get("licensing").filter(|value| !value.is_null());
        let Some(mut licensing) = stored.and_then(|value| Licensing::read(value, &mut reader))
        else {
            return not_declared();
        };
        let files = &self.record.common.config.download;
        licensing.files.retain(|name, _| files.iter().any(|file| file.file_name == *name));
        licensing
    }
}

fn not_declared() -> Licensing {
    Licensing::unknown(Some(NOT_DECLARED.into()))
}

/// A text record must be one that can be stored. The prefix of a backend is another matter.
fn check_text(record: &Record) -> Result<(), Vec<Issue>> {
    let key = without_backend_prefix(&record.common.name);
    normalise(key, &record.to_json(Print::PLAIN)).map(drop)
}

fn check_licenses(given: &Licensing, licenses: &Definitions) -> Result<(), Refusal> {
    let ids: BTreeSet<&str> = given.all_license_ids();
    for id in ids {
        match licenses.get(id) {
            None => return Err(Refusal::UnknownLicense(id.to_owned())),
            Some(known) if known.deprecated => {
                return Err(Refusal::DeprecatedLicense(id.to_owned()));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Who created the record, and when, is not for the client to say.
fn keep_creation(metadata: &mut Object, stored: &Json) {
    let known = stored.get("metadata").and_then(Json::as_object);
    // In their places among the members that were sent.
    const ORDER: [&str; 5] =
        ["schema_version", "created_at", "updated_at", "created_by", "updated_by"];
    let mut sent = std::mem::take(metadata);
    for name in ORDER {
        let value = sent.shift_remove(name);
        let is_creation = matches!(name, "created_at" | "created_by");
        let known = known.and_then(|known| known.get(name));
        let known = known.filter(|value| is_creation && !value.is_null()).cloned();
        metadata.extend(known.or(value).map(|value| (name.to_owned(), value)));
    }
    metadata.extend(sent);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(category: Category, body: &str) -> Result<Submission, Vec<String>> {
        let body = Json::parse(body.as_bytes()).unwrap();
        let read = Submission::read(category, &body, Unknown::Drop, &|_| true);
        read.map_err(|issues| issues.iter().map(ToString::to_string).collect())
    }

    fn definitions(deprecated: &str) -> Definitions {
        let mut definitions = Definitions::packaged();
        for (id, definition) in &mut definitions.records.0 {
            definition.deprecated = id == deprecated;
        }
        definitions
    }

    const MIT: &str = r#"{"license_expression": "MIT", "license_ids": ["MIT"],
        "commercial_use": "allowed", "redistribution": "allowed"}"#;

    fn with_mit() -> Submission {
        read(Category::Clip, &format!(r#"{{"name": "a", "licensing": {MIT}}}"#)).unwrap()
    }

    #[test]
    fn a_creation_says_its_licensing_or_that_it_is_not_known() {
        let bare = || read(Category::Clip, r#"{"name": "a", "licensing": null}"#).unwrap();
        let payload = bare().into_creation(&definitions(""), false).unwrap();
        assert_eq!(payload["licensing"].get("license_expression"), Some(&"NOASSERTION".into()));
        let required = bare().into_creation(&definitions(""), true);
        assert_eq!(required, Err(Refusal::LicensingRequired));
        assert!(with_mit().into_creation(&definitions(""), true).is_ok());
        let deprecated = Err(Refusal::DeprecatedLicense("MIT".into()));
        assert_eq!(with_mit().into_creation(&definitions("MIT"), false), deprecated);
        let unknown = MIT.replace("MIT", "Foo");
        let unknown = format!(r#"{{"name": "a", "licensing": {unknown}}}"#);
        let unknown = read(Category::Clip, &unknown).unwrap();
        let refusal = Err(Refusal::UnknownLicense("Foo".into()));
        assert_eq!(unknown.into_creation(&definitions(""), false), refusal);
    }

    #[test]
    fn an_update_keeps_what_it_does_not_say() {
        let stored = format!(
            r#"{{"name": "a", "licensing": {{"files": {{"gone": {MIT}}}, {}}},
                "metadata": {{"created_at": 5, "created_by": "1", "updated_at": 6}}}}"#,
            MIT.trim_start_matches('{').trim_end_matches('}')
        );
        let stored = Json::parse(stored.as_bytes()).unwrap();
        let body = r#"{"name": "a", "metadata": {"created_at": 9, "updated_by": "2"}}"#;
        let update = read(Category::Clip, body).unwrap();
        // The licence was deprecated since, which is nobody's fault.
        let payload = update.into_update(&stored, &definitions("MIT")).unwrap();
        assert_eq!(payload["licensing"].get("license_ids"), Some(&vec!["MIT"].into()));
        assert_eq!(payload["licensing"].get("files"), Some(&Object::new().into()));
        assert_eq!(
            payload["metadata"].to_string(),
            r#"{"schema_version":"2.1.0","created_at":5,"created_by":"1","updated_by":"2"}"#
        );
        let given = with_mit().into_update(&stored, &definitions("MIT"));
        assert_eq!(given, Err(Refusal::DeprecatedLicense("MIT".into())));
        let cleared = read(Category::Clip, r#"{"name": "a", "licensing": null}"#).unwrap();
        let cleared = cleared.into_update(&stored, &definitions(""));
        assert_eq!(cleared, Err(Refusal::LicensingCleared));
    }

    #[test]
    fn a_text_record_must_be_one_that_can_be_stored() {
        let read = |members: &str| {
            let body = format!(r#"{{"name": "koboldcpp/owl-7B", {members}}}"#);
            read(Category::TextGeneration, &body)
        };
        for members in [
            r#""parameters": 0"#,
            r#""parameters": -7"#,
            r#""parameters": 7, "settings": {"odd": 1}"#,
        ] {
            assert_eq!(read(members).map_err(|issues| issues.len()), Err(1), "{members}");
        }
        let good = read(r#""parameters_count": 7, "settings": {"top_k": 1}"#).unwrap();
        let payload = good.into_creation(&definitions(""), false).unwrap();
        assert_eq!(payload.get("parameters"), Some(&Json::Int(7)));
        assert_eq!(payload.get("text_model_group"), Some(&"owl".into()));
    }
}
