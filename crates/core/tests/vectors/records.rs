//! Records as they come in, as they go back to the legacy format, and their times.

use horde_model_reference::Category;
use horde_model_reference::json::{Json, Object, Style};
use horde_model_reference::legacy::{self, Origin, to_legacy, view};
use horde_model_reference::record::{Record, populate};
use horde_model_reference::shape::{Print, Severity, Unknown};

use crate::shared::{Vector, document, exchanges, file, run, run_where, same};

fn category(vector: &Vector) -> Category {
    vector.text("category").parse().unwrap()
}

fn payload(vector: &Vector, body: &Json) -> Option<Json> {
    let payload = match vector.text("format") {
        "v2" => Record::parse(category(vector), body, Unknown::Drop.into())
            .ok()
            .map(|(record, _)| record.to_json(Print::PLAIN)),
        _ => legacy::Record::parse(category(vector), body, Origin::Submission)
            .ok()
            .map(|record| record.to_json(Print::WITH_NULLS)),
    };
    payload.map(Json::Object)
}

#[test]
fn submissions() {
    run("request_body_to_payload", |vector| {
        let found = payload(vector, vector.get("body").unwrap());
        let Some(mut expected) = vector.get("payload").cloned() else {
            return same(None, found.as_ref());
        };
        match vector.name() {
            // D04: what was sent is kept.
            "legacy image: canonical key order, defaults only when present, extras dropped" => {
                expected = Json::parse(
                    br#"{"name":"m","baseline":"stable diffusion 2 512","type":"ckpt","inpainting":false,"min_bridge_version":9,"nsfw":false,"config":{"files":[{"path":"m.ckpt","extra":1}],"download":[{"file_name":"m.ckpt","file_path":"","file_url":"https://files.example/f"}]},"size_on_disk_bytes":3,"extra":1}"#,
                )
                .unwrap();
            }
            // D02: the count is called as it is stored.
            "v2 text" | "v2 text: parameters under its long name" => {
                let text = expected.to_string().replace("parameters_count", "parameters");
                expected = Json::parse(text.as_bytes()).unwrap();
            }
            _ => {}
        }
        same(Some(&expected), found.as_ref())
    });
}

#[test]
fn images_to_legacy() {
    run("image_v2_to_legacy", |vector| {
        let found = to_legacy(category(vector), vector.get("v2").unwrap()).ok().map(Json::Object);
        same(vector.get("legacy"), found.as_ref())
    });
}

#[test]
fn real_images_to_legacy() {
    let Some(v2) = document("data/v2/stable_diffusion.json") else { return };
    let category = Category::ImageGeneration;
    let view = view(category, None, v2.as_object().unwrap());
    assert_eq!(view.rejected, []);
    let found = Json::Object(view.records);
    let expected = document("data/v1-from-v2/stable_diffusion.json").unwrap();
    same(Some(&expected), Some(&found)).unwrap();
    println!("indent 4 bytes equal: {}", {
        let text = found.to_text(Style::INDENT_4_ASCII) + "\n";
        text.as_bytes() == file("data/v1-from-v2/stable_diffusion.json").unwrap()
    });
}

#[test]
fn untouched_v2_data_shows_the_legacy_file() {
    for category in Category::ALL.into_iter().filter(|category| category.has_legacy_form()) {
        if category == Category::TextGeneration {
            continue;
        }
        let stem = category.file_stem();
        let Some(legacy) = document(&format!("data/legacy/{stem}.json")) else { return };
        let mut v2 = document(&format!("data/v2/{stem}.json")).unwrap();
        let v2 = v2.as_object_mut().unwrap();
        populate(v2, 1_700_000_000);
        let view = view(category, legacy.as_object(), v2);
        assert!(view.is_source, "{category}");
        same(Some(&legacy), Some(&Json::Object(view.records))).unwrap();
    }
}

#[test]
fn times() {
    let is_object = |vector: &Vector| vector.get("before").is_some_and(|v| v.as_object().is_some());
    run_where("startup_population", is_object, |vector| {
        let before = vector.0["before"].as_object().unwrap();
        let metadata = vector.get("v2_category_metadata").unwrap();
        let time = metadata.get("initialization_time").and_then(Json::as_i64).unwrap();
        let mut found = before.clone();
        let changed = populate(&mut found, time);
        assert_eq!(changed, found != *before, "{}", vector.name());
        if vector.name() == "metadata null stops start-up" {
            // It is filled like an absent one.
            let text = format!(
                r#"{{"a":{{"name":"a","metadata":{{"created_at":{time},"updated_at":{time}}}}}}}"#
            );
            let expected = Json::parse(text.as_bytes()).unwrap();
            return same(Some(&expected), Some(&Json::Object(found)));
        }
        same(vector.get("after"), Some(&Json::Object(found)))
    });
}

