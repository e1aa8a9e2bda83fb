//! Clients and machines that misbehave: the service answers the others, keeps its bounds, and never
//! serves what is old without saying so.

use std::time::Duration;

use testkit::{Connection, DataFolder, Launch, Request, ServerProcess, eventually, send};

const SOON: Duration = Duration::from_secs(10);

fn launch(data: &DataFolder) -> Launch {
    Launch::new(env!("CARGO_BIN_EXE_horde-model-reference"), data.cache_home())
}

fn is_alive(server: &ServerProcess) {
    assert_eq!(send(server.address(), &Request::get("/heartbeat")).unwrap().status, 200);
}

/// Reads until the server closes, within the time limit of the connection.
fn is_closed(mut connection: Connection) -> Vec<u8> {
    connection.set_read_timeout(SOON).unwrap();
    connection.read_to_end().expect("the server closes the connection")
}

#[test]
fn a_client_that_sends_nothing_or_half_a_head_is_let_go() {
    let data = DataFolder::empty().unwrap();
    let server =
        launch(&data).env("HORDE_MODEL_REFERENCE_HEADER_TIMEOUT_SECONDS", "1").start().unwrap();
    let silent = Connection::open(server.address()).unwrap();
    let mut half = Connection::open(server.address()).unwrap();
    half.write_raw(b"GET /heartbeat HTTP/1.1\r\nHost: x\r\nX-Slow: ").unwrap();
    let mut idle = Connection::open(server.address()).unwrap();
    assert_eq!(idle.send(&Request::get("/heartbeat")).unwrap().status, 200);
    assert!(is_closed(silent).is_empty());
    is_closed(half);
    is_closed(idle);
    is_alive(&server);
}

#[test]
fn nonsense_and_heads_without_end_are_refused() {
    let data = DataFolder::empty().unwrap();
    let server = launch(&data).start().unwrap();
    let endless = [b"GET / HTTP/1.1\r\n".as_slice(), &b"X-A: b\r\n".repeat(20_000)].concat();
    let long_target = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(100_000)).into_bytes();
    let rude: [(&[u8], &[&str]); 5] = [
        (b"\x16\x03\x01\x00\x00 hello", &["400"]),
        (b"GET / HTTP/9.9\r\n\r\n", &["400", "505"]),
        (b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", &["400"]),
        (&endless, &["431"]),
        (&long_target, &["414", "431"]),
    ];
    for (bytes, statuses) in rude {
        let mut connection = Connection::open(server.address()).unwrap();
        // The server may answer and close before all was sent.
        let _ = connection.write_raw(bytes);
        let answer = String::from_utf8_lossy(&is_closed(connection)).into_owned();
        let refused =
            statuses.iter().any(|status| answer.starts_with(&format!("HTTP/1.1 {status}")));
        assert!(refused, "{:?}… got {answer:.100}", &bytes[..16]);
        is_alive(&server);
    }
}

#[test]
fn connections_beyond_the_limit_wait_for_a_place() {
    let data = DataFolder::empty().unwrap();
    let server = launch(&data).env("HORDE_MODEL_REFERENCE_MAX_CONNECTIONS", "3").start().unwrap();
    let ask = |connection: &mut Connection| connection.send(&Request::get("/heartbeat"));
    let mut held: Vec<_> = (0..3)
        .map(|_| {
            let mut connection = Connection::open(server.address()).unwrap();
            assert_eq!(ask(&mut connection).unwrap().status, 200);
            connection
        })
        .collect();
    let mut waiting = Connection::open(server.address()).unwrap();
    waiting.set_read_timeout(Duration::from_millis(300)).unwrap();
    waiting.write_raw(b"GET /heartbeat HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert!(waiting.read_response(false).is_err(), "answered beyond the limit");
    held.pop();
    waiting.set_read_timeout(SOON).unwrap();
    assert_eq!(waiting.read_response(false).unwrap().status, 200);
}

#[test]
fn a_process_that_was_stopped_does_not_serve_what_changed_meanwhile() {
    let data = DataFolder::empty().unwrap();
    data.write("clip.json", br#"{"before":{}}"#).unwrap();
    let server = launch(&data).start().unwrap();
    let mut connection = Connection::open(server.address()).unwrap();
    let read = Request::get("/api/model_references/v2/clip");
    assert!(connection.send(&read).unwrap().text().contains("before"));
    for round in 0..10 {
        server.pause().unwrap();
        let name = format!("round {round}");
        data.write("clip.json", format!(r#"{{"{name}":{{}}}}"#).as_bytes()).unwrap();
        // The lease has to run out while the process stands still: time itself is the subject.
        std::thread::sleep(Duration::from_millis(150));
        connection
            .write_raw(b"GET /api/model_references/v2/clip HTTP/1.1\r\nHost: x\r\n\r\n")
            .unwrap();
        server.resume().unwrap();
        let first = connection.read_response(false).unwrap();
        assert!(first.text().contains(&name), "{}", first.text());
        assert_eq!(first.header("x-model-reference-stale"), None);
    }
}

#[test]
fn a_stop_lets_answers_under_way_end_and_takes_no_new_ones() {
    let data = DataFolder::empty().unwrap();
    let large: String = (0..40_000).map(|n| format!("\"m{n}\":{{}},")).collect();
    data.write("clip.json", format!("{{{large}\"end\":{{}}}}").as_bytes()).unwrap();
    let mut server = launch(&data).start().unwrap();
    let mut reading = Connection::open(server.address()).unwrap();
    reading.write_raw(b"GET /api/model_references/v2/clip HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let address = server.address();
    // Once the head is here, the body is under way.
    let (status, headers) = reading.read_head().unwrap();
    let length = headers.iter().find(|(name, _)| name == "content-length").unwrap().1.clone();
    let stopping = std::thread::spawn(move || server.terminate());
    let refused = eventually(SOON, || match Connection::open(address) {
        Err(_) => Ok(()),
        Ok(_) => Err("still accepting"),
    });
    let body = reading.read_to_end().unwrap();
    assert_eq!((status, body.len().to_string()), (200, length));
    stopping.join().unwrap().unwrap();
    refused.unwrap();
}

#[test]
fn a_client_that_does_not_read_is_cut_off() {
    let data = DataFolder::empty().unwrap();
    let large: String = (0..40_000).map(|n| format!("\"m{n}\":{{}},")).collect();
    data.write("clip.json", format!("{{{large}\"end\":{{}}}}").as_bytes()).unwrap();
    let server = launch(&data)
        .env("HORDE_MODEL_REFERENCE_STALL_TIMEOUT_SECONDS", "1")
        .env("HORDE_MODEL_REFERENCE_MAX_CONNECTIONS", "1")
        .start()
        .unwrap();
    let mut lazy = Connection::open(server.address()).unwrap();
    lazy.write_raw(b"GET /api/model_references/v2/clip HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let (status, _) = lazy.read_head().unwrap();
    assert_eq!(status, 200);
    // The only place is free again once the lazy client is cut off.
    let mut next = Connection::open(server.address()).unwrap();
    next.set_read_timeout(SOON).unwrap();
    assert_eq!(next.send(&Request::get("/heartbeat")).unwrap().status, 200);
}
