//! `If-Match` and `If-None-Match: *`: a change is made only to what the client has seen.

use anyhow::Result;
use testkit::Request;

use crate::setup::{APPROVER, REQUESTOR, Server, V1, V2, legacy, v2, with_body};

#[test]
fn proposals_are_refused_if_the_model_is_another_than_was_read() -> Result<()> {
    let server = Server::start(&[])?;
    let tag = server.tag("a")?;
    let update = with_body("PUT", &v2("a"), REQUESTOR, &legacy("a", "new"));
    let delete = Request::new("DELETE", &v2("a")).header("apikey", REQUESTOR);
    for request in [update, delete] {
        for (list, status) in [
            ("\"other\"".to_owned(), 412),
            (format!("W/{tag}"), 412),
            (tag.clone(), 202),
            (format!("\"other\", {tag}"), 202),
            ("*".to_owned(), 202),
        ] {
            let answer = server.send(&request.clone().header("if-match", &list))?;
            assert_eq!(answer.status, status, "{} {list}: {}", request.method, answer.text());
        }
        let answer = server.send(&request.clone().header("if-none-match", "*"))?;
        assert_eq!(answer.status, 412);
    }
    let create = |name: &str| with_body("POST", V2, REQUESTOR, &legacy(name, "new"));
    assert_eq!(server.send(&create("a").header("if-none-match", "*"))?.status, 412);
    assert_eq!(server.send(&create("a"))?.status, 409);
    assert_eq!(server.send(&create("n").header("if-none-match", "*"))?.status, 202);
    assert_eq!(server.send(&create("n").header("if-match", "*"))?.status, 412);
    let other = with_body("PUT", &v2("none"), REQUESTOR, &legacy("none", "new"));
    assert_eq!(server.send(&other.header("if-match", "*"))?.status, 412);
    Ok(())
}

#[test]
fn who_may_not_write_is_told_that_before_anything_about_the_model() -> Result<()> {
    let server = Server::start(&[])?;
    let update = with_body("PUT", &v2("a"), "nobody", &legacy("a", "new"));
    assert_eq!(server.send(&update.header("if-match", "\"other\""))?.status, 401);
    Ok(())
}

#[test]
fn of_many_direct_changes_of_one_state_one_is_made() -> Result<()> {
    let server = Server::start_direct()?;
    let tag = server.tag("a")?;
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let (server, tag) = (&server, &tag);
        let writers: Vec<_> = (0..8)
            .map(|number| {
                scope.spawn(move || {
                    let body = legacy("a", &format!("by {number}"));
                    let update = with_body("PUT", V1, APPROVER, &body).header("if-match", tag);
                    server.send(&update).expect("an answer").status
                })
            })
            // Others change other models of the category meanwhile, which is no mismatch.
            .chain((0..4).map(|number| {
                scope.spawn(move || {
                    let body = legacy(&format!("new {number}"), "beside");
                    server.send(&with_body("POST", V1, APPROVER, &body)).expect("an answer").status
                })
            }))
            .collect();
        writers.into_iter().map(|writer| writer.join().expect("no panic")).collect()
    });
    let (same, beside) = statuses.split_at(8);
    let made = same.iter().filter(|status| **status == 200).count();
    let refused = same.iter().filter(|status| **status == 412).count();
    assert_eq!((made, refused), (1, 7), "{statuses:?}");
    assert_eq!(beside, [201; 4]);
    Ok(())
}

#[test]
fn direct_changes_hold_their_conditions() -> Result<()> {
    let server = Server::start_direct()?;
    let create = |name: &str| with_body("POST", V1, APPROVER, &legacy(name, "new"));
    assert_eq!(server.send(&create("a").header("if-none-match", "*"))?.status, 412);
    assert_eq!(server.send(&create("a"))?.status, 409);
    assert_eq!(server.send(&create("n").header("if-none-match", "*"))?.status, 201);
    let delete = |name: &str| {
        Request::new("DELETE", &format!("{V1}/model/{name}")).header("apikey", APPROVER)
    };
    let old = server.tag("b")?;
    let update = with_body("PUT", V1, APPROVER, &legacy("b", "new"));
    assert_eq!(server.send(&update.header("if-match", &old))?.status, 200);
    assert_eq!(server.send(&delete("b").header("if-match", &old))?.status, 412);
    assert_eq!(server.described("b")?, "new");
    let tag = server.tag("b")?;
    assert_eq!(server.send(&delete("b").header("if-match", &tag))?.status, 204);
    assert_eq!(server.send(&delete("b"))?.status, 404);
    let metadata = format!("{V1}/model/a/metadata");
    let correct = with_body("PUT", &metadata, APPROVER, &serde_json::json!({"created_at": 5}));
    assert_eq!(server.send(&correct.clone().header("if-match", "\"other\""))?.status, 412);
    let tag = server.tag("a")?;
    assert_eq!(server.send(&correct.header("if-match", &tag))?.status, 200);
    Ok(())
}
