//! What happens to those who try keys, and while the AI-Horde does not answer: the real executable,
//! and an AI-Horde that does what the test says.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use testkit::{Answer, DataFolder, HttpStub, Launch, Request, Response, ServerProcess, eventually};

const ROLES: &str = "/api/model_references/v2/me/roles";
const GOOD: &str = "good-key";

/// A stand-in for the AI-Horde that knows one key.
struct Horde {
    stub: HttpStub,
    asked: Arc<AtomicUsize>,
    is_down: Arc<AtomicBool>,
}

impl Horde {
    fn start() -> Result<Self> {
        let (asked, is_down) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (count, down) = (Arc::clone(&asked), Arc::clone(&is_down));
        let stub = HttpStub::start(move |request| {
            count.fetch_add(1, Ordering::SeqCst);
            if down.load(Ordering::SeqCst) {
                return Answer::json(500, &serde_json::json!({}));
            }
            let is_good =
                request.headers.iter().any(|header| *header == ("apikey".into(), GOOD.into()));
            match is_good {
                true => Answer::json(200, &serde_json::json!({"username": "somebody#7"})),
                false => Answer::json(404, &serde_json::json!({"rc": "UserNotFound"})),
            }
        })?;
        Ok(Self { stub, asked, is_down })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn serve(&self, data: &DataFolder, settings: &[(&str, &str)]) -> Result<ServerProcess> {
        let mut launch =
            Launch::new(env!("CARGO_BIN_EXE_horde-model-reference"), data.cache_home())
                .env("AI_HORDE_URL", format!("{}/api", self.stub.base_url()));
        for (name, value) in settings {
            launch = launch.env(format!("HORDE_MODEL_REFERENCE_{name}"), *value);
        }
        launch.start()
    }
}

fn ask(server: &ServerProcess, key: &str) -> Result<Response> {
    server.send(&Request::get(ROLES).header("apikey", key))
}

fn ask_from(server: &ServerProcess, key: &str, client: &str) -> Result<u16> {
    let request = Request::get(ROLES).header("apikey", key).header("x-forwarded-for", client);
    Ok(server.send(&request)?.status)
}

#[test]
fn whoever_tries_many_keys_has_to_wait() -> Result<()> {
    let (horde, data) = (Horde::start()?, DataFolder::empty()?);
    let server = horde
        .serve(&data, &[("AUTH__FAILURES_PER_ADDRESS", "3"), ("AUTH__CACHE_SECONDS", "3600")])?;
    assert_eq!(ask(&server, GOOD)?.status, 200);
    for number in 0..3 {
        assert_eq!(ask(&server, &format!("guess-{number}"))?.status, 401);
    }
    let asked = horde.asked();
    let answer = ask(&server, "another")?;
    assert_eq!(answer.status, 429);
    let wait: u64 = answer.header("retry-after").unwrap_or_default().parse()?;
    assert!((1..=60).contains(&wait), "{wait}");
    assert!(answer.json()?["detail"].is_string());
    assert_eq!(horde.asked(), asked, "nobody is asked about it");
    assert_eq!(ask(&server, GOOD)?.status, 200, "a key that is remembered is let in");
    // An address that is only claimed changes nothing.
    assert_eq!(ask_from(&server, "another", "203.0.113.9")?, 429);
    Ok(())
}

#[test]
fn behind_a_trusted_proxy_clients_are_told_apart() -> Result<()> {
    let (horde, data) = (Horde::start()?, DataFolder::empty()?);
    let settings = [("AUTH__FAILURES_PER_ADDRESS", "2"), ("TRUSTED_PROXIES", "127.0.0.0/8")];
    let server = horde.serve(&data, &settings)?;
    for number in 0..2 {
        assert_eq!(ask_from(&server, &format!("guess-{number}"), "203.0.113.9")?, 401);
    }
    assert_eq!(ask_from(&server, GOOD, "203.0.113.9")?, 429);
    assert_eq!(ask_from(&server, GOOD, "198.51.100.1, 203.0.113.9")?, 429, "the last one counts");
    assert_eq!(ask_from(&server, GOOD, "198.51.100.1")?, 200);
    // Whoever has one address of a network of IPv6 has all.
    assert_eq!(ask_from(&server, "guess", "2001:db8::1")?, 401);
    assert_eq!(ask_from(&server, "guess", "2001:db8::2")?, 401);
    assert_eq!(ask_from(&server, "guess", "2001:db8::3")?, 429);
    assert_eq!(ask_from(&server, "guess", "2001:db8:0:1::3")?, 401);
    Ok(())
}

#[test]
fn a_key_of_nobody_is_refused_from_everywhere_after_a_while() -> Result<()> {
    let (horde, data) = (Horde::start()?, DataFolder::empty()?);
    let settings = [("AUTH__FAILURES_PER_KEY", "2"), ("TRUSTED_PROXIES", "127.0.0.1")];
    let server = horde.serve(&data, &settings)?;
    assert_eq!(ask_from(&server, "guess", "203.0.113.1")?, 401);
    assert_eq!(ask_from(&server, "guess", "203.0.113.2")?, 401);
    assert_eq!(ask_from(&server, "guess", "203.0.113.3")?, 429);
    assert_eq!(ask_from(&server, "other", "203.0.113.3")?, 401);
    Ok(())
}

#[test]
fn a_horde_that_does_not_answer_is_left_alone() -> Result<()> {
    let (horde, data) = (Horde::start()?, DataFolder::empty()?);
    let settings = [
        ("AUTH__BREAKER_FAILURES", "3"),
        ("AUTH__BREAKER_SECONDS", "3600"),
        ("AUTH__CACHE_SECONDS", "3600"),
    ];
    let server = horde.serve(&data, &settings)?;
    assert_eq!(ask(&server, GOOD)?.status, 200);
    horde.is_down.store(true, Ordering::SeqCst);
    for number in 0..20 {
        assert_eq!(ask(&server, &format!("key-{number}"))?.status, 503);
    }
    assert_eq!(horde.asked(), 1 + 3);
    assert_eq!(ask(&server, GOOD)?.status, 200, "a key that is remembered is let in");
    Ok(())
}

#[test]
fn after_a_while_it_is_tried_again() -> Result<()> {
    let (horde, data) = (Horde::start()?, DataFolder::empty()?);
    let settings = [("AUTH__BREAKER_FAILURES", "1"), ("AUTH__BREAKER_SECONDS", "1")];
    let server = horde.serve(&data, &settings)?;
    horde.is_down.store(true, Ordering::SeqCst);
    assert_eq!(ask(&server, GOOD)?.status, 503);
    horde.is_down.store(false, Ordering::SeqCst);
    eventually(Duration::from_secs(10), || {
        let status = ask(&server, GOOD)?.status;
        anyhow::ensure!(status == 200, "{status}");
        Ok(())
    })
}
