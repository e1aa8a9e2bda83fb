//! The published repositories: which file holds a category there, and what becomes of it here.

use bytes::Bytes;

use crate::backend::files::layout::{Layout, legacy_file_name};
use crate::json::{Json, Style, object_to_text};
use crate::legacy::{self, Converted, SlowRule, Table};
use crate::settings::Seeding;
use crate::{Category, Document};

/// Where a category is published; `None` for those that never were.
pub(crate) fn address(seeding: &Seeding, category: Category) -> Option<String> {
    let repository = match category {
        Category::TextGeneration => seeding.text_repository(),
        _ => seeding.image_repository(),
    };
    category.has_legacy_form().then(|| repository.address_of(&legacy_file_name(category)))
}

/// A category as published and as converted.
#[derive(Debug)]
pub(crate) struct Conversion {
    /// The text of the legacy file: the published bytes.
    pub(crate) legacy: Bytes,
    /// The text of the v2 file.
    pub(crate) v2: Bytes,
    /// How many records are in it.
    pub(crate) records: usize,
    /// Records that could not be converted, and why.
    pub(crate) left_out: Vec<String>,
}

impl Conversion {
    /// Converts what is published. A text without a single good record is refused: data is never
    /// replaced by nothing.
    pub(crate) fn of(category: Category, published: Bytes) -> Result<Self, String> {
        let Converted { records, rejected } = convert(category, &published)?;
        let left_out: Vec<String> = rejected
            .iter()
            .map(|rejected| {
                let issues: Vec<_> = rejected.issues.iter().map(ToString::to_string).collect();
                format!("{}: {}", rejected.name, issues.join("; "))
            })
            .collect();
        if records.is_empty() && !(left_out.is_empty() && may_be_empty(category, &published)) {
            return Err("it holds no record that can be used".into());
        }
        let v2 = object_to_text(&records, Style::INDENT_4_ASCII) + "\n";
        Ok(Self { legacy: published, v2: v2.into(), records: records.len(), left_out })
    }

    /// The files it belongs in, the legacy one first: a category with that alone is not taken for
    /// complete.
    pub(crate) fn files(
        self,
        category: Category,
        layout: &Layout,
    ) -> [(std::path::PathBuf, Bytes); 2] {
        [
            (layout.path(Document::Legacy(category)), self.legacy),
            (layout.path(Document::V2(category)), self.v2),
        ]
    }
}

fn convert(category: Category, published: &[u8]) -> Result<Converted, String> {
    if category == Category::TextGeneration {
        let table = Table::parse(published).map_err(|error| error.to_string())?;
        return Ok(legacy::table_to_v2(&table));
    }
    let value = Json::parse(published).map_err(|error| format!("not JSON: {error}"))?;
    let records = value.as_object();
    let records =
        records.ok_or_else(|| format!("expected a JSON object, found {}", value.kind()))?;
    // Published v2 files were made with this rule.
    Ok(legacy::convert(category, records, SlowRule::Path))
}

/// Some published categories have no records, and say so as an empty JSON object.
fn may_be_empty(category: Category, published: &[u8]) -> bool {
    category != Category::TextGeneration
        && Json::parse(published).is_ok_and(|value| value.as_object().is_some_and(|o| o.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(category: Category, text: &'static str) -> Result<Conversion, String> {
        Conversion::of(category, Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn good_records_come_and_bad_ones_are_told() {
        let text = r#"{"a": {"name": "a", "type": "esrgan"}, "b": 7}"#;
        let conversion = of(Category::Esrgan, text).unwrap();
        assert_eq!((conversion.records, conversion.left_out.len()), (1, 1));
        assert_eq!(&conversion.legacy[..], text.as_bytes());
        assert!(Json::parse(&conversion.v2).unwrap().get("a").is_some());
        let text = of(Category::TextGeneration, "name,parameters_bn\nA,7\n").unwrap();
        assert_eq!(text.records, 1);
        assert_eq!(of(Category::Miscellaneous, "{}").unwrap().records, 0);
    }

    #[test]
    fn nothing_never_comes_instead_of_data() {
        for text in ["", "[]", "<html>", r#"{"b": 7}"#] {
            assert!(of(Category::Clip, text).is_err(), "{text}");
        }
        for text in ["", "name,parameters_bn\n", "<html></html>", "\u{1}"] {
            assert!(of(Category::TextGeneration, text).is_err(), "{text}");
        }
    }

    #[test]
    fn categories_are_published_under_their_legacy_names() {
        let seeding = Seeding::default();
        let text = address(&seeding, Category::TextGeneration).unwrap();
        assert!(text.ends_with("/AI-Horde-text-model-reference/main/models.csv"), "{text}");
        let image = address(&seeding, Category::ImageGeneration).unwrap();
        assert!(image.ends_with("/AI-Horde-image-model-reference/main/stable_diffusion.json"));
        assert_eq!(address(&seeding, Category::Lora), None);
    }
}
