//! Who is asking, and what they may do here.

use axum::extract::State;
use axum::routing::get;
use horde_model_reference::Json;

use super::{Answered, ok};
use crate::app::App;
use crate::auth::{ApiKey, Roles};
use crate::respond;
use crate::router::{Access, Answer, Route};

pub(crate) fn table() -> Vec<Route> {
    vec![Route {
        path: "/model_references/v2/me/roles",
        operation: "get_current_user_roles_model_references_v2_me_roles_get",
        tag: "user",
        summary: "Whose key it is, and what its owner may do here.",
        access: Access::Reader,
        query: &[],
        answer: Answer::Json("Roles"),
        errors: &[],
        method: get(read_roles),
    }]
}

async fn read_roles(State(app): State<App>, key: ApiKey) -> Answered {
    let user = app.users.find(&key).await?;
    let roles = Roles::of(&user, &app.queue, &app.licensing);
    let answer = ok(Json::from([
        ("user_id", user.id.as_str().into()),
        ("username", user.name.as_str().into()),
        ("roles", roles.names().into()),
        ("is_approver", roles.approver.into()),
        ("is_requestor", roles.requestor.into()),
        ("is_license_editor", roles.license_editor.into()),
    ]));
    Ok(respond::for_the_key_alone(answer))
}
