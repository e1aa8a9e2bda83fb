//! Data from elsewhere becomes the files of a data folder.
//!
//! First everything is read and a [`Plan`] is made, which says what would change and what is
//! refused, and touches nothing. Then each [`Step`] is carried out by itself, a file at a time.
//!
//! Both files of a category are written: the one that was given as it was given, the other made from
//! it. Records in the folder that say the same stay as they are, with all that the other format
//! cannot say; so a repeated import changes nothing.

mod catalogue_step;
mod category_step;
mod folder;
mod guard;
#[cfg(feature = "fetch")]
mod remote;
mod step;

use std::path::Path;

use indexmap::IndexMap;

use crate::backend::files::Files;
use crate::backend::files::layout::Layout;
use crate::category_file::CategoryFile;
use crate::json::Json;
use crate::{Category, Document, Format};

pub use folder::{read_file, read_folder};
pub use guard::Refusal;
#[cfg(feature = "fetch")]
pub use remote::read_url;
pub use step::{Step, Write};

/// What is done although it looks like a mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Records may be replaced by nothing.
    pub allow_empty: bool,
    /// Many records may go at once.
    pub allow_shrink: bool,
    /// Records that are not valid are left out, instead of refusing the whole category.
    pub skip_invalid: bool,
}

/// Something that was read.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// Where it is from: a path or an address.
    pub origin: String,
    /// What it is.
    pub content: Content,
}

/// What was read.
#[derive(Debug, Clone)]
pub enum Content {
    /// A category in some form.
    Category(CategoryFile),
    /// A catalogue.
    Catalogue(Document, Json),
}

/// Why something cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: {reason}")]
pub struct Unusable {
    /// Where it is from.
    pub origin: String,
    /// What is wrong.
    pub reason: String,
}

/// What an import would do.
#[derive(Debug, Default)]
pub struct Plan {
    /// A step for each category and catalogue that was given.
    pub steps: Vec<Step>,
}

impl Plan {
    /// Compares what was given with what is in the folder. Of two sources of one file the first
    /// counts, and the second is told as unusable.
    pub fn new(
        layout: &Layout,
        incoming: Vec<Incoming>,
        options: Options,
    ) -> (Self, Vec<Unusable>) {
        let files = Files::new(layout.clone());
        let mut unusable = Vec::new();
        let mut categories: IndexMap<Category, Given> = IndexMap::new();
        let mut catalogues: IndexMap<Document, Incoming> = IndexMap::new();
        for Incoming { origin, content } in incoming {
            match content {
                Content::Category(file) => {
                    let given = categories.entry(file.category).or_default();
                    unusable.extend(given.take(origin, file));
                }
                Content::Catalogue(document, _) if catalogues.contains_key(&document) => {
                    unusable.push(twice(origin, &catalogues[&document].origin));
                }
                Content::Catalogue(document, value) => {
                    let content = Content::Catalogue(document, value);
                    catalogues.insert(document, Incoming { origin, content });
                }
            }
        }
        categories.sort_keys();
        let mut steps = Vec::new();
        for (category, given) in categories {
            steps.push(category_step::plan(&files, category, given, options));
        }
        for incoming in catalogues.into_values() {
            steps.extend(catalogue_step::plan(&files, incoming));
        }
        (Self { steps }, unusable)
    }
}

/// The files given for one category, with where they are from.
#[derive(Debug, Default)]
struct Given {
    v2: Option<(String, CategoryFile)>,
    legacy: Option<(String, CategoryFile)>,
}

impl Given {
    fn take(&mut self, origin: String, file: CategoryFile) -> Option<Unusable> {
        let place = match file.format() {
            Format::V2 => &mut self.v2,
            Format::Legacy => &mut self.legacy,
        };
        if let Some((first, _)) = place {
            return Some(twice(origin, first));
        }
        *place = Some((origin, file));
        None
    }

    fn origins(&self) -> Vec<String> {
        let given = [&self.v2, &self.legacy];
        given.into_iter().flatten().map(|(origin, _)| origin.clone()).collect()
    }
}

fn twice(origin: String, first: &str) -> Unusable {
    Unusable { origin, reason: format!("is the same file as {first}, which counts") }
}

/// Reads a file as what its name and its content tell.
pub fn read(path: &Path, origin: String, bytes: Vec<u8>) -> Result<Incoming, Unusable> {
    if let Some(document) = crate::check::catalogue_at(path) {
        return match Json::parse(&bytes) {
            Ok(value) => Ok(Incoming { origin, content: Content::Catalogue(document, value) }),
            Err(error) => Err(Unusable { origin, reason: format!("not JSON: {error}") }),
        };
    }
    match CategoryFile::read(path, bytes) {
        Ok(file) => Ok(Incoming { origin, content: Content::Category(file) }),
        Err(error) => Err(Unusable { origin, reason: error.to_string() }),
    }
}
