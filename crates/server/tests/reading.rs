//! Reading over HTTP beyond the recorded contract: validators, codings, HEAD, odd names and paths.

use std::io::Read;

use testkit::{DataFolder, Launch, Request, Response, ServerProcess, send};

const CATEGORY: &str = "/api/model_references/v2/clip";

fn serve(files: &[(&str, &str)]) -> (ServerProcess, DataFolder) {
    let data = DataFolder::empty().unwrap();
    for (name, text) in files {
        data.write(name, text.as_bytes()).unwrap();
    }
    let server = Launch::new(env!("CARGO_BIN_EXE_horde-model-reference"), data.cache_home());
    (server.start().unwrap(), data)
}

/// Enough alike records that compression pays.
fn many_records() -> String {
    let record = |n: u32| {
        format!(
            r#""model {n}":{{"name":"model {n}","metadata":{{"created_at":1,"updated_at":1}}}}"#
        )
    };
    format!("{{{}}}", (0..200).map(record).collect::<Vec<_>>().join(","))
}

fn ask(server: &ServerProcess, request: &Request) -> Response {
    send(server.address(), request).unwrap()
}

fn get(server: &ServerProcess, target: &str) -> Response {
    ask(server, &Request::get(target))
}

fn tag(response: &Response) -> String {
    response.header("etag").unwrap().to_owned()
}

#[test]
fn a_client_that_holds_the_answer_is_told_so_until_it_changes() {
    let (server, data) = serve(&[("clip.json", &many_records())]);
    let first = get(&server, CATEGORY);
    assert_eq!(first.header("cache-control"), Some("no-cache"));
    let held = Request::get(CATEGORY).header("If-None-Match", &tag(&first));
    let unchanged = ask(&server, &held);
    assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
    assert_eq!(tag(&unchanged), tag(&first));
    assert_eq!(unchanged.header("content-type"), None);
    let weak = Request::get(CATEGORY).header("If-None-Match", &format!("\"x\", W/{}", tag(&first)));
    assert_eq!(ask(&server, &weak).status, 304);
    let other = Request::get(CATEGORY).header("If-None-Match", "\"x\"");
    assert_eq!(ask(&server, &other).status, 200);
    data.write("clip.json", b"{}").unwrap();
    let changed = testkit::eventually(std::time::Duration::from_secs(5), || {
        let answer = ask(&server, &held);
        if answer.status == 200 { Ok(answer) } else { Err(answer.status) }
    });
    assert_eq!(changed.unwrap().text(), "{}");
}

#[test]
fn a_date_counts_once_its_second_is_over_and_only_if_it_is_the_very_date() {
    let (server, _data) = serve(&[("clip.json", &many_records())]);
    let dated = testkit::eventually(std::time::Duration::from_secs(10), || {
        get(&server, CATEGORY).header("last-modified").map(str::to_owned).ok_or("no date yet")
    });
    let date = dated.unwrap();
    let held = Request::get(CATEGORY).header("If-Modified-Since", &date);
    assert_eq!(ask(&server, &held).status, 304);
    let later = Request::get(CATEGORY).header("If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT");
    assert_eq!(ask(&server, &later).status, 200);
    let both = held.header("If-None-Match", "\"another\"");
    assert_eq!(ask(&server, &both).status, 200);
}

#[test]
fn every_coding_decodes_to_the_same_bytes_under_a_tag_of_its_own() {
    let (server, _data) = serve(&[("clip.json", &many_records())]);
    let plain = get(&server, CATEGORY);
    assert_eq!(plain.header("content-encoding"), None);
    assert_eq!(plain.header("vary"), Some("Accept-Encoding, Origin"));
    let mut tags = vec![tag(&plain)];
    for coding in ["gzip", "br", "zstd"] {
        let coded = ask(&server, &Request::get(CATEGORY).header("Accept-Encoding", coding));
        assert_eq!(coded.header("content-encoding"), Some(coding));
        assert!(coded.body.len() < plain.body.len() / 2);
        assert_eq!(decode(coding, &coded.body), plain.body);
        assert!(!tags.contains(&tag(&coded)));
        tags.push(tag(&coded));
        let held = Request::get(CATEGORY)
            .header("Accept-Encoding", coding)
            .header("If-None-Match", &tag(&coded));
        assert_eq!(ask(&server, &held).status, 304);
    }
    let refused = Request::get(CATEGORY).header("Accept-Encoding", "gzip;q=0, identity");
    assert_eq!(ask(&server, &refused).header("content-encoding"), None);
}

fn decode(coding: &str, bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match coding {
        "gzip" => flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain).map(|_| ()).unwrap(),
        "br" => brotli::BrotliDecompress(&mut &*bytes, &mut plain).unwrap(),
        _ => plain = zstd::bulk::decompress(bytes, 1 << 24).unwrap(),
    }
    plain
}

