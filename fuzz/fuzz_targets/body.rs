//! Bodies of requests that write: no answer is the server's fault, each says in the one shape of errors
//! what is wrong, and what is accepted becomes a payload that is accepted again as the same.
//!
//! The first byte chooses the route, the second the category; the rest is the body.
#![no_main]

use std::sync::LazyLock;

use axum::body::Body;
use horde_model_reference::backend::memory::Memory;
use horde_model_reference::catalogue::licensing::Definitions;
use horde_model_reference::json::Object;
use horde_model_reference::proposal::{
    LegacySubmission, MetadataCorrection, Submission, check_name,
};
use horde_model_reference::shape::Unknown;
use horde_model_reference::{Category, Format, Json};
use horde_model_reference_fuzz::category;
use horde_model_reference_fuzz::service::Service;
use http::header::CONTENT_TYPE;
use http::{Method, Request, StatusCode};
use libfuzzer_sys::fuzz_target;

/// The key is nobody's, which is told without asking: bodies are read before that.
const KEY: &[u8] = b"\xe9";

const ROUTES: [(Method, &str); 9] = [
    (Method::POST, "v2/{category}/add"),
    (Method::PUT, "v2/{category}/model/owl"),
    (Method::POST, "v1/{category}"),
    (Method::PUT, "v1/{category}"),
    (Method::PUT, "v1/{category}/model/owl/metadata"),
    (Method::POST, "v2/pending_queue/batches"),
    (Method::POST, "v2/pending_queue/changes/1/apply"),
    (Method::POST, "v2/pending_queue/apply"),
    (Method::POST, "v2/pending_queue/purge"),
];

static SERVICE: LazyLock<Service> =
    LazyLock::new(|| Service::over(Memory::default(), Format::Legacy));
static LICENSES: LazyLock<Definitions> = LazyLock::new(Definitions::packaged);

fuzz_target!(|input: &[u8]| {
    let Some((route, rest)) = input.split_first() else { return };
    let Some((category, body)) = category(rest) else { return };
    let (method, path) = &ROUTES[usize::from(route.wrapping_sub(b'a')) % ROUTES.len()];
    answers(method, &path.replace("{category}", category.name()), body);
    if let Ok(value) = Json::parse(body) {
        becomes_a_payload(category, &value);
        becomes_a_legacy_payload(category, &value);
        corrects(&value);
    }
});

fn answers(method: &Method, path: &str, body: &[u8]) {
    let request = Request::builder()
        .method(method)
        .uri(format!("/model_references/{path}"))
        .header("apikey", KEY)
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_vec()))
        .unwrap();
    let (head, told) = SERVICE.send(request);
    let expected = [
        StatusCode::BAD_REQUEST,
        StatusCode::UNAUTHORIZED,
        StatusCode::NOT_FOUND,
        StatusCode::METHOD_NOT_ALLOWED,
        StatusCode::UNPROCESSABLE_ENTITY,
    ];
    assert!(expected.contains(&head.status), "{} for {method} {path}", head.status);
    assert_eq!(head.headers[CONTENT_TYPE], "application/json");
    let told = Json::parse(&told).unwrap();
    assert!(told.get("detail").is_some(), "{told}");
}

/// As what is created, and as what replaces that.
fn becomes_a_payload(category: Category, body: &Json) {
    let read = |body: &Json, unknown| Submission::read(category, body, unknown, &|_| true);
    let Ok(submission) = read(body, Unknown::Keep) else { return };
    if check_name(submission.name()).is_err() {
        return;
    }
    let Ok(payload) = submission.clone().into_creation(&LICENSES, false) else { return };
    let again = printed_and_read(&payload);
    let again = read(&again, Unknown::Keep).unwrap_or_else(|issues| panic!("{issues:?}"));
    assert_eq!(again.name(), submission.name());
    let once_more = again.into_creation(&LICENSES, true).unwrap();
    assert_eq!(once_more, payload, "what was proposed is not what is proposed again");
    if let Ok(update) = submission.into_update(&payload.clone().into(), &LICENSES) {
        assert!(read(&printed_and_read(&update), Unknown::Keep).is_ok(), "{update:?}");
    }
}

fn becomes_a_legacy_payload(category: Category, body: &Json) {
    let Ok(submission) = LegacySubmission::read(category, body) else { return };
    if submission.check_text(true).is_err() {
        return;
    }
    for payload in [submission.payload(), submission.stored(), submission.answer()] {
        let again = LegacySubmission::read(category, &printed_and_read(&payload));
        let again = again.unwrap_or_else(|issues| panic!("{issues:?}"));
        assert_eq!(again.name(), submission.name());
        assert_eq!(again.payload(), submission.payload());
    }
}

fn corrects(body: &Json) {
    let Ok(correction) = MetadataCorrection::read(body) else { return };
    let (mut once, mut twice) = (Object::new(), Object::new());
    correction.apply(&mut once);
    correction.apply(&mut twice);
    correction.apply(&mut twice);
    assert_eq!(once, twice);
}

fn printed_and_read(members: &Object) -> Json {
    Json::parse(Json::Object(members.clone()).to_string().as_bytes()).unwrap()
}
