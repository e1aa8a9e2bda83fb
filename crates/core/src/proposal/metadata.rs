//! A correction of what a legacy record says of its making.

use crate::json::{Json, Object};
use crate::record::Metadata;
use crate::shape::{Field, Issue, Print, Reader, Unknown};

/// What may be corrected.
const CORRECTABLE: [&str; 4] = ["created_at", "updated_at", "created_by", "updated_by"];

/// The members of a record's metadata that were sent, and what they are to be; null clears one.
#[derive(Debug, Clone, PartialEq)]
pub struct MetadataCorrection(Object);

impl MetadataCorrection {
    /// Reads the body of a request. Other members are ignored.
    pub fn read(body: &Json) -> Result<Self, Vec<Issue>> {
        let mut reader = Reader::new(Unknown::Drop);
        let sent = reader.object(body).map(|members| {
            let known = CORRECTABLE.into_iter().filter_map(|name| members.get_key_value(name));
            known.map(|(name, value)| (name.clone(), value.clone())).collect::<Object>()
        });
        let read = sent.and_then(|sent| {
            let read = Metadata::read(&sent.clone().into(), &mut reader)?;
            let mut members = read.write(Print::COMPLETE).as_object().cloned()?;
            members.retain(|name, _| sent.contains_key(name));
            Some(members)
        });
        reader.conclude(read).map(|(members, _)| Self(members))
    }

    /// Whether nothing is to be corrected.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Corrects the metadata of a record, and leaves the rest of it alone.
    pub fn apply(&self, record: &mut Object) {
        let metadata = record.entry("metadata".into()).or_insert(Json::Null);
        if !matches!(metadata, Json::Object(_)) {
            *metadata = Object::new().into();
        }
        if let Json::Object(metadata) = metadata {
            metadata.extend(self.0.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<MetadataCorrection, usize> {
        let body = Json::parse(body.as_bytes()).unwrap();
        MetadataCorrection::read(&body).map_err(|issues| issues.len())
    }

    #[test]
    fn what_is_sent_is_corrected_and_nothing_else() {
        let record = br#"{"name": "a", "metadata": {"created_at": 1, "x": 2}}"#;
        let mut record = Object::parse(record).unwrap();
        read(r#"{"created_at": null, "updated_by": "7"}"#).unwrap().apply(&mut record);
        let expected = r#"{"created_at":null,"x":2,"updated_by":"7"}"#;
        assert_eq!(record["metadata"].to_string(), expected);
        record.shift_remove("metadata");
        read(r#"{"created_at": " 5 "}"#).unwrap().apply(&mut record);
        assert_eq!(record["metadata"].to_string(), r#"{"created_at":5}"#);
    }

    #[test]
    fn other_members_are_ignored_and_wrong_ones_told() {
        assert!(read(r#"{"unknown": 1, "schema_version": 5}"#).unwrap().is_empty());
        assert_eq!(read(r#"{"created_at": "x", "created_by": 1}"#), Err(2));
        assert_eq!(read("[]"), Err(1));
    }
}
