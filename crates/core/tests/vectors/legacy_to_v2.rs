//! Legacy categories become v2 categories, byte for byte.

use horde_model_reference::Category;
use horde_model_reference::json::{Json, Style};
use horde_model_reference::legacy::{SlowRule, convert};

use crate::shared::{Vector, document, file, run, same};

fn check(vector: &Vector) -> Result<(), String> {
    let category: Category = vector.text("category").parse().unwrap();
    let Some(legacy) = vector.get("legacy").and_then(Json::as_object) else {
        return check_without_object(vector);
    };
    let converted = convert(category, legacy, SlowRule::Path);
    if vector.fails() {
        let refused = !converted.rejected.is_empty();
        return if refused { Ok(()) } else { Err("nothing was rejected".into()) };
    }
    assert!(converted.rejected.is_empty(), "{}: {:?}", vector.name(), converted.rejected);
    let found = Json::Object(converted.records);
    if let Some(text) = vector.get("v2_text") {
        let found = found.to_text(Style::INDENT_4_ASCII) + "\n";
        same(Some(text), Some(&found.into()))?;
    }
    if let Some(expected) = ours(vector.name()) {
        return same(Some(&Json::parse(expected.as_bytes()).unwrap()), Some(&found));
    }
    same(vector.get("v2"), Some(&found))
}

/// What is expected of us where the reference does otherwise.
fn ours(name: &str) -> Option<&'static str> {
    match name {
        // N02: a block that names no version gets the present one, not 1.0.0.
        "8.6: metadata block without schema version" => Some(
            r#"{"m":{"name":"m","description":"A model.","version":"1.0","metadata":{"schema_version":"2.1.0","created_at":1600000000,"updated_by":"7"},"config":{"download":[{"file_name":"m.ckpt","file_url":"https://files.example/f","sha256sum":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","known_slow_download":false}]},"baseline":"stable_diffusion_1","tags":[],"showcases":[],"trigger":[],"nsfw":false,"style":"generalist"}}"#,
        ),
        "8.6: metadata block empty" => Some(
            r#"{"e":{"record_type":"esrgan","name":"e","metadata":{"schema_version":"2.1.0"},"config":{"download":[]},"model_classification":{"domain":"image","purpose":"post_processing"}}}"#,
        ),
        _ => None,
    }
}

/// Sources that are no object are the business of whoever reads the file: an absent one means that
/// there is nothing to do, which the reference takes for an empty category.
fn check_without_object(vector: &Vector) -> Result<(), String> {
    let Some(text) = vector.get("legacy").and_then(Json::as_str) else {
        assert_eq!(vector.name(), "image: no legacy file at all");
        return Ok(());
    };
    let parsed = Json::parse(text.as_bytes());
    let refused = !parsed.is_ok_and(|value| value.as_object().is_some());
    if refused && (vector.fails() || text.is_empty()) { Ok(()) } else { Err("no object".into()) }
}

#[test]
fn vectors() {
    run("legacy_to_v2", check);
}

#[test]
fn real_data() {
    for category in Category::ALL.into_iter().filter(|category| category.has_legacy_form()) {
        if category == Category::TextGeneration {
            continue;
        }
        let stem = category.file_stem();
        let Some(legacy) = document(&format!("data/legacy/{stem}.json")) else { return };
        let converted = convert(category, legacy.as_object().unwrap(), SlowRule::Path);
        assert_eq!(converted.rejected, [], "{category}");
        let found = Json::Object(converted.records).to_text(Style::INDENT_4_ASCII) + "\n";
        let expected = file(&format!("data/v2/{stem}.json")).unwrap();
        assert!(found.as_bytes() == expected, "{category} differs");
        println!("data/v2/{stem}.json: equal");
    }
}
