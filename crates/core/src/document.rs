//! The documents a data directory holds: everything that is read, cached and served as one piece.

use std::fmt;

use crate::{Category, Format, Json};

/// One file's worth of data, named independently of where it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Document {
    /// The v2 records of a category.
    V2(Category),
    /// The legacy records of a category; `models.csv` for text.
    Legacy(Category),
    /// Counters and times of v2 operations on a category.
    V2Metadata(Category),
    /// Counters and times of legacy operations on a category.
    LegacyMetadata(Category),
    /// The catalogue of image baselines.
    Baselines,
    /// The catalogue of text guidance.
    Guidance,
    /// Licence definitions.
    Licenses,
    /// Licensed assets that are not models.
    LicensedAssets,
    /// The queue of proposed changes.
    PendingChanges,
}

/// What a document's JSON is at the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopLevel {
    /// An object.
    Object,
    /// An array.
    Array,
}

impl Document {
    /// How many there are.
    pub const COUNT: usize = 4 * Category::COUNT + 5;

    /// Every document, in the order of [`Document::index`].
    pub fn all() -> impl Iterator<Item = Self> + Clone {
        let per_category = [Self::V2, Self::Legacy, Self::V2Metadata, Self::LegacyMetadata];
        per_category
            .into_iter()
            .flat_map(|document| Category::ALL.into_iter().map(document))
            .chain([Self::Baselines, Self::Guidance, Self::Licenses, Self::LicensedAssets])
            .chain([Self::PendingChanges])
    }

    /// The records of a category in the format that is its source of truth, where `canonical` is that
    /// of the data directory: a category without a legacy form is always kept in v2.
    pub const fn source_of(category: Category, canonical: Format) -> Self {
        match canonical {
            Format::Legacy if category.has_legacy_form() => Self::Legacy(category),
            _ => Self::V2(category),
        }
    }

    /// A number below [`Document::COUNT`], different for each document.
    pub const fn index(self) -> usize {
        const AFTER_CATEGORIES: usize = 4 * Category::COUNT;
        match self {
            Self::V2(category) => category.index(),
            Self::Legacy(category) => Category::COUNT + category.index(),
            Self::V2Metadata(category) => 2 * Category::COUNT + category.index(),
            Self::LegacyMetadata(category) => 3 * Category::COUNT + category.index(),
            Self::Baselines => AFTER_CATEGORIES,
            Self::Guidance => AFTER_CATEGORIES + 1,
            Self::Licenses => AFTER_CATEGORIES + 2,
            Self::LicensedAssets => AFTER_CATEGORIES + 3,
            Self::PendingChanges => AFTER_CATEGORIES + 4,
        }
    }

    /// The category it belongs to, if it belongs to one.
    pub const fn category(self) -> Option<Category> {
        match self {
            Self::V2(category)
            | Self::Legacy(category)
            | Self::V2Metadata(category)
            | Self::LegacyMetadata(category) => Some(category),
            Self::Baselines
            | Self::Guidance
            | Self::Licenses
            | Self::LicensedAssets
            | Self::PendingChanges => None,
        }
    }

    /// The document that shows itself as `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|document| document.to_string() == name)
    }

    /// The category whose records it holds, in either format: what workers of the reference call
    /// changed when this document changes.
    pub const fn spoken_of(self) -> Option<Category> {
        match self {
            Self::V2(category) | Self::Legacy(category) => Some(category),
            _ => None,
        }
    }

    /// Whether it is one of the catalogues.
    pub const fn is_catalogue(self) -> bool {
        matches!(self, Self::Baselines | Self::Guidance | Self::Licenses | Self::LicensedAssets)
    }

    /// Whether changes go to it, rather than that it follows from another document.
    pub fn is_written(self, canonical: Format) -> bool {
        match self {
            Self::V2(category) => canonical == Format::V2 || !category.has_legacy_form(),
            Self::Legacy(category) => canonical == Format::Legacy && category.has_legacy_form(),
            Self::V2Metadata(_) | Self::LegacyMetadata(_) => false,
            _ => true,
        }
    }

    /// What its JSON is at the top.
    pub const fn top_level(self) -> TopLevel {
        match self {
            Self::PendingChanges => TopLevel::Array,
            _ => TopLevel::Object,
        }
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V2(category) => write!(f, "v2/{category}"),
            Self::Legacy(category) => write!(f, "legacy/{category}"),
            Self::V2Metadata(category) => write!(f, "metadata/v2/{category}"),
            Self::LegacyMetadata(category) => write!(f, "metadata/legacy/{category}"),
            Self::Baselines => f.write_str("catalogue/baselines"),
            Self::Guidance => f.write_str("catalogue/guidance"),
            Self::Licenses => f.write_str("catalogue/licenses"),
            Self::LicensedAssets => f.write_str("catalogue/licensed_assets"),
            Self::PendingChanges => f.write_str("queue/changes"),
        }
    }
}

impl TopLevel {
    /// The value, if it is one; else what is wrong with it.
    pub fn check(self, value: Json) -> Result<Json, String> {
        match (self, &value) {
            (Self::Object, Json::Object(_)) | (Self::Array, Json::Array(_)) => Ok(value),
            (Self::Object, other) => Err(format!("expected a JSON object, found {}", other.kind())),
            (Self::Array, other) => Err(format!("expected a JSON array, found {}", other.kind())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_stand_at_their_index() {
        let all: Vec<_> = Document::all().collect();
        assert_eq!(all.len(), Document::COUNT);
        for (index, document) in all.into_iter().enumerate() {
            assert_eq!(document.index(), index, "{document}");
        }
    }
}
