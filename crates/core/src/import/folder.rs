//! What can be imported from disk: a file, or a folder of files.

use std::path::{Path, PathBuf};

use crate::category_file::{Form, category_by_name};
use crate::check::catalogue_at;

use super::{Content, Incoming, Unusable, read};

/// The folders in which files are looked for, below the one that is given.
const FOLDERS: [&str; 8] = [
    "",
    "v2",
    "legacy",
    "baselines",
    "text_guidance",
    "licensing",
    "horde_model_reference",
    "horde_model_reference/legacy",
];

/// Reads one file.
pub fn read_file(path: &Path) -> Result<Incoming, Unusable> {
    let origin = path.display().to_string();
    match std::fs::read(path) {
        Ok(bytes) => read(path, origin, bytes),
        Err(error) => Err(Unusable { origin, reason: format!("cannot be read: {error}") }),
    }
}

/// Reads the files of a folder that are called as files of a model reference are. `db.json` is left
/// alone beside the table that it was made from.
pub fn read_folder(folder: &Path) -> Vec<Result<Incoming, Unusable>> {
    let mut read = Vec::new();
    for below in FOLDERS {
        let below = folder.join(below);
        let mut paths = files_in(&below);
        paths.retain(|path| category_by_name(path).is_some() || catalogue_at(path).is_some());
        let found = paths.iter().map(|path| read_file(path));
        let found: Vec<Result<Incoming, Unusable>> = found.collect();
        let has_table = found.iter().flatten().any(is_table);
        read.extend(
            found
                .into_iter()
                .filter(|incoming| !(has_table && incoming.as_ref().is_ok_and(is_made_from_table))),
        );
    }
    read
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    paths.sort();
    paths
}

fn is_table(incoming: &Incoming) -> bool {
    matches!(&incoming.content, Content::Category(file) if matches!(file.form, Form::TextTable(_)))
}

fn is_made_from_table(incoming: &Incoming) -> bool {
    let content = &incoming.content;
    matches!(content, Content::Category(file) if matches!(file.form, Form::TextEntries(_)))
}
