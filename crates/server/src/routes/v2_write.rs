//! Changes of models in the v2 format. Each is a proposal: it is queued, and nothing else changes.

use axum::extract::State;
use axum::routing::{delete, get, post, put};
use horde_model_reference::change::Operation;
use horde_model_reference::json::Object;
use horde_model_reference::proposal::Submission;
use horde_model_reference::queue::Draft;
use horde_model_reference::settings::ReplicateMode;
use horde_model_reference::shape::Unknown;
use horde_model_reference::{Category, CategoryView, Format, Json, controlnet_alias};

use super::propose::{check_model_name, or_repeated, propose};
use super::{Answered, v2};
use crate::app::App;
use crate::auth::{Caller, User};
use crate::conditions::Conditions;
use crate::error::ApiError;
use crate::extract::{Segments, category};
use crate::preconditions::Preconditions;
use crate::request_body::RequestBody;
use crate::router::{Access, Answer, Route, Takes, Verb};

/// The routes of one category, by which clients with types call it: as those of any category, but with
/// its name in the path and in the operations.
struct Typed {
    category: Category,
    path: &'static str,
    model_path: &'static str,
    read_all: &'static str,
    read_one: &'static str,
    create: &'static str,
    update: &'static str,
}

macro_rules! typed {
    ($($category:ident $name:literal)+) => {
        [$(Typed {
            category: Category::$category,
            path: concat!("/model_references/v2/", $name),
            model_path: concat!("/model_references/v2/", $name, "/model/{model_name}"),
            read_all: concat!("read_v2_", $name, "_all"),
            read_one: concat!("read_v2_", $name, "_one"),
            create: concat!("create_v2_", $name),
            update: concat!("update_v2_", $name),
        }),+]
    };
}

const TYPED: [Typed; Category::COUNT] = typed! {
    Blip "blip"
    Clip "clip"
    Codeformer "codeformer"
    Controlnet "controlnet"
    ControlnetAnnotator "controlnet_annotator"
    Esrgan "esrgan"
    Gfpgan "gfpgan"
    SafetyChecker "safety_checker"
    ImageGeneration "image_generation"
    TextGeneration "text_generation"
    VideoGeneration "video_generation"
    AudioGeneration "audio_generation"
    Miscellaneous "miscellaneous"
    Lora "lora"
    Ti "ti"
};

pub(crate) fn table() -> Vec<Route> {
    let mut table: Vec<Route> = TYPED.into_iter().flat_map(typed_routes).collect();
    table.extend([
        Route {
            path: "/model_references/v2/{model_category_name}/add",
            operation: "create_v2_model",
            tag: "v2",
            summary: "Proposes a new model of the category in the path.",
            verb: Verb::Post(Takes::Json("Record")),
            access: Access::Requestor,
            query: &[],
            answer: Answer::Accepted("ChangeEntry"),
            errors: &[409, 412, 422],
            method: post(add),
        },
        Route {
            path: "/model_references/v2/{model_category_name}/model/{model_name}",
            operation: "update_v2_model",
            tag: "v2",
            summary: "Proposes another record for a model. A slash in its name is written %2F.",
            verb: Verb::Put(Takes::Json("Record")),
            access: Access::Requestor,
            query: &[],
            answer: Answer::Accepted("ChangeEntry"),
            errors: &[404, 409, 412, 422],
            method: put(update_any),
        },
        Route {
            path: "/model_references/v2/{model_category_name}/model/{model_name}",
            operation: "delete_v2_model",
            tag: "v2",
            summary: "Proposes that a model goes. A slash in its name is written %2F.",
            verb: Verb::Delete,
            access: Access::Requestor,
            query: &[],
            answer: Answer::Accepted("ChangeEntry"),
            errors: &[400, 404, 409, 412, 422],
            method: delete(remove_any),
        },
    ]);
    table
}