/// A step of an exchange that submits a record: version, category, body.
fn submission(step: &Json) -> Option<(&str, Category, &Json)> {
    let request = step.get("request")?;
    let path = request.get("path")?.as_str()?;
    let mut segments = path.rsplit("/model_references/").next()?.split('/');
    let (version, category) = (segments.next()?, segments.next()?.parse().ok()?);
    // `add` is another route, and so is everything below a model.
    match (segments.next(), segments.next(), segments.next()) {
        (None, _, _) | (Some("model"), Some(_), None) => {}
        _ => return None,
    }
    Some((version, category, request.get("body")?))
}

/// What recorded exchanges refuse is refused for the same reasons.
#[test]
fn refusals_of_recorded_exchanges() {
    let mut checked = 0;
    for exchange in exchanges() {
        for step in exchange.get("steps").unwrap().as_array().unwrap() {
            let is_listed = step.get("match").and_then(Json::as_str) == Some("validation");
            if let (true, Some(submission)) = (is_listed, submission(step)) {
                check_refusal(step, submission);
                checked += 1;
            }
        }
    }
    println!("refusals of recorded exchanges: {checked} checked");
}

fn check_refusal(step: &Json, (version, category, body): (&str, Category, &Json)) {
    let issues = match version {
        "v2" => Record::parse(category, body, Unknown::Drop.into()).err(),
        _ => legacy::Record::parse(category, body, Origin::Submission).err(),
    };
    let issues = issues.unwrap_or_default();
    let found = issues.iter().filter(|issue| issue.severity == Severity::Error).map(|issue| {
        let loc = std::iter::once("body".into()).chain(issue.loc.iter().map(Json::from));
        format!("{} {}", Json::Array(loc.collect()), issue.kind)
    });
    let details = step.get("response").and_then(|response| response.get("body")?.get("detail"));
    let expected = details.unwrap().as_array().unwrap().iter().map(|detail| {
        let kind = detail.get("type").unwrap().as_str().unwrap();
        format!("{} {kind}", detail.get("loc").unwrap())
    });
    let sorted = |items: &mut dyn Iterator<Item = String>| {
        let mut items: Vec<String> = items.collect();
        items.sort();
        items
    };
    assert_eq!(sorted(&mut found.into_iter()), sorted(&mut expected.into_iter()), "{body}");
}

/// What recorded exchanges accept is queued with the same content.
#[test]
fn payloads_of_recorded_exchanges() {
    let mut checked = 0;
    let mut failures = Vec::new();
    for exchange in exchanges() {
        for step in exchange.get("steps").unwrap().as_array().unwrap() {
            let payload =
                step.get("response").and_then(|response| response.get("body")?.get("payload"));
            if let (Some(payload), Some(submission)) = (payload, submission(step)) {
                failures.extend(check_payload(payload, submission).err());
                checked += 1;
            }
        }
    }
    println!("payloads of recorded exchanges: {checked} checked");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn check_payload(
    payload: &Json,
    (version, category, body): (&str, Category, &Json),
) -> Result<(), String> {
    let record = match version {
        "v2" => Record::parse(category, body, Unknown::Drop.into()).map(|(mut record, _)| {
            record.fill_text_model_group();
            record.to_json(Print::PLAIN)
        }),
        _ => legacy::Record::parse(category, body, Origin::Submission)
            .map(|record| record.to_json(Print::PLAIN)),
    };
    // What the service adds or keeps to itself, and what the reference calls otherwise.
    let comparable = |members: &Object| {
        let mut members = members.clone();
        for own in ["metadata", "licensing"] {
            members.shift_remove(own);
        }
        if let Some(count) = members.shift_remove("parameters_count") {
            members.insert("parameters".into(), count);
        }
        without_nulls(&Json::Object(members))
    };
    let found = comparable(&record.map_err(|issues| format!("{body}: {issues:?}"))?);
    same(Some(&comparable(payload.as_object().unwrap())), Some(&found))
}

/// Null means absent to the exchanges, and the order of members means nothing.
fn without_nulls(value: &Json) -> Json {
    match value {
        Json::Object(members) => {
            let kept = members.iter().filter(|(_, value)| !value.is_null());
            let mut kept: Object =
                kept.map(|(name, value)| (name.clone(), without_nulls(value))).collect();
            kept.sort_keys();
            kept.into()
        }
        Json::Array(items) => Json::Array(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}
