//! The OpenAPI document and pages to try it out, all from the executable itself.

use std::sync::{Arc, LazyLock};

use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use utoipa_swagger_ui::Config;

use crate::error::ApiError;
use crate::extract::Segments;
use crate::openapi;
use crate::respond;
use crate::router::{Access, Answer, Route, Verb};

pub(crate) fn table() -> Vec<Route> {
    vec![
        Route {
            path: "/openapi.json",
            operation: "openapi",
            tag: "documentation",
            summary: "The OpenAPI document.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[],
            answer: Answer::Json("OpenApi"),
            errors: &[],
            method: get(async || {
                static DOCUMENT: LazyLock<String> = LazyLock::new(openapi::document);
                respond::json(StatusCode::OK, DOCUMENT.as_str())
            }),
        },
        Route {
            path: "/docs",
            operation: "docs",
            tag: "documentation",
            summary: "A page to read about every route and to try it.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[],
            answer: Answer::Page,
            errors: &[],
            method: get(async || page("index.html")),
        },
        Route {
            path: "/docs/{file}",
            operation: "docs_file",
            tag: "documentation",
            summary: "A part of that page.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[],
            answer: Answer::Page,
            errors: &[404],
            method: get(async |Segments([file]): Segments<1>| page(&file)),
        },
        Route {
            path: "/redoc",
            operation: "redoc",
            tag: "documentation",
            summary: "The same page, under the other address people know.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[],
            answer: Answer::Page,
            errors: &[],
            method: get(async || page("index.html")),
        },
    ]
}

/// A file of the packaged viewer. Its page refers to its parts by name alone, so it is told where
/// they are, which depends on how it was reached.
fn page(file: &str) -> Response {
    static CONFIG: LazyLock<Arc<Config<'static>>> =
        LazyLock::new(|| Arc::new(Config::from("../openapi.json").use_base_layout()));
    match utoipa_swagger_ui::serve(file, Arc::clone(&CONFIG)) {
        Ok(Some(file)) => {
            let bytes = if file.content_type.starts_with("text/html") {
                with_base(&file.bytes).into_bytes()
            } else {
                file.bytes.into_owned()
            };
            let mut response = bytes.into_response();
            let kind = HeaderValue::from_str(&content_type(&file.content_type));
            let headers = response.headers_mut();
            headers.insert(
                CONTENT_TYPE,
                kind.unwrap_or(HeaderValue::from_static("application/octet-stream")),
            );
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=3600"));
            response
        }
        Ok(None) => ApiError::NotFound.into_response(),
        Err(error) => {
            tracing::error!(%error, "page of the documentation cannot be served");
            ApiError::Internal.into_response()
        }
    }
}

fn with_base(page: &[u8]) -> String {
    let page = String::from_utf8_lossy(page);
    page.replacen("<head>", "<head><base href=\"docs/\">", 1)
}

fn content_type(kind: &str) -> String {
    match kind {
        "text/html" => "text/html; charset=utf-8".to_owned(),
        other => other.to_owned(),
    }
}
