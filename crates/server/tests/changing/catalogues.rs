//! Catalogues: change sets that are proposed again, and edits of licences that all workers see.

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{Launch, Request};

use crate::setup::{APPROVER, OTHER, REQUESTOR, Server, with_body};

const API: &str = "/api/model_references/v2";

fn baselines(key: &str, name: &str) -> Request {
    let change = json!({"operation": "upsert", "name": name, "record": {"name": name}});
    let set = json!({"title": "t", "changes": [change]});
    with_body("POST", &format!("{API}/image_generation/baselines/change-sets"), key, &set)
}

fn license(name: &str) -> Value {
    json!({
        "license_id": "LicenseRef-Mine", "name": name, "canonical_url": "https://example.org",
        "commercial_use": "allowed", "redistribution": "unknown",
    })
}

fn create(body: &Value) -> Request {
    with_body("POST", &format!("{API}/licensing/licenses"), APPROVER, body)
}

#[test]
fn a_change_set_that_was_applied_since_is_answered_again() -> Result<()> {
    let server = Server::start(&[])?;
    let named = |key: &str, name: &str| baselines(key, name).header("idempotency-key", "k");
    let first = server.send(&named(REQUESTOR, "dune"))?;
    assert_eq!(first.status, 202, "{}", first.text());
    let id = first.json()?["change_id"].clone();
    let batch = json!({"batch_title": "all", "approved_ids": [id]});
    let queue = format!("{API}/pending_queue");
    let approve = with_body("POST", &format!("{queue}/batches"), APPROVER, &batch);
    assert_eq!(server.send(&approve)?.status, 200);
    let apply = with_body("POST", &format!("{queue}/changes/{id}/apply"), APPROVER, &json!({}));
    assert_eq!(server.send(&apply)?.status, 200);
    let again = server.send(&named(REQUESTOR, "dune"))?;
    assert_eq!(again.status, 202, "{}", again.text());
    let again = again.json()?;
    assert_eq!((&again["change_id"], &again["status"]), (&id, &json!("applied")));
    assert_eq!(server.send(&named(REQUESTOR, "other"))?.status, 409, "the name was used");
    let of_another = server.send(&named(OTHER, "dune"))?;
    assert_eq!(of_another.status, 409, "{}", of_another.text());
    assert_eq!(of_another.json()?["detail"], "Baseline 'dune' changed after review.");
    Ok(())
}

#[test]
fn an_edit_of_a_licence_is_made_once_and_seen_by_every_worker() -> Result<()> {
    let server = Server::start(&[("LICENSING__EDITOR_IDS", "1")])?;
    let executable = env!("CARGO_BIN_EXE_horde-model-reference");
    let other = Launch::new(executable, server.data.cache_home()).start()?;
    let named = |body: &Value| create(body).header("idempotency-key", "k");
    let made = server.send(&named(&license("one")))?;
    assert_eq!(made.status, 201, "{}", made.text());
    let path = format!("{API}/licensing/licenses/LicenseRef-Mine");
    assert_eq!(other.send(&Request::get(&path))?.json()?, made.json()?);
    assert_eq!(server.send(&named(&license("one")))?.json()?, made.json()?);
    assert_eq!(server.send(&named(&license("two")))?.status, 409);
    assert_eq!(server.send(&create(&license("one")))?.status, 409);
    let log = std::fs::read_to_string(server.data.root().join("licensing/audit.jsonl"))?;
    assert_eq!(log.lines().count(), 1, "{log}");
    let line: Value = serde_json::from_str(log.trim_end())?;
    assert_eq!((&line["editor_id"], &line["after"]), (&json!("1"), &made.json()?));
    let delete = Request::new("DELETE", &path).header("apikey", APPROVER);
    assert_eq!(server.send(&delete)?.status, 204);
    assert_eq!(other.send(&Request::get(&path))?.status, 404);
    Ok(())
}

#[test]
fn an_expression_of_nothing_is_refused() -> Result<()> {
    let server = Server::start(&[("LICENSING__EDITOR_IDS", "1")])?;
    let licensing = |expression: &str, ids: Value| {
        json!({"license_expression": expression, "license_ids": ids, "commercial_use": "allowed",
            "redistribution": "allowed"})
    };
    for (expression, ids, status) in [("()", json!([]), 422), ("MIT", json!(["MIT"]), 201)] {
        let asset = json!({"asset_kind": "other", "asset_identifier": "a", "display_name": "A",
            "licensing": licensing(expression, ids)});
        let create = with_body("POST", &format!("{API}/licensing/assets"), APPROVER, &asset);
        let answer = server.send(&create)?;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    Ok(())
}
