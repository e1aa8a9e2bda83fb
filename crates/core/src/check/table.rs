//! `models.csv`, line by line.

use std::collections::HashMap;
use std::path::Path;

use crate::legacy::{Row, Table, line_numbers, unknown_settings};
use crate::shape::Severity;
use crate::text::backend_prefix;

use super::{Finding, Report, field, sentence};

/// Without these a line cannot be read.
const NEEDED_COLUMNS: [&str; 2] = ["name", "parameters_bn"];

impl Report {
    pub(super) fn table(&mut self, path: &Path, table: &Table, bytes: &[u8]) {
        for column in NEEDED_COLUMNS {
            if !table.columns().iter().any(|name| name == column) {
                self.error(path, format!("there is no column {column}"));
            }
        }
        let numbers = line_numbers(bytes);
        let mut last_of: HashMap<&str, usize> = HashMap::new();
        last_of.extend((0..table.len()).map(|line| (table.name(line), line)));
        for line in 0..table.len() {
            let name = table.name(line);
            let number = |line: usize| numbers.get(line).copied();
            let mut add = |field: &str, severity, message: String| {
                self.findings.push(Finding {
                    path: path.to_owned(),
                    line: number(line),
                    record: Some(name.to_owned()).filter(|name| !name.is_empty()),
                    field: field.to_owned(),
                    severity,
                    message,
                });
            };
            match table.row(line) {
                Ok(row) => row_findings(&row, &mut add),
                Err(reason) => add("", Severity::Error, reason),
            }
            if let Some(last) = last_of.get(name).filter(|last| **last != line && !name.is_empty())
            {
                let last = number(*last).unwrap_or_default();
                let message =
                    format!("the name is repeated in line {last}, which is the one that counts");
                add("name", Severity::Warning, message);
            }
        }
    }
}

fn row_findings(row: &Row, add: &mut impl FnMut(&str, Severity, String)) {
    if let Err(issues) = row.to_v2() {
        for issue in issues {
            add(&field(&issue), issue.severity, sentence(&issue.message));
        }
    }
    if let Some(prefix) = backend_prefix(&row.name) {
        let message =
            format!("the line is left out: its name begins with that of a backend, {prefix}");
        add("name", Severity::Warning, message);
    }
    if row.name.contains("://") {
        add("name", Severity::Warning, "the name is an address; v1 does not show the model".into());
    }
    let settings = row.settings.iter().flat_map(|settings| settings.keys().map(String::as_str));
    let unknown = unknown_settings(settings);
    if !unknown.is_empty() {
        let message = format!("no text model has the settings {}", unknown.join(", "));
        add("settings", Severity::Warning, message);
    }
}
