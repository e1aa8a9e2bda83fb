//! What a text record has to look like before it is stored, in either format.

use crate::json::{Json, Object};
use crate::shape::{Integer, Issue, Number, Reader, Unknown};
use crate::text::{backend_prefix, display_name, short_name};

use super::decimal::{is_size_tag, size_tag, whole_part};
use super::v1_entry::{default_members, is_empty};

/// The settings that a text model may recommend.
pub const SETTINGS: [&str; 24] = [
    "dynatemp_exponent",
    "dynatemp_range",
    "frmtadsnsp",
    "frmtrmblln",
    "frmtrmspch",
    "frmttriminc",
    "max_context_length",
    "max_length",
    "min_p",
    "n",
    "rep_pen",
    "rep_pen_range",
    "rep_pen_slope",
    "sampler_order",
    "singleline",
    "smoothing_factor",
    "stop_sequence",
    "temperature",
    "tfs",
    "top_a",
    "top_k",
    "top_p",
    "typical",
    "use_default_badwordsids",
];

/// The settings among `names` that no text model may recommend.
pub fn unknown_settings<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    names.into_iter().filter(|name| !SETTINGS.contains(name)).collect()
}

/// Brings a text record that is to be stored under `key` into its normal form, or tells everything
/// that is wrong with it.
pub fn normalise(key: &str, record: &Object) -> Result<Object, Vec<Issue>> {
    let mut reader = Reader::new(Unknown::Keep);
    let normal = normalise_with(key, record, &mut reader);
    reader.conclude(normal).map(|(normal, _)| normal)
}

fn normalise_with(key: &str, record: &Object, reader: &mut Reader) -> Option<Object> {
    check_key(key, reader);
    let parameters = reader.within("parameters", |reader| parameters(record, reader));
    let settings = match record.get("settings") {
        Some(given) => reader.within("settings", |reader| settings(given, reader)),
        None => Some(None),
    };
    let tags = match record.get("tags") {
        Some(given) => reader.within("tags", |reader| tags(given, reader)),
        None => Some(Vec::new()),
    };
    let (parameters, settings, tags) = (parameters?, settings?, tags?);
    let mut normal = record.clone();
    let style = record.get("style").and_then(Json::as_str).filter(|style| !style.is_empty());
    normal.insert("tags".into(), all_tags(tags, style, &parameters).into());
    normal.insert("parameters".into(), (&parameters).into());
    if let Some(given) = normal.get_mut("settings") {
        *given = settings.map_or(Json::Null, Json::Object);
    }
    name_it(key, &mut normal);
    normal.retain(|_, value| !is_empty(value));
    for (name, default) in default_members().into_iter().filter(|(name, _)| name != "parameters") {
        normal.entry(name).or_insert(default);
    }
    Some(normal)
}

fn check_key(key: &str, reader: &mut Reader) {
    let reason = match backend_prefix(key) {
        Some(prefix) => format!("the name begins with a backend's prefix, {prefix}"),
        None if key.contains("://") => "the name is an address".to_owned(),
        None => return,
    };
    reader.within("name", |reader| reader.refuse_value::<()>(reason, &key.into()));
}

fn parameters(record: &Object, reader: &mut Reader) -> Option<Integer> {
    let given = match record.get("parameters") {
        None | Some(Json::Null) => {
            return reader.refuse("missing", "Field required", &Json::Object(record.clone()));
        }
        Some(given) => given,
    };
    let number = match given {
        Json::Int(value) => Some(Integer::Small(*value)),
        Json::BigInt(digits) => Some(Integer::Big(digits.clone())),
        Json::Float(number) => Integer::truncate(*number),
        Json::String(text) => whole_part(text),
        _ => None,
    };
    match number {
        Some(number) if number.at_least(1) => Some(number),
        Some(_) => reader.refuse_value("a model has more parameters than none", given),
        None => reader.refuse_value("the number of parameters is no number", given),
    }
}

fn settings(given: &Json, reader: &mut Reader) -> Option<Option<Object>> {
    let parsed = match given {
        Json::Null => return Some(None),
        Json::String(text) if text.trim().is_empty() => return Some(None),
        Json::String(text) => match Json::parse(text.as_bytes()) {
            Ok(parsed) => parsed,
            Err(error) => {
                return reader.refuse_value(format!("settings are not JSON: {error}"), given);
            }
        },
        other => other.clone(),
    };
    let Json::Object(settings) = parsed else {
        return reader.refuse_value("settings should be an object", given);
    };
    let unknown = unknown_settings(settings.keys().map(String::as_str));
    if unknown.is_empty() {
        return Some(Some(settings));
    }
    reader.refuse_value(format!("no text model has the settings {}", unknown.join(", ")), given)
}

fn tags(given: &Json, reader: &mut Reader) -> Option<Vec<String>> {
    let trimmed = |text: &str| text.trim().to_owned();
    match given {
        Json::Array(items) => Some(
            items
                .iter()
                .filter(|item| !is_empty(item))
                .map(|item| item.as_str().map_or_else(|| item.to_string(), trimmed))
                .collect(),
        ),
        Json::String(text) => Some(text.split(',').map(trimmed).collect()),
        other if is_empty(other) => Some(Vec::new()),
        other => reader.refuse_value("tags should be a list", other),
    }
}

/// A tag for another size than the present one is left over from when the record had that size.
fn all_tags(mut tags: Vec<String>, style: Option<&str>, parameters: &Integer) -> Vec<String> {
    let size = size_tag(parameters.to_f64() / 1e9);
    tags.retain(|tag| !tag.is_empty() && !is_size_tag(tag));
    tags.extend(style.map(str::to_owned));
    tags.push(size);
    tags.sort();
    tags.dedup();
    tags
}

fn name_it(key: &str, record: &mut Object) {
    let model_name = short_name(key);
    record.insert("name".into(), key.into());
    let shown = record.entry("display_name".into()).or_insert(Json::Null);
    if is_empty(shown) {
        *shown = display_name(model_name).into();
    }
    record.insert("model_name".into(), model_name.into());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(key: &str, record: &str) -> Result<String, usize> {
        let record = Json::parse(record.as_bytes()).unwrap();
        let normal = normalise(key, record.as_object().unwrap());
        normal.map(|record| Json::Object(record).to_string()).map_err(|issues| issues.len())
    }

    #[test]
    fn a_record_gets_what_every_record_has() {
        assert_eq!(
            run("owl/Barn-7B", r#"{"parameters":" 6.7e9 ","tags":"b, a,7B,8B","style":"chat","x":0}"#),
            Ok(r#"{"parameters":6700000000,"tags":["7B","a","b","chat"],"style":"chat","name":"owl/Barn-7B","display_name":"Barn 7B","model_name":"Barn-7B","baseline":"","description":"","version":"1","nsfw":false}"#.into())
        );
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        assert_eq!(run("koboldcpp/X", r#"{"settings":{"odd":1},"tags":{"a":1}}"#), Err(4));
        assert_eq!(run("X", r#"{"parameters":true}"#), Err(1));
    }
}
