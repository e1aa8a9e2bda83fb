//! What the real executable tells of the cache that processes share in Redis, while it is there, after
//! it has gone, and where it belongs to others. Passwords are told nowhere.

use std::path::Path;
use std::time::Duration;

use testkit::{DataFolder, Launch, RedisLaunch, RedisServer, Request, ServerProcess, eventually};

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_horde-model-reference");
const SOON: Duration = Duration::from_secs(10);
const PASSWORD: &str = "hush-hush-4711";

fn examples() -> DataFolder {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data");
    DataFolder::filled_from(&folder).unwrap()
}

fn serve(data: &DataFolder, redis: &RedisServer) -> ServerProcess {
    let url = redis.url();
    assert!(url.contains(PASSWORD));
    Launch::new(EXECUTABLE, data.cache_home())
        .env("HORDE_MODEL_REFERENCE_REDIS__USE_REDIS", "true")
        .env("HORDE_MODEL_REFERENCE_REDIS__URL", url)
        .env("HORDE_MODEL_REFERENCE_LOG_LEVEL", "trace")
        .start()
        .unwrap()
}

fn json(server: &ServerProcess, path: &str) -> serde_json::Value {
    server.send(&Request::get(path)).unwrap().json().unwrap()
}

fn metrics(server: &ServerProcess) -> String {
    server.send(&Request::get("/metrics")).unwrap().text()
}

/// The value of a series whose name is given without the service's own beginning.
fn value(page: &str, series: &str) -> f64 {
    let start = format!("model_reference_{series} ");
    let value = page.lines().find_map(|line| line.strip_prefix(&start));
    value.unwrap_or_else(|| panic!("no {series} in\n{page}")).parse().unwrap()
}

fn await_metric(server: &ServerProcess, series: &str, is_right: impl Fn(f64) -> bool) -> String {
    let found = eventually(SOON, || {
        let page = metrics(server);
        if is_right(value(&page, series)) { Ok(page) } else { Err(page) }
    });
    found.unwrap_or_else(|page| panic!("{series} is not as it should be:\n{page}"))
}

fn assert_told_nowhere(server: &ServerProcess) {
    let pages = ["/metrics", "/status", "/readyz"];
    let pages = pages.map(|path| server.send(&Request::get(path)).unwrap().text());
    for text in pages.iter().chain([&server.log()]) {
        assert!(!text.is_empty() && !text.contains(PASSWORD), "{text}");
    }
}

#[test]
fn an_operator_sees_the_cache_come_and_go() {
    let (data, mut redis) = (examples(), RedisLaunch::new().password(PASSWORD).start().unwrap());
    let server = serve(&data, &redis);
    let before = await_metric(&server, "redis_live", |value| value == 1.0);
    assert_eq!(value(&before, r#"redis_link_up{link="commands"}"#), 1.0);
    assert_eq!(value(&before, "redis_other_directory"), 0.0);
    await_metric(&server, r#"redis_link_up{link="values"}"#, |value| value == 1.0);
    let status = json(&server, "/status")["redis"].clone();
    let told = |name: &str| status[name].as_str().unwrap_or_default().to_owned();
    assert_eq!([told("link"), told("breaker"), told("subscription")], ["up", "closed", "live"]);
    assert!(told("server").contains(&format!("127.0.0.1:{}/", redis.port())), "{status}");
    let well = serde_json::json!({"files": true, "live": true, "redis": true});
    assert_eq!(json(&server, "/readyz")["parts"], well);

    let announced = r#"redis_announcements_total{result="raised"}"#;
    let known = value(&metrics(&server), announced);
    data.write("clip.json", br#"{"a":{"name":"a"},"b":{"name":"b"}}"#).unwrap();
    await_metric(&server, announced, |value| value > known);

    redis.kill().unwrap();
    for link in ["commands", "values"] {
        await_metric(&server, &format!("redis_link_up{{link=\"{link}\"}}"), |value| value == 0.0);
    }
    await_metric(&server, "redis_live", |value| value == 0.0);
    let status = json(&server, "/status")["redis"].clone();
    assert_eq!((&status["link"], &status["breaker"]), (&"down".into(), &"open".into()));
    assert_ne!(status["subscription"], "live");
    let read = server.send(&Request::get("/api/model_references/v2/clip")).unwrap();
    assert_eq!(read.status, 200);
    assert!(read.json().unwrap().get("b").is_some());
    let ready = server.send(&Request::get("/readyz")).unwrap();
    let gone = serde_json::json!({"files": true, "live": false, "redis": false});
    assert_eq!((ready.status, &ready.json().unwrap()["parts"]), (200, &gone));
    assert_told_nowhere(&server);

    redis.restart().unwrap();
    await_metric(&server, "redis_live", |value| value == 1.0);
    assert_told_nowhere(&server);
}

#[test]
fn a_prefix_of_another_directory_is_a_problem_that_is_shown() {
    let redis = RedisLaunch::new().password(PASSWORD).start().unwrap();
    let (data, other) = (examples(), examples());
    let first = serve(&data, &redis);
    await_metric(&first, "redis_live", |value| value == 1.0);
    let second = serve(&other, &redis);
    await_metric(&second, "redis_other_directory", |value| value == 1.0);
    let (status, ready) = (json(&second, "/status"), json(&second, "/readyz"));
    assert!(status["redis"]["other_directory"].is_string());
    let parts = serde_json::json!({"files": true, "live": false, "redis": true});
    assert_eq!((&ready["status"], &ready["parts"]), (&"ready".into(), &parts));

    let urls = [&*first.base_url(), &*second.base_url()];
    let ran = testkit::run(EXECUTABLE, Path::new("/"), &["status", urls[0], urls[1]]).unwrap();
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].contains(" SUBSCRIPTION "), "{}", lines[0]);
    let cells = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(cells(lines[1])[4..7], ["up", "closed", "live"], "{}", lines[1]);
    assert!(lines[1].ends_with("none"), "{}", lines[1]);
    assert!(lines[2].ends_with("its key prefix in redis belongs to another data directory"));
}

#[test]
fn a_server_without_a_cache_has_nothing_to_tell_of_it() {
    let data = examples();
    let server = Launch::new(EXECUTABLE, data.cache_home()).start().unwrap();
    assert!(!metrics(&server).contains("redis"));
    assert!(json(&server, "/status")["redis"].is_null());
    let parts = serde_json::json!({"files": true, "live": null, "redis": null});
    assert_eq!(json(&server, "/readyz")["parts"], parts);
}
