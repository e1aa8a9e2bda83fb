//! The process handling, tried on this very executable: called with `serve` it plays the server.

#![expect(clippy::disallowed_methods, reason = "the stand-in tells the environment it was given")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use testkit::{Answer, DataFolder, HttpStub, Launch, Request, eventually};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|first| first == "serve") {
        return play_the_server(&arguments);
    }
    if arguments.iter().any(|argument| argument == "--list") {
        // Runners that start a process per test ask for the names first; none is ignored.
        if !arguments.iter().any(|argument| argument == "--ignored") {
            println!("server_process: test");
        }
        return Ok(());
    }
    for (name, check) in [
        ("started_paused_restarted_and_stopped", started_paused_restarted_and_stopped as Check),
        ("a_failed_start_shows_the_log", a_failed_start_shows_the_log),
        ("a_start_that_never_ends_is_given_up", a_start_that_never_ends_is_given_up),
    ] {
        check().with_context(|| name.to_owned())?;
        println!("test {name} ... ok");
    }
    Ok(())
}

type Check = fn() -> Result<()>;

fn play_the_server(arguments: &[String]) -> Result<()> {
    let port = arguments.get(5).context("port")?.parse()?;
    println!("playing with {:?}", std::env::var("FATE"));
    let fate = std::env::var("FATE").unwrap_or_default();
    ensure!(fate != "fail", "nothing works today");
    let readiness = if fate == "hang" { 503 } else { 200 };
    let _stub = HttpStub::start_at(port, move |request| {
        let home = std::env::var("AIWORKER_CACHE_HOME").unwrap_or_default();
        let variables = std::env::vars().map(|(name, _)| name).collect::<Vec<_>>();
        match request.target.as_str() {
            "/readyz" => Answer::json(readiness, &serde_json::json!({})),
            _ => Answer::json(200, &serde_json::json!({ "home": home, "variables": variables })),
        }
    })?;
    loop {
        std::thread::park();
    }
}

fn launch(data: &DataFolder, fate: &str) -> Result<Launch> {
    let executable: PathBuf = std::env::current_exe()?;
    Ok(Launch::new(executable, data.cache_home()).env("FATE", fate))
}

fn started_paused_restarted_and_stopped() -> Result<()> {
    let data = DataFolder::empty()?;
    let mut server = launch(&data, "run")?.start()?;
    let seen = server.send(&Request::get("/"))?.json()?;
    ensure!(seen["home"] == data.cache_home().to_string_lossy().as_ref());
    ensure!(seen["variables"].as_array().is_some_and(|names| names.len() == 3), "{seen}");

    server.pause()?;
    let mut connection = testkit::Connection::open(server.address())?;
    connection.set_read_timeout(Duration::from_millis(200))?;
    ensure!(connection.send(&Request::get("/")).is_err(), "a paused server answered");
    server.resume()?;
    eventually(Duration::from_secs(5), || server.send(&Request::get("/")))?;

    let (before, address) = (server.id(), server.address());
    server.restart()?;
    ensure!(server.id() != before && server.address() == address);
    ensure!(server.log().matches("playing").count() == 2, "{}", server.log());
    server.kill()?;
    ensure!(server.send(&Request::get("/")).is_err());
    Ok(())
}

fn a_failed_start_shows_the_log() -> Result<()> {
    let failed = launch(&DataFolder::empty()?, "fail")?.start();
    let message = failed.err().context("it started")?.to_string();
    ensure!(message.contains("ended with") && message.contains("nothing works today"), "{message}");
    Ok(())
}

fn a_start_that_never_ends_is_given_up() -> Result<()> {
    let began = Instant::now();
    let launch = launch(&DataFolder::empty()?, "hang")?.ready_within(Duration::from_millis(300));
    let message = launch.start().err().context("it started")?.to_string();
    ensure!(message.contains("/readyz says 503"), "{message}");
    ensure!(began.elapsed() < Duration::from_secs(10));
    Ok(())
}
