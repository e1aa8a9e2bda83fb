//! Which path holds what, below the data root. The only place that spells a path.
//!
//! ```text
//! ROOT/
//!   <v2 category file>.json             stable_diffusion.json for image_generation
//!   legacy/<legacy category file>       models.csv for text_generation, else JSON
//!   meta/v2/<category>_metadata.json    counters and times of v2 operations
//!   meta/legacy/<category>_metadata.json
//!   baselines/catalog.json
//!   text_guidance/catalog.json
//!   licensing/licenses.json
//!   licensing/assets.json
//!   pending_queue/changes.json
//! ```

use std::path::{Path, PathBuf};

use crate::{Category, Document};

/// Folders of one data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The data root itself.
    pub root: PathBuf,
    /// Folder of the baselines catalogue.
    pub baselines: PathBuf,
    /// Folder of the text guidance catalogue.
    pub guidance: PathBuf,
    /// Folder of the licensing files.
    pub licensing: PathBuf,
    /// Folder of the queue of proposed changes.
    pub queue: PathBuf,
}

impl Layout {
    /// The usual folders below `root`.
    pub fn below(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        Self {
            baselines: root.join("baselines"),
            guidance: root.join("text_guidance"),
            licensing: root.join("licensing"),
            queue: root.join("pending_queue"),
            root,
        }
    }

    /// The file that holds `document`.
    pub fn path(&self, document: Document) -> PathBuf {
        match document {
            Document::V2(category) => self.root.join(v2_file_name(category)),
            Document::Legacy(category) => self.root.join("legacy").join(legacy_file_name(category)),
            Document::V2Metadata(category) => self.metadata("v2", category),
            Document::LegacyMetadata(category) => self.metadata("legacy", category),
            Document::Baselines => self.baselines.join("catalog.json"),
            Document::Guidance => self.guidance.join("catalog.json"),
            Document::Licenses => self.licensing.join("licenses.json"),
            Document::LicensedAssets => self.licensing.join("assets.json"),
            Document::PendingChanges => self.queue.join("changes.json"),
        }
    }

    /// Where to look for `document` when [`Layout::path`] holds nothing: text models were once kept
    /// as JSON, and replicas keep the PRIMARY's v1 answer that way.
    pub fn fallback(&self, document: Document) -> Option<PathBuf> {
        (document == Document::Legacy(Category::TextGeneration))
            .then(|| self.root.join("legacy").join("text_generation.json"))
    }

    /// Folders of category metadata, for v2 and for legacy operations.
    pub fn metadata_folders(&self) -> [PathBuf; 2] {
        let meta = self.root.join("meta");
        [meta.join("v2"), meta.join("legacy")]
    }

    fn metadata(&self, format: &str, category: Category) -> PathBuf {
        self.root.join("meta").join(format).join(format!("{category}_metadata.json"))
    }
}

/// Name of the file of v2 records, such as `stable_diffusion.json`.
pub fn v2_file_name(category: Category) -> String {
    format!("{}.json", category.file_stem())
}

/// Name of the legacy file, such as `models.csv`.
pub fn legacy_file_name(category: Category) -> String {
    match category {
        Category::TextGeneration => "models.csv".to_owned(),
        other => v2_file_name(other),
    }
}

/// Where a replica keeps a file with records that its PRIMARY replaced by one without any.
pub fn before(path: &Path) -> PathBuf {
    suffixed(path, ".before")
}

/// Where a replica keeps a file of which its PRIMARY says that there is none.
pub fn gone(path: &Path) -> PathBuf {
    suffixed(path, ".gone")
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
