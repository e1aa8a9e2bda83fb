//! Whether the v2 file and the legacy file of a category tell of the same models.

use std::path::Path;

use indexmap::IndexSet;

use crate::category_file::{CategoryFile, Form};
use crate::shape::Severity;
use crate::text::backend_prefix;

use super::Report;

/// Names that are told one by one; of more than that, the number is told.
const TOLD: usize = 5;

impl Report {
    pub(super) fn agreement(&mut self, v2: (&Path, &CategoryFile), legacy: (&Path, &CategoryFile)) {
        let (v2_names, legacy_names) = (names(v2.1), names(legacy.1));
        self.only_in(v2.0, &v2_names, &legacy_names, "legacy");
        self.only_in(legacy.0, &legacy_names, &v2_names, "v2");
    }

    fn only_in(&mut self, path: &Path, here: &IndexSet<&str>, there: &IndexSet<&str>, form: &str) {
        let missing: Vec<&str> = here.difference(there).copied().collect();
        for name in missing.iter().take(TOLD) {
            let message = format!("the model is not in the {form} file");
            self.add(path, Some(name), "", Severity::Warning, message);
        }
        if missing.len() > TOLD {
            let more = missing.len() - TOLD;
            self.note(path, format!("{more} more models are not in the {form} file"));
        }
    }
}

fn names(file: &CategoryFile) -> IndexSet<&str> {
    match &file.form {
        Form::V2(records) | Form::Legacy(records) => records.keys().map(String::as_str).collect(),
        Form::TextEntries(entries) => {
            let names = entries.keys().map(String::as_str);
            names.filter(|name| backend_prefix(name).is_none()).collect()
        }
        Form::TextTable(table) => {
            let names = (0..table.len()).map(|line| table.name(line));
            names.filter(|name| !name.is_empty() && backend_prefix(name).is_none()).collect()
        }
    }
}
