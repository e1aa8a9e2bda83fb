//! Whose key it is: the real executable, and an AI-Horde that does what the test says.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use testkit::{Answer, DataFolder, HttpStub, Launch, Request, Response, ServerProcess, eventually};

const ROLES: &str = "/api/model_references/v2/me/roles";
const KEY: &str = "hunter2-hunter2-hunter2";

/// A stand-in for the AI-Horde, and how often it was asked.
struct Horde {
    stub: HttpStub,
    asked: Arc<AtomicUsize>,
}

impl Horde {
    /// `answer` gets the number of the request, counted from 0, and the key.
    fn start(answer: impl Fn(usize, &str) -> Answer + Send + Sync + 'static) -> Result<Self> {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let stub = HttpStub::start(move |request| {
            let number = count.fetch_add(1, Ordering::SeqCst);
            assert_eq!(request.target, "/api/v2/find_user");
            let key = request.headers.iter().find(|(name, _)| name == "apikey");
            answer(number, key.map_or("", |(_, key)| key))
        })?;
        Ok(Self { stub, asked })
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

fn user(after: Duration) -> Answer {
    let body = br#"{"username": "somebody#7"}"#.to_vec();
    Answer::Respond { status: 200, content_type: "application/json".into(), body, after }
}

fn nobody() -> Answer {
    Answer::json(404, &serde_json::json!({"rc": "UserNotFound"}))
}

fn ask(server: &ServerProcess, key: &str) -> Result<Response> {
    server.send(&Request::get(ROLES).header("apikey", key))
}

/// The status and the words of a refusal.
fn refusal(answer: &Response) -> Result<(u16, String)> {
    let detail = answer.json()?["detail"].as_str().context("no detail")?.to_owned();
    Ok((answer.status, detail))
}

