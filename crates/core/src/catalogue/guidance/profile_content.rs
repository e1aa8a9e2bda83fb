//! The parts of a profile that are checked and passed on: advice, examples, templates, sources.

use std::sync::LazyLock;

use regex::Regex;
use url::Url;

use crate::catalogue::members::{Members, boolean, filled_list, filled_text, list, map, text};
use crate::catalogue::problem::Reading;
use crate::catalogue::words::{self, Word, words};
use crate::json::{Json, Object};

words! {
    enum InteractionMode { Completion = "completion", Instruction = "instruction", Chat = "chat" }
}

words! {
    enum Capability { ToolCalling = "tool_calling", StructuredOutput = "structured_output" }
}

words! {
    enum Role { System = "system", User = "user", Assistant = "assistant", Tool = "tool" }
}

words! {
    enum TemplateSyntax {
        Jinja2 = "jinja2",
        Handlebars = "handlebars",
        PythonFormat = "python_format",
        Literal = "literal",
        Other = "other",
    }
}

/// The members between `summary` and `deprecated`.
pub(super) fn keep_common(members: &mut Members<'_, '_>) {
    members.keep_or("user", no_advice(), advice);
    members.keep_or("developer", no_advice(), advice);
    members.keep_or("examples", Vec::new(), list(prompt_example));
    members.keep_or("recommended_settings", no_members(), value_map);
    members.keep_or("ai_horde_examples", Vec::new(), list(request_example));
    members.keep_or("sources", Vec::new(), list(source));
}

/// The members that only a prompt contract has.
pub(super) fn keep_contract(members: &mut Members<'_, '_>) {
    let modes = filled_list(words::word::<InteractionMode>);
    members.keep_required("interaction_modes", modes);
    members.keep_or("accepted_roles", Vec::new(), list(role));
    members.keep_or("role_markers", no_members(), text_map);
    members.keep_or("stop_sequences", Vec::new(), list(text));
    members.keep_or("templates", Vec::new(), list(template));
}

/// The members that only a usage recipe has.
pub(super) fn keep_recipe(members: &mut Members<'_, '_>) {
    members.keep_optional("capability", words::word::<Capability>);
    members.keep_optional("scenario", text);
}

fn no_members() -> Json {
    Json::Object(Object::new())
}

/// Text that is shown as CommonMark, and therefore must not smuggle in HTML.
pub(super) fn prose(value: &Json, reading: &mut Reading) -> Option<String> {
    let text = text(value, reading)?;
    if has_html(&text) { refuse_html(reading) } else { Some(text) }
}

/// The contract faults the list, not the element.
fn prose_list(value: &Json, reading: &mut Reading) -> Option<Vec<String>> {
    let texts = list(text)(value, reading)?;
    if texts.iter().any(|text| has_html(text)) { refuse_html(reading) } else { Some(texts) }
}

fn has_html(text: &str) -> bool {
    static TAG: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"<\s*/?\s*[A-Za-z][^>]*>").expect("the pattern is well-formed")
    });
    TAG.is_match(text)
}

fn refuse_html<T>(reading: &mut Reading) -> Option<T> {
    reading.refuse("value_error", "the text must not contain HTML tags")
}

fn no_advice() -> Json {
    let none = || Json::Array(Vec::new());
    Json::from([
        ("overview", "".into()),
        ("use_cases", none()),
        ("tips", none()),
        ("caveats", none()),
    ])
}

fn advice(value: &Json, reading: &mut Reading) -> Option<Json> {
    let mut members = Members::open(value, reading)?;
    members.keep_or("overview", String::new(), prose);
    members.keep_or("use_cases", Vec::new(), prose_list);
    members.keep_or("tips", Vec::new(), prose_list);
    members.keep_or("caveats", Vec::new(), prose_list);
    Some(members.close().into())
}

fn prompt_example(value: &Json, reading: &mut Reading) -> Option<Json> {
    let mut members = Members::open(value, reading)?;
    members.keep_required("title", text);
    members.keep_optional("description", text);
    members.keep_required("messages", filled_list(message));
    members.keep_optional("rendered_prompt", text);
    Some(members.close().into())
}

fn message(value: &Json, reading: &mut Reading) -> Option<Json> {
    let mut members = Members::open(value, reading)?;
    members.keep_required("role", role);
    members.keep_required("content", text);
    Some(members.close().into())
}

/// The contract has a word of its own for a wrong role.
fn role(value: &Json, reading: &mut Reading) -> Option<Role> {
    match value.as_str().and_then(words::find) {
        Some(role) => Some(role),
        None => {
            let roles: Vec<&str> = Role::ALL.iter().map(|role| role.name()).collect();
            reading.refuse("literal_error", format!("expected one of {}", roles.join(", ")))
        }
    }
}

fn request_example(value: &Json, reading: &mut Reading) -> Option<Json> {
    let mut members = Members::open(value, reading)?;
    members.keep_required("title", text);
    members.keep_required("prompt", text);
    members.keep_or("parameters", no_members(), value_map);
    members.keep_optional("notes", text);
    Some(members.close().into())
}

