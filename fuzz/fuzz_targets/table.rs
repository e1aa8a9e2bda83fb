//! The table of text models: writing it keeps what it means, lines change one at a time, its models
//! become v2 records and come back, and both views of it tell of the same models.
//!
//! One difference is wanted: CR LF inside a cell is written as LF.
#![no_main]

use horde_model_reference::json::Object;
use horde_model_reference::legacy::{
    Row, Table, normalise, publish, table_to_v1, table_to_v2, text_view,
};
use horde_model_reference::record::{Options, Record};
use horde_model_reference::text::{backend_prefix, variants};
use horde_model_reference::{Category, Json};
use libfuzzer_sys::fuzz_target;

/// Every row is treated alike, so more of them only take time.
const MOST_CHANGES: usize = 3;

fuzz_target!(|input: &[u8]| {
    let Ok(table) = Table::parse(input) else { return };
    let written = Table::parse(table.to_text().unwrap().as_bytes()).unwrap();
    means_the_same(&written, &table);
    let rows: Vec<Row> = table.rows().flatten().collect();
    rows.iter().take(MOST_CHANGES).for_each(comes_back_from_v2);
    v2_records(&table);
    v1_entries(&table, &rows);
    if !input.windows(2).any(|pair| pair == b"\r\n") {
        rows.iter().take(MOST_CHANGES).for_each(|row| changes_one_line(&table, row));
        publishes_once(&table);
    }
    if rows.len() == table.len() {
        shows_the_source(&table, &rows);
    }
});

/// What `to_text` writes in the place of a cell.
fn unix(cell: Option<&str>) -> String {
    cell.unwrap_or_default().replace("\r\n", "\n")
}

fn means_the_same(written: &Table, table: &Table) {
    assert_eq!(written.len(), table.len());
    let columns: Vec<String> = table.columns().iter().map(|name| unix(Some(name))).collect();
    assert_eq!(written.columns(), columns);
    for (place, name) in written.columns().iter().enumerate() {
        // Of columns with the same name the last one counts.
        if written.columns()[place + 1..].contains(name) {
            continue;
        }
        for line in 0..table.len() {
            let cell = unix(table.cell(line, &table.columns()[place]));
            assert_eq!(written.cell(line, name), Some(cell.as_str()));
        }
    }
}

fn comes_back_from_v2(row: &Row) {
    let Ok(record) = row.to_v2() else { return };
    let mut back = Row::from_v2(&row.name, &record);
    // Lists in settings may be made alike, and empty members are left out.
    back.settings.clone_from(&row.settings);
    back.context_window.clone_from(&row.context_window);
    back.interaction_modes.clone_from(&row.interaction_modes);
    back.capabilities.clone_from(&row.capabilities);
    assert_eq!(&back, row);
}

fn v2_records(table: &Table) {
    let converted = table_to_v2(table);
    for (name, record) in &converted.records {
        assert!(table.find(name).is_some() && backend_prefix(name).is_none());
        let read = Record::parse(Category::TextGeneration, record, Options::default());
        assert!(read.is_ok(), "{record} is refused: {:?}", read.err());
    }
    assert!(converted.records.len() + converted.rejected.len() <= table.len());
}

fn v1_entries(table: &Table, rows: &[Row]) {
    let entries = table_to_v1(table);
    let names: Vec<String> = rows.iter().flat_map(|row| variants(&row.name)).collect();
    for (key, entry) in &entries {
        assert!(names.contains(key));
        assert_eq!(entry.get("name").and_then(Json::as_str), Some(key.as_str()));
        if let Ok(normal) = normalise(key, entry.as_object().unwrap()) {
            assert_eq!(normalise(key, &normal), Ok(normal));
        }
    }
}

/// A row that is put back reads as before, and no other line changes.
fn changes_one_line(table: &Table, row: &Row) {
    let mut changed = table.clone();
    changed.put(row);
    let changed = Table::parse(changed.to_text().unwrap().as_bytes()).unwrap();
    let line = changed.find(&row.name).unwrap();
    let told = |object: &Option<Object>| object.clone().filter(|object| !object.is_empty());
    let expected = Row {
        settings: told(&row.settings),
        context_window: told(&row.context_window),
        interaction_modes: told(&row.interaction_modes),
        capabilities: told(&row.capabilities),
        ..row.clone()
    };
    assert_eq!(changed.row(line), Ok(expected));
    assert_eq!(changed.len(), table.len());
    for other in (0..table.len()).filter(|other| *other != line) {
        for column in table.columns() {
            let before = table.cell(other, column).unwrap_or_default();
            assert_eq!(changed.cell(other, column), Some(before));
        }
    }
    let mut without = changed.clone();
    assert!(without.remove(&row.name));
    assert_eq!(without.find(&row.name), None);
}

fn publishes_once(table: &Table) {
    let records = table_to_v1(table);
    let first = publish(&records, table).unwrap();
    let published = Table::parse(first.csv.as_bytes()).unwrap();
    let second = publish(&records, &published).unwrap();
    assert_eq!(second.csv, first.csv);
}

/// A table in which every line counts is its own v1 view.
fn shows_the_source(table: &Table, rows: &[Row]) {
    let repeated = |n: usize, row: &Row| rows[..n].iter().any(|other| other.name == row.name);
    let odd = |(n, row): (usize, &Row)| repeated(n, row) || backend_prefix(&row.name).is_some();
    let v2 = table_to_v2(table);
    if rows.iter().enumerate().any(odd) || !v2.rejected.is_empty() {
        return;
    }
    let view = text_view(Some(table), &v2.records);
    assert!(view.is_source);
    let text = |records: Object| Json::Object(records).to_string();
    assert_eq!(text(view.records), text(table_to_v1(table)));
}
