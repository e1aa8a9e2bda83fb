//! What a client says it already has, and which codings it accepts.
//!
//! Own parsers, because no crate covers `If-None-Match` and `Accept-Encoding` for ready bytes without
//! bringing an HTTP framework of its own. They never fail: a header that makes no sense is as good as
//! none.

use std::borrow::Borrow;

use axum::extract::FromRequestParts;
use horde_model_reference::body::{Body, Coded, Coding};
use http::header::{ACCEPT_ENCODING, IF_MODIFIED_SINCE, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};

/// The headers that decide between 200 and 304 and between codings, owned or borrowed.
#[derive(Debug, Clone, Default)]
pub struct Preconditions<H = HeaderMap> {
    headers: H,
}

impl<H: Borrow<HeaderMap>> Preconditions<H> {
    /// Finds them among a request's headers.
    pub fn of(headers: H) -> Self {
        Self { headers }
    }

    /// Whether the client holds `form` already, by tag if it sent any, else by date.
    ///
    /// Dates are compared for equality with what was sent as `Last-Modified`: a date tells seconds,
    /// and clocks go back, so «not later» would leave readers stale.
    pub fn is_held(&self, form: &Coded, last_modified: Option<&HeaderValue>) -> bool {
        let headers = self.headers.borrow();
        if headers.contains_key(IF_NONE_MATCH) {
            return self.tags().any(|tag| form.matches(tag));
        }
        let since = headers.get(IF_MODIFIED_SINCE);
        since.is_some() && since == last_modified
    }

    /// The tags sent, without their weakness. `*` is none of them: on a read it could only turn an
    /// answer into nothing, for a client that holds nothing.
    fn tags(&self) -> impl Iterator<Item = &[u8]> {
        let sent = self.headers.borrow().get_all(IF_NONE_MATCH);
        sent.into_iter().flat_map(|header| Tags(header.as_bytes())).map(|tag| tag.opaque)
    }

    /// The smallest form of `body` among those the client likes best.
    pub fn choose(&self, body: &Body) -> (Coding, Coded) {
        let accepted = Accepted::parse(self.headers.borrow());
        let forms = body.compressed();
        let candidates = [
            (Coding::Brotli, forms.brotli.as_ref()),
            (Coding::Zstd, forms.zstd.as_ref()),
            (Coding::Gzip, forms.gzip.as_ref()),
        ];
        let mut best: (Coding, &Coded, u16) =
            (Coding::Identity, &body.identity, accepted.weight(Coding::Identity));
        for (coding, form) in candidates {
            let Some(form) = form else { continue };
            let weight = accepted.weight(coding);
            let better =
                weight > best.2 || weight == best.2 && form.bytes.len() < best.1.bytes.len();
            if weight > 0 && better {
                best = (coding, form, weight);
            }
        }
        (best.0, best.1.clone())
    }
}

impl<S: Sync> FromRequestParts<S> for Preconditions {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(parts.headers.clone()))
    }
}

/// Iterates over the tags of an `If-None-Match` or `If-Match` list. Commas may stand inside of tags.
pub(crate) struct Tags<'a>(pub(crate) &'a [u8]);

/// A tag of a list.
pub(crate) struct Tag<'a> {
    /// With its quotes.
    pub(crate) opaque: &'a [u8],
    pub(crate) is_weak: bool,
}

impl<'a> Iterator for Tags<'a> {
    type Item = Tag<'a>;

    fn next(&mut self) -> Option<Tag<'a>> {
        let open = self.0.iter().position(|&byte| byte == b'"')?;
        let rest = &self.0[open + 1..];
        let close = rest.iter().position(|&byte| byte == b'"')?;
        let opaque = &self.0[open..open + close + 2];
        let is_weak = self.0[..open].ends_with(b"W/");
        self.0 = &rest[close + 1..];
        Some(Tag { opaque, is_weak })
    }
}

/// Weights in thousandths; `None` was not mentioned.
#[derive(Debug, Default, PartialEq, Eq)]
struct Accepted {
    gzip: Option<u16>,
    brotli: Option<u16>,
    zstd: Option<u16>,
    identity: Option<u16>,
    any: Option<u16>,
}

