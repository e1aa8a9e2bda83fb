//! Bodies that are too large, too slow, or not for us.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use testkit::{Connection, Request};

use crate::setup::{APPROVER, REQUESTOR, Server, V1, V2, legacy, v2, with_body};

#[test]
fn large_bodies_are_refused() -> Result<()> {
    let server = Server::start(&[("MAX_BODY_BYTES", "1000")])?;
    let create = |length: usize| {
        let frame = legacy("n", "").to_string().len();
        let body = legacy("n", &"x".repeat(length - frame));
        with_body("POST", V2, REQUESTOR, &body)
    };
    assert_eq!(server.send(&create(1000))?.status, 202);
    let answer = server.send(&create(1001))?;
    assert_eq!(answer.status, 413);
    assert!(answer.json()?["detail"].is_string());
    let mut chunked = Connection::open(server.process.address())?;
    let head = format!(
        "POST {V2} HTTP/1.1\r\nhost: x\r\napikey: {REQUESTOR}\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n"
    );
    chunked.write_raw(head.as_bytes())?;
    chunked.write_raw(format!("3e9\r\n{}\r\n0\r\n\r\n", " ".repeat(1001)).as_bytes())?;
    assert_eq!(chunked.read_response(false)?.status, 413);
    Ok(())
}

#[test]
fn slow_bodies_are_not_waited_for() -> Result<()> {
    let server = Server::start(&[("BODY_TIMEOUT_SECONDS", "1")])?;
    let mut slow = Connection::open(server.process.address())?;
    slow.set_read_timeout(Duration::from_secs(30))?;
    let head = format!(
        "POST {V2} HTTP/1.1\r\nhost: x\r\napikey: {REQUESTOR}\r\ncontent-type: application/json\r\n\
         content-length: 100\r\n\r\n{{"
    );
    slow.write_raw(head.as_bytes())?;
    let answer = slow.read_response(false)?;
    assert_eq!(answer.status, 408, "{}", answer.text());
    assert_eq!(answer.header("connection"), Some("close"));
    Ok(())
}

#[test]
fn who_sends_no_key_is_told_so_whatever_the_body() -> Result<()> {
    let server = Server::start(&[("MAX_BODY_BYTES", "10")])?;
    for body in ["{bad", "[]", "{\"name\": \"too large to be read\"}"] {
        let request = Request::new("POST", V2).header("content-type", "application/json");
        assert_eq!(server.send(&request.body(body))?.status, 401, "{body}");
    }
    Ok(())
}

#[test]
fn a_body_with_very_many_faults_is_answered_shortly() -> Result<()> {
    let server = Server::start(&[])?;
    let body = json!({"name": "n", "nsfw": false, "baseline": "infer", "tags": vec![1; 300_000]});
    let target = "/api/model_references/v2/image_generation";
    let answer = server.send(&with_body("POST", target, REQUESTOR, &body))?;
    assert_eq!(answer.status, 422);
    assert!(answer.body.len() < 1 << 20, "{} bytes", answer.body.len());
    Ok(())
}

#[test]
fn unknown_members_are_left_out_or_refused_under_test() -> Result<()> {
    let body = json!({"name": "n", "odd": 1, "config": {"download": [], "more": 2}});
    let create = with_body("POST", V2, REQUESTOR, &body);
    let answer = Server::start(&[])?.send(&create)?;
    assert_eq!(answer.json()?["payload"].get("odd"), None);
    let strict = Server::start(&[("AI_HORDE_TESTING", "true")])?;
    let answer = strict.send(&create)?;
    assert_eq!(answer.status, 422);
    let kinds: Vec<_> = answer.json()?["detail"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|issue| issue["type"].clone())
        .collect();
    assert_eq!(kinds, ["extra_forbidden", "extra_forbidden"]);
    Ok(())
}

#[test]
fn a_body_of_a_deletion_is_ignored() -> Result<()> {
    let server = Server::start(&[("MAX_BODY_BYTES", "10")])?;
    let delete = Request::new("DELETE", &v2("a")).header("apikey", REQUESTOR);
    assert_eq!(server.send(&delete.body("{bad and larger than is read"))?.status, 202);
    Ok(())
}

#[test]
fn an_empty_pair_of_parentheses_is_no_licence() -> Result<()> {
    let server = Server::start(&[])?;
    let licensing = json!({"license_expression": "()", "license_ids": [],
        "commercial_use": "unknown", "redistribution": "unknown"});
    let body = json!({"name": "n", "licensing": licensing});
    assert_eq!(server.send(&with_body("POST", V2, REQUESTOR, &body))?.status, 422);
    Ok(())
}

#[test]
fn what_is_nested_too_deeply_to_be_stored_is_refused() -> Result<()> {
    for queue in ["true", "false"] {
        let settings = [("CANONICAL_FORMAT", "legacy"), ("PENDING_QUEUE__ENABLED", queue)];
        let server = Server::start(&settings)?;
        for depth in [100, 149, 185, 300] {
            let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            let body = format!(r#"{{"name": "deep {depth}", "odd": {nested}}}"#);
            let request = Request::new("POST", V1).header("apikey", APPROVER);
            let request = request.header("content-type", "application/json").body(body);
            let answer = server.send(&request)?;
            let wanted = if depth > 149 {
                422
            } else if queue == "true" {
                202
            } else {
                201
            };
            assert_eq!(answer.status, wanted, "{depth}: {}", answer.text());
        }
    }
    Ok(())
}
