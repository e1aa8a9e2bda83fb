//! How many models and assets are under which licence, and may be used how.

use std::collections::BTreeMap;

use super::{AssetView, Permission};
use crate::catalogue::words::Word;
use crate::json::Json;

/// Answer to `…/licensing/summary`. Licences of single files do not count.
pub(super) fn summary(views: &[AssetView]) -> Json {
    let mut licenses: BTreeMap<&str, usize> = BTreeMap::new();
    for id in views.iter().flat_map(|view| &view.licensing.whole.license_ids) {
        *licenses.entry(id).or_default() += 1;
    }
    let licenses = licenses.into_iter().map(|(id, count)| (id.to_owned(), Json::count(count)));
    Json::from([
        ("total_assets", Json::count(views.len())),
        ("commercial_use", counts(views, |view| view.licensing.whole.commercial_use)),
        ("redistribution", counts(views, |view| view.licensing.whole.redistribution)),
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
