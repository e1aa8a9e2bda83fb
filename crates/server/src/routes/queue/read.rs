//! Reading the queue: all of it, one's own proposals, a single entry.

use axum::extract::State;
use axum::routing::get;
use horde_model_reference::queue::{Entry, Filter, Status};
use horde_model_reference::{Category, Json};

use super::super::{Answered, ok};
use super::{Behind, check_is_primary, doors, queue_of};
use crate::app::App;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::extract::{Query, Segments, both, number_in_path};
use crate::respond;
use crate::router::{Access, Answer, QueryParameter, Route, Verb};

const STATUSES: QueryParameter = QueryParameter {
    name: "statuses",
    schema: r#"{"type":"array","items":{"enum":["pending","approved","applying","applied","rejected"]}}"#,
    meaning: "Entries with one of these statuses.",
};
const CATEGORIES: QueryParameter = QueryParameter {
    name: "categories",
    schema: r##"{"type":"array","items":{"$ref":"#/components/schemas/CategoryName"}}"##,
    meaning: "Entries of one of these categories.",
};
const OFFSET: QueryParameter = QueryParameter {
    name: "offset",
    schema: r#"{"type":"integer","minimum":0,"default":0}"#,
    meaning: "How many entries to pass over.",
};
const LIMIT: QueryParameter = QueryParameter {
    name: "limit",
    schema: r#"{"type":"integer","minimum":1,"maximum":500,"default":50}"#,
    meaning: "How many entries to tell at most.",
};
const OTHERS: [QueryParameter; 3] = [
    QueryParameter {
        name: "batch_id",
        schema: r#"{"type":"integer","minimum":1}"#,
        meaning: "Entries of this batch.",
    },
    QueryParameter {
        name: "model_name",
        schema: r#"{"type":"string","minLength":1,"maxLength":200}"#,
        meaning: "Entries with this in the model's name, in whatever case.",
    },
    QueryParameter {
        name: "requested_by",
        schema: r#"{"type":"array","items":{"type":"string"}}"#,
        meaning: "Entries proposed by one of these users, by number.",
    },
];
const OF_ALL: &[QueryParameter] =
    &[STATUSES, CATEGORIES, OTHERS[0], OTHERS[1], OTHERS[2], OFFSET, LIMIT];
const OF_MINE: &[QueryParameter] = &[STATUSES, CATEGORIES, OFFSET, LIMIT];

pub(super) fn table() -> Vec<Route> {
    let all = Behind {
        summary: "Proposed changes, ascending by number.",
        verb: Verb::Get,
        access: Access::Reader,
        query: OF_ALL,
        answer: Answer::Json("ChangePage"),
        errors: &[422],
        method: get(list),
    };
    let mine = Behind {
        summary: "What the owner of the key has proposed.",
        verb: Verb::Get,
        access: Access::Requestor,
        query: OF_MINE,
        answer: Answer::Json("ChangePage"),
        errors: &[422],
        method: get(list_mine),
    };
    let one = Behind {
        summary: "One proposed change.",
        verb: Verb::Get,
        access: Access::Reader,
        query: &[],
        answer: Answer::Json("ChangeEntry"),
        errors: &[404, 422],
        method: get(read_one),
    };
    let all = all.at(doors!("/changes", "list_pending_changes", "changes_get"));
    let mine = mine.at(doors!("/my_changes", "list_my_pending_changes", "my_changes_get"));
    let one =
        one.at(doors!("/changes/{change_id}", "read_pending_change", "changes__change_id__get"));
    [all, mine, one].into_iter().flatten().collect()
}

async fn list(State(app): State<App>, caller: Caller, query: Query) -> Answered {
    let shared = shared_filter(&query);
    let others = both(
        both(query.number_from("batch_id", 1), query.text_up_to("model_name", 200)),
        page(&query),
    );
    let (filter, ((batch_id, model_name), page)) = both(shared, others)?;
    app.reader(&caller).await?;
    check_is_primary(&app)?;
    queue_of(&app)?;
    let trimmed = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let filter = Filter {
        batch_id,
        model_name: model_name.and_then(trimmed),
        requested_by: query.texts("requested_by").filter_map(trimmed).collect(),
        ..filter
    };
    Ok(answer(&app, &filter, page).await)
}

async fn list_mine(State(app): State<App>, caller: Caller, query: Query) -> Answered {
    let (filter, page) = both(shared_filter(&query), page(&query))?;
    let user = app.requestor(&caller).await?;
    check_is_primary(&app)?;
    queue_of(&app)?;
    let filter = Filter { requested_by: vec![user.id.clone()], ..filter };
    Ok(answer(&app, &filter, page).await)
}

async fn read_one(State(app): State<App>, caller: Caller, Segments([id]): Segments<1>) -> Answered {
    let id = number_in_path("change_id", &id)?;
    app.reader(&caller).await?;
    queue_of(&app)?;
    let read = app.reference.pending_queue().await;
    let entry = read.view.entry(id).ok_or(ApiError::Missing("Change not found".into()))?;
    Ok(respond::for_the_key_alone(ok(entry.to_json())))
}

/// How many entries to pass over, and how many to tell.
type Page = (usize, usize);

fn page(query: &Query) -> Result<Page, ApiError> {
    both(query.number("offset", 0, 0, usize::MAX), query.number("limit", 50, 1, 500))
}

fn shared_filter(query: &Query) -> Result<Filter, ApiError> {
    let (statuses, categories) = both(
        query.words("statuses", &Status::ALL.map(Status::name), Status::named),
        query.words("categories", &Category::ALL.map(Category::name), |word| word.parse().ok()),
    )?;
    Ok(Filter { statuses, categories, ..Filter::default() })
}

async fn answer(app: &App, filter: &Filter, (offset, limit): Page) -> axum::response::Response {
    let read = app.reference.pending_queue().await;
    let fitting: Vec<&Entry> =
        read.view.entries().iter().filter(|entry| filter.fits(entry)).collect();
    let items = fitting.iter().skip(offset).take(limit).map(|entry| entry.to_json().into());
    let answer = ok(Json::from([
        ("items", Json::Array(items.collect())),
        ("total", Json::count(fitting.len())),
        ("offset", Json::count(offset)),
        ("limit", Json::count(limit)),
    ]));
    respond::for_the_key_alone(answer)
}
