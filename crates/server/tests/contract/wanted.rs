//! What is wanted where the reference has a fault.

use std::path::Path;

use anyhow::{Context, Result};
use horde_model_reference::Category;
use horde_model_reference::json::Json;
use testkit::Response;

use crate::compare::{SUBSET, is_location, json, status};
use crate::value::{Meaning, Rules, differences};

/// Members that are added to a record on its way out.
const ADDED: [&str; 2] = ["licensing", "guidance"];

/// Every way in which the answer is not the wanted one. Notes in words are for `note.rs`.
pub fn compare(
    wanted: &Json,
    answer: &Response,
    contract: &Path,
    meaning: &Meaning,
) -> Result<Vec<String>> {
    let mut found = status(&statuses(wanted.get("status")), answer);
    for (rule, value) in wanted.as_object().context("wanted is an object")? {
        if matches!(rule.as_str(), "status" | "note") {
            continue;
        }
        if rule == "headers" {
            found.extend(headers(value, answer));
            continue;
        }
        let body = match json(answer) {
            Ok(body) => body,
            Err(problem) => {
                found.push(problem);
                continue;
            }
        };
        found.extend(match rule.as_str() {
            "body" => differences(value, &body, "body ", Rules::default(), meaning),
            "body_has" => differences(value, &body, "body ", SUBSET, meaning),
            "payload_has" => {
                let payload = body.get("payload").unwrap_or(&Json::Null);
                differences(value, payload, "payload ", SUBSET, meaning)
            }
            "body_has_keys" => members(value, &body, true),
            "body_lacks" => members(value, &body, false),
            "body_equals_record" => {
                let record = record(value, contract)?;
                let body = without_additions(&body, &record);
                differences(&record, &body, "body ", Rules::default(), meaning)
            }
            unknown => vec![format!("unknown rule {unknown}")],
        });
    }
    Ok(found)
}

fn statuses(status: Option<&Json>) -> Vec<i64> {
    match status {
        Some(Json::Array(list)) => list.iter().filter_map(Json::as_i64).collect(),
        Some(one) => one.as_i64().into_iter().collect(),
        None => Vec::new(),
    }
}

fn headers(wanted: &Json, answer: &Response) -> Vec<String> {
    let wanted = wanted.as_object().into_iter().flatten();
    let wrong = wanted.filter(|(name, value)| {
        let (wanted, got) = (value.as_str().unwrap_or_default(), answer.header(name));
        let fits = if *name == "location" { is_location(wanted, got) } else { got == Some(wanted) };
        !fits
    });
    wrong
        .map(|(name, value)| format!("{name}: wanted {value}, got {:?}", answer.header(name)))
        .collect()
}

fn members(names: &Json, body: &Json, present: bool) -> Vec<String> {
    let names = names.as_array().unwrap_or_default().iter().filter_map(Json::as_str);
    let wrong = names.filter(|name| body.get(name).is_some() != present);
    let problem = if present { "missing" } else { "should not be there" };
    wrong.map(|name| format!("body /{name}: {problem}")).collect()
}

/// The record of the data set that `[category, name]` points at.
fn record(pointer: &Json, contract: &Path) -> Result<Json> {
    let Some([category, name]) = pointer.as_array() else {
        anyhow::bail!("body_equals_record is a category and a name");
    };
    let category: Category = category.as_str().unwrap_or_default().parse()?;
    let path = contract.join(format!("dataset/v2/{}.json", category.file_stem()));
    let file = Json::parse(&std::fs::read(path)?)?;
    file.get(name.as_str().unwrap_or_default()).cloned().context("no such record")
}

fn without_additions(body: &Json, record: &Json) -> Json {
    let mut body = body.clone();
    if let Some(members) = body.as_object_mut() {
        members.retain(|name, _| !ADDED.contains(&name.as_str()) || record.get(name).is_some());
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(wanted: &str, status: u16, body: &str) -> bool {
        let wanted = Json::parse(wanted.as_bytes()).unwrap();
        let headers = vec![("location".into(), "/api/m".into())];
        let answer = Response { status, headers, body: body.into() };
        let meaning = Meaning { base: String::new(), seconds: (0, 0) };
        compare(&wanted, &answer, Path::new("nowhere"), &meaning).unwrap().is_empty()
    }

    #[test]
    fn every_rule_can_fail() {
        assert!(fits(r#"{"status":[404,405]}"#, 405, "") && !fits(r#"{"status":200}"#, 405, ""));
        let body = r#"{"a":1,"payload":{"b":2}}"#;
        for (rule, result) in [
            (r#"{"status":200,"body":{"a":1,"payload":{"b":2}}}"#, true),
            (r#"{"status":200,"body":{"a":1}}"#, false),
            (r#"{"status":200,"body_has":{"a":1}}"#, true),
            (r#"{"status":200,"body_has":{"a":2}}"#, false),
            (r#"{"status":200,"payload_has":{"b":2}}"#, true),
            (r#"{"status":200,"payload_has":{"a":1}}"#, false),
            (r#"{"status":200,"body_has_keys":["a"]}"#, true),
            (r#"{"status":200,"body_has_keys":["b"]}"#, false),
            (r#"{"status":200,"body_lacks":["b"]}"#, true),
            (r#"{"status":200,"body_lacks":["a"]}"#, false),
            (r#"{"status":200,"headers":{"location":"/m"}}"#, true),
            (r#"{"status":200,"headers":{"location":"/n"}}"#, false),
            (r#"{"status":200,"something_new":1}"#, false),
        ] {
            assert_eq!(fits(rule, 200, body), result, "{rule}");
        }
    }
}
