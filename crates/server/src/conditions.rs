//! What a client asks of a write beside its body: what must be there, and which request it is.

use axum::extract::FromRequestParts;
use horde_model_reference::body::Coded;
use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, HeaderName};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::auth::User;
use crate::error::ApiError;
use crate::preconditions::Tags;

/// Names a request, so that repeating it does nothing more.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Longest such name, in bytes.
const LONGEST_KEY: usize = 200;

/// `If-Match`, `If-None-Match` and `Idempotency-Key` of a request that writes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conditions {
    headers: HeaderMap,
    key: Option<String>,
}

impl Conditions {
    /// Whether what is there now, the model as it is read in v2, is what the client expects.
    pub(crate) fn check(&self, present: Option<&Coded>) -> Result<(), ApiError> {
        let wants_match = self.headers.contains_key(IF_MATCH);
        if wants_match && !present.is_some_and(|form| self.names(form)) {
            return Err(ApiError::PreconditionFailed);
        }
        if self.wants_absence() && present.is_some() {
            return Err(ApiError::PreconditionFailed);
        }
        Ok(())
    }

    /// Whether anything is expected of what is there.
    pub(crate) fn are_any(&self) -> bool {
        self.headers.contains_key(IF_MATCH) || self.wants_absence()
    }

    /// `If-Match` compares strongly: a weak tag names nothing that could be overwritten.
    fn names(&self, form: &Coded) -> bool {
        let lists = || self.headers.get_all(IF_MATCH).into_iter().map(|list| list.as_bytes());
        lists().any(|list| list.trim_ascii() == b"*")
            || lists().flat_map(Tags).any(|tag| !tag.is_weak && form.matches(tag.opaque))
    }

    fn wants_absence(&self) -> bool {
        let mut lists = self.headers.get_all(IF_NONE_MATCH).into_iter();
        lists.any(|list| list.as_bytes().trim_ascii() == b"*")
    }

    /// The client's name of the request, on this route.
    pub(crate) fn request_on(&self, route: &str) -> Option<String> {
        self.key.as_ref().map(|key| format!("{route}/{key}"))
    }

    /// The same, apart from the requests of other users: they may choose the same names.
    pub(crate) fn request_by(&self, user: &User, route: &str) -> Option<String> {
        let user = utf8_percent_encode(&user.id, NON_ALPHANUMERIC);
        self.request_on(route).map(|request| format!("{user}/{request}"))
    }
}

impl<S: Sync> FromRequestParts<S> for Conditions {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut conditions = Self::default();
        for name in [IF_MATCH, IF_NONE_MATCH] {
            for value in parts.headers.get_all(&name) {
                conditions.headers.append(&name, value.clone());
            }
        }
        if let Some(key) = parts.headers.get(IDEMPOTENCY_KEY) {
            let key = key.as_bytes().trim_ascii();
            let is_sane = key.iter().all(u8::is_ascii_graphic) && !key.is_empty();
            if !is_sane || key.len() > LONGEST_KEY {
                return Err(ApiError::BadIdempotencyKey { longest: LONGEST_KEY });
            }
            conditions.key = Some(String::from_utf8_lossy(key).into_owned());
        }
        Ok(conditions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    async fn conditions(headers: &[(&str, &str)]) -> Result<Conditions, ApiError> {
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        Conditions::from_request_parts(&mut parts, &()).await
    }

    fn form() -> Coded {
        Coded { bytes: "".into(), tag: "\"abc\"".into(), earlier_tag: Some("\"old\"".into()) }
    }

    #[tokio::test]
    async fn tags_are_compared_strongly() {
        for (list, holds) in [
            ("\"abc\"", true),
            ("\"old\"", true),
            ("\"x\", \"abc\"", true),
            (" * ", true),
            ("W/\"abc\"", false),
            ("W/\"x\", W/\"abc\"", false),
            ("\"x\"", false),
            ("", false),
            ("abc", false),
        ] {
            let conditions = conditions(&[("if-match", list)]).await.unwrap();
            assert_eq!(conditions.check(Some(&form())).is_ok(), holds, "{list}");
            assert!(conditions.check(None).is_err(), "{list}");
        }
        let absent = conditions(&[("if-none-match", "*")]).await.unwrap();
        assert!(absent.check(None).is_ok() && absent.check(Some(&form())).is_err());
        let none = conditions(&[("if-none-match", "\"abc\"")]).await.unwrap();
        assert!(none.check(None).is_ok() && none.check(Some(&form())).is_ok());
    }

    #[tokio::test]
    async fn requests_are_named_apart_by_user_and_route() {
        let key = |key: &'static str| async move { conditions(&[("idempotency-key", key)]).await };
        let user = |id: &str| User { id: id.into(), name: "a#1".into() };
        let named = key("k-1").await.unwrap();
        assert_eq!(named.request_on("r"), Some("r/k-1".into()));
        assert_eq!(named.request_by(&user("7"), "r"), Some("7/r/k-1".into()));
        assert_eq!(named.request_by(&user("7/r"), "k"), Some("7%2Fr/k/k-1".into()));
        assert_eq!(conditions(&[]).await.unwrap().request_on("r"), None);
        let long = "x".repeat(LONGEST_KEY + 1);
        for bad in ["", "a b", long.as_str()] {
            assert!(conditions(&[("idempotency-key", bad)]).await.is_err(), "{bad}");
        }
    }
}
