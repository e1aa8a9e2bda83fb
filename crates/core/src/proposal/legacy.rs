//! A legacy record as it was sent, and what it becomes: queued, stored at once, or answered.

use crate::Category;
use crate::json::{Json, Object};
use crate::legacy::{Origin, Record, normalise};
use crate::shape::{Issue, Print};
use crate::text::without_backend_prefix;

/// A legacy record as it was sent. What it says of its metadata is not kept: that is the service's.
#[derive(Debug, Clone, PartialEq)]
pub struct LegacySubmission {
    record: Record,
    sent: Vec<String>,
}

impl LegacySubmission {
    /// Reads the body of a request about a record of `category`.
    pub fn read(category: Category, body: &Json) -> Result<Self, Vec<Issue>> {
        let mut record = Record::parse(category, body, Origin::Submission)?;
        record.common.metadata = None;
        let sent = body.as_object().into_iter().flat_map(|body| body.keys().cloned()).collect();
        Ok(Self { record, sent })
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        &self.record.common.name
    }

    /// A text record must be one that can be stored. In the queue it may still lack the number of
    /// its parameters.
    pub fn check_text(&self, may_lack_parameters: bool) -> Result<(), Vec<Issue>> {
        if self.record.category != Category::TextGeneration {
            return Ok(());
        }
        let mut members = self.payload();
        if may_lack_parameters {
            members.entry("parameters".into()).or_insert(Json::Int(1));
        }
        normalise(without_backend_prefix(self.name()), &members).map(drop)
    }

    /// What is queued: all that is not null.
    pub fn payload(&self) -> Object {
        self.record.to_json(Print::PLAIN)
    }

    /// What is stored at once: what was sent.
    pub fn stored(&self) -> Object {
        let mut members = self.payload();
        if self.record.category != Category::ImageGeneration {
            members.retain(|name, _| self.sent.contains(name));
        }
        members
    }

    /// What the client is told: every member, set or not.
    pub fn answer(&self) -> Object {
        self.record.to_json(Print::WITH_NULLS)
    }
}

/// The key under which the model `name` is stored: the name itself, or the key of the one record
/// that says it has this name.
pub fn stored_key<'a>(records: &'a Object, name: &str) -> Option<&'a str> {
    if let Some((key, _)) = records.get_key_value(name) {
        return Some(key);
    }
    let has_name =
        |(_, record): &(&String, &Json)| record.get("name").and_then(Json::as_str) == Some(name);
    let mut named = records.iter().filter(has_name);
    let (key, _) = named.next()?;
    named.next().is_none().then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(category: Category, body: &str) -> LegacySubmission {
        LegacySubmission::read(category, &Json::parse(body.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn what_was_sent_is_stored() {
        let body = r#"{"extra": [1], "name": "a", "nsfw": null, "metadata": {"created_at": 1}}"#;
        let submission = read(Category::Clip, body);
        let text = |members: Object| Json::Object(members).to_string();
        assert_eq!(text(submission.stored()), r#"{"name":"a","extra":[1]}"#);
        let config = r#""config":{"files":[],"download":[]}"#;
        let payload = format!(r#"{{"name":"a","type":"clip",{config},"extra":[1]}}"#);
        assert_eq!(text(submission.payload()), payload);
        assert_eq!(submission.answer().get("metadata"), Some(&Json::Null));
    }

    #[test]
    fn image_records_keep_everything_in_their_order() {
        let body =
            r#"{"min_bridge_version": 9, "odd": 1, "baseline": "stable_diffusion_1", "name": "i"}"#;
        let stored = Json::Object(read(Category::ImageGeneration, body).stored()).to_string();
        assert!(stored.starts_with(r#"{"name":"i","baseline":"stable diffusion 1","type":"ckpt""#));
        assert!(stored.contains(r#""min_bridge_version":9"#) && stored.contains(r#""odd":1"#));
    }

    #[test]
    fn text_records_must_be_storable() {
        let check = |body: &str, may_lack: bool| {
            let read = read(Category::TextGeneration, body);
            read.check_text(may_lack).map_err(|issues| issues.len())
        };
        assert_eq!(check(r#"{"name": "t"}"#, true), Ok(()));
        assert_eq!(check(r#"{"name": "t"}"#, false), Err(1));
        assert_eq!(check(r#"{"name": "t", "parameters": 0}"#, true), Err(1));
        let odd = r#"{"name": "t", "parameters": 7, "settings": {"odd": 1}}"#;
        assert_eq!(check(odd, true), Err(1));
        assert_eq!(check(r#"{"name": "koboldcpp/t", "parameters": 7}"#, false), Ok(()));
    }

    #[test]
    fn records_are_found_by_key_then_by_name() {
        let records = br#"{"a": {"name": "x"}, "b": {"name": "y"}, "c": {"name": "y"}, "d": 1}"#;
        let records = Json::parse(records).unwrap();
        let key = |name: &str| stored_key(records.as_object().unwrap(), name);
        assert_eq!((key("a"), key("x"), key("y"), key("z")), (Some("a"), Some("a"), None, None));
    }
}
