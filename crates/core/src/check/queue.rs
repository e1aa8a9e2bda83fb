//! The queue of proposed changes: whether it can be read at all.

use std::path::Path;

use crate::Document;
use crate::json::Json;
use crate::queue::Entry;
use crate::shape::Severity;

use super::Report;

pub(super) fn is_queue(path: &Path) -> bool {
    path.ends_with("pending_queue/changes.json")
}

impl Report {
    pub(super) fn queue(&mut self, path: &Path, bytes: &[u8]) {
        let value = match Json::parse(bytes) {
            Ok(value) => value,
            Err(error) => return self.error(path, format!("not JSON: {error}")),
        };
        let shape = Document::PendingChanges.top_level();
        match shape.check(value) {
            Ok(value) => self.changes(path, value.as_array().unwrap_or_default()),
            Err(reason) => self.error(path, reason),
        }
    }

    fn changes(&mut self, path: &Path, changes: &[Json]) {
        self.records += changes.len();
        for (index, change) in changes.iter().enumerate() {
            if let Err(message) = Entry::read(change) {
                self.add(path, None, index.to_string(), Severity::Error, message);
            }
        }
    }
}
