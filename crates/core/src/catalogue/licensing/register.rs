//! The register: definitions, assets and the models of all categories, put together for reading.

use std::collections::HashMap;

use super::summary::summary;
use super::view::{MODEL, model_identifier};
use super::{AssetView, Assets, Definition, Definitions};
use crate::Category;
use crate::catalogue::case_folding::case_folded;
use crate::catalogue::{CatalogueMetadata, Stored};
use crate::json::{Json, Object};
use crate::model_alias::controlnet_alias;
use crate::record::Permission;
use crate::shape::Issue;

/// Everything that is known about licences, at one moment.
#[derive(Debug, Clone)]
pub struct Register {
    metadata: CatalogueMetadata,
    /// By identifier, without regard to case.
    definitions: Vec<Definition>,
    /// By kind and identifier, without regard to case.
    views: Vec<AssetView>,
    /// Places of the models in `views`.
    models: HashMap<String, usize>,
    left_out: Vec<LeftOut>,
}

/// A model that is not in the register because its licensing is invalid.
#[derive(Debug, Clone, PartialEq)]
pub struct LeftOut {
    /// Its category.
    pub category: Category,
    /// Its name.
    pub name: String,
    /// What is wrong with it.
    pub issues: Vec<Issue>,
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// How many to leave out at the start.
    pub offset: usize,
    /// How many to give at most.
    pub limit: usize,
}

impl Default for Page {
    fn default() -> Self {
        Self { offset: 0, limit: 100 }
    }
}

/// Which models and assets are wanted: those that fit everything that is given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AssetFilter {
    /// The kind, as any text; `model` for models.
    pub asset_kind: Option<String>,
    /// The category, which only models have.
    pub category: Option<Category>,
    /// A licence of the whole, not only of a file.
    pub license_id: Option<String>,
    /// What is known about commercial use.
    pub commercial_use: Option<Permission>,
    /// What is known about passing it on.
    pub redistribution: Option<Permission>,
    /// A part of the display name, in any case.
    pub name_contains: Option<String>,
}

impl Register {
    /// Draws up the register from both files and the v2 records of the categories.
    pub fn new(
        definitions: &Definitions,
        assets: &Assets,
        categories: &[(Category, &Object)],
    ) -> Self {
        let mut views: Vec<AssetView> = assets.records.values().map(AssetView::of_asset).collect();
        let mut left_out = Vec::new();
        // What other services keep is theirs to license; the reference does not list it either.
        let ours = categories.iter().filter(|(category, _)| !category.is_managed_elsewhere());
        for &(category, records) in ours {
            for (name, record) in records {
                match AssetView::of_model(category, name, record) {
                    Ok(view) => views.push(view),
                    Err(issues) => left_out.push(LeftOut { category, name: name.clone(), issues }),
                }
            }
        }
        views.sort_by_cached_key(|view| (view.asset_kind, case_folded(&view.asset_identifier)));
        let mut licences: Vec<Definition> = definitions.records.values().cloned().collect();
        licences.sort_by_cached_key(|definition| case_folded(&definition.license_id));
        Self {
            metadata: combined(&definitions.metadata, &assets.metadata),
            definitions: licences,
            models: places_of_models(&views),
            views,
            left_out,
        }
    }

    /// Answer to `…/licensing/licenses`.
    pub fn licenses(&self, include_deprecated: bool, page: Page) -> Json {
        let wanted = |definition: &&Definition| include_deprecated || !definition.deprecated;
        let definitions: Vec<&Definition> = self.definitions.iter().filter(wanted).collect();
        self.page(&definitions, page, |definition| definition.to_json())
    }

    /// Answer to `…/licensing/assets`.
    pub fn assets(&self, filter: &AssetFilter, page: Page) -> Json {
        let part = filter.name_contains.as_deref().map(case_folded);
        let wanted = |view: &&AssetView| filter.fits(view, part.as_deref());
        let views: Vec<&AssetView> = self.views.iter().filter(wanted).collect();
        self.page(&views, page, |view| view.to_json())
    }

    /// Answer to `…/licensing/models/{category}/{name}`.
    pub fn model(&self, category: Category, name: &str) -> Option<&AssetView> {
        let place = |name: &str| self.models.get(&model_identifier(category, name));
        let name = controlnet_alias(category, name, |name| place(name).is_some());
        self.views.get(*place(name)?)
    }

    /// Answer to `…/licensing/summary`.
    pub fn summary(&self) -> Json {
        summary(&self.views)
    }

