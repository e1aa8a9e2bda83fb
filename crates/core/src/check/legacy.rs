//! Legacy records: whether they can be converted, and what is to be said about the result.

use std::path::Path;

use crate::Category;
use crate::json::Object;
use crate::legacy::{Origin, Record, SlowRule, convert_record};

use super::{Known, Report};

impl Report {
    pub(super) fn legacy(
        &mut self,
        path: &Path,
        category: Category,
        records: &Object,
        known: &Known,
    ) {
        for (name, record) in records {
            match convert_record(category, record, SlowRule::UrlHost) {
                Ok(made) => self.v2_record(path, category, (name, &made.into()), known),
                Err(issues) => self.issues(path, name, issues),
            }
        }
    }

    pub(super) fn text_entries(&mut self, path: &Path, entries: &Object) {
        for (name, entry) in entries {
            match Record::parse(Category::TextGeneration, entry, Origin::File) {
                Ok(record) => self.name(path, name, &record.common.name),
                Err(issues) => self.issues(path, name, issues),
            }
        }
    }
}
