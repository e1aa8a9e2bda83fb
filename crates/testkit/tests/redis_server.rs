//! A real Redis server does what a test asks of it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use testkit::{Certificates, RedisClient, RedisLaunch, RedisServer, Reply, eventually, run};

const SOON: Duration = Duration::from_secs(10);
/// Long enough for an answer that comes, short enough to wait for one that does not.
const A_WHILE: Duration = Duration::from_millis(300);

fn text(text: &str) -> Reply {
    Reply::Bulk(text.into())
}

#[test]
fn a_paused_server_lets_a_ping_hang() -> Result<()> {
    let server = RedisServer::start()?;
    let mut client = server.client()?;
    client.set_timeout(A_WHILE);
    server.pause()?;
    let error = client.command(&["PING"]).err().context("a paused server answered")?;
    ensure!(error.to_string().contains("no answer in time"), "{error}");
    server.resume()?;
    ensure!(server.command(&["PING"])? == Reply::Simple("PONG".into()));
    Ok(())
}

#[test]
fn a_killed_server_is_gone_and_comes_back_at_its_port() -> Result<()> {
    let mut server = RedisServer::start()?;
    let (port, id) = (server.port(), server.id());
    server.command(&["SET", "key", "1"])?;
    server.kill()?;
    ensure!(RedisClient::connect(server.address()).is_err());
    server.restart()?;
    ensure!(server.port() == port && server.id() != id);
    ensure!(server.command(&["GET", "key"])? == Reply::Nil);
    Ok(())
}

#[test]
fn a_restart_keeps_the_data_or_brings_older_data_or_none() -> Result<()> {
    let mut server = RedisServer::start()?;
    server.command(&["SET", "key", "old"])?;
    let old = server.dump()?;
    server.command(&["SET", "key", "new"])?;
    server.restart_with_data()?;
    ensure!(server.command(&["GET", "key"])? == text("new"));
    server.restart_from(&old)?;
    ensure!(server.command(&["GET", "key"])? == text("old"));
    server.restart()?;
    ensure!(server.command(&["GET", "key"])? == Reply::Nil);
    Ok(())
}

#[test]
fn a_password_and_users_are_asked_for() -> Result<()> {
    let server = RedisLaunch::new().password("se\"cret").config("maxmemory 3mb").start()?;
    ensure!(server.info("memory", "maxmemory")? == "3145728");
    let mut stranger = RedisClient::connect(server.address())?;
    let refusal = stranger.reply_to(&["GET", "key"])?;
    ensure!(matches!(&refusal, Reply::Error(words) if words.starts_with("NOAUTH")), "{refusal:?}");

    server.set_acl("reader", &["on", ">word", "+get", "~*"])?;
    stranger.command(&["AUTH", "reader", "word"])?;
    ensure!(stranger.command(&["GET", "key"])? == Reply::Nil);
    let error = stranger.command(&["SET", "key", "1"]).err().context("it may write")?;
    ensure!(error.to_string().starts_with("NOPERM"), "{error}");
    Ok(())
}

#[test]
fn messages_arrive_over_both_protocols_and_the_socket() -> Result<()> {
    let server = RedisServer::start()?;
    let mut older = server.client()?;
    older.subscribe(&["a", "b"])?;
    let mut newer = RedisClient::connect_unix(&server.socket())?;
    newer.command(&["HELLO", "3"])?;
    newer.psubscribe(&["a*"])?;
    // With the newer protocol commands go on working, and the message is not taken for their reply.
    ensure!(newer.command(&["PUBLISH", "a", "one"])? == Reply::Integer(2));
    for client in [&mut older, &mut newer] {
        let message = client.next_message(SOON)?.context("no message")?;
        ensure!(message.channel == "a" && message.payload == b"one", "{message:?}");
    }
    ensure!(older.next_message(A_WHILE)?.is_none());
    server.command(&["CLIENT", "KILL", "TYPE", "pubsub"])?;
    ensure!(older.next_message(SOON).is_err(), "the end of the connection went unnoticed");
    Ok(())
}

