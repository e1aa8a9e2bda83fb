//! Legacy records to v2 and back: what converts has a legacy form again, which converts to the same,
//! and the v1 view shows exactly the models that v2 has. The normal form of text records is normal.
#![no_main]

use horde_model_reference::json::Object;
use horde_model_reference::legacy::{
    Converted, Origin, Record, Row, SlowRule, convert, convert_record, normalise, to_legacy, view,
};
use horde_model_reference::shape::Print;
use horde_model_reference::{Category, Json};
use horde_model_reference_fuzz::category;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((category, text)) = category(input) else { return };
    let Ok(Json::Object(legacy)) = Json::parse(text) else { return };
    legacy.values().for_each(|value| reads_back(category, value));
    if category == Category::TextGeneration {
        legacy.iter().for_each(|(key, record)| stays_normal(key, record));
        return;
    }
    for rule in [SlowRule::Path, SlowRule::UrlHost] {
        let converted = convert(category, &legacy, rule);
        accounts_for_all(&legacy, &converted);
        for record in converted.records.values() {
            comes_back(category, record);
        }
        shows_the_source(category, &legacy, &converted.records);
    }
    // Anything may stand in a v2 file.
    let shown = view(category, None, &legacy);
    assert_eq!(shown.records.len() + shown.rejected.len(), legacy.len());
});

fn reads_back(category: Category, value: &Json) {
    for origin in [Origin::File, Origin::Submission] {
        let Ok(record) = Record::parse(category, value, origin) else { continue };
        for print in [Print::PLAIN, Print::WITH_NULLS] {
            let printed = Json::Object(record.to_json(print));
            match Record::parse(category, &printed, origin) {
                Ok(again) => assert_eq!(again, record, "{origin:?} {printed}"),
                Err(issues) => panic!("{origin:?} {printed} is refused: {issues:?}"),
            }
        }
    }
}

fn accounts_for_all(legacy: &Object, converted: &Converted) {
    let rejected = |key: &str| converted.rejected.iter().any(|rejected| rejected.name == key);
    let kept = legacy.keys().filter(|key| !rejected(key));
    assert!(converted.records.keys().eq(kept));
    assert!(converted.rejected.iter().all(|rejected| !rejected.issues.is_empty()));
}

fn comes_back(category: Category, record: &Json) {
    if !category.has_legacy_form() {
        return;
    }
    let back = to_legacy(category, record)
        .unwrap_or_else(|issues| panic!("{record} has no legacy form: {issues:?}"));
    let back = Json::Object(back);
    let again = convert_record(category, &back, SlowRule::UrlHost)
        .unwrap_or_else(|issues| panic!("{back} does not convert: {issues:?}"));
    let twice = to_legacy(category, &again.into()).map(Json::Object);
    assert_eq!(twice.as_ref().map(Json::to_string).ok(), Some(back.to_string()));
}

/// Text records have a table instead of a file, see the target `table`.
fn stays_normal(key: &str, record: &Json) {
    let Some(members) = record.as_object() else { return };
    let _ = Row::from_v2(key, members);
    if let Ok(normal) = normalise(key, members) {
        // A style that nobody named becomes a tag only once it stands in the record.
        let again = normalise(key, &normal).unwrap();
        assert_eq!(normalise(key, &again).as_ref(), Ok(&again));
        let _ = Row::from_normalised(key, &normal);
    }
}

/// The view of what was just converted is the source itself.
fn shows_the_source(category: Category, legacy: &Object, v2: &Object) {
    let shown = view(category, Some(legacy), v2);
    assert!(shown.rejected.is_empty());
    assert!(shown.records.keys().eq(v2.keys()));
    assert!(shown.records.iter().all(|(key, record)| legacy.get(key) == Some(record)));
    assert_eq!(shown.is_source, v2.len() == legacy.len());
}
