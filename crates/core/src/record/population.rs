//! The times that stored records get when the service first meets them without.

use crate::json::{Json, Object};

/// The members of a record's metadata, in the order in which they are written.
const METADATA: [&str; 5] =
    ["schema_version", "created_at", "updated_at", "created_by", "updated_by"];

/// Gives every record without `created_at` or `updated_at` the time the category was first met.
/// What is no record, or no metadata, is left as it is. Tells whether anything changed.
pub fn populate(records: &mut Object, initialization_time: i64) -> bool {
    let mut changed = false;
    for record in records.values_mut().filter_map(Json::as_object_mut) {
        let metadata = record.entry("metadata".into()).or_insert(Json::Null);
        if metadata.is_null() {
            *metadata = Object::new().into();
        }
        if let Some(metadata) = metadata.as_object_mut() {
            changed |= fill(metadata, initialization_time);
        }
    }
    changed
}

/// Whether [`populate`] would find nothing to do.
pub fn is_populated(records: &Object) -> bool {
    let has_times = |metadata: &Json| {
        let missing = |name| metadata.get(name).is_none_or(Json::is_null);
        metadata.as_object().is_none() || !(missing("created_at") || missing("updated_at"))
    };
    let is_whole = |record: &Json| match record.get("metadata") {
        None | Some(Json::Null) => record.as_object().is_none(),
        Some(metadata) => has_times(metadata),
    };
    records.values().all(is_whole)
}

fn fill(metadata: &mut Object, time: i64) -> bool {
    let is_missing = |name: &str| metadata.get(name).is_none_or(Json::is_null);
    let missing: Vec<&str> =
        ["created_at", "updated_at"].into_iter().filter(|n| is_missing(n)).collect();
    for name in &missing {
        metadata.insert((*name).to_owned(), time.into());
    }
    if !missing.is_empty() {
        put_in_order(metadata);
    }
    !missing.is_empty()
}

/// Orders the known members; the others follow as they were.
pub(super) fn put_in_order(metadata: &mut Object) {
    let mut others = std::mem::take(metadata);
    for name in METADATA {
        metadata.extend(others.shift_remove(name).map(|value| (name.to_owned(), value)));
    }
    metadata.extend(others);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_filled_and_nothing_stops_it() {
        let given = br#"{"a":{"metadata":null},"b":7,"c":{"metadata":"x"},"d":{},
            "e":{"metadata":{"z":1,"updated_by":"u","created_at":1,"updated_at":null}}}"#;
        let mut value = Json::parse(given).unwrap();
        assert!(populate(value.as_object_mut().unwrap(), 9));
        assert_eq!(
            value.to_string(),
            r#"{"a":{"metadata":{"created_at":9,"updated_at":9}},"b":7,"c":{"metadata":"x"},"d":{"metadata":{"created_at":9,"updated_at":9}},"e":{"metadata":{"created_at":1,"updated_at":9,"updated_by":"u","z":1}}}"#
        );
        assert!(!populate(value.as_object_mut().unwrap(), 10));
    }
}
