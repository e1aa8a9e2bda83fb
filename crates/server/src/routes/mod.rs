//! The handlers, a file for each part of the API. A handler extracts, asks, answers.

pub(crate) mod baselines;
mod change_sets;
mod direct;
pub(crate) mod docs;
pub(crate) mod guidance;
pub(crate) mod health;
pub(crate) mod licensing;
pub(crate) mod licensing_write;
pub(crate) mod metadata;
pub(crate) mod operation;
mod propose;
pub(crate) mod queue;
pub(crate) mod root;
mod shared_tier;
pub(crate) mod user;
pub(crate) mod v1;
pub(crate) mod v1_metadata;
pub(crate) mod v1_write;
pub(crate) mod v2;
pub(crate) mod v2_write;

use axum::response::Response;
use horde_model_reference::json::{Json, Style};
use horde_model_reference::{CategoryView, Read};
use http::StatusCode;

use crate::error::ApiError;
use crate::respond::{self, Provenance};

/// What a handler answers.
pub(crate) type Answered = Result<Response, ApiError>;

/// Provenance of an answer made from a category.
pub(crate) fn provenance(read: &Read<CategoryView>) -> Provenance {
    Provenance {
        generation: Some(read.view.generation().get()),
        published: read.view.at,
        fresh: read.fresh,
    }
}

/// A JSON answer made for this request.
pub(crate) fn ok(value: impl Into<Json>) -> Response {
    respond::json(StatusCode::OK, value.into().to_text(Style::COMPACT))
}
