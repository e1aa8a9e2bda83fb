//! One answer against one recorded step: the match modes.

use horde_model_reference::json::Json;
use testkit::Response;

use crate::exchange::Step;
use crate::value::{Meaning, Rules, differences};

/// Every way in which the answer is not what the step's mode demands; none, if it is.
pub fn compare(step: &Step, answer: &Response, meaning: &Meaning) -> Vec<String> {
    match step.mode.as_str() {
        "exact" | "subset" => [head(step, answer, meaning), body(step, answer, meaning)].concat(),
        "text-payload" => {
            [head(step, answer, meaning), text_payload(step, answer, meaning)].concat()
        }
        "validation" => [status(&[422], answer), issues(step, answer)].concat(),
        "validation-any" => [status(&[422], answer), some_issues(answer)].concat(),
        "status" => status(&[step.recorded.status], answer),
        "status-any" => status(&step.any_status, answer),
        "cors" => cors(step, answer),
        "skip" => Vec::new(),
        unknown => vec![format!("unknown match mode {unknown}")],
    }
}

/// Members that answers have had since an earlier release, or that tell another release now.
const NEWER: [&str; 3] = ["resource_kind", "licensing", "schema_version"];

/// The same for a file about a fault, which was recorded with an earlier release: its steps that are
/// not wanted otherwise are evidence, and hold but for what is newer.
pub fn compare_evidence(step: &Step, answer: &Response, meaning: &Meaning) -> Vec<String> {
    let (mut step, mut answer) = (step.clone(), answer.clone());
    step.recorded.body.as_mut().into_iter().for_each(without_newer);
    if let Ok(mut body) = json(&answer) {
        without_newer(&mut body);
        answer.body = body.to_string().into_bytes();
    }
    compare(&step, &answer, meaning)
}

fn without_newer(value: &mut Json) {
    match value {
        Json::Object(members) => {
            members.retain(|name, _| !NEWER.contains(&name.as_str()));
            members.values_mut().for_each(without_newer);
        }
        Json::Array(items) => items.iter_mut().for_each(without_newer),
        _ => {}
    }
}

/// The status is one of these.
pub fn status(wanted: &[i64], answer: &Response) -> Vec<String> {
    if wanted.contains(&i64::from(answer.status)) {
        return Vec::new();
    }
    vec![format!("status: wanted {wanted:?}, got {}", answer.status)]
}

/// The body as JSON, or why it is none.
pub fn json(answer: &Response) -> Result<Json, String> {
    Json::parse(&answer.body).map_err(|error| format!("body: not JSON: {error}"))
}

/// A location equals the wanted one; a relative one may also start with the prefix of the API.
pub fn is_location(wanted: &str, got: Option<&str>) -> bool {
    let prefixed = || wanted.starts_with('/') && got == Some(&format!("/api{wanted}"));
    got == Some(wanted) || prefixed()
}

fn head(step: &Step, answer: &Response, meaning: &Meaning) -> Vec<String> {
    let recorded = &step.recorded;
    let mut found = status(&[recorded.status], answer);
    let mut check = |name: &str, wanted: &str, fits: bool| {
        if !fits {
            found.push(format!("{name}: wanted {wanted}, got {:?}", answer.header(name)));
        }
    };
    if let Some(wanted) = recorded.header("content-type") {
        let got = answer.header("content-type").map(media_type);
        check("content-type", wanted, got == Some(media_type(wanted)));
    }
    if let Some(wanted) = recorded.header("www-authenticate") {
        check("www-authenticate", wanted, answer.header("www-authenticate") == Some(wanted));
    }
    if let Some(wanted) = recorded.header("location") {
        let wanted = wanted.replace("<base>", &meaning.base);
        check("location", &wanted, is_location(&wanted, answer.header("location")));
    }
    found
}

fn body(step: &Step, answer: &Response, meaning: &Meaning) -> Vec<String> {
    if let Some(text) = &step.recorded.body_text {
        return body_text(text, answer);
    }
    let Some(recorded) = &step.recorded.body else { return Vec::new() };
    match json(answer) {
        Ok(actual) => differences(recorded, &actual, "body ", step.rules, meaning),
        Err(problem) => vec![problem],
    }
}

