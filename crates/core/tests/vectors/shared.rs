//! Finding and reading the shared vectors.

use horde_model_reference::json::{Json, Object};

/// The content of a shared file.
pub(crate) fn file(path: &str) -> Option<Vec<u8>> {
    Some(
        std::fs::read(testkit::shared()?.join(path))
            .unwrap_or_else(|error| panic!("{path}: {error}")),
    )
}

/// A shared document.
pub(crate) fn document(path: &str) -> Option<Json> {
    Some(Json::parse(&file(path)?).unwrap_or_else(|error| panic!("{path}: {error}")))
}

/// One vector of a group.
pub(crate) struct Vector(pub(crate) Object);

impl Vector {
    pub(crate) fn name(&self) -> &str {
        self.text("name")
    }

    pub(crate) fn text(&self, member: &str) -> &str {
        self.0[member].as_str().unwrap()
    }

    pub(crate) fn fails(&self) -> bool {
        self.0.get("fails").and_then(Json::as_bool).unwrap_or(false)
    }

    pub(crate) fn get(&self, member: &str) -> Option<&Json> {
        self.0.get(member).filter(|value| !value.is_null())
    }
}

/// Compares as the contract does: as text, so that the order of members counts.
pub(crate) fn same(expected: Option<&Json>, found: Option<&Json>) -> Result<(), String> {
    let print = |value: Option<&Json>| value.map_or("nothing".into(), Json::to_string);
    if print(expected) == print(found) {
        return Ok(());
    }
    Err(format!("expected {}\n   found {}", print(expected), print(found)))
}

/// The recorded exchanges of the core routes.
pub(crate) fn exchanges() -> Vec<Json> {
    let Some(folder) = testkit::shared() else { return Vec::new() };
    let files = std::fs::read_dir(folder.join("contract/core")).unwrap();
    files.map(|file| Json::parse(&std::fs::read(file.unwrap().path()).unwrap()).unwrap()).collect()
}

/// Runs every vector of a group; prints how many passed, and panics with all that did not.
pub(crate) fn run(group: &str, check: impl Fn(&Vector) -> Result<(), String>) {
    run_where(group, |_| true, check);
}

/// Runs those vectors of a group that concern us.
pub(crate) fn run_where(
    group: &str,
    concerns_us: impl Fn(&Vector) -> bool,
    check: impl Fn(&Vector) -> Result<(), String>,
) {
    let Some(document) = document(&format!("contract/conversion/{group}.json")) else { return };
    let vectors = document.get("vectors").unwrap().as_array().unwrap();
    let vectors = vectors.iter().map(|vector| Vector(vector.as_object().unwrap().clone()));
    let vectors: Vec<Vector> = vectors.filter(concerns_us).collect();
    let mut failures = Vec::new();
    for vector in &vectors {
        if let Err(failure) = check(vector) {
            failures.push(format!("{}\n   {failure}", vector.name()));
        }
    }
    println!("{group}: {}/{} passed", vectors.len() - failures.len(), vectors.len());
    assert!(failures.is_empty(), "{group}:\n{}", failures.join("\n"));
}
