//! When categories last changed, in both versions of the API.

use axum::extract::State;
use axum::routing::get;
use horde_model_reference::settings::ReplicateMode;
use horde_model_reference::{Format, Json, MetadataView, Read};

use super::{Answered, ok};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Segments, category};
use crate::preconditions::Preconditions;
use crate::respond::{self, Provenance};
use crate::router::{Access, Answer, Route, Verb};

pub(crate) fn table() -> Vec<Route> {
    let mut table = v1_table();
    table.extend(v2_table());
    table
}

macro_rules! metadata_table {
    ($name:ident, $format:expr, $version:literal, $tag:literal, [$last:literal, $category_last:literal, $all:literal, $category:literal]) => {
        fn $name() -> Vec<Route> {
            vec![
                Route {
                    path: concat!("/model_references/", $version, "/metadata/last_updated"),
                    operation: $last,
                    tag: $tag,
                    summary: "When any category last changed. Only in the canonical format.",
                    verb: Verb::Get,
                    access: Access::Everybody,
                    query: &[],
                    answer: Answer::Json("LastUpdated"),
                    errors: &[503],
                    method: get(async |State(app): State<App>| last_updated(&app, $format).await),
                },
                Route {
                    path: concat!(
                        "/model_references/",
                        $version,
                        "/metadata/{model_category_name}/last_updated"
                    ),
                    operation: $category_last,
                    tag: $tag,
                    summary: "When a category last changed.",
                    verb: Verb::Get,
                    access: Access::Everybody,
                    query: &[],
                    answer: Answer::Json("CategoryLastUpdated"),
                    errors: &[422, 503],
                    method: get(
                        async |State(app): State<App>, sent: Preconditions, name: Segments<1>| {
                            category_last_updated(&app, &sent, name, $format).await
                        },
                    ),
                },
                Route {
                    path: concat!("/model_references/", $version, "/metadata/metadata"),
                    operation: $all,
                    tag: $tag,
                    summary: "Counters and times of all categories.",
                    verb: Verb::Get,
                    access: Access::Everybody,
                    query: &[],
                    answer: Answer::Json("AllCategoryMetadata"),
                    errors: &[503],
                    method: get(async |State(app): State<App>, sent: Preconditions| {
                        all(&app, &sent, $format).await
                    }),
                },
                Route {
                    path: concat!(
                        "/model_references/",
                        $version,
                        "/metadata/{model_category_name}"
                    ),
                    operation: $category,
                    tag: $tag,
                    summary: "Counters and times of a category.",
                    verb: Verb::Get,
                    access: Access::Everybody,
                    query: &[],
                    answer: Answer::Json("CategoryMetadata"),
                    errors: &[422, 503],
                    method: get(
                        async |State(app): State<App>, sent: Preconditions, name: Segments<1>| {
                            one(&app, &sent, name, $format).await
                        },
                    ),
                },
            ]
        }
    };
}

metadata_table!(
    v1_table,
    Format::Legacy,
    "v1",
    "v1 metadata",
    [
        "read_legacy_last_updated",
        "read_legacy_category_last_updated",
        "read_all_legacy_metadata",
        "read_legacy_category_metadata"
    ]
);
metadata_table!(
    v2_table,
    Format::V2,
    "v2",
    "v2 metadata",
    [
        "read_v2_last_updated",
        "read_v2_category_last_updated",
        "read_all_v2_metadata",
        "read_v2_category_metadata"
    ]
);

/// Metadata is kept by those who write.
async fn read(app: &App, format: Format) -> Result<Read<MetadataView>, ApiError> {
    match app.mode {
        ReplicateMode::Primary => Ok(app.reference.metadata(format).await),
        ReplicateMode::Replica => Err(ApiError::NoMetadataInReplica),
    }
}

async fn last_updated(app: &App, format: Format) -> Answered {
    let read = read(app, format).await?;
    if app.canonical != format {
        let wanted = match format {
            Format::V2 => "v2",
            // So the contract spells it.
            Format::Legacy => "LEGACY",
        };
        let present = app.canonical.name();
        return Err(ApiError::WrongCanonicalFormat { wanted, present });
    }
    Ok(ok(Json::from([("last_updated", Json::from(read.view.last_updated))])))
}

async fn category_last_updated(
    app: &App,
    sent: &Preconditions,
    Segments([name]): Segments<1>,
    format: Format,
) -> Answered {
    let category = category(&name)?;
    let read = read(app, format).await?;
    let body = read.view.category_last_updated(category);
    Ok(respond::body(sent, body, provenance(&read)))
}

async fn all(app: &App, sent: &Preconditions, format: Format) -> Answered {
    let read = read(app, format).await?;
    Ok(respond::body(sent, &read.view.all, provenance(&read)))
}

async fn one(
    app: &App,
    sent: &Preconditions,
    Segments([name]): Segments<1>,
    format: Format,
) -> Answered {
    let category = category(&name)?;
    let read = read(app, format).await?;
    Ok(respond::body(sent, read.view.category(category), provenance(&read)))
}

fn provenance(read: &Read<MetadataView>) -> Provenance {
    Provenance { generation: None, published: read.view.at, fresh: read.fresh }
}
