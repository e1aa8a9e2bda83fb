//! How many models and assets are under which licence, and may be used how.

use std::collections::BTreeMap;

use super::AssetView;
use crate::json::Json;
use crate::record::Permission;
use crate::shape::Word;

/// Answer to `…/licensing/summary`. Licences of single files do not count.
pub(super) fn summary(views: &[AssetView]) -> Json {
    let mut licenses: BTreeMap<&str, usize> = BTreeMap::new();
    for id in views.iter().flat_map(|view| &view.licensing.assignment.license_ids) {
        *licenses.entry(id).or_default() += 1;
    }
    let licenses = licenses.into_iter().map(|(id, count)| (id.to_owned(), Json::count(count)));
    Json::from([
        ("total_assets", Json::count(views.len())),
        ("commercial_use", counts(views, |view| view.licensing.assignment.commercial_use)),
        ("redistribution", counts(views, |view| view.licensing.assignment.redistribution)),
        ("licenses", Json::Object(licenses.collect())),
    ])
}

fn counts(views: &[AssetView], of: fn(&AssetView) -> Permission) -> Json {
    let count = |wanted: Permission| views.iter().filter(|view| of(view) == wanted).count();
    let counts = Permission::ALL
        .iter()
        .map(|permission| (permission.name().to_owned(), Json::count(count(*permission))));
    Json::Object(counts.collect())
}
