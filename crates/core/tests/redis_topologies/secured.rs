//! Servers that ask who is there, or that are reached by TLS or at a socket.

use horde_model_reference::settings::{self, Host, Secret, Value};
use testkit::{Certificates, RedisLaunch, RedisServer};

use crate::log;
use crate::pair::{Pair, asking};
use crate::stage::{at, until};

const PASSWORD: &str = "open-sesame-7Q";

fn with_password(settings: settings::Redis) -> settings::Redis {
    settings::Redis { password: Some(Secret::new(PASSWORD)), ..settings }
}

fn by_tls(port: u16, authority: &Certificates) -> settings::Redis {
    let tls_ca_file = Some(authority.authority());
    settings::Redis { host: Host::read("127.0.0.1"), tls: Some(true), tls_ca_file, ..at(port) }
}

fn works(settings: &settings::Redis, server: &RedisServer) {
    let pair = Pair::live(settings);
    pair.exchange("m");
    pair.agrees(asking(server));
    assert!(pair.reader.redis().status().scripts);
}

/// Nothing gets through, reads go on, and the log says why, once, with these words.
fn is_refused(settings: &settings::Redis, server: &RedisServer, reason: &str) {
    log::keep();
    let pair = Pair::over(settings);
    let address = format!("127.0.0.1:{}", server.port());
    // Two processes with three connections each.
    until("all is told", || log::lines_with(&address).len() >= 6);
    let told = log::lines_with(&address);
    assert!(told.iter().all(|line| line.contains(reason)), "{reason}: {told:#?}");
    assert!(!log::tells(PASSWORD));
    let status = pair.reader.redis().status();
    assert!(!status.is_connected && !format!("{status:?}").contains(PASSWORD), "{status:?}");
    assert!(!format!("{:?}", pair.reader.redis()).contains(PASSWORD));
    pair.writer.put("m");
    assert!(pair.writer.shows("m"));
    until("it was tried again", || pair.reader.counters().failures > 3);
    assert_eq!(log::lines_with(&address).len(), 6);
}

#[test]
fn a_password_is_given() {
    let server = RedisLaunch::new().password(PASSWORD).start().unwrap();
    works(&with_password(at(server.port())), &server);
}

/// Such a server repeats what it was sent, the password included.
#[test]
fn a_server_without_passwords_that_repeats_one_is_not_repeated() {
    let server = RedisLaunch::new().config("rename-command AUTH \"\"").start().unwrap();
    let mut settings = with_password(at(server.port()));
    settings.host = Host::read("127.0.0.1");
    is_refused(&settings, &server, "authentication failed");
}

#[test]
fn a_wrong_password_is_told_of_and_not_told() {
    let server = RedisLaunch::new().password("another").start().unwrap();
    let mut settings = with_password(at(server.port()));
    settings.host = Host::read("127.0.0.1");
    is_refused(&settings, &server, "authentication failed");
    settings.password = None;
    let pair = Pair::over(&settings);
    let needs = || log::lines_with(&format!("127.0.0.1:{}", server.port()));
    until("it is told", || needs().iter().any(|line| line.contains("NOAUTH")));
    drop(pair);
}

#[test]
fn a_server_is_known_by_its_authority() {
    let certificates = Certificates::new().unwrap();
    let server = RedisLaunch::new().password(PASSWORD).tls(&certificates).start().unwrap();
    works(&with_password(by_tls(server.port(), &certificates)), &server);
}

#[test]
fn a_certificate_is_shown_to_a_server_that_wants_one() {
    let certificates = Certificates::new().unwrap();
    let server = RedisLaunch::new().mutual_tls(&certificates).start().unwrap();
    let known = settings::Redis {
        tls_certificate_file: Some(certificates.client_certificate()),
        tls_key_file: Some(certificates.client_key()),
        ..by_tls(server.port(), &certificates)
    };
    works(&known, &server);
    let server = RedisLaunch::new().mutual_tls(&certificates).start().unwrap();
    let nobody = by_tls(server.port(), &certificates);
    is_refused(&with_password(nobody), &server, "CertificateRequired");
}

#[test]
fn a_server_of_another_authority_is_not_spoken_to() {
    let [ours, theirs] = [(); 2].map(|()| Certificates::new().unwrap());
    let server = RedisLaunch::new().password(PASSWORD).tls(&theirs).start().unwrap();
    let settings = with_password(by_tls(server.port(), &ours));
    is_refused(&settings, &server, "invalid peer certificate");
    let insecure = settings::Redis {
        url: settings::RedisUrl::read(&format!("rediss://127.0.0.1:{}#insecure", server.port())),
        host: None,
        tls_ca_file: None,
        ..settings
    };
    works(&insecure, &server);
}

#[test]
fn a_server_with_tls_is_not_spoken_to_without_nor_one_without_by_tls() {
    let certificates = Certificates::new().unwrap();
    let encrypted = RedisLaunch::new().password(PASSWORD).tls(&certificates).start().unwrap();
    let mut settings = with_password(at(encrypted.port()));
    settings.host = Host::read("127.0.0.1");
    is_refused(&settings, &encrypted, "a server that wants TLS");
    let plain = RedisLaunch::new().password(PASSWORD).start().unwrap();
    is_refused(&with_password(by_tls(plain.port(), &certificates)), &plain, "a server without TLS");
}

#[test]
fn a_socket_is_as_good_as_a_port() {
    let server = RedisLaunch::new().password(PASSWORD).start().unwrap();
    let socket = settings::Redis { port: None, socket: Some(server.socket()), ..at(1) };
    works(&with_password(socket), &server);
    let url = format!("unix://:{PASSWORD}@{}?db=3", server.socket().display());
    let by_url = settings::Redis { port: None, url: settings::RedisUrl::read(&url), ..at(1) };
    let pair = Pair::live(&by_url);
    pair.exchange("m");
    let copied = ["EXISTS", "horde:model_ref:category:clip"];
    let mut third = server.client().unwrap();
    third.command(&["SELECT", "3"]).unwrap();
    until("there is a copy", || third.command(&copied).unwrap().integer() == Some(1));
}
