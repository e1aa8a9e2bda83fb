//! Names with slashes, and names that cannot be stored.

use anyhow::Result;
use serde_json::json;
use testkit::Request;

use crate::setup::{APPROVER, REQUESTOR, Server, V1, V2, legacy, v2, with_body};

#[test]
fn a_slash_belongs_to_the_name() -> Result<()> {
    let server = Server::start(&[])?;
    let update = with_body("PUT", &v2("org%2Fc"), REQUESTOR, &legacy("org/c", "new"));
    let answer = server.send(&update)?;
    assert_eq!((answer.status, &answer.json()?["model_name"]), (202, &json!("org/c")));
    let delete = Request::new("DELETE", &v2("org%2Fc")).header("apikey", REQUESTOR);
    assert_eq!(server.send(&delete)?.json()?["model_name"], "org/c");
    assert_eq!(server.send(&Request::new("DELETE", &v2("org/c")))?.status, 404);
    Ok(())
}

#[test]
fn a_slash_belongs_to_the_name_of_a_legacy_record() -> Result<()> {
    let server = Server::start_direct()?;
    let metadata = format!("{V1}/model/org%2Fc/metadata");
    let correct = with_body("PUT", &metadata, APPROVER, &json!({"created_by": "someone"}));
    let answer = server.send(&correct)?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()?["metadata"], json!({"created_by": "someone"}));
    let delete = Request::new("DELETE", &format!("{V1}/model/org%2Fc"));
    assert_eq!(server.send(&delete.header("apikey", APPROVER))?.status, 204);
    let created = server.send(&with_body("POST", V1, APPROVER, &legacy("x/\u{e4}", "new")))?;
    let location = created.header("location").unwrap_or_default().to_owned();
    assert_eq!(location, "/model_references/v1/clip/model/x%2F%C3%A4");
    let delete = Request::new("DELETE", &location).header("apikey", APPROVER);
    assert_eq!(server.send(&delete)?.status, 204, "the location leads to the model");
    Ok(())
}

#[test]
fn records_are_found_by_the_name_they_say() -> Result<()> {
    let server = Server::start_direct()?;
    let renamed = json!({"key": {"name": "said", "type": "clip"}, "a": {"name": "a"}});
    server.data.write("legacy/clip.json", renamed.to_string().as_bytes())?;
    testkit::eventually(std::time::Duration::from_secs(10), || {
        let status = server.send(&Request::get(&v2("key")))?.status;
        anyhow::ensure!(status == 200, "{status}");
        Ok(())
    })?;
    let update = with_body("PUT", V1, APPROVER, &legacy("said", "new"));
    assert_eq!(server.send(&update)?.status, 200);
    assert_eq!(server.described("key")?, "new");
    assert_eq!(server.send(&Request::get(&v2("said")))?.status, 404);
    Ok(())
}

#[test]
fn names_that_cannot_be_stored_are_refused_at_once() -> Result<()> {
    let server = Server::start(&[])?;
    let long = legacy(&"x".repeat(9000), "new");
    assert_eq!(server.send(&with_body("POST", V2, REQUESTOR, &long))?.status, 422);
    Ok(())
}

#[test]
fn all_methods_of_a_path_are_listed() -> Result<()> {
    let server = Server::start_direct()?;
    let allowed = |target: &str| -> Result<Vec<String>> {
        let answer = server.send(&Request::new("PATCH", target))?;
        assert_eq!(answer.status, 405, "{target}");
        let list = answer.header("allow").unwrap_or_default().to_owned();
        let mut methods: Vec<_> = list.split(',').map(|method| method.trim().to_owned()).collect();
        methods.sort();
        Ok(methods)
    };
    assert_eq!(allowed(V1)?, ["GET", "HEAD", "POST", "PUT"]);
    assert_eq!(allowed(V2)?, ["GET", "HEAD", "POST"]);
    assert_eq!(allowed(&v2("a"))?, ["DELETE", "GET", "HEAD", "PUT"]);
    assert_eq!(
        allowed("/api/model_references/v1/text_generation")?,
        ["GET", "HEAD", "POST", "PUT"]
    );
    assert_eq!(allowed("/api/model_references/v1/lora")?, ["GET", "HEAD"]);
    Ok(())
}
