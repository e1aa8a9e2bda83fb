//! One answer, several answers, or a file, against what was recorded.

use horde_model_reference::json::Json;
use testkit::Response;

use crate::exchange::{Compared, Recorded};
use crate::value::{Meaning, Rules, differences};

/// Every way in which the answer is not the recorded one; none, if it is.
pub fn answer(
    recorded: &Recorded,
    answer: &Response,
    rules: Rules,
    meaning: &Meaning,
) -> Vec<String> {
    let mut found = status(recorded, answer);
    let Some(body) = &recorded.body else {
        if !answer.body.is_empty() {
            found.push("body: wanted none".into());
        }
        return found;
    };
    let media_type = answer.header("content-type").unwrap_or_default().split(';').next();
    if media_type.map(str::trim) != Some(recorded.content_type.as_str()) {
        found.push(format!("content-type: wanted {}, got {media_type:?}", recorded.content_type));
    }
    let got = if recorded.is_json() {
        match Json::parse(&answer.body) {
            Ok(got) => got,
            Err(error) => {
                found.push(format!("body: not JSON: {error}"));
                return found;
            }
        }
    } else {
        Json::from(answer.text())
    };
    found.extend(differences(body, &got, "body ", rules, meaning));
    found.extend(entries_out_of_order(&got));
    found
}

/// The answers are the recorded ones in some order; if not, the first recorded one that is missing.
pub fn answers(
    recorded: &[Recorded],
    answers: &[Response],
    compared: Compared,
    meaning: &Meaning,
) -> Vec<String> {
    if recorded.len() != answers.len() {
        return vec![format!("wanted {} answers, got {}", recorded.len(), answers.len())];
    }
    let fits = |recorded: &Recorded, got: &Response| match compared {
        Compared::Status => status(recorded, got).is_empty(),
        Compared::Whole => answer(recorded, got, Rules::default(), meaning).is_empty(),
    };
    let mut left: Vec<_> = answers.iter().collect();
    for recorded in recorded {
        let Some(at) = left.iter().position(|got| fits(recorded, got)) else {
            let got: Vec<_> = left.iter().map(|got| (got.status, got.text())).collect();
            return vec![format!("nobody was answered {recorded:?}; left are {got:?}")];
        };
        left.remove(at);
    }
    Vec::new()
}

/// The file holds what it has to.
pub fn file(path: &str, wanted: &Json, content: &[u8], meaning: &Meaning) -> Vec<String> {
    let held = if path.ends_with(".jsonl") {
        Ok(lines(content))
    } else if path.ends_with(".json") {
        Json::parse(content)
    } else {
        Ok(Json::from(String::from_utf8_lossy(content).into_owned()))
    };
    match held {
        Ok(held) => {
            let mut found =
                differences(wanted, &held, &format!("{path} "), Rules::default(), meaning);
            found.extend(entries_out_of_order(&held));
            found
        }
        Err(error) => vec![format!("{path}: not JSON: {error}")],
    }
}

fn lines(content: &[u8]) -> Json {
    let text = String::from_utf8_lossy(content);
    let raw =
        |line: &str| Json::Object([("$raw".to_owned(), Json::from(line))].into_iter().collect());
    let line = |line: &str| match Json::parse(line.as_bytes()) {
        Ok(mut event) => {
            without_generation(&mut event);
            event
        }
        Err(_) => raw(line),
    };
    Json::Array(text.lines().map(line).collect())
}

/// Events of ours say more than those of the reference: the generation that the change made. It
/// takes room, so segments are full sooner.
fn without_generation(event: &mut Json) {
    if let Some(members) = event.as_object_mut() {
        members.shift_remove("generation");
    }
}

fn status(recorded: &Recorded, answer: &Response) -> Vec<String> {
    if recorded.status == answer.status {
        return Vec::new();
    }
    vec![format!("status: wanted {}, got {}", recorded.status, answer.status)]
}

/// The members of an entry of the queue, in the order they are written in.
const ENTRY: [&str; 28] = [
    "change_id",
    "resource_kind",
    "resource_id",
    "category",
    "model_name",
    "operation",
    "payload",
    "requested_by",
    "requested_username",
    "requested_at",
    "status",
    "notes",
    "batch_id",
    "batch_title",
    "approved_by",
    "approved_username",
    "approved_at",
    "rejected_by",
    "rejected_username",
    "rejected_at",
    "reject_reason",
    "applied_at",
    "applied_by",
    "applied_username",
    "applied_job_id",
    "updated_at",
    "request_metadata",
    "related_models",
];

