//! Sets of changes of the image baselines and of the text guidance. Each is checked against what there
//! is, and queued; it is checked again when it is applied.

use axum::extract::State;
use horde_model_reference::catalogue::baselines::BaselineChangeSet;
use horde_model_reference::catalogue::guidance::GuidanceChangeSet;
use horde_model_reference::catalogue::{Refusal, Stamp, Stored, set_id};
use horde_model_reference::change::Operation;
use horde_model_reference::json::{Json, Style};
use horde_model_reference::queue::Draft;
use horde_model_reference::{Category, CategoryView};
use http::StatusCode;

use super::propose::{queued, repeated};
use super::{Answered, ok};
use crate::app::App;
use crate::auth::{Caller, User};
use crate::conditions::Conditions;
use crate::error::ApiError;
use crate::request_body::RequestBody;
use crate::respond;

const BASELINES_ROUTE: &str = "submit_image_baseline_change_set";
const GUIDANCE_ROUTE: &str = "submit_text_guidance_change_set";

/// `POST …/image_generation/baselines/change-sets`
pub(super) async fn submit_baselines(
    State(app): State<App>,
    caller: Caller,
    conditions: Conditions,
    body: RequestBody,
) -> Answered {
    let set = body.read(BaselineChangeSet::parse)?;
    let user = app.requestor(&caller).await?;
    app.primary()?;
    if !app.has_queue() {
        return Err(ApiError::NoQueue);
    }
    let request = Request { user: &user, conditions: &conditions, route: BASELINES_ROUTE };
    let checked = check_baselines(&app, &set).await;
    request.submit(&app, set.draft(&request.set_id()), checked).await
}

/// `POST …/text_generation/guidance/change-sets`
pub(super) async fn submit_guidance(
    State(app): State<App>,
    caller: Caller,
    conditions: Conditions,
    body: RequestBody,
) -> Answered {
    let set = body.read(GuidanceChangeSet::parse)?;
    let user = app.requestor(&caller).await?;
    app.primary()?;
    let request = Request { user: &user, conditions: &conditions, route: GUIDANCE_ROUTE };
    let checked = check_guidance(&app, &set).await;
    request.submit(&app, set.draft(&request.set_id()), checked).await
}

/// `POST …/text_generation/guidance/migration/preview`
pub(super) async fn preview_migration(State(app): State<App>, caller: Caller) -> Answered {
    app.requestor(&caller).await?;
    app.primary()?;
    let catalogues = app.reference.catalogues().await;
    let models = app.reference.category(Category::TextGeneration).await;
    let nothing = horde_model_reference::json::Object::new();
    let records = models.view.records().unwrap_or(&nothing);
    let migration = catalogues.view.catalogues.guidance.migration(records);
    Ok(respond::for_the_key_alone(ok(migration.to_json())))
}

async fn check_baselines(app: &App, set: &BaselineChangeSet) -> Result<(), Refusal> {
    let catalogues = app.reference.catalogues().await;
    let in_use = app.reference.baselines_in_use().await;
    set.changed(&catalogues.view.catalogues.baselines, &in_use, not_applied()).map(drop)
}

async fn check_guidance(app: &App, set: &GuidanceChangeSet) -> Result<(), Refusal> {
    set.check_settings()?;
    let catalogues = app.reference.catalogues().await;
    let models = app.reference.category(Category::TextGeneration).await;
    let is_model = |name: &str| has_model(&models.view, name);
    set.changed(&catalogues.view.catalogues.guidance, &is_model, not_applied()).map(drop)
}

fn has_model(models: &CategoryView, name: &str) -> bool {
    models.records().is_some_and(|records| records.contains_key(name))
}

/// Rules do not depend on who applies a set, and when.
fn not_applied() -> Stamp<'static> {
    Stamp { editor: None, at: 0 }
}

/// Who sends a set, on which route.
struct Request<'a> {
    user: &'a User,
    conditions: &'a Conditions,
    route: &'static str,
}

impl Request<'_> {
    /// Names the set. A request that is repeated names the same one.
    fn set_id(&self) -> String {
        set_id(self.conditions.request_by(self.user, self.route).as_deref())
    }

    /// Queues the set if it fits. What was queued by the same request stays queued, though it does not
    /// fit any more, now that it is applied.
    async fn submit(&self, app: &App, draft: Draft, checked: Result<(), Refusal>) -> Answered {
        let entry = match checked {
            Ok(()) => queued(app, draft, self.user, self.conditions, self.route).await?,
            Err(refusal) => {
                let about = (draft.category, draft.model_name.as_str(), Operation::Update);
                let known = repeated(app, self.user, self.conditions, self.route, about).await;
                known.ok_or(refusal)?
            }
        };
        let text = Json::Object(entry.to_json()).to_text(Style::COMPACT);
        Ok(respond::for_the_key_alone(respond::json(StatusCode::ACCEPTED, text)))
    }
}
