//! Changes of models in the legacy format, where that is the source of truth: proposed where there is
//! a queue, else made at once.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, post, put};
use horde_model_reference::change::Operation;
use horde_model_reference::json::{Object, Style};
use horde_model_reference::proposal::{LegacySubmission, stored_key};
use horde_model_reference::queue::Draft;
use horde_model_reference::{Category, Format, Json};
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::direct::{self, Write};
use super::propose::{check_model_name, or_repeated, propose};
use super::{Answered, v1, v2};
use crate::app::App;
use crate::auth::Caller;
use crate::conditions::Conditions;
use crate::error::ApiError;
use crate::extract::{Segments, category};
use crate::preconditions::Preconditions;
use crate::request_body::{RequestBody, refused};
use crate::respond;
use crate::router::{Access, Answer, Route, Takes, Verb};

/// What a path segment need not encode.
const IN_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const DELETE: &str = "delete_legacy_model";

/// The routes of one category that has a legacy form.
#[derive(Clone, Copy)]
struct Written {
    category: Category,
    path: &'static str,
    create: &'static str,
    update: &'static str,
}

macro_rules! written {
    ($($category:ident $name:literal $update:literal)+) => {
        [$(Written {
            category: Category::$category,
            path: concat!("/model_references/v1/", $name),
            create: concat!("create_legacy_", $name, "_model"),
            update: $update,
        }),+]
    };
}

const WRITTEN: [Written; 10] = written! {
    Blip "blip" "update_legacy_blip_model"
    Clip "clip" "update_legacy_clip_model"
    Codeformer "codeformer" "update_legacy_codeformer_model"
    Controlnet "controlnet" "update_legacy_controlnet_model"
    Esrgan "esrgan" "update_legacy_esrgan_model"
    Gfpgan "gfpgan" "update_legacy_gfpgan_model"
    SafetyChecker "safety_checker" "update_legacy_safety_checker_model"
    ImageGeneration "image_generation" "update_legacy_model"
    TextGeneration "text_generation" "update_legacy_text_generation_model"
    Miscellaneous "miscellaneous" "update_legacy_miscellaneous_model"
};

pub(crate) fn table() -> Vec<Route> {
    let creations = WRITTEN.into_iter().map(creation);
    let mut table: Vec<Route> = creations.chain(WRITTEN.into_iter().map(replacement)).collect();
    table.push(Route {
        path: "/model_references/v1/{model_category_name}/model/{model_name}",
        operation: DELETE,
        tag: "v1",
        summary: "Removes a model, or proposes that. A slash in its name is written %2F.",
        verb: Verb::Delete,
        access: Access::LegacyWriter,
        query: &[],
        answer: Answer::Empty,
        errors: &[400, 404, 409, 412, 422, 500],
        method: delete(remove),
    });
    table
}

/// Its path would hide the route that reads the category, so it reads, too.
fn creation(written: Written) -> Route {
    let create = async move |State(app): State<App>,
                             caller: Caller,
                             conditions: Conditions,
                             body: RequestBody| {
        create(&app, &caller, &conditions, &body, written).await
    };
    let read = async move |State(app): State<App>, sent: Preconditions| {
        v1::answer_about(&app, &sent, written.category).await
    };
    // Text models have a route of their own for that.
    let method = post(create);
    let method =
        if written.category == Category::TextGeneration { method } else { method.get(read) };
    Route {
        path: written.path,
        operation: written.create,
        tag: "v1",
        summary: "Creates a model, or proposes that.",
        verb: Verb::Post(Takes::Json("LegacyRecord")),
        access: Access::LegacyWriter,
        query: &[],
        answer: Answer::Created("LegacyRecord"),
        errors: &[409, 412, 422, 500],
        method,
    }
}

fn replacement(written: Written) -> Route {
    let update = async move |State(app): State<App>,
                             caller: Caller,
                             conditions: Conditions,
                             body: RequestBody| {
        update(&app, &caller, &conditions, &body, written).await
    };
    Route {
        path: written.path,
        operation: written.update,
        tag: "v1",
        summary: "Replaces the model of the name in the body, or proposes that.",
        verb: Verb::Put(Takes::Json("LegacyRecord")),
        access: Access::LegacyWriter,
        query: &[],
        answer: Answer::Json("LegacyRecord"),
        errors: &[404, 409, 412, 422, 500],
        method: put(update),
    }
}

async fn create(
    app: &App,
    caller: &Caller,
    conditions: &Conditions,
    body: &RequestBody,
    Written { category, create: route, .. }: Written,
) -> Answered {
    let submission = read_submission(app, body, category)?;
    let user = app.legacy_writer(caller).await?;
    let name = submission.name();
    check_model_name(category, name, Format::Legacy, Operation::Create)?;
    if !app.has_queue() {
        let record = submission.stored();
        let write =
            Write { category, name, operation: Operation::Create, user: &user, conditions, route };
        direct::write(app, write, Some(record)).await?;
        return Ok(created(category, name, submission.answer()));
    }
    let read = app.reference.legacy_records(category).await;
    let exists = stored_key(read.view.legacy_records(), name).is_some();
    let checked = conditions.check(v2::model(&read.view, name).as_ref());
    let checked = checked.and_then(|()| match exists {
        true => Err(ApiError::ModelExists(category, name.to_owned())),
        false => Ok(()),
    });
    if let Err(refused) = checked {
        let about = (category, name, Operation::Create);
        return or_repeated(app, refused, &user, conditions, route, about).await;
    }
    let payload = submission.payload();
    let draft = Draft::about_model(category, name, Operation::Create, payload, route);
    propose(app, draft, &user, conditions, route).await
}

