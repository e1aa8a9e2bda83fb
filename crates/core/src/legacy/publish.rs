//! The two files under which text models are published: the table, and `db.json` made from it.

use crate::json::{Json, Object};
use crate::shape::Integer;
use crate::text::{backend_prefix, display_name, short_name, variants};

use super::csv::{NotATable, PUBLIC_COLUMNS, Table};
use super::decimal::{from_billions, size_tag};
use super::row::Row;
use super::v1_entry::{is_empty, v1_entry};

/// The published files.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// The text of `models.csv`.
    pub csv: String,
    /// The content of `db.json`.
    pub db: Object,
}

/// Merges v1 text records into the table that is published so far.
///
/// A known name takes the new values in its last line, which is the one readers see; lines of other
/// names stay; new ones follow.
pub fn publish(records: &Object, existing: &Table) -> Result<Published, NotATable> {
    let mut merged = existing.clone();
    merged.add_columns(&PUBLIC_COLUMNS);
    for (name, record) in records {
        let record = record.as_object();
        if let (Some(record), None, false) = (record, backend_prefix(name), name.contains("://")) {
            merge(&mut merged, name, record);
        }
    }
    let mut db = Object::new();
    for line in 0..merged.len() {
        write_entries(&merged, line, &mut db);
    }
    Ok(Published { csv: merged.to_text_of(&PUBLIC_COLUMNS)?, db })
}

fn merge(table: &mut Table, name: &str, record: &Object) {
    let row = Row::from_normalised(name, record);
    let known = table.find(name);
    let line = known.unwrap_or_else(|| table.push_line());
    let mut cells = row.cells();
    let parameters = match record.get("parameters") {
        None | Some(Json::Null) => String::new(),
        Some(_) => published_billions(&row.parameters),
    };
    cells.insert("parameters_bn", parameters);
    let settings = row.settings.filter(|settings| !settings.is_empty());
    let settings = settings.map_or(String::new(), |settings| {
        Json::Object(settings).to_text(crate::json::Style::SPACED_ASCII)
    });
    cells.insert("settings", settings);
    for column in PUBLIC_COLUMNS {
        let cell = cells.shift_remove(column).unwrap_or_default();
        let keeps_old = column == "instruct_format" && cell.is_empty() && known.is_some();
        if !keeps_old {
            table.set(line, column, cell);
        }
    }
}

/// The published table has whole numbers, or floats in their shortest form.
fn published_billions(parameters: &Integer) -> String {
    let billions = parameters.to_f64() / 1e9;
    match Integer::truncate(billions) {
        Some(whole) if billions.fract() == 0.0 => whole.to_string(),
        _ => Json::Float(billions).to_string(),
    }
}

/// Adds the entries of a line under each of its names, values in the order of the columns.
fn write_entries(table: &Table, line: usize, db: &mut Object) {
    let name = table.name(line);
    if name.is_empty() {
        return;
    }
    let mut values = Object::new();
    for column in table.columns() {
        let cell = table.cell(line, column).unwrap_or_default();
        let (member, value) = match column.as_str() {
            "name" => continue,
            "parameters_bn" => ("parameters", parameters_value(cell)),
            "tags" => ("tags", all_tags(table, line).into()),
            "settings" => ("settings", settings_value(cell)),
            "display_name" if cell.is_empty() => {
                ("display_name", display_name(short_name(name)).into())
            }
            other => (other, cell.into()),
        };
        if !is_empty(&value) {
            values.insert(member.to_owned(), value);
        }
    }
    for key in variants(name) {
        db.insert(key.clone(), v1_entry(&key, short_name(name), &values).into());
    }
}

fn parameters_value(cell: &str) -> Json {
    from_billions(cell).map_or(Json::Null, |parameters| (&parameters).into())
}

fn settings_value(cell: &str) -> Json {
    Json::parse(cell.trim().as_bytes()).unwrap_or(Json::Null)
}

fn all_tags(table: &Table, line: usize) -> Vec<String> {
    let cell = |column| table.cell(line, column).unwrap_or_default();
    let tags = cell("tags");
    let mut all: Vec<String> = if tags.is_empty() {
        Vec::new()
    } else {
        tags.split(',').map(|tag| tag.trim().to_owned()).collect()
    };
    all.extend(Some(cell("style")).filter(|style| !style.is_empty()).map(str::to_owned));
    let parameters = from_billions(cell("parameters_bn")).unwrap_or(Integer::Small(0));
    all.push(size_tag(parameters.to_f64() / 1e9));
    all.sort();
    all.dedup();
    all
}
