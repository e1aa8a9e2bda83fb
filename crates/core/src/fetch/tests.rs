//! Fetching against a server that does what the test says.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use testkit::{Answer, HttpStub, Request};

use super::*;

/// Asks a stub whose answers are given by the number of the request, counted from 0.
fn get(
    settings: FetchSettings,
    held_tag: Option<&str>,
    answer: impl Fn(u32, &Request) -> Answer + Send + Sync + 'static,
) -> (Result<Fetched, FetchError>, u32) {
    let count = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&count);
    let stub =
        HttpStub::start(move |request| answer(counted.fetch_add(1, Ordering::SeqCst), request));
    let stub = stub.unwrap();
    let url = format!("http://me:hunter2@{}/document", stub.address());
    let fetched = run(async { Fetcher::new(settings)?.get(&url, held_tag).await });
    (fetched, count.load(Ordering::SeqCst))
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn quick() -> FetchSettings {
    let ms = Duration::from_millis;
    FetchSettings {
        timeout: ms(5000),
        backoff: Backoff { base: ms(1), cap: ms(5) },
        max_bytes: 100,
        ..FetchSettings::default()
    }
}

fn respond(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut raw = format!(
        "HTTP/1.1 {status} Stub\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        raw.push_str(&format!("{name}: {value}\r\n"));
    }
    Answer::Raw(format!("{raw}\r\n{body}").into_bytes())
}

fn found(body: &str) -> Fetched {
    Fetched::Found { bytes: Bytes::copy_from_slice(body.as_bytes()), tag: None }
}

#[test]
fn a_document_comes_with_its_tag_and_is_asked_for_conditionally() {
    let tagged = |_, _: &Request| respond(200, &[("ETag", "\"a\"")], "{}");
    let (fetched, _) = get(quick(), None, tagged);
    let bytes = Bytes::from_static(b"{}");
    assert_eq!(fetched.unwrap(), Fetched::Found { bytes, tag: Some("\"a\"".into()) });
    let (fetched, _) = get(quick(), Some("\"a\""), |_, request| {
        let sent = request.headers.iter().find(|(name, _)| name == "if-none-match");
        let same = sent.is_some_and(|(_, tag)| tag == "\"a\"");
        respond(if same { 304 } else { 400 }, &[], "")
    });
    assert_eq!(fetched.unwrap(), Fetched::Unchanged);
}

#[test]
fn absence_and_refusals_are_final() {
    let (fetched, asked) = get(quick(), None, |_, _| respond(404, &[], "nothing"));
    assert_eq!((fetched.unwrap(), asked), (Fetched::Missing, 1));
    let (fetched, asked) = get(quick(), None, |_, _| respond(403, &[], ""));
    let error = fetched.unwrap_err().to_string();
    assert!(error.ends_with("/document answered 403"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
    assert_eq!(asked, 1);
}

#[test]
fn what_may_pass_is_tried_again() {
    let (fetched, asked) = get(quick(), None, |number, _| match number {
        0 => respond(503, &[], ""),
        1 => Answer::Close,
        _ => respond(200, &[], "{}"),
    });
    assert_eq!((fetched.unwrap(), asked), (found("{}"), 3));
    let half =
        |_, _: &Request| Answer::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".into());
    let (fetched, asked) = get(quick(), None, half);
    let error = fetched.unwrap_err().to_string();
    assert!(error.starts_with("cannot fetch http://me:***@"), "{error}");
    assert_eq!(asked, 3);
}

#[test]
fn a_server_may_ask_for_patience_within_the_budget() {
    let later = |seconds| {
        move |number, _: &Request| match number {
            0 => respond(429, &[("Retry-After", seconds)], ""),
            _ => respond(200, &[], "{}"),
        }
    };
    assert_eq!(get(quick(), None, later("0")).0.unwrap(), found("{}"));
    let begun = Instant::now();
    assert!(get(quick(), None, later("3600")).0.is_err());
    assert!(get(quick(), None, later("18446744073709551615")).0.is_err());
    assert!(begun.elapsed() < Duration::from_secs(4));
}

#[test]
fn silence_and_size_are_bounded() {
    let settings = FetchSettings { timeout: Duration::from_millis(300), ..quick() };
    let begun = Instant::now();
    let slow = |_, _: &Request| Answer::Respond {
        status: 200,
        content_type: "application/json".into(),
        body: b"{}".to_vec(),
        after: Duration::from_secs(2),
    };
    assert!(get(settings, None, slow).0.is_err());
    assert!(begun.elapsed() < Duration::from_millis(1500), "{:?}", begun.elapsed());
    let (fetched, asked) = get(quick(), None, |_, _| respond(200, &[], &"x".repeat(101)));
    assert!(fetched.unwrap_err().to_string().contains("larger than 100 bytes"));
    assert_eq!(asked, 1);
}

#[test]
fn few_redirects_are_followed() {
    let circle = |_, _: &Request| respond(302, &[("Location", "/document")], "");
    let (fetched, asked) = get(quick(), None, circle);
    assert!(fetched.unwrap_err().to_string().contains("too many redirects"));
    assert_eq!(asked, 4);
    let (fetched, _) = get(quick(), None, |number, _| match number {
        0..3 => respond(307, &[("Location", "/document")], ""),
        _ => respond(200, &[], "{}"),
    });
    assert_eq!(fetched.unwrap(), found("{}"));
}

#[test]
fn addresses_that_are_none_are_named() {
    let fetcher = Fetcher::new(quick()).unwrap();
    let error = run(fetcher.get("nowhere", None)).unwrap_err();
    assert!(matches!(error, FetchError::NoAddress { .. }), "{error}");
    let nobody = testkit::closed_port().unwrap();
    let error = run(fetcher.get(&nobody, None)).unwrap_err().to_string();
    assert!(error.contains("refused"), "{error}");
}
