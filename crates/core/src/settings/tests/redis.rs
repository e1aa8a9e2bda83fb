//! Where Redis is, said in an address, in single variables, or in both; and that passwords stay
//! hidden however wrongly it is said.

use std::fmt::Write;

use super::super::redis_target::{Node, Target, TargetError, Tls, Topology};
use super::*;

const PREFIX: &str = "HORDE_MODEL_REFERENCE_REDIS__";

/// The environment of a PRIMARY that uses Redis, with these settings of the group.
fn sources(members: &[(&str, &str)]) -> Sources {
    let always = [
        ("HORDE_MODEL_REFERENCE_REPLICATE_MODE".to_owned(), "PRIMARY"),
        ("HORDE_MODEL_REFERENCE_PENDING_QUEUE__APPROVER_IDS".to_owned(), "1"),
        (format!("{PREFIX}USE_REDIS"), "true"),
    ];
    let members = members.iter().map(|(name, value)| (format!("{PREFIX}{name}"), *value));
    let environment = always.into_iter().chain(members);
    let environment = environment.map(|(name, value)| (name.into(), value.into())).collect();
    Sources { environment, ..Sources::default() }
}

fn loaded(members: &[(&str, &str)]) -> Loaded<Settings> {
    Settings::load(&sources(members)).unwrap()
}

fn target(members: &[(&str, &str)]) -> Target {
    loaded(members).settings.redis.target().unwrap()
}

fn shown(members: &[(&str, &str)]) -> String {
    let target = target(members);
    assert_eq!(format!("{target:?}"), target.to_string());
    target.to_string()
}

/// What is wrong with the settings: each line a variable without prefix, its value, and what is
/// accepted.
fn refused(members: &[(&str, &str)]) -> String {
    let error = Settings::load(&sources(members)).unwrap_err();
    let mut lines = String::new();
    for problem in &error.problems {
        let Problem::Value { variable, value, accepted, .. } = problem else { panic!("{error}") };
        writeln!(lines, "{variable} {value}: {accepted}").unwrap();
    }
    lines.replace(PREFIX, "").trim_end().to_owned()
}

fn password(target: &Target) -> Option<&str> {
    target.password.as_ref().map(Secret::expose)
}

#[test]
fn nothing_said_is_the_server_of_this_machine() {
    let target = target(&[]);
    assert_eq!(target.topology, Topology::Standalone);
    assert_eq!(target.nodes, [Node::Tcp { host: "localhost".into(), port: 6379 }]);
    assert_eq!((target.username, target.password, target.database), (None, None, 0));
    assert_eq!(target.tls, None);
    assert_eq!(loaded(&[]).notes, [""; 0]);
}

#[test]
fn every_form_of_address_is_understood() {
    for (url, expected) in [
        ("redis://h", "redis://h:6379/0"),
        ("valkey://h:1/", "redis://h:1/0"),
        ("redis://h:1/2/", "redis://h:1/2"),
        ("redis://h?db=3&protocol=resp3", "redis://h:6379/3"),
        ("redis://h/3?db=3&protocol=2", "redis://h:6379/3"),
        ("redis://[::1]:1/2", "redis://[::1]:1/2"),
        ("redis://me:a@h", "redis://me:***@h:6379/0"),
        ("redis://:a@h", "redis://:***@h:6379/0"),
        ("redis://h?user=me&pass=a", "redis://me:***@h:6379/0"),
        ("redis://m%0ae:a@h", "redis://m\\ne:***@h:6379/0"),
        ("rediss://h", "rediss://h:6379/0"),
        ("valkeys://h/1#insecure", "rediss://h:6379/1#insecure"),
        ("unix:///run/r.sock", "unix:///run/r.sock?db=0"),
        ("redis+unix:///run/a%20b.sock?db=1", "unix:///run/a b.sock?db=1"),
        ("valkey+unix:///r?username=me&password=a&db=1", "unix://me:***@/r?db=1"),
        ("unix://me:a@/r?db=1", "unix://me:***@/r?db=1"),
    ] {
        assert_eq!(shown(&[("URL", url)]), expected, "{url}");
    }
}