/// Entries anywhere in the body whose members are not in their order.
fn entries_out_of_order(body: &Json) -> Vec<String> {
    match body {
        Json::Array(items) => items.iter().flat_map(entries_out_of_order).collect(),
        Json::Object(members) if members.contains_key("requested_username") => {
            let places = members.keys().map(|name| ENTRY.iter().position(|known| known == name));
            let is_in_order = places.is_sorted();
            let told = || format!("entry: members are not in their order: {:?}", members.keys());
            if is_in_order { Vec::new() } else { vec![told()] }
        }
        Json::Object(members) => members.values().flat_map(entries_out_of_order).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEANING: Meaning = Meaning { base: String::new(), seconds: (1, 2) };

    fn recorded(status: u16, body: &str) -> Recorded {
        let content_type = "application/json".to_owned();
        Recorded { status, content_type, body: Json::parse(body.as_bytes()).ok() }
    }

    fn response(status: u16, body: &str) -> Response {
        let headers = vec![("content-type".into(), "application/json".into())];
        Response { status, headers, body: body.into() }
    }

    fn fits(wanted: &Recorded, got: &Response) -> bool {
        answer(wanted, got, Rules::default(), &MEANING).is_empty()
    }

    #[test]
    fn an_answer_is_compared_whole() {
        let wanted = recorded(200, r#"{"a":1,"t":"<timestamp>"}"#);
        assert!(fits(&wanted, &response(200, r#"{"t":2,"a":1}"#)));
        for (status, body) in [(201, r#"{"a":1,"t":2}"#), (200, r#"{"a":1,"t":3}"#), (200, "x")] {
            assert!(!fits(&wanted, &response(status, body)));
        }
        let mut text = response(200, r#"{"a":1,"t":2}"#);
        text.headers.clear();
        assert!(!fits(&wanted, &text));
        assert!(fits(&recorded(204, ""), &response(204, "")));
        assert!(!fits(&recorded(204, ""), &response(204, "x")));
    }

    #[test]
    fn entries_keep_their_order() {
        let ordered = r#"{"items":[{"change_id":1,"requested_username":"a","updated_at":1}]}"#;
        let swapped = r#"{"items":[{"change_id":1,"updated_at":1,"requested_username":"a"}]}"#;
        let wanted = recorded(200, ordered);
        assert!(fits(&wanted, &response(200, ordered)));
        assert!(!fits(&wanted, &response(200, swapped)));
    }

    #[test]
    fn several_answers_come_in_any_order_and_each_once() {
        let wanted = [recorded(200, "1"), recorded(400, "2")];
        let compare = |got: &[Response], compared| answers(&wanted, got, compared, &MEANING);
        let (one, two) = (response(200, "1"), response(400, "2"));
        let swapped = [two, one.clone()];
        assert!(compare(&swapped, Compared::Whole).is_empty());
        assert!(!compare(&[one.clone(), one.clone()], Compared::Whole).is_empty());
        assert!(!compare(std::slice::from_ref(&one), Compared::Whole).is_empty());
        let other = [response(400, "3"), one];
        assert!(compare(&other, Compared::Status).is_empty());
        assert!(!compare(&other, Compared::Whole).is_empty());
    }

    #[test]
    fn files_are_read_by_their_ending() {
        let wanted = Json::parse(br#"[{"a":1},{"$raw":"half"}]"#).unwrap();
        assert!(file("x.jsonl", &wanted, b"{\"a\":1}\nhalf\n", &MEANING).is_empty());
        let told = b"{\"a\":1,\"generation\":7}\nhalf\n";
        assert!(file("x.jsonl", &wanted, told, &MEANING).is_empty());
        assert!(!file("x.jsonl", &wanted, b"{\"a\":1}\n", &MEANING).is_empty());
        assert!(file("x.csv", &Json::from("a,b\n"), b"a,b\n", &MEANING).is_empty());
        assert!(!file("x.csv", &Json::from("a,b\n"), b"a,c\n", &MEANING).is_empty());
        assert!(!file("x.json", &wanted, b"[", &MEANING).is_empty());
    }
}
