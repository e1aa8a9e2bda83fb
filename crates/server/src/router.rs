//! Every route in one table, from which the router and the OpenAPI document are made.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use http::header::{HOST, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};

use crate::app::App;
use crate::error::ApiError;
use crate::routes;

/// One route: a path, how it is answered, and what the OpenAPI document says of it.
pub struct Route {
    /// Without the prefix `/api`; parameters in braces.
    pub path: &'static str,
    /// Name by which generated clients call it.
    pub operation: &'static str,
    /// Group in the documentation.
    pub tag: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// The method, and what it takes.
    pub verb: Verb,
    /// Who may ask.
    pub access: Access,
    /// Query parameters.
    pub query: &'static [QueryParameter],
    /// What a success holds.
    pub answer: Answer,
    /// Statuses of the errors it may answer, beyond those of every route and of its access.
    pub errors: &'static [u16],
    /// What answers.
    pub method: MethodRouter<App>,
}

impl Route {
    /// What successes are: legacy records are changed at once where nothing is queued.
    pub fn answers(&self) -> Vec<Answer> {
        match self.access {
            Access::LegacyWriter => vec![self.answer, Answer::Accepted("ChangeEntry")],
            _ => vec![self.answer],
        }
    }
}

/// The method of a route, and what a request brings besides its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Reads.
    Get,
    /// Makes something.
    Post(Takes),
    /// Replaces something.
    Put(Takes),
    /// Removes something.
    Delete,
}

/// What the body of a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// It is not looked at.
    Nothing,
    /// JSON of the schema named.
    Json(&'static str),
}

/// Statuses that come of reading a body.
const BODY_ERRORS: &[u16] = &[400, 408, 413, 422];

impl Verb {
    /// The method as OpenAPI spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post(_) => "post",
            Self::Put(_) => "put",
            Self::Delete => "delete",
        }
    }

    /// The schema of the body, where there is one.
    pub fn takes(self) -> Option<&'static str> {
        match self {
            Self::Post(Takes::Json(schema)) | Self::Put(Takes::Json(schema)) => Some(schema),
            _ => None,
        }
    }

    /// Statuses that come of reading the body.
    pub fn errors(self) -> &'static [u16] {
        if self.takes().is_some() { BODY_ERRORS } else { &[] }
    }
}

/// Who may ask a route, and so which errors it may answer about keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// No key is needed.
    Everybody,
    /// Whoever has a valid key.
    Reader,
    /// Whoever may propose changes.
    Requestor,
    /// Whoever may decide about changes.
    Approver,
    /// Whoever may edit licences.
    LicenseEditor,
    /// Whoever may change legacy records: requestors, or approvers where nothing is queued. Such
    /// routes exist only where legacy records are written.
    LegacyWriter,
    /// Whoever may correct legacy records: approvers. Such routes exist only there, too.
    LegacyApprover,
}

impl Access {
    /// Whether a key must be sent.
    pub fn needs_key(self) -> bool {
        self != Self::Everybody
    }

    /// Statuses that come of looking at the key.
    pub fn errors(self) -> &'static [u16] {
        match self {
            Self::Everybody => &[],
            Self::Reader => &[401, 429, 503],
            _ => &[401, 403, 429, 503],
        }
    }

    /// Whether the routes exist only on a PRIMARY whose canonical format is legacy.
    pub fn only_with_legacy(self) -> bool {
        matches!(self, Self::LegacyWriter | Self::LegacyApprover)
    }
}

/// A query parameter in the OpenAPI document.
#[derive(Debug, Clone, Copy)]
pub struct QueryParameter {
    /// Its name.
    pub name: &'static str,
    /// Its JSON schema.
    pub schema: &'static str,
    /// One sentence.
    pub meaning: &'static str,
}

