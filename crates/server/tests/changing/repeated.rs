//! `Idempotency-Key`: a request that is sent again does nothing more, and is answered as before.

use anyhow::Result;
use serde_json::json;
use testkit::{Request, Response};

use crate::setup::{APPROVER, OTHER, REQUESTOR, Server, V1, V2, legacy, v2, with_body};

fn number(answer: &Response) -> Result<i64> {
    assert_eq!(answer.status, 202, "{}", answer.text());
    Ok(answer.json()?["change_id"].as_i64().unwrap_or_default())
}

#[test]
fn a_proposal_is_queued_once_for_each_user_and_route() -> Result<()> {
    let server = Server::start(&[])?;
    let create = |key: &str, description: &str| {
        let body = legacy("n", description);
        with_body("POST", V2, key, &body).header("idempotency-key", "k-1")
    };
    let first = number(&server.send(&create(REQUESTOR, "new"))?)?;
    assert_eq!(number(&server.send(&create(REQUESTOR, "new"))?)?, first);
    let answer = server.send(&create(REQUESTOR, "other"))?;
    assert_eq!(answer.status, 409, "{}", answer.text());
    let of_another = number(&server.send(&create(OTHER, "other"))?)?;
    assert_ne!(of_another, first);
    let body = legacy("n", "new");
    let add = with_body("POST", &format!("{V2}/add"), REQUESTOR, &body);
    let on_another_route = number(&server.send(&add.header("idempotency-key", "k-1"))?)?;
    assert!(![first, of_another].contains(&on_another_route));
    let without = with_body("POST", V2, REQUESTOR, &body);
    assert_ne!(number(&server.send(&without)?)?, number(&server.send(&without)?)?);
    Ok(())
}

#[test]
fn a_proposal_that_was_applied_since_is_answered_again() -> Result<()> {
    let server = Server::start(&[])?;
    let create =
        with_body("POST", V2, REQUESTOR, &legacy("n", "new")).header("idempotency-key", "k");
    let first = number(&server.send(&create)?)?;
    let queue = "/api/model_references/v2/pending_queue";
    let batch = json!({"batch_title": "all", "approved_ids": [first]});
    let approve = with_body("POST", &format!("{queue}/batches"), APPROVER, &batch);
    assert_eq!(server.send(&approve)?.status, 200);
    let apply = format!("{queue}/changes/{first}/apply");
    assert_eq!(server.send(&with_body("POST", &apply, APPROVER, &json!({})))?.status, 200);
    assert_eq!(server.described("n")?, "new");
    assert_eq!(number(&server.send(&create)?)?, first);
    let another = with_body("POST", V2, REQUESTOR, &legacy("n", "new"));
    assert_eq!(server.send(&another.header("idempotency-key", "k-2"))?.status, 409);
    Ok(())
}

#[test]
fn a_direct_change_is_made_once() -> Result<()> {
    let server = Server::start_direct()?;
    let named = |request: Request| request.header("idempotency-key", "k");
    let create = named(with_body("POST", V1, APPROVER, &legacy("n", "new")));
    assert_eq!(server.send(&create)?.status, 201);
    let delete = Request::new("DELETE", &format!("{V1}/model/n")).header("apikey", APPROVER);
    assert_eq!(server.send(&create)?.status, 201, "it is answered as before");
    let other = named(with_body("POST", V1, APPROVER, &legacy("n", "other")));
    assert_eq!(server.send(&other)?.status, 409);
    let update = named(with_body("PUT", V1, APPROVER, &legacy("n", "newer")));
    let update = update.header("if-match", &server.tag("n")?);
    assert_eq!(server.send(&update)?.status, 200);
    assert_eq!(server.send(&update)?.status, 200, "though the tag is another since");
    assert_eq!(server.described("n")?, "newer");
    assert_eq!(server.send(&named(delete.clone()))?.status, 204);
    assert_eq!(server.send(&create)?.status, 201, "it is answered, and nothing is made");
    assert_eq!(server.send(&Request::get(&v2("n")))?.status, 404);
    assert_eq!(server.send(&named(delete.clone()))?.status, 204);
    assert_eq!(server.send(&delete)?.status, 404);
    Ok(())
}

#[test]
fn names_of_requests_are_checked() -> Result<()> {
    let server = Server::start(&[])?;
    let create = with_body("POST", V2, REQUESTOR, &legacy("n", "new"));
    for name in ["two words", &"x".repeat(201)] {
        let answer = server.send(&create.clone().header("idempotency-key", name))?;
        assert_eq!(answer.status, 400, "{name}");
    }
    let none = with_body("POST", V2, "", &legacy("n", "new")).header("idempotency-key", "a b");
    assert_eq!(server.send(&none)?.status, 401);
    Ok(())
}
