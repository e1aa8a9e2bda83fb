//! Corrections of when and by whom legacy records were made, by approvers, at once.

use axum::extract::State;
use axum::routing::put;
use horde_model_reference::change::{WholeChange, WriteError, WriteOptions};
use horde_model_reference::proposal::{MetadataCorrection, check_name, stored_key};
use horde_model_reference::{Category, Document, Json};

use super::{Answered, ok, v2};
use crate::app::App;
use crate::auth::Caller;
use crate::conditions::Conditions;
use crate::error::ApiError;
use crate::extract::{Segments, category};
use crate::request_body::RequestBody;
use crate::router::{Access, Answer, Route, Takes, Verb};

const ROUTE: &str = "set_legacy_model_metadata";

pub(crate) fn table() -> Vec<Route> {
    vec![Route {
        path: "/model_references/v1/{model_category_name}/model/{model_name}/metadata",
        operation: ROUTE,
        tag: "v1",
        summary: "Corrects when and by whom a model was made. A slash in its name is written %2F.",
        verb: Verb::Put(Takes::Json("MetadataCorrection")),
        access: Access::LegacyApprover,
        query: &[],
        answer: Answer::Json("CorrectedMetadata"),
        errors: &[404, 409, 412, 500],
        method: put(correct),
    }]
}

async fn correct(
    State(app): State<App>,
    caller: Caller,
    conditions: Conditions,
    Segments([category_name, name]): Segments<2>,
    body: RequestBody,
) -> Answered {
    let category = category(&category_name)?;
    let correction = body.read(MetadataCorrection::read)?;
    let user = app.approver(&caller).await?;
    check_name(&name).map_err(ApiError::BadName)?;
    if category == Category::TextGeneration {
        return Err(ApiError::NoTextMetadata);
    }
    if correction.is_empty() {
        return Err(ApiError::NoMetadataGiven);
    }
    let read = app.reference.legacy_records(category).await;
    let key = stored_key(read.view.legacy_records(), &name);
    conditions.check(key.and_then(|key| v2::model(&read.view, key)).as_ref())?;
    let missing = || ApiError::ModelNotFound(category, name.clone());
    let key = key.filter(|_| category.has_legacy_form()).ok_or_else(missing)?;
    let request_id = conditions.request_by(&user, ROUTE);
    let options = WriteOptions { request_id, ..WriteOptions::by(&user.id) };
    let document = Document::Legacy(category);
    let change = correcting(document, key.to_owned(), correction);
    let made = app.primary()?.change_document(document, change, options).await;
    match made {
        Ok(_) => {}
        Err(WriteError::NotFound { .. }) => return Err(missing()),
        Err(error) => return Err(told(error)),
    }
    let read = app.reference.legacy_records(category).await;
    let record = read.view.legacy_records().get(key);
    let metadata = record.and_then(|record| record.get("metadata")).cloned();
    Ok(ok(Json::from([
        ("model_name", key.into()),
        ("category", category.name().into()),
        ("metadata", metadata.unwrap_or(Json::Null)),
    ])))
}

fn correcting(document: Document, key: String, correction: MetadataCorrection) -> WholeChange {
    Box::new(move |present| {
        let mut records = present.as_object().cloned().unwrap_or_default();
        match records.get_mut(&key).and_then(Json::as_object_mut) {
            Some(record) => correction.apply(record),
            None => return Err(WriteError::NotFound { document, name: key.clone() }),
        }
        Ok(records.into())
    })
}

fn told(error: WriteError) -> ApiError {
    match ApiError::not_written(error, "correct") {
        ApiError::WriteFailed { reason, .. } => ApiError::NotCorrected(reason),
        other => other,
    }
}
