//! A text model as a row of the table, read from its cells or from a record, and as a v2 record.

use indexmap::IndexMap;

use crate::Category;
use crate::json::{Json, Object, Style};
use crate::record::{Classification, Common, Config, Kind, Metadata, Record, Text};
use crate::shape::{
    Field, Integer, Issue, Print, Reader, Trimmed, Unknown, is_plain_value, word_to_bool,
};
use crate::text::{display_name, group_of, short_name};

use super::decimal::{from_billions, size_tag, to_billions};
use super::v1_entry::{DEFAULT_STYLE, DEFAULT_VERSION};

/// A text model as the table tells of it. Empty texts mean that nothing is said.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the fields are the columns of the table")]
pub struct Row {
    pub name: String,
    pub parameters: Integer,
    pub display_name: String,
    pub url: String,
    pub baseline: String,
    pub description: String,
    pub style: String,
    pub tags: Vec<String>,
    pub instruct_format: String,
    pub settings: Option<Object>,
    pub context_window: Option<Object>,
    pub interaction_modes: Option<Object>,
    pub capabilities: Option<Object>,
    pub version: String,
    pub nsfw: bool,
}

impl Row {
    /// Reads the cells of a line. What makes the line useless is told in words.
    pub fn read<'a>(cell: impl Fn(&str) -> &'a str) -> Result<Self, String> {
        let name = cell("name").trim();
        if name.is_empty() {
            return Err("no name".into());
        }
        let settings = object_cell(cell("settings"), "settings")?;
        if settings
            .iter()
            .flat_map(|settings| settings.values())
            .any(|value| !is_plain_value(value))
        {
            return Err(
                "settings hold something else than numbers, texts, booleans and lists".into()
            );
        }
        let guided = |column: &str| object_cell(cell(column), column);
        let text = |column: &str| cell(column).to_owned();
        Ok(Self {
            name: name.to_owned(),
            parameters: parameters_cell(cell("parameters_bn"))?,
            display_name: text("display_name"),
            url: text("url"),
            baseline: text("baseline"),
            description: text("description"),
            style: text("style"),
            tags: tags_cell(cell("tags")),
            instruct_format: text("instruct_format"),
            settings,
            context_window: guided("context_window")?,
            interaction_modes: guided("interaction_modes")?,
            capabilities: guided("capabilities")?,
            version: text("version"),
            nsfw: cell("nsfw").trim().eq_ignore_ascii_case("true"),
        })
    }

    /// The row that a v2 record would come from. What the record does not say is left empty.
    pub fn from_v2(name: &str, record: &Object) -> Self {
        let text =
            |member: &str| record.get(member).and_then(Json::as_str).unwrap_or_default().to_owned();
        let object = |member: &str| record.get(member).and_then(Json::as_object).cloned();
        let tags = record.get("tags").and_then(Json::as_array).unwrap_or_default();
        let parameters = record.get("parameters").or_else(|| record.get("parameters_count"));
        Self {
            name: name.to_owned(),
            parameters: parameters.and_then(lenient_integer).unwrap_or(Integer::Small(0)),
            display_name: text("display_name"),
            url: text("url"),
            baseline: text("baseline"),
            description: text("description"),
            style: text("style"),
            tags: tags.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
            instruct_format: text("instruct_format"),
            settings: object("settings"),
            context_window: object("context_window"),
            interaction_modes: object("interaction_modes"),
            capabilities: object("capabilities"),
            version: text("version"),
            nsfw: record.get("nsfw").is_some_and(is_true),
        }
    }

    /// The row that stores a normalised v1 record: without what reading the row makes anew.
    pub fn from_normalised(name: &str, record: &Object) -> Self {
        let mut row = Self::from_v2(name, record);
        if row.display_name == display_name(short_name(name)) {
            row.display_name.clear();
        }
        if row.version == DEFAULT_VERSION {
            row.version.clear();
        }
        let style_is_tag = row.tags.contains(&row.style);
        let size = row.size_tag();
        row.tags.retain(|tag| *tag != row.style && *tag != size);
        if row.style == DEFAULT_STYLE && !style_is_tag {
            row.style.clear();
        }
        row
    }

    /// The size in whole billions, as a tag.
    pub fn size_tag(&self) -> String {
        size_tag(self.parameters.to_f64() / 1e9)
    }

    /// The cells that store the row, by column.
    pub(super) fn cells(&self) -> IndexMap<&'static str, String> {
        let object = |value: &Option<Object>| {
            let object = value.as_ref().filter(|object| !object.is_empty());
            object.map_or(String::new(), |value| Json::Object(value.clone()).to_text(Style::CELL))
        };
        IndexMap::from([
            ("name", self.name.clone()),
            ("parameters_bn", to_billions(&self.parameters)),
            ("display_name", self.display_name.clone()),
            ("url", self.url.clone()),
            ("baseline", self.baseline.clone()),
            ("description", self.description.clone()),
            ("style", self.style.clone()),
            ("tags", self.tags.join(",")),
            ("instruct_format", self.instruct_format.clone()),
            ("settings", object(&self.settings)),
            ("context_window", object(&self.context_window)),
            ("interaction_modes", object(&self.interaction_modes)),
            ("capabilities", object(&self.capabilities)),
            ("version", self.version.clone()),
            ("nsfw", if self.nsfw { "true".into() } else { String::new() }),
        ])
    }

    /// The v2 record of the row.
    pub fn to_v2(&self) -> Result<Object, Vec<Issue>> {
        let category = Category::TextGeneration;
        let mut reader = Reader::of(category, Unknown::Drop);
        let text = Text {
            baseline: Some(self.baseline.clone()),
            parameters: self.parameters.clone(),
            nsfw: self.nsfw,
            style: Some(self.style.clone()),
            display_name: Some(self.display_name.clone()),
            url: Some(self.url.clone()),
            tags: Some(self.tags.iter().cloned().map(Trimmed).collect()),
            instruct_format: Some(self.instruct_format.clone()).filter(|text| !text.is_empty()),
            settings: read_column("settings", &self.settings, &mut reader),
            text_model_group: Some(group_of(&self.name)),
            name_schema_exception: None,
            context_window: read_column("context_window", &self.context_window, &mut reader),
            interaction_modes: read_column(
                "interaction_modes",
                &self.interaction_modes,
                &mut reader,
            ),
            capabilities: read_column("capabilities", &self.capabilities, &mut reader),
            guidance: None,
            unknown: Object::new(),
        };
        if reader.failed() {
            return Err(reader.into_issues());
        }
        let common = Common {
            record_type: category.name().to_owned(),
            name: self.name.clone(),
            description: Some(self.description.clone()),
            version: Some(self.version.clone()),
            finetune_series: None,
            metadata: Metadata::default(),
            config: Config::default(),
            model_classification: Classification::of(category),
            size_on_disk_bytes: None,
            licensing: None,
            unknown: Object::new(),
        };
        let kind = Kind::Text(Box::new(text));
        Ok(Record { category, common, kind, unknown: Object::new() }.to_json(Print::PLAIN))
    }
}