#[test]
fn head_says_what_get_would_and_sends_no_body() {
    let (server, _data) = serve(&[("clip.json", &many_records())]);
    for target in [CATEGORY, "/heartbeat", "/api/model_references/v2/nope"] {
        let got = get(&server, target);
        let head = ask(&server, &Request::new("HEAD", target));
        assert_eq!((head.status, head.body.len()), (got.status, 0), "{target}");
        for name in ["content-length", "content-type", "etag"] {
            assert_eq!(head.header(name), got.header(name), "{name} of {target}");
        }
    }
}

#[test]
fn a_name_with_slashes_percent_signs_and_letters_of_all_kinds_is_reachable() {
    let names = ["a/b", "a/b/c", "100%", "ä ö", "a+b", "..", "?", "#", "a%2Fb", "\u{1F600}"];
    let records: Vec<_> =
        names.iter().map(|name| format!("{name:?}: {{\"name\": \"x\"}}")).collect();
    let file = format!("{{{}}}", records.join(","));
    let (server, _data) = serve(&[("clip.json", &file)]);
    for name in names {
        let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let answer = get(&server, &format!("{CATEGORY}/model/{encoded}"));
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        assert_eq!(answer.header("content-length"), Some(&*answer.body.len().to_string()));
    }
    let whole = get(&server, CATEGORY).json().unwrap();
    assert_eq!(whole.as_object().unwrap().len(), names.len());
}

#[test]
fn odd_paths_get_answers_in_the_shape_of_all_errors() {
    let (server, _data) = serve(&[]);
    let long = format!("{CATEGORY}/model/{}", "x".repeat(20_000));
    for (target, status) in [
        ("/api/model_references/v2/clip/model/%FF", 400),
        ("/api/model_references/v2/clip/model/%zz", 404),
        ("/api/model_references/v2/%00", 422),
        ("/api/model_references/v2/clip/model/", 404),
        ("//api/heartbeat", 404),
        ("/api/../etc/passwd", 404),
        ("/api/model_references/v2/../v1/clip", 404),
        (&long, 404),
    ] {
        let answer = get(&server, target);
        assert_eq!(answer.status, status, "{target:.60}: {:.200}", answer.text());
        assert!(answer.json().unwrap().get("detail").is_some(), "{target:.60}");
    }
    assert_eq!(get(&server, "/api/heartbeat").status, 200);
}

#[test]
fn request_ids_come_back_and_are_made_where_they_are_missing_or_odd() {
    let (server, _data) = serve(&[]);
    let with = |id: &str| ask(&server, &Request::get("/heartbeat").header("X-Request-Id", id));
    assert_eq!(with("abc-1").header("x-request-id"), Some("abc-1"));
    for odd in ["a b", "ä", &"x".repeat(200)] {
        let answer = with(odd);
        assert_ne!(answer.header("x-request-id").unwrap(), odd);
    }
    let made = |response: Response| response.header("x-request-id").unwrap().to_owned();
    assert_ne!(made(get(&server, "/heartbeat")), made(get(&server, "/heartbeat")));
}

#[test]
fn the_documentation_needs_nothing_from_elsewhere() {
    let (server, _data) = serve(&[]);
    for prefix in ["", "/api"] {
        let page = get(&server, &format!("{prefix}/docs"));
        assert!(page.header("content-type").unwrap().starts_with("text/html"));
        let html = page.text();
        assert!(!html.contains("http://") && !html.contains("https://"), "{html}");
        let base = html.split("<base href=\"").nth(1).unwrap().split('"').next().unwrap();
        let parts = html.split("src=\"").chain(html.split("href=\"")).skip(1);
        for part in parts.filter_map(|rest| rest.split('"').next()) {
            let Some(file) = part.strip_prefix("./") else { continue };
            let answer = get(&server, &format!("{prefix}/{base}{file}"));
            assert_eq!(answer.status, 200, "{prefix}/{base}{file}");
        }
    }
    let document = get(&server, "/api/openapi.json").json().unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"]["/model_references/v2/{model_category_name}"]["get"].is_object());
}

#[test]
fn the_data_folder_itself_is_not_taken_for_the_one_above() {
    let data = DataFolder::empty().unwrap();
    data.write("clip.json", b"{}").unwrap();
    let server = Launch::new(env!("CARGO_BIN_EXE_horde-model-reference"), &data.root());
    let refused = server.start().expect_err("the folder is the wrong one").to_string();
    assert!(refused.contains("holds category files itself"), "{refused}");
    assert_eq!(std::fs::read_dir(data.root()).unwrap().count(), 1, "nothing was created");
}
