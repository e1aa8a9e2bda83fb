//! Records as they come in, as they go back to the legacy format, and their times.

use horde_model_reference::Category;
use horde_model_reference::json::{Json, Style};
use horde_model_reference::legacy::{self, Origin, to_legacy, view};
use horde_model_reference::record::{Print, Record, Unknown, populate};

use crate::shared::{Vector, document, file, run, same};

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
    run("startup_population", |vector| {
        let Some(before) = vector.get("before").and_then(Json::as_object) else { return Ok(()) };
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

/// Every body that a recorded exchange has refused is refused here for the same reasons.
#[test]
fn refusals_of_recorded_exchanges() {
    let mut checked = 0;
    for exchange in ["v2-write-validation", "n86-text-durable-fields", "v1-write-validation"] {
        let Some(exchange) = document_if_recorded(exchange) else { continue };
        for step in exchange.get("steps").unwrap().as_array().unwrap() {
            checked += usize::from(check_refusal(step));
        }
    }
    println!("refusals of recorded exchanges: {checked} checked");
}

fn document_if_recorded(name: &str) -> Option<Json> {
    let path = format!("contract/core/{name}.json");
    std::panic::catch_unwind(|| document(&path)).ok().flatten()
}

fn check_refusal(step: &Json) -> bool {
    let request = step.get("request").unwrap();
    let path = request.get("path").unwrap().as_str().unwrap();
    let is_exact = step.get("match").and_then(Json::as_str) == Some("validation");
    let (Some(body), true) = (request.get("body"), is_exact) else { return false };
    let mut segments = path.rsplit("/model_references/").next().unwrap().split('/');
    let (version, category) = (segments.next().unwrap(), segments.next().unwrap());
    let Ok(category) = category.parse::<Category>() else { return false };
    if segments.next() == Some("add") {
        return false;
    }
    let found = match version {
        "v2" => Record::parse(category, body, Unknown::Drop.into()).err(),
        _ => legacy::Record::parse(category, body, Origin::Submission).err(),
    };
    let mut found: Vec<String> = found
        .unwrap_or_default()
        .iter()
        .filter(|issue| issue.kind != "warning")
        .map(|issue| {
            let loc: Vec<Json> =
                std::iter::once("body".into()).chain(issue.loc.iter().map(Json::from)).collect();
            format!("{} {}", Json::Array(loc), issue.kind)
        })
        .collect();
    let details = step.get("response").unwrap().get("body").unwrap().get("detail").unwrap();
    let mut expected: Vec<String> = details
        .as_array()
        .unwrap()
        .iter()
        .map(|detail| {
            format!("{} {}", detail.get("loc").unwrap(), detail.get("type").unwrap().as_str().unwrap())
        })
        .collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "{path} {body}");
    true
}