/// The literal text is part of the contract; the difference is shown where it begins.
fn body_text(wanted: &str, answer: &Response) -> Vec<String> {
    let got = answer.text();
    if wanted == got {
        return Vec::new();
    }
    let same = wanted.chars().zip(got.chars()).take_while(|(one, other)| one == other).count();
    let from_there =
        |text: &str| text.chars().skip(same.saturating_sub(20)).take(80).collect::<String>();
    let (wanted, got) = (from_there(wanted), from_there(&got));
    vec![format!("text: from character {same} on wanted …{wanted:?}, got …{got:?}")]
}

fn text_payload(step: &Step, answer: &Response, meaning: &Meaning) -> Vec<String> {
    let Some(recorded) = &step.recorded.body else { return Vec::new() };
    match json(answer) {
        Ok(actual) => {
            let (recorded, actual) = (with_one_name(recorded), with_one_name(&actual));
            differences(&recorded, &actual, "body ", step.rules, meaning)
        }
        Err(problem) => vec![problem],
    }
}

/// The same with the count of parameters under one name, whichever of the two it had.
fn with_one_name(value: &Json) -> Json {
    match value {
        Json::Array(items) => Json::Array(items.iter().map(with_one_name).collect()),
        Json::Object(members) => {
            let has_both = members.contains_key("parameters");
            let kept = members.iter().filter(|(name, value)| {
                let second = has_both && *name == "parameters_count";
                !(second && members.get("parameters") == Some(*value))
            });
            let renamed = kept.map(|(name, value)| {
                let is_count = name == "parameters_count" && !has_both;
                let name = if is_count { "parameters" } else { name };
                (name.to_owned(), with_one_name(value))
            });
            Json::Object(renamed.collect())
        }
        other => other.clone(),
    }
}

/// The multiset of places and kinds is equal; words and order are free.
fn issues(step: &Step, answer: &Response) -> Vec<String> {
    let wanted = step.recorded.body.as_ref().map(issue_list).unwrap_or_default();
    let got = match json(answer) {
        Ok(body) if body.get("detail").and_then(Json::as_array).is_some() => issue_list(&body),
        Ok(_) => return vec!["body: detail is no list".into()],
        Err(problem) => return vec![problem],
    };
    if wanted == got {
        return Vec::new();
    }
    vec![format!("issues: wanted {wanted:?}, got {got:?}")]
}

fn issue_list(body: &Json) -> Vec<String> {
    let detail = body.get("detail").and_then(Json::as_array).unwrap_or_default();
    let shown = |member: Option<&Json>| member.map(Json::to_string).unwrap_or_default();
    let issue = |issue: &Json| format!("{} {}", shown(issue.get("loc")), shown(issue.get("type")));
    let mut list: Vec<_> = detail.iter().map(issue).collect();
    list.sort();
    list
}

fn some_issues(answer: &Response) -> Vec<String> {
    let body = match json(answer) {
        Ok(body) => body,
        Err(problem) => return vec![problem],
    };
    let detail = body.get("detail").and_then(Json::as_array).unwrap_or_default();
    let complete =
        |issue: &Json| ["loc", "msg", "type"].iter().all(|name| issue.get(name).is_some());
    if !detail.is_empty() && detail.iter().all(complete) {
        return Vec::new();
    }
    vec!["body: detail is no list of issues with loc, msg and type".into()]
}