#[test]
fn users_and_passwords_are_decoded() {
    for (url, username, word) in [
        ("redis://h%2Fe:%40%3a%2F%25@h", Some("h/e"), Some("@:/%")),
        ("redis://:a+b@h", None, Some("a+b")),
        ("redis://:100%@h", None, Some("100%")),
        ("redis://:p%C3%A4ss@h", None, Some("päss")),
        ("redis://:@h", None, None),
        ("unix://me:%40@/run/r.sock", Some("me"), Some("@")),
        ("unix:///run/r.sock?password=%40", None, Some("@")),
    ] {
        let target = target(&[("URL", url)]);
        assert_eq!((target.username.as_deref(), password(&target)), (username, word), "{url}");
    }
}

#[test]
fn addresses_that_say_too_much_or_nonsense_are_refused() {
    let expect = |url: &str, shown: &str, accepted: &str| {
        let refused = refused(&[("URL", url)]);
        let start = format!("URL {shown:?}: ");
        assert!(refused.starts_with(&start) && refused.contains(accepted), "{url}: {refused}");
        assert_eq!(refused.lines().count(), 1, "{refused}");
    };
    expect("redis://h/x", "redis://h/x", "number of the database");
    expect("redis://h/-1", "redis://h/-1", "number of the database");
    expect("redis://h?db=x", "redis://h?db=x", "number of the database");
    expect("redis://h/1?db=2", "redis://h/1?db=2", "one database");
    expect("redis://h?protocol=4", "redis://h?protocol=4", "protocol is 2 or 3");
    expect("redis://:a@h?password=b", "redis://:***@h?***", "one password");
    expect("redis://me:a@h?user=you", "redis://me:***@h?user=you", "one user");
    expect("redis://h?timeout=1", "redis://h?timeout=1", "no other parameters");
    expect("redis://h#insecure", "redis://h#insecure", "only with rediss://");
    expect("rediss://h#secure", "rediss://h#secure", "nothing after # but insecure");
    expect("unix:///r#insecure", "unix:///r#insecure", "only with rediss://");
    expect("redis://h:0", "redis://h:0", "port from 1");
    expect("unix://run/r.sock", "unix://run/r.sock", "three slashes");
    expect("redis://:%ff@h", "redis://:***@h", "UTF-8");
    // Likely a password without its colon; it would be sent to nobody.
    expect("redis://hunter2@h", "redis://***@h", ":password@ is one without a user");
}

#[test]
fn variables_alone_are_enough() {
    assert_eq!(shown(&[("HOST", "h")]), "redis://h:6379/0");
    assert_eq!(shown(&[("PORT", "1")]), "redis://localhost:1/0");
    assert_eq!(shown(&[("HOST", "[::1]"), ("DATABASE", "2")]), "redis://[::1]:6379/2");
    assert_eq!(shown(&[("HOST", "h"), ("TLS", "yes")]), "rediss://h:6379/0");
    assert_eq!(shown(&[("SOCKET", "/r"), ("DATABASE", "1")]), "unix:///r?db=1");
    let target = target(&[("USERNAME", "me"), ("PASSWORD", "%40"), ("HOST", "h")]);
    assert_eq!(target.to_string(), "redis://me:***@h:6379/0");
    assert_eq!(password(&target), Some("%40"), "not decoded");
}

