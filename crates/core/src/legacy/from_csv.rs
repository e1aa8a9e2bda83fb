//! The table of text models becomes v2 records, and the v1 view.

use crate::json::{Json, Object};
use crate::shape::{Issue, Severity};
use crate::text::backend_prefix;

use super::csv::Table;
use super::from_legacy::{Converted, Rejected};

/// The v2 records of the table. Lines under a backend's name are left out: they are copies.
pub fn table_to_v2(table: &Table) -> Converted {
    let mut converted = Converted::default();
    for line in 0..table.len() {
        let name = table.name(line).to_owned();
        if backend_prefix(&name).is_some() {
            continue;
        }
        let row = table.row(line).map_err(|reason| vec![unreadable(line, reason)]);
        match row.and_then(|row| row.to_v2()) {
            Ok(record) => {
                converted.records.insert(name, record.into());
            }
            Err(issues) => converted.rejected.push(Rejected { name, issues }),
        }
    }
    converted
}

/// The v1 view of the table: three entries for each model.
pub fn table_to_v1(table: &Table) -> Object {
    let mut entries = Object::new();
    for row in table.rows().flatten() {
        row.write_v1(&mut entries);
    }
    entries
}

fn unreadable(line: usize, reason: String) -> Issue {
    Issue {
        loc: vec!["line".into(), line.into()],
        kind: "unreadable_row",
        message: reason,
        input: Json::Null,
        context: None,
        severity: Severity::Error,
    }
}
