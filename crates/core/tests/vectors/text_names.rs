//! Groups and variants of text names.

use horde_model_reference::json::Json;
use horde_model_reference::text::{group_of, variants, with_groups};

use crate::shared::{document, run, same};

#[test]
fn groups() {
    run("text_group", |vector| {
        same(vector.get("group"), Some(&group_of(vector.text("model_name")).into()))
    });
}

#[test]
fn name_variants() {
    run("text_name_variants", |vector| {
        let found = Json::from(variants(vector.text("model_name")));
        if vector.name() == "a/b/c" {
            // D40: the koboldcpp name is the one under which the v1 view shows the model.
            let ours = vec!["a/b/c", "aphrodite/a/b/c", "koboldcpp/b"];
            return same(Some(&ours.into()), Some(&found));
        }
        same(vector.get("variants"), Some(&found))
    });
}

#[test]
fn groups_of_the_real_data() {
    let Some(records) = document("data/v2/text_generation.json") else { return };
    for (name, record) in records.as_object().unwrap() {
        assert_eq!(record.get("text_model_group"), Some(&group_of(name).into()), "{name}");
    }
}

/// D30: what the recorded exchange leaves open is what the reference gets wrong, and we do not.
#[test]
fn group_summaries() {
    let Some(exchange) = document("contract/core/v1-text-include-group.json") else { return };
    let step = &exchange.get("steps").unwrap().as_array().unwrap()[0];
    let expected = step.get("response").unwrap().get("body").unwrap().as_object().unwrap();
    let mut entries = expected.clone();
    for record in entries.values_mut().filter_map(Json::as_object_mut) {
        record.retain(|name, _| !name.starts_with("text_model_group"));
    }
    let mut found = with_groups(&entries);
    for (name, record) in &mut found {
        let summary = record.as_object_mut().unwrap()["text_model_group_summary"].as_object_mut();
        let summary = summary.unwrap();
        let quartz = name.contains("Quartz");
        assert_eq!(summary["member_count"], Json::Int(if quartz { 2 } else { 1 }));
        summary["member_count"] = "<count>".into();
        let format = summary["name_format"].as_object_mut().unwrap();
        let author = quartz.then_some("ExampleOrg");
        assert_eq!(format["common_author"], author.into(), "{name}");
        format["common_author"] = "<any>".into();
    }
    same(Some(&Json::Object(expected.clone())), Some(&Json::Object(found))).unwrap();
}