fn cors(step: &Step, answer: &Response) -> Vec<String> {
    const ORIGIN: &str = "access-control-allow-origin";
    let (wanted, got) = (step.recorded.header(ORIGIN), answer.header(ORIGIN));
    if wanted != got {
        return vec![format!("{ORIGIN}: wanted {wanted:?}, got {got:?}")];
    }
    let mut found = Vec::new();
    if wanted.is_none() {
        return found;
    }
    let mut demand = |name: &str, fits: bool| {
        if !fits {
            found.push(format!("{name}: got {:?}", answer.header(name)));
        }
    };
    let credentials = "access-control-allow-credentials";
    demand(credentials, answer.header(credentials) == Some("true"));
    let asked = |name: &str| {
        let headers = step.request.headers.iter();
        headers.clone().find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, v)| v)
    };
    let Some(method) = asked("access-control-request-method") else { return found };
    if !(200..300).contains(&step.recorded.status) {
        return found;
    }
    let lists = |name: &str, wanted: &str| {
        let mut listed = answer.all(name).flat_map(|value| value.split(','));
        listed.any(|entry| entry.trim().eq_ignore_ascii_case(wanted.trim()))
    };
    let methods = "access-control-allow-methods";
    demand(methods, lists(methods, method));
    let headers = "access-control-allow-headers";
    let requested = asked("access-control-request-headers").map_or("", String::as_str);
    let mut requested = requested.split(',').filter(|header| !header.trim().is_empty());
    demand(headers, requested.all(|header| lists(headers, header)));
    if answer.status >= 300 {
        found.push(format!("status: wanted below 300, got {}", answer.status));
    }
    found
}

