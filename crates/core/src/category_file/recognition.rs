//! Which category a file is of, and in which format, by its name and by its records.

use std::path::Path;

use crate::json::{Json, Object};
use crate::legacy::types;
use crate::{Category, Format};

/// The category of a file of that name. A category's own name does as well as that of its file.
pub fn category_by_name(path: &Path) -> Option<Category> {
    let stem = path.file_stem()?.to_str()?;
    match path.extension()?.to_str()? {
        "csv" => Some(Category::TextGeneration),
        "json" if stem == "db" => Some(Category::TextGeneration),
        "json" => {
            let is_named =
                |category: &Category| [category.file_stem(), category.name()].contains(&stem);
            Category::ALL.into_iter().find(is_named)
        }
        _ => None,
    }
}

/// The category that the records themselves claim, by the first that claims one.
pub(super) fn category_by_records(records: &Object) -> Option<Category> {
    records.values().find_map(|record| {
        if let Some(word) = record.get("record_type").and_then(Json::as_str) {
            return word.parse().ok();
        }
        let word = record.get("type").and_then(Json::as_str)?;
        Category::ALL.into_iter().find(|category| types(*category).contains(&word))
    })
}

/// The format of the records, by the first that has a member only one format has.
pub fn format_of(records: &Object) -> Option<Format> {
    records.values().filter_map(Json::as_object).find_map(format_of_record)
}

fn format_of_record(record: &Object) -> Option<Format> {
    const ONLY_V2: [&str; 3] = ["record_type", "model_classification", "text_model_group"];
    const ONLY_LEGACY: [&str; 2] = ["type", "model_name"];
    let has_one_of = |names: &[&str]| names.iter().any(|name| record.contains_key(*name));
    let config = record.get("config");
    let downloads = config.and_then(|config| config.get("download")).and_then(Json::as_array);
    let with_checksum = |file: &Json| file.get("sha256sum").is_some();
    if has_one_of(&ONLY_V2) {
        Some(Format::V2)
    } else if has_one_of(&ONLY_LEGACY) || config.is_some_and(|config| config.get("files").is_some())
    {
        Some(Format::Legacy)
    } else if downloads.is_some_and(|downloads| downloads.iter().any(with_checksum)) {
        Some(Format::V2)
    } else {
        None
    }
}

/// Where the records do not tell, the folder does.
pub(super) fn format_by_folder(path: &Path) -> Format {
    let folder = path.parent().and_then(Path::file_name);
    if folder.is_some_and(|folder| folder == "legacy") { Format::Legacy } else { Format::V2 }
}