#[test]
fn variables_complete_the_address() {
    let url = ("URL", "redis://me@h");
    let with_password = target(&[url, ("PASSWORD", "a")]);
    assert_eq!(with_password.to_string(), "redis://me:***@h:6379/0");
    assert_eq!(password(&with_password), Some("a"));
    let more = [("PORT", "1"), ("DATABASE", "2"), ("USERNAME", "me"), ("PASSWORD", "a")];
    assert_eq!(shown(&[&[("URL", "redis://h")], more.as_slice()].concat()), "redis://me:***@h:1/2");
    let same = [("HOST", "H"), ("TLS", "true")];
    assert_eq!(
        shown(&[&[("URL", "rediss://:a@h:1/2")], more.as_slice(), &same].concat()),
        "rediss://me:***@h:1/2"
    );
    let socket = [("URL", "unix:///r"), ("SOCKET", "/r"), ("TLS", "false")];
    assert_eq!(shown(&socket), "unix:///r?db=0");
}

#[test]
fn what_differs_from_the_address_is_refused() {
    let url = ("URL", "redis://me:a@h:1/2");
    for (name, value, shown) in [
        ("HOST", "other", "other"),
        ("PORT", "2", "2"),
        ("USERNAME", "you", "you"),
        ("PASSWORD", "b", "***"),
        ("DATABASE", "0", "0"),
    ] {
        assert_eq!(
            refused(&[url, (name, value)]),
            format!("{name} {shown:?}: what URL says, or null")
        );
    }
    assert_eq!(
        refused(&[url, ("TLS", "true")]),
        r#"TLS "true": what URL says (rediss:// is with TLS), or null"#
    );
    assert_eq!(refused(&[url, ("SOCKET", "/r")]), r#"SOCKET "/r": null, because URL names a host"#);
    assert_eq!(
        refused(&[("URL", "unix:///r"), ("SOCKET", "/s"), ("HOST", "h")]),
        "SOCKET \"/s\": what URL says, or null\nHOST \"h\": null, because SOCKET names a socket"
    );
    // Also where the address is the usual one: it was said.
    let url = ("URL", "redis://localhost:6379/0");
    assert_eq!(refused(&[url, ("HOST", "h")]), r#"HOST "h": what URL says, or null"#);
}

#[test]
fn a_socket_leaves_no_room_for_hosts_and_encryption() {
    assert_eq!(
        refused(&[("SOCKET", "/r"), ("HOST", "h"), ("PORT", "1"), ("TLS", "true")]),
        "HOST \"h\": null, because SOCKET names a socket\n\
         PORT \"1\": null, because SOCKET names a socket\n\
         TLS \"true\": false or null for a socket, which leaves no machine"
    );
    assert_eq!(
        refused(&[("URL", "unix:///r"), ("HOST", "h")]),
        r#"HOST "h": null, because URL names a socket"#
    );
}

#[test]
fn sentinels_know_the_server() {
    let mode = ("MODE", "Sentinel");
    let nodes = ("NODES", "a, b:1, [::1]:2");
    let service = "sentinel mymaster at";
    assert_eq!(shown(&[mode, nodes]), format!("{service} a:26379, b:1, [::1]:2"));
    assert_eq!(shown(&[mode, nodes, ("PORT", "7")]), format!("{service} a:7, b:1, [::1]:2"));
    assert_eq!(shown(&[mode, ("URL", "redis://h/1")]), format!("{service} h:26379, database 1"));
    assert_eq!(shown(&[mode, ("HOST", "h"), ("PORT", "7")]), format!("{service} h:7"));
    assert_eq!(
        shown(&[mode, nodes, ("URL", "rediss://:x@b:1#insecure")]),
        format!("{service} a:26379, b:1, [::1]:2, with TLS that verifies nobody")
    );
    let target = target(&[
        mode,
        nodes,
        ("TLS", "1"),
        ("SENTINEL_SERVICE", "horde"),
        ("SENTINEL_USERNAME", "s"),
        ("SENTINEL_PASSWORD", "hunter2"),
        ("PASSWORD", "hunter3"),
    ]);
    assert_eq!(format!("{target:?}"), "sentinel horde at a:26379, b:1, [::1]:2, with TLS");
    assert_eq!(password(&target), Some("hunter3"));
    let Topology::Sentinel { service, username, password } = &target.topology else {
        panic!("{target}")
    };
    assert_eq!((service.as_str(), username.as_deref()), ("horde", Some("s")));
    assert_eq!(password.as_ref().map(Secret::expose), Some("hunter2"));
    assert_eq!(format!("{:?}", target.topology), "sentinel horde");
}

#[test]
fn nodes_of_a_cluster() {
    let mode = ("MODE", "cluster");
    let nodes =
        [Node::Tcp { host: "a".into(), port: 6379 }, Node::Tcp { host: "b".into(), port: 1 }];
    let of_cluster = target(&[mode, ("NODES", r#"["a", "b:1"]"#), ("DATABASE", "0")]);
    assert_eq!((of_cluster.topology, of_cluster.nodes.as_slice()), (Topology::Cluster, &nodes[..]));
    assert_eq!(shown(&[mode, ("URL", "redis://me:a@h")]), "cluster at h:6379");
    assert_eq!(
        refused(&[mode, ("HOST", "h"), ("DATABASE", "1")]),
        r#"DATABASE "1": 0, because MODE is cluster"#
    );
    assert_eq!(
        refused(&[mode, ("URL", "redis://:hunter2@h/1")]),
        r#"URL "redis://:***@h/1": an address with database 0, because MODE is cluster"#
    );
}

#[test]
fn modes_and_places_that_do_not_fit_are_refused() {
    assert_eq!(
        refused(&[("MODE", "sentinel")]),
        r#"MODE "sentinel": standalone, unless NODES names at least one"#
    );
    assert_eq!(
        refused(&[("NODES", "a:1")]),
        r#"NODES "a:1": empty, unless MODE is sentinel or cluster"#
    );
    let nodes = [("MODE", "cluster"), ("NODES", "a:1")];
    assert_eq!(
        refused(&[nodes[0], nodes[1], ("URL", "redis://:hunter2@h")]),
        r#"URL "redis://:***@h": an address with one of NODES"#
    );
    assert_eq!(refused(&[nodes[0], nodes[1], ("HOST", "h")]), r#"HOST "h": one of NODES, or null"#);
    assert_eq!(
        refused(&[nodes[0], nodes[1], ("SOCKET", "/r")]),
        r#"SOCKET "/r": null, because MODE is cluster"#
    );
    assert_eq!(
        refused(&[nodes[0], nodes[1], ("URL", "unix:///r")]),
        r#"URL "unix:///r": an address with a host, because MODE is cluster"#
    );
    assert_eq!(
        refused(&[("MODE", "sentinel"), ("HOST", "h"), ("SENTINEL_SERVICE", "a b")]),
        r#"SENTINEL_SERVICE "a b": a text without blanks, such as mymaster"#
    );
    assert_eq!(
        refused(&[("MODE", "sentinel"), ("HOST", "h"), ("SENTINEL_USERNAME", "s")]),
        r#"SENTINEL_USERNAME "s": null without SENTINEL_PASSWORD"#
    );
    assert_eq!(
        refused(&[("USERNAME", "me")]),
        r#"USERNAME "me": a user with a password, which PASSWORD may hold too"#
    );
}

#[test]
fn settings_of_sentinels_without_sentinels_are_mentioned() {
    let loaded = loaded(&[("SENTINEL_PASSWORD", "hunter2")]);
    let note = "SENTINEL_PASSWORD has no effect, because MODE is not sentinel.";
    let notes: Vec<_> = loaded.notes.iter().map(|note| note.replace(PREFIX, "")).collect();
    assert_eq!(notes, [note]);
}

#[test]
fn files_for_encryption_are_tried_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.pem");
    std::fs::write(&file, "").unwrap();
    let (file, absent) = (file.to_str().unwrap(), "/absent/b.pem");
    let encrypted = ("URL", "rediss://h");
    let (ca, certificate, key) =
        (("TLS_CA_FILE", file), ("TLS_CERTIFICATE_FILE", file), ("TLS_KEY_FILE", file));
    let path = Some(PathBuf::from(file));
    assert_eq!(
        target(&[encrypted, ca, certificate, key]).tls,
        Some(Tls {
            ca_file: path.clone(),
            certificate_file: path.clone(),
            key_file: path,
            insecure: false
        })
    );
    assert_eq!(
        refused(&[encrypted, certificate]),
        format!("TLS_CERTIFICATE_FILE {file:?}: null without TLS_KEY_FILE")
    );
    assert_eq!(
        refused(&[encrypted, key]),
        format!("TLS_KEY_FILE {file:?}: null without TLS_CERTIFICATE_FILE")
    );
    assert_eq!(
        refused(&[("URL", "redis://h"), ca]),
        format!("TLS_CA_FILE {file:?}: null for connections without TLS")
    );
    let refused_absent = refused(&[encrypted, ("TLS_CA_FILE", absent)]);
    assert!(
        refused_absent.starts_with(&format!("TLS_CA_FILE {absent:?}: a file that can be read (")),
        "{refused_absent}"
    );
    let parent = folder.path().to_str().unwrap();
    assert!(refused(&[encrypted, ("TLS_CA_FILE", parent)]).contains("directory"));
}

#[test]
fn only_a_cluster_has_shards() {
    let sharded = ("SHARDED_PUBSUB", "true");
    assert!(loaded(&[("MODE", "cluster"), ("HOST", "h"), sharded]).settings.redis.sharded_pubsub);
    for others in [&[][..], &[("MODE", "sentinel"), ("HOST", "h")]] {
        assert_eq!(
            refused(&[others, &[sharded]].concat()),
            "SHARDED_PUBSUB \"true\": false, unless HORDE_MODEL_REFERENCE_REDIS__MODE is cluster"
                .replace(PREFIX, "")
        );
    }
}

#[test]
fn a_prefix_is_one_word_and_its_braces_hold_something_in_a_cluster() {
    let cluster = [("MODE", "cluster"), ("HOST", "h")];
    for prefix in ["horde:model_ref", "{horde}:x", "a{b}c{}", "ä"] {
        assert_eq!(loaded(&[("KEY_PREFIX", prefix)]).settings.redis.key_prefix, prefix);
        loaded(&[cluster[0], cluster[1], ("KEY_PREFIX", prefix)]);
    }
    for prefix in ["", " ", "a b", "a\n", "a\u{0}"] {
        assert_eq!(
            refused(&[("KEY_PREFIX", prefix)]),
            format!("KEY_PREFIX {prefix:?}: a text without blanks, such as horde:model_ref")
        );
    }
    for prefix in ["{", "a{}", "{}{a}", "a{b"] {
        loaded(&[("KEY_PREFIX", prefix)]);
        let refused = refused(&[cluster[0], cluster[1], ("KEY_PREFIX", prefix)]);
        assert!(refused.starts_with("KEY_PREFIX ") && refused.contains("slot"), "{refused}");
    }
}

#[test]
fn where_redis_is_matters_only_to_those_who_use_it() {
    let wrong = [("SOCKET", "/r"), ("HOST", "h"), ("KEY_PREFIX", "")];
    for (name, value) in [
        (format!("{PREFIX}USE_REDIS"), "false"),
        ("HORDE_MODEL_REFERENCE_REPLICATE_MODE".to_owned(), "REPLICA"),
        ("HORDE_MODEL_REFERENCE_OFFLINE".to_owned(), "true"),
    ] {
        let mut sources = sources(&wrong);
        assert!(Settings::load(&sources).is_err());
        sources.overrides.push((name, value.into()));
        assert!(!Settings::load(&sources).unwrap().settings.redis.use_redis);
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once_also_without_a_reader() {
    let redis = Redis {
        url: RedisUrl::read("redis://:hunter2@h/x"),
        password: Some(Secret::new("hunter2")),
        tls_ca_file: Some("/a".into()),
        ..Redis::default()
    };
    let error: TargetError = redis.target().unwrap_err();
    assert_eq!(
        error.to_string().replace(PREFIX, ""),
        "the settings do not say where Redis is:\n  \
         URL cannot be \"redis://:***@h/x\"\n    \
         accepted: an address with the number of the database in its path or `db`\n  \
         TLS_CA_FILE cannot be \"/a\"\n    \
         accepted: null for connections without TLS"
    );
}

/// Passwords of many kinds, always the same ones, so that a failure comes back.
fn passwords() -> impl Iterator<Item = String> {
    let letters: Vec<char> =
        "abcXYZ0123456789:/?#[]@!$&'()*+,;=%-._~ \"<>\\^`{|}äß漢🔑".chars().collect();
    let mut state = 1_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 16) as usize % below
    };
    (0..60).map(move |_| {
        let length = 12 + random(12);
        (0..length).map(|_| letters[random(letters.len())]).collect()
    })
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"))
}

/// All that a process could say about settings, and whether it would start with them.
fn said(sources: &Sources) -> (String, bool) {
    match Settings::load(sources) {
        Err(error) => (format!("{error} {error:?}"), false),
        Ok(loaded) => {
            let target = loaded.settings.redis.target().unwrap();
            let Target { topology, .. } = &target;
            (format!("{loaded:?} {target:?} {target} {topology:?} {topology}"), true)
        }
    }
}

#[test]
fn no_text_contains_a_password() {
    let (mut used, mut refused) = (0, 0);
    for password in passwords() {
        let code = encoded(&password);
        let mut cases = Vec::new();
        for word in [&password, &code] {
            for url in [
                format!("redis://:{word}@h/0"),
                format!("rediss://me:{word}@h/0#insecure"),
                format!("redis://:{word}@h/x"),
                format!("redis://{word}@h"),
                format!("redis://:{word}@h?protocol=9"),
                format!("rdis://:{word}@h"),
                format!("redis:/:{word}@h"),
                format!("unix://me:{word}@/r"),
                format!("unix:///r?password={word}"),
                format!("redis://me:{word}@h/0?password={word}1"),
            ] {
                for others in [
                    &[][..],
                    &[("PASSWORD", "other")],
                    &[("HOST", "other"), ("DATABASE", "7"), ("TLS", "true")],
                    &[("MODE", "cluster"), ("NODES", "a:1"), ("DATABASE", "1")],
                    &[("MODE", "sentinel")],
                ] {
                    let is_user = url.starts_with(&format!("redis://{word}"));
                    if is_user && others.iter().any(|(name, _)| *name == "PASSWORD") {
                        // Beside a password this is the name of a user, which is no secret.
                        continue;
                    }
                    let mut members = others.to_vec();
                    members.push(("URL", url.as_str()));
                    cases.push(sources(&members));
                }
            }
        }
        for members in [
            &[("PASSWORD", password.as_str()), ("USERNAME", "me")][..],
            &[("PASSWORD", &password), ("URL", "redis://:other@h")],
            &[("PASSWORD", &password), ("HOST", "redis://h")],
            &[("SENTINEL_PASSWORD", &password), ("MODE", "sentinel"), ("HOST", "h")],
            &[("SENTINEL_PASSWORD", &password), ("MODE", "sentinel")],
            &[("HOST", &format!("redis://:{password}@h"))],
            &[("NODES", &format!("a:1,:{password}@b:1")), ("MODE", "cluster")],
        ] {
            cases.push(sources(members));
        }
        for sources in &cases {
            let (text, starts) = said(sources);
            for form in [&password, &code, &password.escape_debug().to_string()] {
                let found = text.find(form.as_str());
                let around = found.map(|at| text[..at].chars().rev().take(80).collect::<String>());
                assert_eq!(around, None, "what stands before {form}, backwards");
            }
            if starts { used += 1 } else { refused += 1 }
        }
    }
    assert!(used > 500 && refused > 500, "{used} {refused}");
}