fn media_type(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// For rules beyond the modes: `actual` holds all of `wanted`, and may hold more.
pub const SUBSET: Rules = Rules { ordered: false, null_equals_absent: false, subset: true };

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::Recorded;

    fn step(mode: &str, status: i64, headers: &[(&str, &str)], body: &str) -> Step {
        let body = Json::parse(body.as_bytes()).ok();
        Step {
            request: testkit::Request::get("/x"),
            recorded: Recorded { status, headers: owned(headers), body, body_text: None },
            mode: mode.into(),
            rules: Rules { subset: mode == "subset", ..Rules::default() },
            any_status: vec![404, 405],
            wait_seconds: 0.0,
            wanted: None,
        }
    }

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
        Response { status, headers: owned(headers), body: body.into() }
    }

    fn owned(headers: &[(&str, &str)]) -> Vec<(String, String)> {
        headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    fn fits(step: &Step, answer: &Response) -> bool {
        let meaning = Meaning { base: "http://h".into(), seconds: (1, 2) };
        compare(step, answer, &meaning).is_empty()
    }

    const JSON: (&str, &str) = ("content-type", "application/json");

    #[test]
    fn exact_demands_status_media_type_and_body() {
        let step = step("exact", 200, &[JSON], r#"{"a":1}"#);
        assert!(fits(&step, &answer(200, &[JSON], r#"{ "a": 1 }"#)));
        assert!(!fits(&step, &answer(201, &[JSON], r#"{"a":1}"#)));
        assert!(!fits(&step, &answer(200, &[("content-type", "text/plain")], r#"{"a":1}"#)));
        assert!(!fits(&step, &answer(200, &[JSON], r#"{"a":2}"#)));
        assert!(!fits(&step, &answer(200, &[JSON], r#"{"a":1,"b":1}"#)));
        assert!(!fits(&step, &answer(200, &[JSON], "a")));
    }

    #[test]
    fn text_is_literal_and_subset_is_lenient() {
        let mut literal = step("exact", 200, &[JSON], "");
        literal.recorded.body_text = Some("{\"a\": 1}".into());
        assert!(fits(&literal, &answer(200, &[JSON], "{\"a\": 1}")));
        assert!(!fits(&literal, &answer(200, &[JSON], "{\"a\":1}")));
        let subset = step("subset", 200, &[JSON], r#"{"a":1}"#);
        assert!(fits(&subset, &answer(200, &[JSON], r#"{"a":1,"b":1}"#)));
    }

    #[test]
    fn locations() {
        let step = |location| step("exact", 307, &[("location", location)], "");
        let answer = |location| answer(307, &[("location", location)], "");
        assert!(fits(&step("<base>/x"), &answer("http://h/x")));
        assert!(!fits(&step("<base>/x"), &answer("/x")));
        assert!(fits(&step("/m/x"), &answer("/m/x")) && fits(&step("/m/x"), &answer("/api/m/x")));
        assert!(!fits(&step("/m/x"), &answer("/m/y")));
    }

    #[test]
    fn the_count_of_parameters_has_two_names() {
        let step = step("text-payload", 202, &[JSON], r#"{"payload":{"parameters_count":3}}"#);
        for payload in [r#"{"parameters":3}"#, r#"{"parameters":3,"parameters_count":3}"#] {
            assert!(fits(&step, &answer(202, &[JSON], &format!(r#"{{"payload":{payload}}}"#))));
        }
        for payload in [r#"{"parameters":4}"#, "{}", r#"{"parameters":3,"parameters_count":4}"#] {
            assert!(!fits(&step, &answer(202, &[JSON], &format!(r#"{{"payload":{payload}}}"#))));
        }
    }

    #[test]
    fn validation_compares_places_and_kinds() {
        let recorded = r#"{"detail":[{"loc":["body","a"],"type":"missing","msg":"m"},
                                     {"loc":["body",1],"type":"int"}]}"#;
        let step_ = step("validation", 422, &[], recorded);
        let other_order = r#"{"detail":[{"loc":["body",1],"type":"int"},
                                        {"loc":["body","a"],"type":"missing","msg":"other"}]}"#;
        assert!(fits(&step_, &answer(422, &[], other_order)));
        assert!(!fits(&step_, &answer(400, &[], other_order)));
        assert!(!fits(
            &step_,
            &answer(422, &[], r#"{"detail":[{"loc":["body",1],"type":"int"}]}"#)
        ));
        assert!(!fits(&step_, &answer(422, &[], r#"{"detail":"x"}"#)));
        let any = step("validation-any", 422, &[], "");
        assert!(fits(&any, &answer(422, &[], r#"{"detail":[{"loc":[],"type":"t","msg":"m"}]}"#)));
        assert!(!fits(&any, &answer(422, &[], r#"{"detail":[]}"#)));
        assert!(!fits(&any, &answer(422, &[], other_order)));
    }

    #[test]
    fn statuses() {
        assert!(fits(&step("status", 200, &[JSON], "{}"), &answer(200, &[], "")));
        assert!(!fits(&step("status", 200, &[JSON], "{}"), &answer(404, &[], "")));
        assert!(fits(&step("status-any", 405, &[], ""), &answer(404, &[], "")));
        assert!(!fits(&step("status-any", 405, &[], ""), &answer(200, &[], "")));
        assert!(fits(&step("skip", 200, &[], ""), &answer(500, &[], "")));
        assert!(!fits(&step("?", 200, &[], ""), &answer(200, &[], "")));
    }

    #[test]
    fn evidence_holds_but_for_what_is_newer() {
        let step = step("exact", 200, &[], r#"{"a": 1, "payload": [{"b": 2}]}"#);
        let meaning = Meaning { base: String::new(), seconds: (0, 0) };
        let holds =
            |body: &str| compare_evidence(&step, &answer(200, &[], body), &meaning).is_empty();
        assert!(holds(r#"{"a": 1, "payload": [{"b": 2, "licensing": {}}], "resource_kind": "x"}"#));
        assert!(!holds(r#"{"a": 1, "payload": [{"b": 3, "licensing": {}}]}"#));
        assert!(!holds(r#"{"a": 1, "payload": [{"b": 2}], "more": 1}"#));
    }

    #[test]
    fn preflights() {
        let origin = ("access-control-allow-origin", "https://a");
        let credentials = ("access-control-allow-credentials", "true");
        let mut preflight = step("cors", 200, &[origin, credentials], "");
        preflight.request.headers = owned(&[
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "apikey, content-type"),
        ]);
        let methods = ("access-control-allow-methods", "GET, POST");
        let headers = ("access-control-allow-headers", "Content-Type,apikey");
        assert!(fits(&preflight, &answer(204, &[origin, credentials, methods, headers], "")));
        for missing in 0..4 {
            let mut incomplete = vec![origin, credentials, methods, headers];
            incomplete.remove(missing);
            assert!(!fits(&preflight, &answer(204, &incomplete, "")));
        }
        let refused = step("cors", 400, &[credentials], "");
        assert!(fits(&refused, &answer(403, &[], "")));
        assert!(!fits(&refused, &answer(200, &[origin, credentials], "")));
    }
}