fn read_column<T: Field>(
    column: &'static str,
    value: &Option<Object>,
    reader: &mut Reader,
) -> Option<T> {
    let value = Json::Object(value.clone()?);
    reader.within(column, |reader| T::read(&value, reader))
}

fn is_true(value: &Json) -> bool {
    match value {
        Json::Bool(value) => *value,
        Json::String(word) => word_to_bool(word) == Some(true),
        _ => false,
    }
}

fn lenient_integer(value: &Json) -> Option<Integer> {
    match value {
        Json::Float(number) => Integer::truncate(*number),
        _ => Integer::read(value, &mut Reader::new(Unknown::Drop)),
    }
}

fn parameters_cell(cell: &str) -> Result<Integer, String> {
    match cell.trim() {
        "" => Ok(Integer::Small(0)),
        text => from_billions(text).ok_or_else(|| format!("{text:?} is no number of parameters")),
    }
}

fn tags_cell(cell: &str) -> Vec<String> {
    cell.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
}

fn object_cell(cell: &str, column: &str) -> Result<Option<Object>, String> {
    let text = cell.trim();
    if text.is_empty() {
        return Ok(None);
    }
    match Json::parse(text.as_bytes()) {
        Ok(Json::Object(members)) => Ok(Some(members)),
        Ok(Json::Null) => Ok(None),
        Ok(other) => Err(format!("{column} should be an object, not {}", other.kind())),
        Err(error) => Err(format!("{column} is not JSON: {error}")),
    }
}
