//! When a record was created and last changed, as writes keep it.

use super::population::put_in_order;
use crate::json::{Json, Object};

/// Sets the times in the metadata of a record that is about to be stored at `now` (seconds since
/// 1970) in place of `stored`. What is created gets the times it does not bring; what is updated
/// keeps its creation, whatever it brings.
pub(crate) fn stamp_times(record: &mut Object, stored: Option<&Json>, now: i64) {
    let metadata = record.entry("metadata".into()).or_insert(Json::Null);
    if !matches!(metadata, Json::Object(_)) {
        *metadata = Object::new().into();
    }
    let Json::Object(metadata) = metadata else { return };
    match stored {
        None => {
            for name in ["created_at", "updated_at"] {
                if metadata.get(name).is_none_or(Json::is_null) {
                    metadata.insert(name.to_owned(), now.into());
                }
            }
        }
        Some(stored) => {
            let known = stored.get("metadata").and_then(Json::as_object);
            for name in ["created_at", "created_by"] {
                let known = known.and_then(|known| known.get(name)).filter(|v| !v.is_null());
                if let Some(value) = known {
                    metadata.insert(name.to_owned(), value.clone());
                }
            }
            metadata.insert("updated_at".to_owned(), now.into());
        }
    }
    put_in_order(metadata);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Style;

    fn stamped(record: &str, stored: Option<&str>) -> String {
        let parse = |text: &str| Json::parse(text.as_bytes()).unwrap();
        let mut record = parse(record).as_object().cloned().unwrap();
        stamp_times(&mut record, stored.map(parse).as_ref(), 9);
        Json::Object(record).to_text(Style::COMPACT)
    }

    #[test]
    fn what_is_created_keeps_the_times_it_brings() {
        assert_eq!(stamped("{}", None), r#"{"metadata":{"created_at":9,"updated_at":9}}"#);
        let brings = r#"{"metadata":{"x":1,"updated_at":6,"created_at":5}}"#;
        let ordered = r#"{"metadata":{"created_at":5,"updated_at":6,"x":1}}"#;
        assert_eq!(stamped(brings, None), ordered);
    }

    #[test]
    fn what_is_updated_keeps_its_creation() {
        let stored = r#"{"metadata":{"created_at":5,"created_by":"1","updated_by":"2"}}"#;
        let brings = r#"{"metadata":{"created_at":7,"created_by":"3"}}"#;
        let expected = r#"{"metadata":{"created_at":5,"updated_at":9,"created_by":"1"}}"#;
        assert_eq!(stamped(brings, Some(stored)), expected);
        assert_eq!(stamped("{}", Some("{}")), r#"{"metadata":{"updated_at":9}}"#);
    }
}