impl Accepted {
    fn parse(headers: &HeaderMap) -> Self {
        let mut accepted = Self::default();
        let headers = headers.get_all(ACCEPT_ENCODING).into_iter();
        let items = headers.filter_map(|header| header.to_str().ok());
        for item in items.flat_map(|header| header.split(',')) {
            let mut parts = item.split(';').map(str::trim);
            let Some(name) = parts.next() else { continue };
            let weight = parts.find_map(parse_weight).unwrap_or(1000);
            let place = match name {
                _ if name.eq_ignore_ascii_case("gzip") => &mut accepted.gzip,
                _ if name.eq_ignore_ascii_case("x-gzip") => &mut accepted.gzip,
                _ if name.eq_ignore_ascii_case("br") => &mut accepted.brotli,
                _ if name.eq_ignore_ascii_case("zstd") => &mut accepted.zstd,
                _ if name.eq_ignore_ascii_case("identity") => &mut accepted.identity,
                "*" => &mut accepted.any,
                _ => continue,
            };
            *place = Some(weight);
        }
        accepted
    }

    /// Zero means: not acceptable. The identity form is always possible; where it was forbidden and
    /// nothing else is at hand, sending it serves the client better than an error.
    fn weight(&self, coding: Coding) -> u16 {
        match coding {
            Coding::Gzip => self.gzip.or(self.any).unwrap_or(0),
            Coding::Brotli => self.brotli.or(self.any).unwrap_or(0),
            Coding::Zstd => self.zstd.or(self.any).unwrap_or(0),
            Coding::Identity => self.identity.unwrap_or(1),
        }
    }
}

/// `q=0.5` as 500; other parameters are none.
fn parse_weight(parameter: &str) -> Option<u16> {
    let value = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="))?;
    let weight: f32 = value.trim().parse().ok()?;
    (0.0..=1.0).contains(&weight).then_some((weight * 1000.0).round() as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &'static str, value: &str) -> Preconditions {
        let mut headers = HeaderMap::new();
        headers.append(
            http::HeaderName::from_static(name),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
        Preconditions::of(headers)
    }

    fn large() -> std::sync::Arc<Body> {
        Body::ready((0..9000u32).flat_map(|n| n.to_string().into_bytes()).collect::<Vec<_>>())
    }

    #[test]
    fn tags_are_found_in_lists_weak_or_strong() {
        let held = |list: &str| {
            let form = Coded { bytes: "".into(), tag: "\"abc\"".into(), earlier_tag: None };
            with("if-none-match", list).is_held(&form, None)
        };
        for list in ["\"abc\"", "W/\"abc\"", "\"x\" , \"abc\"", "\"a,b\",W/\"abc\"", "\"x\"\"abc\""]
        {
            assert!(held(list), "{list}");
        }
        for list in ["*", "abc", "\"abcd\"", "\"abc", "", "\"", "\"\",\"x\""] {
            assert!(!held(list), "{list}");
        }
    }

    #[test]
    fn a_tag_that_differs_outweighs_an_equal_date() {
        let body = large();
        let date = HeaderValue::from_static("Sun, 22 Nov 2026 07:00:00 GMT");
        let mut sent = with("if-modified-since", "Sun, 22 Nov 2026 07:00:00 GMT");
        assert!(sent.is_held(&body.identity, Some(&date)));
        assert!(!sent.is_held(&body.identity, None));
        sent.headers.append(IF_NONE_MATCH, HeaderValue::from_static("\"other\""));
        assert!(!sent.is_held(&body.identity, Some(&date)));
    }

    #[test]
    fn every_weight_of_three_digits_counts_as_itself() {
        for thousandths in 0..=1000 {
            let parameter = format!("q={}.{:03}", thousandths / 1000, thousandths % 1000);
            assert_eq!(parse_weight(&parameter), Some(thousandths));
        }
    }

    #[test]
    fn codings_follow_weights_then_size() {
        let body = large();
        for (accept, expected) in [
            ("", Coding::Identity),
            ("gzip, deflate", Coding::Gzip),
            ("GZIP;q=1.0", Coding::Gzip),
            ("gzip;q=0", Coding::Identity),
            ("br;q=0.1, gzip;q=0.9", Coding::Gzip),
            ("identity, gzip;q=0.5", Coding::Identity),
            ("*;q=0", Coding::Identity),
            ("nonsense;q=x;;,,", Coding::Identity),
            ("gzip;q=7", Coding::Gzip),
        ] {
            assert_eq!(with("accept-encoding", accept).choose(&body).0, expected, "{accept}");
        }
        let all = with("accept-encoding", "gzip, br, zstd").choose(&body).1;
        assert!(all.bytes.len() <= body.compressed().gzip.as_ref().unwrap().bytes.len());
    }
}