async fn update(
    app: &App,
    caller: &Caller,
    conditions: &Conditions,
    body: &RequestBody,
    Written { category, update: route, .. }: Written,
) -> Answered {
    let submission = read_submission(app, body, category)?;
    let user = app.legacy_writer(caller).await?;
    check_model_name(category, submission.name(), Format::Legacy, Operation::Update)?;
    let read = app.reference.legacy_records(category).await;
    let records = read.view.legacy_records();
    let key = stored_key(records, submission.name());
    let name = key.unwrap_or(submission.name());
    if !app.has_queue() {
        let record = submission.stored();
        let write =
            Write { category, name, operation: Operation::Update, user: &user, conditions, route };
        direct::write(app, write, Some(record)).await?;
        return Ok(done(StatusCode::OK, submission.answer()));
    }
    let missing = || ApiError::NothingToUpdate(category, name.to_owned(), Format::Legacy);
    let checked = conditions.check(v2::model(&read.view, name).as_ref());
    if let Err(refused) = checked.and_then(|()| key.map(drop).ok_or_else(missing)) {
        let about = (category, name, Operation::Update);
        return or_repeated(app, refused, &user, conditions, route, about).await;
    }
    let payload = submission.payload();
    let draft = Draft::about_model(category, name, Operation::Update, payload, route);
    propose(app, draft, &user, conditions, route).await
}

async fn remove(
    State(app): State<App>,
    caller: Caller,
    conditions: Conditions,
    Segments([category_name, path_name]): Segments<2>,
) -> Answered {
    let category = category(&category_name)?;
    let user = app.legacy_writer(&caller).await?;
    check_model_name(category, &path_name, Format::Legacy, Operation::Delete)?;
    let read = app.reference.legacy_records(category).await;
    let records = read.view.legacy_records();
    let key = stored_key(records, &path_name);
    let name = key.unwrap_or(&path_name);
    let missing = || ApiError::ModelNotFound(category, name.to_owned());
    if !category.has_legacy_form() {
        return Err(missing());
    }
    if !app.has_queue() {
        let operation = Operation::Delete;
        let conditions = &conditions;
        let write = Write { category, name, operation, user: &user, conditions, route: DELETE };
        direct::write(&app, write, None).await?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let stored = conditions
        .check(v2::model(&read.view, name).as_ref())
        .and_then(|()| records.get(name).ok_or_else(missing));
    let stored = match stored {
        Ok(stored) => stored,
        Err(refused) => {
            let about = (category, name, Operation::Delete);
            return or_repeated(&app, refused, &user, &conditions, DELETE, about).await;
        }
    };
    let payload = stored.as_object().cloned().unwrap_or_default();
    let draft = Draft::about_model(category, name, Operation::Delete, payload, DELETE);
    propose(&app, draft, &user, &conditions, DELETE).await
}

fn read_submission(
    app: &App,
    body: &RequestBody,
    category: Category,
) -> Result<LegacySubmission, ApiError> {
    let submission = body.read(|value| LegacySubmission::read(category, value))?;
    submission.check_text(app.has_queue()).map_err(refused)?;
    Ok(submission)
}

fn created(category: Category, name: &str, record: Object) -> Response {
    let mut response = done(StatusCode::CREATED, record);
    let name = utf8_percent_encode(name, IN_SEGMENT);
    let location = format!("/model_references/v1/{category}/model/{name}");
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

fn done(status: StatusCode, record: Object) -> Response {
    respond::json(status, Json::Object(record).to_text(Style::COMPACT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_category_with_a_legacy_form_has_routes_of_its_own_name() {
        let with_form = Category::ALL.into_iter().filter(|category| category.has_legacy_form());
        let categories: Vec<_> = with_form.collect();
        assert_eq!(categories, WRITTEN.map(|written| written.category));
        for written in WRITTEN {
            let name = written.category;
            assert!(written.path.ends_with(&format!("/{name}")));
            assert_eq!(written.create, format!("create_legacy_{name}_model"));
            let is_usual = written.update == format!("update_legacy_{name}_model");
            assert_eq!(is_usual, name != Category::ImageGeneration);
        }
    }

    #[test]
    fn locations_are_references() {
        for (name, encoded) in
            [("a_b-1.2~", "a_b-1.2~"), ("two words", "two%20words"), ("a/b?c", "a%2Fb%3Fc")]
        {
            let response = created(Category::Clip, name, Object::new());
            let location = response.headers()[LOCATION].to_str().unwrap();
            assert_eq!(location, format!("/model_references/v1/clip/model/{encoded}"));
        }
    }
}
