//! A whole data folder, or a folder of category files without its layout.

use std::path::{Path, PathBuf};

use crate::backend::files::layout::Layout;
use crate::category_file::{CategoryFile, category_by_name};
use crate::disk::set_aside;
use crate::error::{Error, Result};
use crate::stored::holds_data;
use crate::{Category, Document};

use super::metadata::is_document_of_metadata;
use super::{Known, Report};

/// Checks every document of the data folder `root`, and looks for what does not belong there. In
/// place of a data folder, a folder above one or a folder of category files does as well.
pub fn check_folder(root: &Path) -> Result<Report> {
    // Whether anything can be seen at all is found out first: everything else is a finding.
    let names = list(root)?;
    let inner = root.join("horde_model_reference");
    if !holds_data(&Layout::below(root)) && inner.is_dir() {
        return check_folder(&inner);
    }
    let mut report = Report::default();
    let is_bare = names.iter().any(|path| path.ends_with("models.csv"));
    if is_bare || root.file_name().is_some_and(|name| name == "legacy") {
        report.bare_folder(&names, &Known::beside(root));
    } else {
        report.data_folder(&Layout::below(root));
    }
    Ok(report)
}

/// Checks every document of a data folder some of whose folders may lie elsewhere.
pub fn check_data(layout: &Layout) -> Result<Report> {
    list(&layout.root)?;
    let mut report = Report::default();
    report.data_folder(layout);
    Ok(report)
}

impl Report {
    fn data_folder(&mut self, layout: &Layout) {
        let catalogue = layout.path(Document::Baselines);
        let known = Known::from_catalogue(&catalogue).unwrap_or_default();
        for document in Document::all() {
            let candidates = [Some(layout.path(document)), layout.fallback(document)];
            let path = candidates.into_iter().flatten().find(|path| path.exists());
            match path {
                Some(path) => self.path(&path, &known),
                None => self.absent(&layout.path(document), document),
            }
        }
        if self.files == 0 {
            self.note(&layout.root, "holds no file of a model reference");
        }
        for category in Category::ALL.into_iter().filter(|category| category.has_legacy_form()) {
            self.agreement_of(layout, category);
        }
        let [v2_metadata, legacy_metadata] = layout.metadata_folders();
        let legacy = layout.root.join("legacy");
        let Layout { root, baselines, guidance, licensing, .. } = layout;
        let folders =
            [root, &legacy, &v2_metadata, &legacy_metadata, baselines, guidance, licensing];
        for folder in folders {
            // A folder that is not there holds nothing; one that cannot be read was told of above.
            for path in list(folder).unwrap_or_default() {
                self.stranger(&path, layout);
            }
        }
    }

    fn bare_folder(&mut self, paths: &[PathBuf], known: &Known) {
        for path in paths {
            if category_by_name(path).is_some() {
                self.path(path, known);
            } else {
                self.leftover(path);
            }
        }
    }

    fn path(&mut self, path: &Path, known: &Known) {
        match std::fs::read(path) {
            Ok(bytes) => self.file(path, &bytes, known),
            Err(error) => {
                self.files += 1;
                self.error(path, format!("cannot be read: {error}"));
            }
        }
    }

    /// Between two steps of a writer of the reference only the old file set aside is there.
    fn absent(&mut self, path: &Path, document: Document) {
        if set_aside(path).exists() && !is_document_of_metadata(document) {
            let old = set_aside(path);
            self.note(path, format!("is missing, but {} is there: rename it", old.display()));
        }
    }

    fn agreement_of(&mut self, layout: &Layout, category: Category) {
        let read = |path: PathBuf| {
            let file = CategoryFile::read(&path, std::fs::read(&path).ok()?).ok()?;
            Some((path, file))
        };
        let legacy = Document::Legacy(category);
        let v2 = read(layout.path(Document::V2(category)));
        let legacy = read(layout.path(legacy)).or_else(|| layout.fallback(legacy).and_then(read));
        if let (Some((v2_path, v2)), Some((legacy_path, legacy))) = (v2, legacy) {
            self.agreement((&v2_path, &v2), (&legacy_path, &legacy));
        }
    }

    fn stranger(&mut self, path: &Path, layout: &Layout) {
        if self.leftover(path) {
            return;
        }
        let is_document = Document::all().any(|document| {
            layout.path(document) == path || layout.fallback(document).as_deref() == Some(path)
        });
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_data = name.ends_with(".json") || name.ends_with(".csv");
        let is_ours = name.starts_with("text_generation_group_");
        if is_data && !is_document && !is_ours && path.is_file() {
            self.note(path, "is read by nobody");
        }
    }

    /// Notes a file that a writer left behind when it was interrupted.
    fn leftover(&mut self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_temporary =
            name.contains(".tmp.") || name.ends_with(".tmp") || name.ends_with(".staged");
        let is_leftover = (is_temporary || name.ends_with(".bak")) && path.is_file();
        if is_leftover {
            self.note(path, "was left behind by an interrupted write");
        }
        is_leftover
    }
}

/// What is in a folder, in the order of names.
fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = |error: std::io::Error| Error::io("read folder", folder, &error);
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<_>>()
        .map_err(unreadable)?;
    paths.sort();
    Ok(paths)
}