/// Its paths hide those of any category, so all that is asked there is answered.
fn typed_routes(typed: Typed) -> [Route; 4] {
    let category = typed.category;
    let read_all = async move |State(app): State<App>, sent: Preconditions| {
        v2::category_answer(&sent, category, &app.reference.category(category).await)
    };
    let read_one = async move |State(app): State<App>, sent: Preconditions, name: Segments<1>| {
        let Segments([name]) = name;
        v2::model_answer(&sent, category, &name, &app.reference.category(category).await)
    };
    let create = async move |State(app): State<App>,
                             caller: Caller,
                             conditions: Conditions,
                             body: RequestBody| {
        create(&app, &caller, &conditions, &body, category, typed.create).await
    };
    let update = async move |State(app): State<App>,
                             caller: Caller,
                             conditions: Conditions,
                             name: Segments<1>,
                             body: RequestBody| {
        let Segments([name]) = name;
        update(&app, &caller, &conditions, &name, &body, category).await
    };
    let remove = async move |State(app): State<App>,
                             caller: Caller,
                             conditions: Conditions,
                             name: Segments<1>| {
        let Segments([name]) = name;
        remove(&app, &caller, &conditions, &name, category).await
    };
    let route = |path, operation, summary, verb, answer, errors, method| {
        let access = if verb == Verb::Get { Access::Everybody } else { Access::Requestor };
        Route {
            path,
            operation,
            tag: "v2",
            summary,
            verb,
            access,
            query: &[],
            answer,
            errors,
            method,
        }
    };
    let (record, entry) = (Takes::Json("Record"), Answer::Accepted("ChangeEntry"));
    let Typed { path, model_path, .. } = typed;
    [
        route(
            path,
            typed.read_all,
            "All models of the category, by name.",
            Verb::Get,
            Answer::Json("Category"),
            &[404],
            get(read_all),
        ),
        route(
            path,
            typed.create,
            "Proposes a new model.",
            Verb::Post(record),
            entry,
            &[409, 412],
            post(create),
        ),
        route(
            model_path,
            typed.read_one,
            "One model. A slash in its name is written %2F.",
            Verb::Get,
            Answer::Json("Record"),
            &[404],
            get(read_one),
        ),
        route(
            model_path,
            typed.update,
            "Proposes another record for a model. A slash in its name is written %2F.",
            Verb::Put(record),
            entry,
            &[404, 409, 412],
            // Deletions are documented once, for models of any category.
            put(update).delete(remove),
        ),
    ]
}

async fn add(
    State(app): State<App>,
    caller: Caller,
    conditions: Conditions,
    Segments([category_name]): Segments<1>,
    body: RequestBody,
) -> Answered {
    let category = category(&category_name)?;
    create(&app, &caller, &conditions, &body, category, "create_v2_model").await
}

async fn create(
    app: &App,
    caller: &Caller,
    conditions: &Conditions,
    body: &RequestBody,
    category: Category,
    route: &'static str,
) -> Answered {
    let submission = read_submission(app, body, category)?;
    let user = app.requestor(caller).await?;
    let name = submission.name().to_owned();
    check_is_written(app, category)?;
    check_baseline(app, &submission)?;
    check_model_name(category, &name, Format::V2, Operation::Create)?;
    let read = app.reference.category(category).await;
    let about = (category, name.as_str(), Operation::Create);
    if let Err(refused) = check_absent(conditions, &read.view, &name) {
        return or_repeated(app, refused, &user, conditions, route, about).await;
    }
    let catalogues = app.reference.catalogues().await;
    let licenses = &catalogues.view.catalogues.licenses;
    let payload =
        submission.into_creation(licenses, app.licensing.require_explicit_model_assignments)?;
    propose_model(app, about, payload, &user, conditions, route).await
}

async fn update_any(
    State(app): State<App>,
    caller: Caller,
    conditions: Conditions,
    Segments([category_name, name]): Segments<2>,
    body: RequestBody,
) -> Answered {
    let category = category(&category_name)?;
    update(&app, &caller, &conditions, &name, &body, category).await
}

async fn remove_any(
    State(app): State<App>,
    caller: Caller,
    conditions: Conditions,
    Segments([category_name, name]): Segments<2>,
) -> Answered {
    let category = category(&category_name)?;
    remove(&app, &caller, &conditions, &name, category).await
}

