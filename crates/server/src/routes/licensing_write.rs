//! Edits of licence definitions and licensed assets. They act at once.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, post, put};
use horde_model_reference::Primary;
use horde_model_reference::catalogue::licensing::{Asset, AssetKind, Definition, Edit, Editable};
use horde_model_reference::catalogue::{Keyed, Stored};
use horde_model_reference::change::{WriteError, WriteOptions};
use horde_model_reference::json::Style;
use http::StatusCode;

use super::Answered;
use super::licensing::asset_kind;
use crate::app::App;
use crate::auth::Caller;
use crate::conditions::Conditions;
use crate::error::ApiError;
use crate::extract::Segments;
use crate::request_body::RequestBody;
use crate::respond;
use crate::router::{Access, Answer, Route, Takes, Verb};

pub(crate) fn table() -> Vec<Route> {
    vec![
        Route {
            path: "/model_references/v2/licensing/licenses",
            operation: "create_license_definition_model_references_v2_licensing_licenses_post",
            tag: "licensing",
            summary: "Makes a licence definition.",
            verb: Verb::Post(Takes::Json("LicenseRequest")),
            access: Access::LicenseEditor,
            query: &[],
            answer: Answer::Created("License"),
            errors: &[409],
            method: post(create_license),
        },
        Route {
            path: "/model_references/v2/licensing/licenses/{license_id}",
            operation: "replace_license_definition_model_references_v2_licensing_licenses__license_id__put",
            tag: "licensing",
            summary: "Replaces a licence definition.",
            verb: Verb::Put(Takes::Json("LicenseRequest")),
            access: Access::LicenseEditor,
            query: &[],
            answer: Answer::Json("License"),
            errors: &[404, 409],
            method: put(replace_license),
        },
        Route {
            path: "/model_references/v2/licensing/licenses/{license_id}",
            operation: "delete_license_definition_model_references_v2_licensing_licenses__license_id__delete",
            tag: "licensing",
            summary: "Removes a licence definition that nothing refers to.",
            verb: Verb::Delete,
            access: Access::LicenseEditor,
            query: &[],
            answer: Answer::Empty,
            errors: &[400, 404, 409],
            method: delete(delete_license),
        },
        Route {
            path: "/model_references/v2/licensing/assets",
            operation: "create_licensed_asset_model_references_v2_licensing_assets_post",
            tag: "licensing",
            summary: "Makes a licensed asset.",
            verb: Verb::Post(Takes::Json("AssetRequest")),
            access: Access::LicenseEditor,
            query: &[],
            answer: Answer::Created("Asset"),
            errors: &[409],
            method: post(create_asset),
        },
        Route {
            path: "/model_references/v2/licensing/assets/{asset_kind}/{*asset_identifier}",
            operation: "replace_licensed_asset_model_references_v2_licensing_assets__asset_kind___asset_identifier__put",
            tag: "licensing",
            summary: "Replaces a licensed asset.",
            verb: Verb::Put(Takes::Json("AssetRequest")),
            access: Access::LicenseEditor,
            query: &[],
            answer: Answer::Json("Asset"),
            errors: &[404, 409],
            method: put(replace_asset),
        },
        Route {
            path: "/model_references/v2/licensing/assets/{asset_kind}/{*asset_identifier}",
            operation: "delete_licensed_asset_model_references_v2_licensing_assets__asset_kind___asset_identifier__delete",
            tag: "licensing",
            summary: "Removes a licensed asset.",
            verb: Verb::Delete,
            access: Access::LicenseEditor,
            query: &[],
            answer: Answer::Empty,
            errors: &[400, 404, 409, 422],
            method: delete(delete_asset),
        },
    ]
}

async fn create_license(
    State(app): State<App>,
    caller: Caller,
    conditions: Conditions,
    body: RequestBody,
) -> Answered {
    let definition = body.read(Definition::parse)?;
    let editing = Editing::begin(&app, &caller, &conditions, "create_license_definition").await?;
    let edit = Edit::Create(definition);
    let key = edit.key();
    let made = editing.primary.edit_license(edit, editing.options).await;
    shown(StatusCode::CREATED, key, made)
}

