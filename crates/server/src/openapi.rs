//! The OpenAPI document, made from the route table.

use horde_model_reference::Json;
use horde_model_reference::json::{Object, Style};

use crate::router::{self, Answer, Route, Verb};

/// Shapes of answers, named by [`Answer::Json`].
const SCHEMAS: &str = include_str!("openapi/schemas.json");

/// What needing a key is called.
const KEY_SCHEME: &str = "APIKeyHeader";

/// The document as compact JSON.
pub(crate) fn document() -> String {
    let mut paths = Object::new();
    for route in router::table() {
        let path = paths.entry(documented_path(route.path)).or_insert(Json::Object(Object::new()));
        if let Json::Object(operations) = path {
            operations.insert(route.verb.name().into(), operation(&route));
        }
    }
    // Our own file; a test reads it.
    let schemas = Json::parse(SCHEMAS.as_bytes()).unwrap_or(Json::Object(Object::new()));
    let document = Json::from([
        ("openapi", "3.1.0".into()),
        (
            "info",
            Json::from([
                ("title", Json::from("AI-Horde model reference")),
                ("version", env!("CARGO_PKG_VERSION").into()),
                (
                    "description",
                    "Which AI models exist, where their files are, what they are.".into(),
                ),
            ]),
        ),
        (
            "servers",
            vec![Json::from([("url", Json::from("/api"))]), Json::from([("url", Json::from("/"))])]
                .into(),
        ),
        ("paths", paths.into()),
        ("components", Json::from([("schemas", schemas), ("securitySchemes", security_schemes())])),
    ]);
    document.to_text(Style::COMPACT)
}

/// OpenAPI knows no parameter over several segments; its name alone is what clients need.
fn documented_path(path: &str) -> String {
    path.replace("{*", "{")
}

fn operation(route: &Route) -> Json {
    let path_parameters = documented_path(route.path);
    let in_path = path_parameters.split('{').skip(1).filter_map(|part| part.split('}').next());
    let mut parameters: Vec<Json> = in_path.map(path_parameter).collect();
    for parameter in route.query {
        let schema = Json::parse(parameter.schema.as_bytes()).unwrap_or(Json::Null);
        parameters.push(Json::from([
            ("name", parameter.name.into()),
            ("in", "query".into()),
            ("required", Json::Bool(parameter.meaning.ends_with("Required."))),
            ("description", parameter.meaning.into()),
            ("schema", schema),
        ]));
    }
    let mut operation = vec![
        ("operationId", route.operation.into()),
        ("tags", vec![route.tag].into()),
        ("summary", route.summary.into()),
        ("parameters", Json::Array(parameters)),
        ("responses", responses(route)),
    ];
    if let Some(schema) = route.verb.takes() {
        let content = Json::from([("schema", reference(schema))]);
        let content = Json::from([("application/json", content)]);
        let body = Json::from([("required", true.into()), ("content", content)]);
        operation.push(("requestBody", body));
    }
    if route.access.only_with_legacy() {
        operation.push(("x-present-when", "canonical_format=legacy".into()));
    }
    if route.access.needs_key() {
        let needed = Json::from([(KEY_SCHEME, Json::Array(Vec::new()))]);
        operation.push(("security", vec![needed].into()));
    }
    operation.into_iter().collect()
}

fn security_schemes() -> Json {
    let key = Json::from([
        ("type", Json::from("apiKey")),
        ("in", "header".into()),
        ("name", "apikey".into()),
        ("description", "The key of a user of the AI-Horde.".into()),
    ]);
    Json::from([(KEY_SCHEME, key)])
}

fn path_parameter(name: &str) -> Json {
    let schema = match name {
        "model_category_name" | "category" => reference("CategoryName"),
        "change_id" | "batch_id" => Json::from([("type", Json::from("integer"))]),
        _ => Json::from([("type", Json::from("string"))]),
    };
    Json::from([
        ("name", name.into()),
        ("in", "path".into()),
        ("required", Json::Bool(true)),
        ("schema", schema),
    ])
}

fn responses(route: &Route) -> Json {
    let mut responses = Object::new();
    for answer in route.answers() {
        responses.insert(answer.status().to_string(), success(answer));
    }
    if route.verb == Verb::Get {
        let words = Json::from("What the client holds is current.");
        responses.insert("304".into(), Json::from([("description", words)]));
    }
    let mut errors = [route.errors, route.access.errors(), route.verb.errors()].concat();
    errors.sort_unstable();
    errors.dedup();
    for status in errors {
        let schema = Json::from([("schema", reference("Error"))]);
        let content = Json::from([("application/json", schema)]);
        let error =
            Json::from([("description", Json::from(meaning(status))), ("content", content)]);
        responses.insert(status.to_string(), error);
    }
    responses.into()
}

fn success(answer: Answer) -> Json {
    let text = || Json::from([("type", Json::from("string"))]);
    let (kind, schema) = match answer {
        Answer::Page => ("text/html", text()),
        Answer::Metrics => ("application/openmetrics-text", text()),
        _ => match answer.schema() {
            Some(name) => ("application/json", reference(name)),
            None => return Json::from([("description", Json::from("Done."))]),
        },
    };
    let words = match answer {
        Answer::Created(_) => "It was made.",
        Answer::Accepted(_) => "It was proposed.",
        _ => "As asked.",
    };
    let content = Json::from([(kind, Json::from([("schema", schema)]))]);
    Json::from([("description", Json::from(words)), ("content", content)])
}

fn meaning(status: u16) -> &'static str {
    match status {
        400 => "The body is no text, or says something else than the path.",
        403 => "The owner of the key does not have the role.",
        408 => "The body did not arrive in time.",
        409 => "It contradicts what is there.",
        412 => "What the client expects to be there is not.",
        413 => "The body is too large.",
        429 => "Too many attempts with keys that are not valid.",
        401 => "No key was sent, or it is nobody's.",
        404 => "There is nothing of that name.",
        422 => "A parameter, or the body, is not as it should be.",
        503 => "Not in this mode, or not at present.",
        _ => "Refused.",
    }
}

fn reference(schema: &str) -> Json {
    Json::from([("$ref", Json::from(format!("#/components/schemas/{schema}")))])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_schema_that_is_named_exists_and_operations_have_names_of_their_own() {
        let document = Json::parse(document().as_bytes()).unwrap();
        let schemas = document.get("components").and_then(|part| part.get("schemas")).unwrap();
        let mut operations = HashSet::new();
        for route in router::table() {
            let named = route.answers().into_iter().filter_map(Answer::schema);
            for name in named.chain(route.verb.takes()) {
                assert!(schemas.get(name).is_some(), "{name} is not in schemas.json");
            }
            assert!(operations.insert(route.operation), "{} is there twice", route.operation);
        }
        let text = document.to_string();
        for part in text.split("#/components/schemas/").skip(1) {
            let name = part.split('"').next().unwrap_or_default();
            assert!(schemas.get(name).is_some(), "{name} is not in schemas.json");
        }
    }
}
