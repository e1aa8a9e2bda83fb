//! `If-None-Match`, `If-Modified-Since` and `Accept-Encoding`: nothing is withheld from a client that
//! does not hold it, and no coding is sent to one that did not ask for it.
//!
//! The input is one header a line, named by its first byte: `N`, `M` or `A`. The bytes 1 to 7 stand
//! for the tags of the body. A slow reading of RFC 9110 says what is right for well-formed headers.
#![no_main]

use std::sync::{Arc, LazyLock};

use horde_model_reference::body::{Body, Coded, Coding};
use horde_model_reference_fuzz::negotiation::{Offers, opaque_tags};
use horde_model_reference_server::preconditions::Preconditions;
use horde_model_reference_server::respond::{self, Provenance};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use libfuzzer_sys::fuzz_target;

const PUBLISHED: u64 = 1_000_000_000;
const PUBLISHED_DATE: &str = "Sun, 09 Sep 2001 01:46:40 GMT";

struct Subject {
    body: Arc<Body>,
    tags: Vec<Vec<u8>>,
}

static SUBJECT: LazyLock<Subject> = LazyLock::new(|| {
    let body = Body::ready((0..9000u32).flat_map(|n| n.to_string().into_bytes()).collect::<Vec<_>>());
    body.refine();
    let forms = forms(&body);
    let of_form = |(_, form): &(Coding, Coded)| {
        [Some(form.tag.to_vec()), form.earlier_tag.as_ref().map(|tag| tag.to_vec())]
    };
    let tags = forms.iter().flat_map(of_form).flatten().collect();
    Subject { body, tags }
});

fuzz_target!(|input: &[u8]| {
    let headers = headers(input);
    let sent = Preconditions::of(headers.clone());
    let body = &SUBJECT.body;
    let (coding, form) = sent.choose(body);
    check_coding(&headers, coding);
    let held = sent.is_held(&form, Some(&HeaderValue::from_static(PUBLISHED_DATE)));
    check_held(&headers, &form, held);
    let provenance = Provenance { generation: Some(1), published: PUBLISHED, fresh: true };
    let response = respond::body(&sent, body, provenance);
    assert_eq!(response.status() == StatusCode::NOT_MODIFIED, held);
    assert!(held || response.status() == StatusCode::OK);
    assert_eq!(response.headers()[ETAG].as_bytes(), form.tag);
    assert_eq!(response.headers().contains_key(CONTENT_ENCODING), coding != Coding::Identity);
});

fn forms(body: &Body) -> Vec<(Coding, Coded)> {
    let compressed = body.compressed();
    let forms = [
        (Coding::Identity, Some(&body.identity)),
        (Coding::Gzip, compressed.gzip.as_ref()),
        (Coding::Brotli, compressed.brotli.as_ref()),
        (Coding::Zstd, compressed.zstd.as_ref()),
    ];
    forms.into_iter().filter_map(|(coding, form)| Some((coding, form?.clone()))).collect()
}

fn headers(input: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in input.split(|byte| *byte == b'\n') {
        let Some((kind, value)) = line.split_first() else { continue };
        let name = match kind {
            b'N' => IF_NONE_MATCH,
            b'M' => IF_MODIFIED_SINCE,
            b'A' => ACCEPT_ENCODING,
            _ => continue,
        };
        if let Ok(value) = HeaderValue::from_bytes(&with_tags(value)) {
            headers.append(name, value);
        }
    }
    headers
}

fn with_tags(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for byte in value {
        match SUBJECT.tags.get(usize::from(*byte).wrapping_sub(1)) {
            Some(tag) => out.extend_from_slice(tag),
            None => out.push(*byte),
        }
    }
    out
}

fn check_coding(headers: &HeaderMap, chosen: Coding) {
    // A header with other characters is as good as none.
    let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    let lines: Vec<&str> = lines.collect();
    let names = |coding| match coding {
        Coding::Identity => ["identity", "identity"],
        Coding::Gzip => ["gzip", "x-gzip"],
        Coding::Brotli => ["br", "br"],
        Coding::Zstd => ["zstd", "zstd"],
    };
    let all = lines.join(",").to_ascii_lowercase();
    let is_named = names(chosen).iter().any(|name| all.contains(name)) || all.contains('*');
    assert!(chosen == Coding::Identity || is_named, "{chosen:?} for {all:?}");
    let Some(offers) = Offers::parse(&lines) else { return };
    if offers.are_repeated(["gzip", "x-gzip"].as_slice()) {
        return;
    }
    let weight = |coding| offers.weight(names(coding).as_slice());
    let others = forms(&SUBJECT.body).into_iter().map(|(coding, _)| coding);
    let best = others.filter(|coding| *coding != Coding::Identity).map(weight).max().flatten();
    let best = best.unwrap_or(0);
    match (chosen, offers.named(&["identity"])) {
        // Unasked it is the last resort, and so is what was forbidden where nothing else is left.
        (Coding::Identity, None | Some(0)) => assert_eq!(best, 0, "{all:?}"),
        (Coding::Identity, Some(own)) => assert!(own >= best, "{all:?}"),
        (chosen, identity) => {
            assert!(best > 0 && weight(chosen) == Some(best), "{chosen:?} for {all:?}");
            assert!(identity.is_none_or(|identity| identity <= best), "{all:?}");
        }
    }
}

fn check_held(headers: &HeaderMap, form: &Coded, held: bool) {
    let sent: Vec<&[u8]> =
        headers.get_all(IF_NONE_MATCH).iter().map(HeaderValue::as_bytes).collect();
    if sent.is_empty() {
        let date = headers.get(IF_MODIFIED_SINCE);
        assert_eq!(held, date.is_some_and(|date| date == PUBLISHED_DATE));
        return;
    }
    let own: Vec<&[u8]> = [Some(&form.tag), form.earlier_tag.as_ref()]
        .into_iter()
        .flatten()
        .map(|tag| &tag[..])
        .collect();
    let occurs = |tag: &&[u8]| sent.iter().any(|line| line.windows(tag.len()).any(|at| at == *tag));
    assert!(!held || own.iter().any(occurs), "304 for another tag");
    if let Some(tags) = opaque_tags(&sent) {
        assert_eq!(held, own.iter().any(|tag| tags.contains(tag)), "{tags:?}");
    }
}