async fn replace_license(
    State(app): State<App>,
    caller: Caller,
    conditions: Conditions,
    Segments([id]): Segments<1>,
    body: RequestBody,
) -> Answered {
    let definition = body.read(Definition::parse)?;
    let editing = Editing::begin(&app, &caller, &conditions, "replace_license_definition").await?;
    if definition.key() != id {
        return Err(ApiError::OtherLicenseInPath);
    }
    let made = editing.primary.edit_license(Edit::Replace(definition), editing.options).await;
    shown(StatusCode::OK, id, made)
}

async fn delete_license(
    State(app): State<App>,
    caller: Caller,
    conditions: Conditions,
    Segments([id]): Segments<1>,
) -> Answered {
    let editing = Editing::begin(&app, &caller, &conditions, "delete_license_definition").await?;
    gone(editing.primary.edit_license(Edit::Delete(id), editing.options).await)
}

async fn create_asset(
    State(app): State<App>,
    caller: Caller,
    conditions: Conditions,
    body: RequestBody,
) -> Answered {
    let asset = body.read(Asset::parse)?;
    let editing = Editing::begin(&app, &caller, &conditions, "create_licensed_asset").await?;
    let key = asset.key();
    let made = editing.primary.edit_asset(Edit::Create(asset), editing.options).await;
    shown(StatusCode::CREATED, key, made)
}

async fn replace_asset(
    State(app): State<App>,
    caller: Caller,
    conditions: Conditions,
    Segments([kind, identifier]): Segments<2>,
    body: RequestBody,
) -> Answered {
    let key = Asset::key_of(asset_kind(&kind)?, &identifier);
    let asset = body.read(Asset::parse)?;
    let editing = Editing::begin(&app, &caller, &conditions, "replace_licensed_asset").await?;
    if asset.key() != key {
        return Err(ApiError::OtherAssetInPath);
    }
    let made = editing.primary.edit_asset(Edit::Replace(asset), editing.options).await;
    shown(StatusCode::OK, key, made)
}

async fn delete_asset(
    State(app): State<App>,
    caller: Caller,
    conditions: Conditions,
    Segments([kind, identifier]): Segments<2>,
) -> Answered {
    let kind: AssetKind = asset_kind(&kind)?;
    let editing = Editing::begin(&app, &caller, &conditions, "delete_licensed_asset").await?;
    let edit = Edit::Delete(Asset::key_of(kind, &identifier));
    gone(editing.primary.edit_asset(edit, editing.options).await)
}

/// What an edit is made with.
struct Editing<'a> {
    primary: &'a Primary,
    options: WriteOptions,
}

impl<'a> Editing<'a> {
    /// Unlike elsewhere, whether this is the authority is asked before whose key it is.
    async fn begin(
        app: &'a App,
        caller: &Caller,
        conditions: &Conditions,
        route: &str,
    ) -> Result<Self, ApiError> {
        let primary = app.primary()?;
        let user = app.license_editor(caller).await?;
        let request_id = conditions.request_by(&user, route);
        Ok(Self { primary, options: WriteOptions { request_id, ..WriteOptions::by(&user.id) } })
    }
}

/// What a record became. One that somebody removed since, while the same was asked again, is missing.
fn shown<T: Editable>(
    status: StatusCode,
    key: String,
    made: Result<Option<T>, WriteError>,
) -> Answered {
    let record = made.map_err(not_edited)?.ok_or_else(|| T::missing(key))?;
    let response = respond::json(status, record.to_json().to_text(Style::COMPACT));
    Ok(respond::for_the_key_alone(response))
}

fn gone<T>(made: Result<Option<T>, WriteError>) -> Result<Response, ApiError> {
    made.map_err(not_edited)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn not_edited(error: WriteError) -> ApiError {
    match error {
        WriteError::Rule(refusal) => refusal.into(),
        error => ApiError::unavailable(error, "edit"),
    }
}