async fn update(
    app: &App,
    caller: &Caller,
    conditions: &Conditions,
    path_name: &str,
    body: &RequestBody,
    category: Category,
) -> Answered {
    let submission = read_submission(app, body, category)?;
    let user = app.requestor(caller).await?;
    let read = app.reference.category(category).await;
    let name = stored_name(&read.view, path_name);
    if submission.name() != name {
        return Err(ApiError::OtherNameInPath);
    }
    check_is_written(app, category)?;
    check_baseline(app, &submission)?;
    check_model_name(category, name, Format::V2, Operation::Update)?;
    let route = update_route(category);
    let about = (category, name, Operation::Update);
    let missing = || ApiError::NothingToUpdate(category, name.to_owned(), Format::V2);
    let stored = match check_present(conditions, &read.view, name, missing) {
        Ok(stored) => stored,
        Err(refused) => return or_repeated(app, refused, &user, conditions, route, about).await,
    };
    let catalogues = app.reference.catalogues().await;
    let payload = submission.into_update(stored, &catalogues.view.catalogues.licenses)?;
    propose_model(app, about, payload, &user, conditions, route).await
}

async fn remove(
    app: &App,
    caller: &Caller,
    conditions: &Conditions,
    path_name: &str,
    category: Category,
) -> Answered {
    const ROUTE: &str = "delete_v2_model";
    let user = app.requestor(caller).await?;
    check_is_written(app, category)?;
    let read = app.reference.category(category).await;
    let name = stored_name(&read.view, path_name);
    check_model_name(category, name, Format::V2, Operation::Delete)?;
    let about = (category, name, Operation::Delete);
    let missing = || ApiError::ModelNotFound(category, name.to_owned());
    let stored = match check_present(conditions, &read.view, name, missing) {
        Ok(stored) => stored,
        Err(refused) => return or_repeated(app, refused, &user, conditions, ROUTE, about).await,
    };
    let payload = stored.as_object().cloned().unwrap_or_default();
    propose_model(app, about, payload, &user, conditions, ROUTE).await
}

async fn propose_model(
    app: &App,
    (category, name, operation): (Category, &str, Operation),
    payload: Object,
    user: &User,
    conditions: &Conditions,
    route: &str,
) -> Answered {
    let draft = Draft::about_model(category, name, operation, payload, route);
    propose(app, draft, user, conditions, route).await
}

fn read_submission(
    app: &App,
    body: &RequestBody,
    category: Category,
) -> Result<Submission, ApiError> {
    let unknown = if app.refuses_unknown_members { Unknown::Reject } else { Unknown::Drop };
    let knows_baseline = |name: &str| app.reference.knows_baseline(name);
    body.read(|value| Submission::read(category, value, unknown, &knows_baseline))
}

fn check_is_written(app: &App, category: Category) -> Result<(), ApiError> {
    if app.mode == ReplicateMode::Replica {
        return Err(ApiError::NoWritesInReplica);
    }
    if app.canonical == Format::Legacy && category.has_legacy_form() {
        return Err(ApiError::NoV2Writes);
    }
    Ok(())
}

fn check_baseline(app: &App, submission: &Submission) -> Result<(), ApiError> {
    Ok(submission.check_baseline(|name| app.reference.knows_baseline(name))?)
}

/// The stored name that a name in a path stands for.
fn stored_name<'a>(view: &CategoryView, name: &'a str) -> &'a str {
    controlnet_alias(view.category, name, |name| stored(view, name).is_some())
}

fn stored<'a>(view: &'a CategoryView, name: &str) -> Option<&'a Json> {
    view.records()?.get(name)
}

fn check_absent(conditions: &Conditions, view: &CategoryView, name: &str) -> Result<(), ApiError> {
    conditions.check(v2::model(view, name).as_ref())?;
    match stored(view, name) {
        Some(_) => Err(ApiError::ModelExists(view.category, name.to_owned())),
        None => Ok(()),
    }
}

fn check_present<'a>(
    conditions: &Conditions,
    view: &'a CategoryView,
    name: &str,
    missing: impl Fn() -> ApiError,
) -> Result<&'a Json, ApiError> {
    conditions.check(v2::model(view, name).as_ref())?;
    stored(view, name).ok_or_else(missing)
}

/// What entries in the queue call the route.
fn update_route(category: Category) -> &'static str {
    let of_category = |typed: &&Typed| typed.category == category;
    TYPED.iter().find(of_category).map_or("update_v2_model", |typed| typed.update)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_category_has_routes_of_its_own_name() {
        for (category, typed) in Category::ALL.into_iter().zip(&TYPED) {
            assert_eq!(typed.category, category);
            assert!(typed.path.ends_with(&format!("/{category}")));
            assert_eq!(typed.create, format!("create_v2_{category}"));
            assert_eq!(update_route(category), format!("update_v2_{category}"));
        }
    }
}