fn template(value: &Json, reading: &mut Reading) -> Option<Json> {
    let mut members = Members::open(value, reading)?;
    members.keep_required("template_id", filled_text);
    members.keep_required("name", text);
    members.keep_required("syntax", words::word::<TemplateSyntax>);
    members.keep_optional("syntax_name", text);
    members.keep_required("template", text);
    members.keep_or("variables", Vec::new(), list(variable));
    let template = members.close();
    let member = |name: &str| template.get(name).and_then(Json::as_str).unwrap_or_default();
    if member("syntax") == TemplateSyntax::Other.name() && member("syntax_name").is_empty() {
        return reading.refuse("value_error", "the syntax `other` needs a `syntax_name`");
    }
    Some(template.into())
}

fn variable(value: &Json, reading: &mut Reading) -> Option<Json> {
    let mut members = Members::open(value, reading)?;
    members.keep_required("name", filled_text);
    members.keep_required("description", text);
    members.keep_or("required", true, boolean);
    Some(members.close().into())
}

fn source(value: &Json, reading: &mut Reading) -> Option<Json> {
    let mut members = Members::open(value, reading)?;
    members.keep_required("url", web_address);
    members.keep_optional("title", text);
    members.keep_optional("note", text);
    Some(members.close().into())
}

/// An http(s) address in its normal form: host in lower case, a path after a bare host.
fn web_address(value: &Json, reading: &mut Reading) -> Option<String> {
    const MOST_BYTES: usize = 2083;
    let address = text(value, reading)?;
    if address.len() > MOST_BYTES {
        return reading.refuse("url_too_long", "the address is too long");
    }
    match Url::parse(&address) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Some(url.into()),
        Ok(_) => reading.refuse("url_scheme", "the address does not begin with http or https"),
        Err(error) => reading.refuse("url_parsing", error.to_string()),
    }
}

fn text_map(value: &Json, reading: &mut Reading) -> Option<Json> {
    let texts = map(|_, value, reading| text(value, reading))(value, reading)?;
    Some(Json::Object(texts.into_iter().map(|(name, text)| (name, text.into())).collect()))
}

/// Names with plain values, or lists of values of one kind.
fn value_map(value: &Json, reading: &mut Reading) -> Option<Json> {
    map(|_, value, reading| setting(value, reading))(value, reading).map(Json::Object)
}

fn setting(value: &Json, reading: &mut Reading) -> Option<Json> {
    match value {
        Json::Bool(_) | Json::Int(_) | Json::BigInt(_) | Json::Float(_) | Json::String(_) => {
            Some(value.clone())
        }
        Json::Array(items) => setting_list(items, reading),
        Json::Null | Json::Object(_) => {
            reading.refuse("value_error", "expected a plain value or a list of them")
        }
    }
}

fn setting_list(items: &[Json], reading: &mut Reading) -> Option<Json> {
    let all = |fits: fn(&Json) -> bool| items.iter().all(fits);
    if all(|item| matches!(item, Json::String(_)))
        || all(|item| matches!(item, Json::Int(_) | Json::BigInt(_)))
    {
        return Some(Json::Array(items.to_vec()));
    }
    // Numbers of both kinds become numbers of one kind, as the reference has them.
    match items.iter().map(Json::as_f64).collect::<Option<Vec<f64>>>() {
        Some(numbers) => Some(numbers.into()),
        None => reading.refuse("value_error", "the values of the list are of different kinds"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(
        text: &str,
        read: fn(&Json, &mut Reading) -> Option<Json>,
    ) -> Result<String, &'static str> {
        let value = Json::parse(text.as_bytes()).unwrap();
        let read = Reading::document(|reading| read(&value, reading));
        read.map(|json| json.to_string()).map_err(|problems| problems[0].kind)
    }

    #[test]
    fn sources_are_web_addresses_in_normal_form() {
        assert_eq!(
            parse(r#"{"url":"https://Docs.Example.ORG"}"#, source).unwrap(),
            r#"{"url":"https://docs.example.org/","title":null,"note":null}"#
        );
        assert_eq!(parse(r#"{"url":"ftp://example.org"}"#, source), Err("url_scheme"));
        assert_eq!(parse(r#"{"url":"nowhere"}"#, source), Err("url_parsing"));
    }

    #[test]
    fn an_unlisted_syntax_is_named() {
        let text = r#"{"template_id":"t","name":"n","syntax":"other","template":""}"#;
        assert_eq!(parse(text, template), Err("value_error"));
        assert!(
            parse(&text.replace("\"name\"", "\"syntax_name\":\"x\",\"name\""), template).is_ok()
        );
    }

    #[test]
    fn examples_have_messages_with_known_roles() {
        assert_eq!(parse(r#"{"title":"t","messages":[]}"#, prompt_example), Err("too_short"));
        let text = r#"{"title":"t","messages":[{"role":"me","content":""}]}"#;
        assert_eq!(parse(text, prompt_example), Err("literal_error"));
    }

    #[test]
    fn settings_are_plain() {
        assert!(parse(r#"{"a":1,"b":[1,2],"c":["x"],"d":[]}"#, value_map).is_ok());
        assert_eq!(parse(r#"{"a":{}}"#, value_map), Err("value_error"));
        assert_eq!(parse(r#"{"a":[1,"x"]}"#, value_map), Err("value_error"));
    }
}