#[test]
fn requests_with_one_key_share_one_look_up() -> Result<()> {
    let horde = Horde::start(|_, _| user(Duration::from_millis(700)))?;
    let data = DataFolder::empty()?;
    let server = horde.serve(&data, &[("AUTH__CACHE_SECONDS", "0")])?;
    std::thread::scope(|scope| {
        let asks: Vec<_> = (0..24).map(|_| scope.spawn(|| ask(&server, KEY))).collect();
        for answer in asks {
            let answer = answer.join().expect("no panic").expect("an answer");
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    });
    assert_eq!(horde.asked(), 1);
    assert_eq!(ask(&server, KEY)?.status, 200);
    assert_eq!(horde.asked(), 2, "nothing is remembered");
    Ok(())
}

#[test]
fn a_client_that_leaves_does_not_take_the_answer_along() -> Result<()> {
    let horde = Horde::start(|_, _| user(Duration::from_millis(700)))?;
    let data = DataFolder::empty()?;
    let server = horde.serve(&data, &[])?;
    let mut leaving = TcpStream::connect(server.address())?;
    write!(leaving, "GET {ROLES} HTTP/1.1\r\nHost: x\r\napikey: {KEY}\r\n\r\n")?;
    eventually(Duration::from_secs(5), || match horde.asked() {
        1 => Ok(()),
        times => anyhow::bail!("asked {times} times"),
    })?;
    drop(leaving);
    assert_eq!(ask(&server, KEY)?.status, 200);
    assert_eq!(horde.asked(), 1);
    Ok(())
}

#[test]
fn answers_are_remembered_by_key_and_for_a_while() -> Result<()> {
    let horde = Horde::start(|_, key| if key == KEY { user(Duration::ZERO) } else { nobody() })?;
    let data = DataFolder::empty()?;
    let server = horde.serve(&data, &[("AUTH__CACHE_SECONDS", "1")])?;
    for _ in 0..3 {
        let answer = ask(&server, KEY)?;
        assert_eq!(answer.json()?["user_id"], "7");
        assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
        assert_eq!(ask(&server, &format!("\t{KEY} "))?.status, 200, "blanks do not count");
        let answer = ask(&server, "unknown")?;
        assert_eq!(refusal(&answer)?, (401, "Invalid API key".into()));
        assert_eq!(answer.header("www-authenticate"), None);
    }
    assert_eq!(horde.asked(), 2);
    eventually(Duration::from_secs(5), || {
        ask(&server, KEY)?;
        anyhow::ensure!(horde.asked() > 2, "still remembered");
        Ok(())
    })
}

#[test]
fn a_key_that_cannot_be_one_is_refused_without_asking() -> Result<()> {
    let horde = Horde::start(|_, _| user(Duration::ZERO))?;
    let data = DataFolder::empty()?;
    let server = horde.serve(&data, &[])?;
    assert_eq!(refusal(&ask(&server, "cl\u{e9}")?)?, (401, "Invalid API key".into()));
    for key in ["", " \t "] {
        let answer = ask(&server, key)?;
        assert_eq!(refusal(&answer)?, (401, "Not authenticated".into()));
        assert_eq!(answer.header("www-authenticate"), Some("APIKey"));
    }
    assert_eq!(horde.asked(), 0);
    Ok(())
}

#[test]
fn nobody_is_let_in_while_the_horde_cannot_tell_and_that_is_not_remembered() -> Result<()> {
    let horde = Horde::start(|number, _| match number {
        0 => Answer::json(500, &serde_json::json!({"message": "internal"})),
        1 => Answer::Close,
        2 => Answer::json(429, &serde_json::json!({})),
        3 => Answer::json(200, &serde_json::json!("words")),
        4 => user(Duration::from_secs(20)),
        5 => Answer::json(200, &serde_json::json!({"username": "x".repeat(2 << 20)})),
        _ => user(Duration::ZERO),
    })?;
    let data = DataFolder::empty()?;
    let server = horde.serve(&data, &[("AUTH__TIMEOUT_SECONDS", "1")])?;
    for number in 0..6 {
        let words = if number == 4 { "Auth service timed out" } else { "Auth service unavailable" };
        assert_eq!(refusal(&ask(&server, KEY)?)?, (503, words.into()), "answer {number}");
    }
    assert_eq!(ask(&server, KEY)?.status, 200);
    assert_eq!(horde.asked(), 7, "nothing was tried again by itself");
    Ok(())
}

#[test]
fn without_a_horde_there_are_no_roles_but_everything_else() -> Result<()> {
    let data = DataFolder::empty()?;
    let server = Launch::new(env!("CARGO_BIN_EXE_horde-model-reference"), data.cache_home())
        .env("AI_HORDE_URL", testkit::closed_port()?)
        .start()?;
    assert_eq!(refusal(&ask(&server, KEY)?)?, (503, "Auth service unavailable".into()));
    assert_eq!(server.send(&Request::get("/api/heartbeat"))?.status, 200);
    assert_eq!(server.send(&Request::get("/api/model_references/v2/ti"))?.status, 200);
    Ok(())
}

#[test]
fn keys_are_never_logged() -> Result<()> {
    let horde = Horde::start(|number, _| match number % 4 {
        0 => user(Duration::ZERO),
        1 => nobody(),
        2 => Answer::Close,
        _ => user(Duration::from_secs(20)),
    })?;
    let data = DataFolder::empty()?;
    let settings = [
        ("AUTH__CACHE_SECONDS", "0"),
        ("AUTH__TIMEOUT_SECONDS", "1"),
        ("LOG_LEVEL", "trace"),
        ("LOG_FORMAT", "json"),
    ];
    let server = horde.serve(&data, &settings)?;
    let statuses: Vec<_> = (0..4).map(|_| Ok(ask(&server, KEY)?.status)).collect::<Result<_>>()?;
    assert_eq!(statuses, [200, 401, 503, 503]);
    let log = server.log();
    assert!(log.contains("\"level\":\"TRACE\"") && log.contains(ROLES), "{log}");
    let bytes = format!("{:?}", KEY.as_bytes());
    for text in [KEY, "hunter2", bytes.trim_matches(['[', ']'])] {
        assert!(!log.contains(text), "the log tells a key");
    }
    Ok(())
}
