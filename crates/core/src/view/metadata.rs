//! When categories last changed, as pollers ask for it.

use std::sync::Arc;

use crate::body::Body;
use crate::json::{Object, Style, object_to_text};
use crate::{Category, Json};

/// Metadata of every category in one format.
#[derive(Debug)]
pub struct MetadataView {
    /// The largest `last_updated` of all.
    pub last_updated: Option<i64>,
    /// The answer about all categories.
    pub all: Arc<Body>,
    /// By index.
    categories: Vec<Entry>,
}

/// What is answered about one category.
#[derive(Debug, Clone)]
struct Entry {
    metadata: Object,
    /// All of it.
    whole: Arc<Body>,
    /// Its `last_updated` alone.
    short: Arc<Body>,
}

impl MetadataView {
    /// `stored` gives the metadata document of a category, if there is one; `total_models` how many
    /// models it has; `created` (seconds since 1970) stands in for the times of what was never
    /// written. What is as it was `before` is not printed again.
    pub fn new<'a>(
        stored: impl Fn(Category) -> Option<&'a Object>,
        total_models: impl Fn(Category) -> usize,
        created: i64,
        before: Option<&Self>,
    ) -> Self {
        let entry = |category| {
            let metadata = complete(category, stored(category), total_models(category), created);
            let before = before.map(|view| &view.categories[Category::index(category)]);
            match before.filter(|before| before.metadata == metadata) {
                Some(same) => same.clone(),
                None => Entry::new(category, metadata),
            }
        };
        let categories: Vec<Entry> = Category::ALL.into_iter().map(entry).collect();
        let updated = |entry: &Entry| entry.metadata.get("last_updated").and_then(Json::as_i64);
        let last_updated = categories.iter().filter_map(updated).max();
        let named = Category::ALL.into_iter().zip(&categories);
        let all: Object = named
            .map(|(category, entry)| (category.name().to_owned(), entry.metadata.clone().into()))
            .collect();
        Self { last_updated, all: body(&all), categories }
    }

    /// The answer about one category.
    pub fn category(&self, category: Category) -> &Arc<Body> {
        &self.categories[category.index()].whole
    }

    /// The answer about when one category last changed.
    pub fn category_last_updated(&self, category: Category) -> &Arc<Body> {
        &self.categories[category.index()].short
    }
}

impl Entry {
    fn new(category: Category, metadata: Object) -> Self {
        let updated = metadata.get("last_updated").cloned().unwrap_or(Json::Null);
        let short = [("category", category.name().into()), ("last_updated", updated)];
        let short = short.map(|(name, value): (&str, Json)| (name.to_owned(), value));
        let short = body(&Object::from_iter(short));
        Self { whole: body(&metadata), short, metadata }
    }
}

/// Fresh metadata of a category: nothing has been done to it since `created`.
pub fn fresh(category: Category, created: i64) -> Object {
    complete(category, None, 0, created)
}

/// All members in their order, those not stored with their defaults.
pub(crate) fn complete(
    category: Category,
    stored: Option<&Object>,
    total_models: usize,
    created: i64,
) -> Object {
    let time = Json::Int(created);
    let total_models = i64::try_from(total_models).unwrap_or(i64::MAX);
    let defaults: [(&str, Json); 13] = [
        ("category", category.name().into()),
        ("last_updated", time.clone()),
        ("last_operation_type", Json::Null),
        ("last_operation_model", Json::Null),
        ("total_creates", Json::Int(0)),
        ("total_updates", Json::Int(0)),
        ("total_deletes", Json::Int(0)),
        ("total_models", Json::Int(total_models)),
        ("initialization_time", time.clone()),
        ("last_successful_operation", time),
        ("error_count", Json::Int(0)),
        ("metadata_schema_version", "1.0.0".into()),
        ("backend_type", "FileSystemBackend".into()),
    ];
    let member = |(name, default): (&str, Json)| {
        let derived = matches!(name, "category" | "total_models");
        let kept = stored.and_then(|stored| stored.get(name)).filter(|_| !derived);
        (name.to_owned(), kept.cloned().unwrap_or(default))
    };
    defaults.into_iter().map(member).collect()
}

fn body(object: &Object) -> Arc<Body> {
    Body::ready(object_to_text(object, Style::COMPACT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_members_win_but_for_the_number_of_models() {
        let stored = Json::parse(br#"{"last_updated":9,"total_models":0,"extra":1}"#).unwrap();
        let stored = stored.as_object().unwrap();
        let blip = |category| (category == Category::Blip).then_some(stored);
        let view = MetadataView::new(blip, |_| 3, 5, None);
        assert_eq!(view.last_updated, Some(9));
        let text = &view.category(Category::Blip).identity.bytes;
        assert!(
            text.starts_with(br#"{"category":"blip","last_updated":9,"last_operation_type":null"#)
        );
        let text = String::from_utf8_lossy(text);
        assert!(text.contains(r#""total_models":3,"initialization_time":5"#), "{text}");
        let short = &view.category_last_updated(Category::Ti).identity.bytes;
        assert_eq!(&short[..], br#"{"category":"ti","last_updated":5}"#);
    }
}