    /// Answer to `…/licensing/export`.
    pub fn export(&self) -> Json {
        let definitions: Vec<Json> = self.definitions.iter().map(Stored::to_json).collect();
        let views: Vec<Json> = self.views.iter().map(AssetView::to_json).collect();
        Json::from([
            ("schema_version", Json::Int(1)),
            ("metadata", self.metadata.to_json()),
            ("licenses", definitions.into()),
            ("assets", views.into()),
            ("summary", self.summary()),
        ])
    }

    /// Every model and asset.
    pub fn views(&self) -> &[AssetView] {
        &self.views
    }

    /// The models that are missing because their licensing is invalid.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// Whether a model, a file of a model or an asset is under this licence.
    pub fn is_referenced(&self, license_id: &str) -> bool {
        self.views.iter().any(|view| view.licensing.all_license_ids().contains(license_id))
    }

    fn page<T>(&self, all: &[&T], page: Page, to_json: fn(&T) -> Json) -> Json {
        let items = all.iter().skip(page.offset).take(page.limit);
        let items: Vec<Json> = items.map(|item| to_json(item)).collect();
        Json::from([
            ("items", items.into()),
            ("total", Json::count(all.len())),
            ("offset", Json::count(page.offset)),
            ("limit", Json::count(page.limit)),
            ("metadata", self.metadata.to_json()),
        ])
    }
}

fn places_of_models(views: &[AssetView]) -> HashMap<String, usize> {
    let places = views.iter().enumerate().filter(|(_, view)| view.asset_kind == MODEL);
    places.map(|(place, view)| (view.asset_identifier.clone(), place)).collect()
}

/// The files count their writes apart; readers are told the larger of both.
fn combined(definitions: &CatalogueMetadata, assets: &CatalogueMetadata) -> CatalogueMetadata {
    CatalogueMetadata {
        schema_version: 1,
        revision: definitions.revision.max(assets.revision),
        updated_at: definitions.updated_at.max(assets.updated_at),
    }
}

impl AssetFilter {
    fn fits(&self, view: &AssetView, part_of_name: Option<&str>) -> bool {
        let known = &view.licensing.assignment;
        self.asset_kind.as_deref().is_none_or(|kind| view.asset_kind == kind)
            && self.category.is_none_or(|category| view.category == Some(category))
            && self.license_id.as_ref().is_none_or(|id| known.license_ids.contains(id))
            && self.commercial_use.is_none_or(|wanted| known.commercial_use == wanted)
            && self.redistribution.is_none_or(|wanted| known.redistribution == wanted)
            && part_of_name.is_none_or(|part| case_folded(&view.display_name).contains(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str) -> Object {
        Json::parse(text.as_bytes()).unwrap().as_object().unwrap().clone()
    }

    #[test]
    fn models_are_found_and_broken_ones_left_out() {
        let nets = records(r#"{"control_qr_xl":{},"broken":{"licensing":{}}}"#);
        let register = Register::new(
            &Definitions::packaged(),
            &Assets::packaged(),
            &[(Category::Controlnet, &nets)],
        );
        assert_eq!(register.left_out().len(), 1);
        assert_eq!(register.views().len(), 7);
        let identifier = |name| {
            register.model(Category::Controlnet, name).map(|view| view.asset_identifier.as_str())
        };
        assert_eq!(identifier("control_qr_sdxl"), Some("controlnet:control_qr_xl"));
        assert_eq!(identifier("broken"), None);
        assert!(register.is_referenced("MIT") && !register.is_referenced("WTFPL"));
    }

    #[test]
    fn filters_combine() {
        let clips = records(r#"{"Vit":{},"other":{}}"#);
        let register = Register::new(
            &Definitions::packaged(),
            &Assets::packaged(),
            &[(Category::Clip, &clips)],
        );
        let total = |filter: AssetFilter| {
            register.assets(&filter, Page { offset: 0, limit: 1 }).get("total").unwrap().as_i64()
        };
        let kind = || Some("model".to_owned());
        assert_eq!(total(AssetFilter { asset_kind: kind(), ..Default::default() }), Some(2));
        let named = AssetFilter {
            asset_kind: kind(),
            name_contains: Some("VIT".to_owned()),
            ..Default::default()
        };
        assert_eq!(total(named.clone()), Some(1));
        assert_eq!(total(AssetFilter { category: Some(Category::Blip), ..named }), Some(0));
    }
}
