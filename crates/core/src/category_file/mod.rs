//! A file of a category in any form in which one is found: in a data folder, in a public repository,
//! in the answer of a server. And the two files of a data folder it can become.

mod conversion;
mod recognition;

use std::path::Path;

use bytes::Bytes;

use crate::json::{Json, Object, ParseError};
use crate::legacy::{NotATable, Table};
use crate::{Category, Format};

pub use conversion::{LegacyFile, V2File};
pub use recognition::{category_by_name, format_of};

pub(crate) use conversion::{print, table_text};

/// The content of a category, and how it is written down.
#[derive(Debug, Clone)]
pub struct CategoryFile {
    /// Which category.
    pub category: Category,
    /// How it is written down.
    pub form: Form,
    /// The exact bytes.
    pub bytes: Bytes,
}

/// The forms in which a category is written down.
#[derive(Debug, Clone, PartialEq)]
pub enum Form {
    /// v2 records.
    V2(Object),
    /// Legacy records.
    Legacy(Object),
    /// Text models as the v1 answer and the published `db.json` have them: under three names each.
    TextEntries(Object),
    /// Text models as `models.csv` has them.
    TextTable(Table),
}

/// Why a file is no category.
#[derive(Debug, thiserror::Error)]
pub enum NoCategory {
    /// Neither the name nor the records tell which category it would be.
    #[error("neither its name nor its records tell which category this is")]
    Unknown,
    /// The text is not JSON.
    #[error("not JSON: {0}")]
    NotJson(#[from] ParseError),
    /// The text is JSON, but no object.
    #[error("expected a JSON object of records, found {0}")]
    NotAnObject(&'static str),
    /// The text is no table.
    #[error(transparent)]
    NotATable(#[from] NotATable),
}

impl CategoryFile {
    /// Recognises and reads a file. `path` may also be that of a URL: what counts is the name of
    /// the file and whether its folder is called `legacy`.
    pub fn read(path: &Path, bytes: impl Into<Bytes>) -> Result<Self, NoCategory> {
        let bytes = bytes.into();
        let named = category_by_name(path);
        if path.extension().is_some_and(|extension| extension == "csv") {
            let form = Form::TextTable(Table::parse(&bytes)?);
            return Ok(Self { category: Category::TextGeneration, form, bytes });
        }
        let records = match Json::parse(&bytes)? {
            Json::Object(records) => records,
            other => return Err(NoCategory::NotAnObject(other.kind())),
        };
        let category = named.or_else(|| recognition::category_by_records(&records));
        let category = category.ok_or(NoCategory::Unknown)?;
        let format = format_of(&records).unwrap_or_else(|| recognition::format_by_folder(path));
        Ok(Self { category, form: Form::of(category, format, records), bytes })
    }

    /// How many records it has, valid or not.
    pub fn len(&self) -> usize {
        match &self.form {
            Form::V2(records) | Form::Legacy(records) | Form::TextEntries(records) => records.len(),
            Form::TextTable(table) => table.len(),
        }
    }

    /// Whether there is no record in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The format it is in.
    pub fn format(&self) -> Format {
        if matches!(self.form, Form::V2(_)) { Format::V2 } else { Format::Legacy }
    }
}

impl Form {
    fn of(category: Category, format: Format, records: Object) -> Self {
        match format {
            Format::Legacy if category == Category::TextGeneration => Self::TextEntries(records),
            Format::Legacy if category.has_legacy_form() => Self::Legacy(records),
            _ => Self::V2(records),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str, text: &str) -> Result<CategoryFile, NoCategory> {
        CategoryFile::read(Path::new(path), text.as_bytes().to_vec())
    }

    #[test]
    fn names_and_records_tell_what_a_file_is() {
        for (path, text, category, format) in [
            ("stable_diffusion.json", "{}", Category::ImageGeneration, Format::V2),
            ("x/legacy/blip.json", "{}", Category::Blip, Format::Legacy),
            ("blip.json", r#"{"b":{"type":"blip"}}"#, Category::Blip, Format::Legacy),
            ("x.json", r#"{"a":{"record_type":"ti"}}"#, Category::Ti, Format::V2),
            ("x.json", r#"{"a":{"type":"ckpt"}}"#, Category::ImageGeneration, Format::Legacy),
            ("db.json", r#"{"a":{"model_name":"a"}}"#, Category::TextGeneration, Format::Legacy),
            ("models.csv", "name\na\n", Category::TextGeneration, Format::Legacy),
            ("legacy/lora.json", "{}", Category::Lora, Format::V2),
        ] {
            let file = read(path, text).unwrap();
            assert_eq!((file.category, file.format()), (category, format), "{path} {text}");
        }
        assert!(matches!(read("x.json", "{}"), Err(NoCategory::Unknown)));
        assert!(matches!(read("blip.json", "[]"), Err(NoCategory::NotAnObject("array"))));
        assert!(matches!(read("blip.json", "{"), Err(NoCategory::NotJson(_))));
    }
}
