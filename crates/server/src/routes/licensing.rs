//! What may be done with models and with the software around them.

use axum::extract::State;
use axum::routing::get;
use horde_model_reference::catalogue::Stored;
use horde_model_reference::catalogue::licensing::{AssetFilter, AssetKind, Page, Register};
use horde_model_reference::record::Permission;
use horde_model_reference::{Category, Json};

use super::{Answered, ok};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Query, Segments};
use crate::preconditions::Preconditions;
use crate::respond::{self, Provenance};
use crate::router::{Access, Answer, QueryParameter, Route, Verb};

const TEXT: &str = r#"{"type":"string"}"#;
const PERMISSION: &str = r#"{"enum":["allowed","allowed_with_conditions","prohibited","unknown"]}"#;
const OFFSET: QueryParameter = QueryParameter {
    name: "offset",
    schema: r#"{"type":"integer","minimum":0,"default":0}"#,
    meaning: "How many to leave out.",
};
const LIMIT: QueryParameter = QueryParameter {
    name: "limit",
    schema: r#"{"type":"integer","minimum":1,"maximum":1000,"default":100}"#,
    meaning: "How many to give at most.",
};
const LARGEST_PAGE: usize = 1000;

pub(crate) fn table() -> Vec<Route> {
    vec![
        Route {
            path: "/model_references/v2/licensing/licenses",
            operation: "list_license_definitions_model_references_v2_licensing_licenses_get",
            tag: "licensing",
            summary: "Licence definitions, by identifier.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[
                QueryParameter {
                    name: "include_deprecated",
                    schema: r#"{"type":"boolean","default":true}"#,
                    meaning: "Also those that may not be newly assigned.",
                },
                OFFSET,
                LIMIT,
            ],
            answer: Answer::Json("LicensePage"),
            errors: &[422],
            method: get(async |State(app): State<App>, query: Query| {
                let include_deprecated = query.boolean("include_deprecated", true)?;
                let page = page(&query)?;
                answer(&app, |register| Ok(register.licenses(include_deprecated, page))).await
            }),
        },
        Route {
            path: "/model_references/v2/licensing/licenses/{license_id}",
            operation: "get_license_definition_model_references_v2_licensing_licenses__license_id__get",
            tag: "licensing",
            summary: "One licence definition.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[],
            answer: Answer::Json("License"),
            errors: &[404],
            method: get(async |State(app): State<App>, Segments([id]): Segments<1>| {
                let read = app.reference.catalogues().await;
                match read.view.catalogues.licenses.get(&id) {
                    Some(definition) => Ok(ok(definition.to_json())),
                    None => Err(ApiError::Missing(format!("License definition not found: {id}"))),
                }
            }),
        },
        Route {
            path: "/model_references/v2/licensing/assets",
            operation: "list_licensed_assets_model_references_v2_licensing_assets_get",
            tag: "licensing",
            summary: "Models and other assets with their licensing.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[
                QueryParameter { name: "asset_kind", schema: TEXT, meaning: "Only this kind." },
                QueryParameter { name: "category", schema: TEXT, meaning: "Only this category." },
                QueryParameter { name: "license_id", schema: TEXT, meaning: "Only this licence." },
                QueryParameter {
                    name: "commercial_use",
                    schema: PERMISSION,
                    meaning: "Only with this permission to use it commercially.",
                },
                QueryParameter {
                    name: "redistribution",
                    schema: PERMISSION,
                    meaning: "Only with this permission to pass it on.",
                },
                QueryParameter {
                    name: "name_contains",
                    schema: TEXT,
                    meaning: "Only names with this part, in any case.",
                },
                OFFSET,
                LIMIT,
            ],
            answer: Answer::Json("AssetPage"),
            errors: &[422],
            method: get(async |State(app): State<App>, query: Query| {
                let filter = filter(&query)?;
                let page = page(&query)?;
                answer(&app, |register| Ok(register.assets(&filter, page))).await
            }),
        },
        Route {
            path: "/model_references/v2/licensing/assets/{asset_kind}/{*asset_identifier}",
            operation: "get_licensed_asset_model_references_v2_licensing_assets__asset_kind___asset_identifier__get",
            tag: "licensing",
            summary: "One asset that is not a model.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[],
            answer: Answer::Json("Asset"),
            errors: &[404, 422],
            method: get(read_asset),
        },
        Route {
            path: "/model_references/v2/licensing/models/{category}/{*model_name}",
            operation: "get_model_licensing_model_references_v2_licensing_models__category___model_name__get",
            tag: "licensing",
            summary: "The licensing of a model.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[],
            answer: Answer::Json("AssetView"),
            errors: &[404, 422],
            method: get(read_model),
        },
        Route {
            path: "/model_references/v2/licensing/summary",
            operation: "get_licensing_summary_model_references_v2_licensing_summary_get",
            tag: "licensing",
            summary: "How many assets allow what.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[],
            answer: Answer::Json("LicensingSummary"),
            errors: &[],
            method: get(async |State(app): State<App>| {
                answer(&app, |register| Ok(register.summary())).await
            }),
        },
        Route {
            path: "/model_references/v2/licensing/export",
            operation: "export_licensing_model_references_v2_licensing_export_get",
            tag: "licensing",
            summary: "Everything, as replicas take it over.",
            verb: Verb::Get,
            access: Access::Everybody,
            query: &[],
            answer: Answer::Json("LicensingExport"),
            errors: &[],
            method: get(export),
        },
    ]
}

