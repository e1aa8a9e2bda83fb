//! The reads that are nearly everything, a category and a model in v2, answered before the router.
//!
//! The answers are those of [`routes::v2`], made by the same functions; what is spared is matching,
//! decoding and boxing, a third of what such a read costs. Whatever is not plain (another method, a
//! preflight, an odd path, a lease that has run out, anything but success) is left to the router.

use std::borrow::Cow;

use axum::response::Response;
use horde_model_reference::{Category, Read};
use http::{HeaderMap, Method};

use crate::app::App;
use crate::preconditions::Preconditions;
use crate::routes::v2;

const V2: &str = "/model_references/v2/";

/// The answer to a plain read; `None` where the router has to look at it.
pub(crate) fn answer(
    app: &App,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Option<Response> {
    if method != Method::GET {
        return None;
    }
    let rest = path.strip_prefix("/api").unwrap_or(path).strip_prefix(V2)?;
    let (category, model) = match rest.split_once('/') {
        None => (rest, None),
        Some((category, rest)) => (category, Some(rest.strip_prefix("model/")?)),
    };
    let category: Category = category.parse().ok()?;
    let read = Read { view: app.reference.category_now(category)?, fresh: true };
    let sent = Preconditions::of(headers);
    match model {
        None => v2::category_answer(&sent, category, &read).ok(),
        Some(name) => v2::model_answer(&sent, category, &decoded(name)?, &read).ok(),
    }
}

/// A path segment without its percent signs; `None` if it is more than one, or not plain.
fn decoded(segment: &str) -> Option<Cow<'_, str>> {
    if segment.is_empty() || segment.contains('/') {
        return None;
    }
    percent_encoding::percent_decode_str(segment).decode_utf8().ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::body::{Body, to_bytes};
    use horde_model_reference::backend::memory::Memory;
    use horde_model_reference::{Document, ModelReference, Options};
    use http::Request;
    use tower::ServiceExt;

    use super::*;
    use crate::router::router;

    fn app() -> App {
        let memory = Memory::default();
        let record = |name: &str| format!(r#""{name}":{{"name":"{name}","n":1}}"#);
        let records: Vec<_> = ["a", "a/b", "ä +%"].into_iter().map(record).collect();
        let text = format!("{{{}}}", records.join(","));
        memory.put(Document::V2(Category::Clip), &text).unwrap();
        let reference = ModelReference::open(Arc::new(memory), Options::default()).unwrap();
        App::for_tests(reference)
    }

    #[tokio::test]
    async fn plain_reads_are_answered_as_the_router_answers_them() {
        let app = app();
        let base = "/api/model_references/v2/clip";
        let tag = {
            let whole = ask_router(&app, &Method::GET, base, None).await;
            whole.headers()["etag"].to_str().unwrap().to_owned()
        };
        for path in ["", "/model/a", "/model/a%2Fb", "/model/%C3%A4%20+%25"] {
            for held in [None, Some("\"x\""), Some(tag.as_str())] {
                for prefix in ["/api", ""] {
                    let path = format!("{prefix}/model_references/v2/clip{path}");
                    let mut routed = ask_router(&app, &Method::GET, &path, held).await;
                    let mut hot = ask_hot(&app, &path, held).expect("a plain read");
                    // The router tells the length, hyper would; and a date may come between.
                    for answer in [&mut routed, &mut hot] {
                        answer.headers_mut().remove("content-length");
                        answer.headers_mut().remove("last-modified");
                    }
                    assert_eq!(hot.status(), routed.status(), "{path}");
                    assert_eq!(hot.headers(), routed.headers(), "{path}");
                    let hot = to_bytes(hot.into_body(), usize::MAX).await.unwrap();
                    let routed = to_bytes(routed.into_body(), usize::MAX).await.unwrap();
                    assert_eq!(hot, routed, "{path}");
                }
            }
        }
    }

    #[tokio::test]
    async fn what_is_not_plain_is_left_to_the_router() {
        let app = app();
        for path in [
            "/api/model_references/v2/nope",
            "/api/model_references/v2/blip",
            "/api/model_references/v2/clip/",
            "/api/model_references/v2/clip/model/",
            "/api/model_references/v2/clip/model/none",
            "/api/model_references/v2/clip/model/a/b",
            "/api/model_references/v2/clip/model/%FF",
            "/api/model_references/v2/clip/pending",
            "/api/api/model_references/v2/clip",
            "/api/model_references/v1/clip",
        ] {
            assert!(ask_hot(&app, path, None).is_none(), "{path}");
        }
        let none = HeaderMap::new();
        assert!(answer(&app, &Method::HEAD, "/api/model_references/v2/clip", &none).is_none());
    }

    fn ask_hot(app: &App, path: &str, held: Option<&str>) -> Option<Response> {
        answer(app, &Method::GET, path, request(&Method::GET, path, held).headers())
    }

    async fn ask_router(app: &App, method: &Method, path: &str, held: Option<&str>) -> Response {
        router(app.clone()).oneshot(request(method, path, held)).await.unwrap()
    }

    fn request(method: &Method, path: &str, held: Option<&str>) -> Request<Body> {
        let request = Request::builder().method(method).uri(path);
        let request = match held {
            Some(tag) => request.header("if-none-match", tag),
            None => request,
        };
        request.body(Body::empty()).unwrap()
    }
}
