//! The v2 answer of a category, printed once; single records are slices of it.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::Json;
use crate::body::{Body, Coded};
use crate::generation::Digest;
use crate::json::{Object, Style};

/// A category's v2 answer, in which single records are found without searching.
#[derive(Debug)]
pub struct RecordsBody {
    /// The whole answer.
    pub body: Arc<Body>,
    places: HashMap<Box<str>, Place>,
}

/// Where a record stands in the body, and its own entity tag.
#[derive(Debug)]
struct Place {
    range: Range<usize>,
    tag: Bytes,
}

impl RecordsBody {
    /// Prints `records` compactly, each with what `additions` names appended as last members, in
    /// place of stored members of these names.
    /// Values that are no objects are left out: one of them would make clients refuse the category.
    pub fn new(
        records: &Object,
        additions: impl Fn(&str, &Json, &Object) -> Vec<(&'static str, Json)>,
    ) -> Self {
        let mut text = String::with_capacity(records.len() * 1024);
        let mut ranges = Vec::with_capacity(records.len());
        text.push('{');
        for (name, record) in records {
            let Json::Object(members) = record else { continue };
            if !ranges.is_empty() {
                text.push(',');
            }
            Json::String(name.clone()).write_to(&mut text, Style::COMPACT);
            text.push(':');
            let start = text.len();
            write_record(&mut text, members, &additions(name, record, members));
            ranges.push((name, start..text.len()));
        }
        text.push('}');
        text.shrink_to_fit();
        let bytes = Bytes::from(text);
        let place = |range: Range<usize>| {
            let tag = Digest::of(&bytes[range.clone()]).entity_tag().into();
            Place { range, tag }
        };
        let places =
            ranges.into_iter().map(|(name, range)| (name.as_str().into(), place(range))).collect();
        Self { body: Body::new(bytes), places }
    }

    /// The record `name` as ready bytes: a slice of the whole answer.
    pub fn record(&self, name: &str) -> Option<Coded> {
        let place = self.places.get(name)?;
        let bytes = self.body.identity.bytes.slice(place.range.clone());
        Some(Coded { bytes, tag: place.tag.clone(), earlier_tag: None })
    }

    /// How many records it holds.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}

fn write_record(text: &mut String, members: &Object, additions: &[(&'static str, Json)]) {
    text.push('{');
    let is_added = |name: &str| additions.iter().any(|(added, _)| *added == name);
    let stored = members.iter().map(|(name, value)| (name.as_str(), value));
    let stored = stored.filter(|(name, _)| !is_added(name));
    let added = additions.iter().map(|(name, value)| (*name, value));
    for (index, (name, value)) in stored.chain(added).enumerate() {
        if index > 0 {
            text.push(',');
        }
        Json::from(name).write_to(text, Style::COMPACT);
        text.push(':');
        value.write_to(text, Style::COMPACT);
    }
    text.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_slices_of_the_whole() {
        let records = br#"{"a":{"added":0,"x":1.0},"bad":7,"b/c":{}}"#;
        let records = Json::parse(records).unwrap();
        let records = records.as_object().unwrap();
        let body = RecordsBody::new(records, |name, _, _| vec![("added", Json::from(name))]);
        let whole = &body.body.identity.bytes;
        assert_eq!(&whole[..], br#"{"a":{"x":1.0,"added":"a"},"b/c":{"added":"b/c"}}"#);
        assert_eq!(&body.record("b/c").unwrap().bytes[..], br#"{"added":"b/c"}"#);
        assert!(body.record("bad").is_none());
        assert_eq!(body.len(), 2);
    }
}