async fn answer(app: &App, ask: impl FnOnce(&Register) -> Result<Json, ApiError>) -> Answered {
    let read = app.reference.licensing().await;
    Ok(ok(ask(read.view.register())?))
}

async fn read_asset(
    State(app): State<App>,
    Segments([kind_name, identifier]): Segments<2>,
) -> Answered {
    let kind = asset_kind(&kind_name)?;
    let read = app.reference.catalogues().await;
    match read.view.catalogues.assets.get(kind, &identifier) {
        Some(asset) => Ok(ok(asset.to_json())),
        None => {
            Err(ApiError::Missing(format!("Licensed asset not found: {kind_name}:{identifier}")))
        }
    }
}

/// Reads a path segment that must name a kind of assets.
pub(super) fn asset_kind(name: &str) -> Result<AssetKind, ApiError> {
    name.parse().map_err(|_| ApiError::UnknownWord {
        location: ["path", "asset_kind"],
        words: AssetKind::WORDS.to_vec(),
        given: name.to_owned(),
    })
}

async fn read_model(
    State(app): State<App>,
    Segments([category_name, name]): Segments<2>,
) -> Answered {
    let category = category_in(&category_name, ["path", "category"])?;
    answer(&app, |register| match register.model(category, &name) {
        Some(view) => Ok(view.to_json()),
        None => Err(ApiError::Missing(format!("Model not found: {category}/{name}"))),
    })
    .await
}

async fn export(State(app): State<App>, sent: Preconditions) -> Answered {
    let read = app.reference.licensing().await;
    let provenance = Provenance { generation: None, published: read.view.at, fresh: read.fresh };
    Ok(respond::body(&sent, read.view.licensing_export(), provenance))
}

fn page(query: &Query) -> Result<Page, ApiError> {
    Ok(Page {
        offset: query.number("offset", 0, 0, usize::MAX)?,
        limit: query.number("limit", 100, 1, LARGEST_PAGE)?,
    })
}

fn filter(query: &Query) -> Result<AssetFilter, ApiError> {
    let owned = |name| query.text(name).map(str::to_owned);
    let permission = |name| {
        query.one_of(name, Permission::WORDS).map(|word| word.and_then(|word| word.parse().ok()))
    };
    let category = query.text("category");
    Ok(AssetFilter {
        asset_kind: owned("asset_kind"),
        category: category.map(|name| category_in(name, ["query", "category"])).transpose()?,
        license_id: owned("license_id"),
        commercial_use: permission("commercial_use")?,
        redistribution: permission("redistribution")?,
        name_contains: owned("name_contains"),
    })
}

fn category_in(name: &str, location: [&'static str; 2]) -> Result<Category, ApiError> {
    name.parse().map_err(|_| ApiError::UnknownWord {
        location,
        words: Category::ALL.map(Category::name).to_vec(),
        given: name.to_owned(),
    })
}
