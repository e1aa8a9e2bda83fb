//! v2 records: what the types say, and what only a person can put right.

use std::path::Path;

use crate::Category;
use crate::json::{Json, Object};
use crate::record::{Common, Download, NO_CHECKSUM, Options, Record};
use crate::shape::Severity;

use super::{Known, Report};

impl Report {
    pub(super) fn v2(&mut self, path: &Path, category: Category, records: &Object, known: &Known) {
        for (name, record) in records {
            self.v2_record(path, category, (name, record), known);
        }
    }

    pub(super) fn v2_record(
        &mut self,
        path: &Path,
        category: Category,
        (name, record): (&str, &Json),
        known: &Known,
    ) {
        let options =
            Options { knows_baseline: &|name| known.baseline(name), ..Options::default() };
        match Record::parse(category, record, options) {
            Ok((record, issues)) => {
                self.issues(path, name, issues);
                self.name(path, name, &record.common.name);
                self.files_of(path, category, name, &record.common);
            }
            Err(issues) => self.issues(path, name, issues),
        }
    }

    pub(super) fn name(&mut self, path: &Path, key: &str, name: &str) {
        if key != name {
            let message = format!("the record is called {name:?} but stands under {key:?}");
            self.add(path, Some(key), "name", Severity::Warning, message);
        }
    }

    /// Text models are fetched by whoever runs them, and those kept elsewhere come from there.
    fn files_of(&mut self, path: &Path, category: Category, record: &str, common: &Common) {
        let downloads = &common.config.download;
        let wants_files = category != Category::TextGeneration && !category.is_managed_elsewhere();
        if downloads.is_empty() && wants_files {
            let message = "there is nothing to download";
            self.add(path, Some(record), "config.download", Severity::Warning, message);
        }
        for (index, download) in downloads.iter().enumerate() {
            for (member, message) in remarks(download) {
                let field = format!("config.download.{index}.{member}");
                self.add(path, Some(record), field, Severity::Warning, message);
            }
        }
    }
}

fn remarks(download: &Download) -> impl Iterator<Item = (&'static str, String)> {
    let Download { file_name, file_url, sha256sum, .. } = download;
    let address = file_url.is_empty().then(|| ("file_url", format!("no address of {file_name}")));
    let is_hex = sha256sum.bytes().all(|byte| byte.is_ascii_hexdigit());
    let checksum = if sha256sum == NO_CHECKSUM {
        Some(format!("the checksum of {file_name} is not known"))
    } else if sha256sum.len() != 64 {
        let length = sha256sum.len();
        Some(format!("the checksum of {file_name} has {length} digits instead of 64"))
    } else {
        (!is_hex).then(|| format!("the checksum of {file_name} is not hexadecimal"))
    };
    address.into_iter().chain(checksum.map(|message| ("sha256sum", message)))
}
