//! Who is asking, and what they may do here.

use axum::extract::State;
use axum::routing::get;
use horde_model_reference::Json;

use super::{Answered, ok};
use crate::app::App;
use crate::auth::{Caller, Roles};
use crate::respond;
use crate::router::{Access, Answer, Route, Verb};

pub(crate) fn table() -> Vec<Route> {
    vec![Route {
        path: "/model_references/v2/me/roles",
        operation: "get_current_user_roles_model_references_v2_me_roles_get",
        tag: "user",
        summary: "Whose key it is, and what its owner may do here.",
        verb: Verb::Get,
        access: Access::Reader,
        query: &[],
        answer: Answer::Json("Roles"),
        errors: &[],
        method: get(read_roles),
    }]
}

async fn read_roles(State(app): State<App>, caller: Caller) -> Answered {
    let user = app.reader(&caller).await?;
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