/// What a success is and holds: the name of a schema of the OpenAPI document, or a page.
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    /// JSON of the schema named, with status 200.
    Json(&'static str),
    /// The same with status 201: it was made.
    Created(&'static str),
    /// The same with status 202: it was proposed.
    Accepted(&'static str),
    /// Nothing, with status 204.
    Empty,
    /// A page for people.
    Page,
    /// Metrics as text.
    Metrics,
}

impl Answer {
    /// The status of a success.
    pub fn status(self) -> u16 {
        match self {
            Self::Json(_) | Self::Page | Self::Metrics => 200,
            Self::Created(_) => 201,
            Self::Accepted(_) => 202,
            Self::Empty => 204,
        }
    }

    /// The schema of its JSON.
    pub fn schema(self) -> Option<&'static str> {
        match self {
            Self::Json(name) | Self::Created(name) | Self::Accepted(name) => Some(name),
            Self::Page | Self::Metrics | Self::Empty => None,
        }
    }
}

/// The prefix under which deployed clients use every route. It works without, too.
const PREFIX: &str = "/api";

/// All routes.
pub fn table() -> Vec<Route> {
    let parts = [
        routes::root::table(),
        routes::health::table(),
        routes::operation::table(),
        routes::v1::table(),
        routes::metadata::table(),
        routes::v1_write::table(),
        routes::v1_metadata::table(),
        routes::v2::table(),
        routes::v2_write::table(),
        routes::user::table(),
        routes::queue::table(),
        routes::baselines::table(),
        routes::guidance::table(),
        routes::licensing::table(),
        routes::licensing_write::table(),
        routes::docs::table(),
    ];
    parts.into_iter().flatten().collect()
}

/// The router over all routes, each with and without the prefix.
pub fn router(app: App) -> Router {
    let mut table = table();
    table.retain(|route| app.writes_legacy() || !route.access.only_with_legacy());
    let paths = Paths::of(&table);
    let mut router = Router::new();
    for route in table {
        let prefixed = format!("{PREFIX}{}", route.path);
        router = router.route(route.path, route.method.clone()).route(&prefixed, route.method);
    }
    router
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .fallback(async move |uri: Uri, headers: HeaderMap, State(_): State<App>| {
            paths.redirect(&uri, &headers).unwrap_or_else(|| ApiError::NotFound.into_response())
        })
        .with_state(app)
}

/// Knows which paths exist and the group of each, to tell a slash too many from a path that is wrong.
#[derive(Clone)]
pub(crate) struct Paths(std::sync::Arc<matchit::Router<&'static str>>);

impl Paths {
    pub(crate) fn of(table: &[Route]) -> Self {
        let mut paths = matchit::Router::new();
        for route in table {
            for path in [route.path.to_owned(), format!("{PREFIX}{}", route.path)] {
                // A path named twice would already have stopped the router above.
                let _ = paths.insert(path, route.tag);
            }
        }
        Self(std::sync::Arc::new(paths))
    }

    /// The group of the documentation that the path belongs to.
    pub(crate) fn tag(&self, path: &str) -> Option<&'static str> {
        self.0.at(path).ok().map(|found| *found.value)
    }

    /// A redirect to the same path with one slash more or less at its end, if that exists.
    fn redirect(&self, uri: &Uri, headers: &HeaderMap) -> Option<Response> {
        let other = match uri.path().strip_suffix('/') {
            Some(shorter) => shorter.to_owned(),
            None => format!("{}/", uri.path()),
        };
        self.0.at(&other).ok()?;
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let location = in_ascii(&format!("http://{host}{other}{query}"));
        let location = HeaderValue::from_str(&location).ok()?;
        let mut response = StatusCode::TEMPORARY_REDIRECT.into_response();
        response.headers_mut().insert(LOCATION, location);
        Some(response)
    }
}

/// An address with everything beyond ASCII percent-encoded: requests may spell it out, answers may not.
fn in_ascii(address: &str) -> String {
    let mut encoded = String::with_capacity(address.len());
    for character in address.chars() {
        match character {
            _ if character.is_ascii() => encoded.push(character),
            _ => {
                let mut buffer = [0; 4];
                let bytes = character.encode_utf8(&mut buffer).bytes();
                encoded.extend(bytes.map(|byte| format!("%{byte:02X}")));
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_are_spelled_in_ascii() {
        let paths = Paths::of(&table());
        let uri = Uri::from_static("/docs/\u{e4}/?q=\u{e4}");
        let response = paths.redirect(&uri, &HeaderMap::new()).unwrap();
        assert_eq!(response.headers()[LOCATION], "http:///docs/%C3%A4?q=%C3%A4");
    }
}