#[test]
fn every_server_is_one_of_its_own_and_ends_with_its_owner() -> Result<()> {
    let (first, second) = (RedisServer::start()?, RedisServer::start()?);
    first.command(&["SET", "key", "1"])?;
    ensure!(second.command(&["GET", "key"])? == Reply::Nil);
    let (address, folder) = (first.address(), first.socket());
    drop(first);
    ensure!(RedisClient::connect(address).is_err() && !folder.exists());
    Ok(())
}

#[test]
fn servers_of_other_versions_are_what_they_are_said_to_be() -> Result<()> {
    for executable in testkit::other_redis_servers() {
        let server = RedisLaunch::new().executable(&executable).start()?;
        let name =
            if executable.ends_with("valkey-server") { "valkey_version" } else { "redis_version" };
        let version = server.info("server", name)?;
        ensure!(version.starts_with("6.2.") || version.starts_with("9."), "{name} {version}");
        server.command(&["SET", "key", "1"])?;
        ensure!(server.command(&["GET", "key"])? == text("1"));
    }
    Ok(())
}

#[test]
fn a_failed_start_shows_the_log() -> Result<()> {
    let failed = RedisLaunch::new().config("no-such-directive 1").start();
    let message = failed.err().context("it started")?.to_string();
    ensure!(message.contains("no-such-directive"), "{message}");
    Ok(())
}

#[test]
fn tls_asks_for_trust_on_both_sides() -> Result<()> {
    let certificates = Certificates::new()?;
    let server = RedisLaunch::new().mutual_tls(&certificates).password("word").start()?;
    ensure!(server.url() == format!("rediss://:word@127.0.0.1:{}", server.port()));
    server.command(&["SET", "key", "1"])?;

    let trusted = cli_over_tls(&server, &certificates, true)?;
    ensure!(trusted.stdout.trim() == "1", "{trusted:?}");
    let strangers = Certificates::new()?;
    let stranger = cli_over_tls(&server, &strangers, true)?;
    ensure!(stranger.stderr.contains("certificate verify failed"), "{stranger:?}");
    let nameless = cli_over_tls(&server, &certificates, false)?;
    ensure!(nameless.stdout.trim() != "1" && nameless.code != Some(0), "{nameless:?}");
    Ok(())
}

#[test]
fn tls_without_certificates_of_clients() -> Result<()> {
    let certificates = Certificates::new()?;
    let server = RedisLaunch::new().tls(&certificates).password("word").start()?;
    server.command(&["SET", "key", "1"])?;
    let nameless = cli_over_tls(&server, &certificates, false)?;
    ensure!(nameless.stdout.trim() == "1", "{nameless:?}");
    let mut plain = RedisClient::connect(server.address())?;
    ensure!(plain.command(&["PING"]).is_err(), "the port speaks without TLS");
    Ok(())
}

/// Asks for the key as a client that shows its certificate or does not.
fn cli_over_tls(
    server: &RedisServer,
    certificates: &Certificates,
    shown: bool,
) -> Result<testkit::Ran> {
    let text = |path: std::path::PathBuf| path.to_string_lossy().into_owned();
    let (authority, port) = (text(certificates.authority()), server.port().to_string());
    let (certificate, key) =
        (text(certificates.client_certificate()), text(certificates.client_key()));
    let mut arguments = vec!["-h", "localhost", "-p", &port, "--tls", "--cacert", &authority];
    if shown {
        arguments.extend(["--cert", &certificate, "--key", &key]);
    }
    arguments.extend(["--no-auth-warning", "-a", "word", "GET", "key"]);
    run("redis-cli", std::path::Path::new("/"), &arguments)
}

#[test]
fn a_resumed_server_answers_what_was_asked_while_it_stood_still() -> Result<()> {
    let server = RedisServer::start()?;
    let mut client = server.client()?;
    server.pause()?;
    client.send(&["SET", "key", "1"])?;
    server.resume()?;
    eventually(SOON, || {
        ensure!(server.command(&["GET", "key"])? == text("1"));
        Ok(())
    })
}
