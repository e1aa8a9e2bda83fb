//! Where the data lies, in which format, and how often a replica fetches it.

use std::path::{Path, PathBuf};

use super::Choice;
use crate::Format;

impl Choice for Format {
    const CHOICES: &'static [(&'static str, Self)] = &[("v2", Self::V2), ("legacy", Self::Legacy)];
}

crate::setting_group! {
    /// Where the data lies, in which format, and how often a replica fetches it.
    pub struct Storage is "storage" {
        /// Folder above the data, which lies in its `horde_model_reference`.
        AIWORKER_CACHE_HOME => cache_home: PathBuf = PathBuf::from("./models"),
        /// Folder of log files.
        LOGS_FOLDER => logs_folder: PathBuf = PathBuf::from("./logs"),
        /// Format of the files that are the source of truth.
        HORDE_MODEL_REFERENCE_CANONICAL_FORMAT => canonical_format: Format = Format::V2,
        /// Create missing folders at start.
        HORDE_MODEL_REFERENCE_MAKE_FOLDERS => make_folders: bool = false,
        /// Seconds after which a REPLICA asks its PRIMARY again, 1 at least; a PRIMARY does not use it.
        HORDE_MODEL_REFERENCE_CACHE_TTL_SECONDS => cache_ttl_seconds: i64 = 60,
        /// Refuse v2 records with unknown members instead of dropping the members.
        AI_HORDE_TESTING => refuse_unknown_members: bool = false,
    }
}

impl Storage {
    /// The folder the data lies in.
    pub fn data_root(&self) -> PathBuf {
        self.cache_home.join("horde_model_reference")
    }

    /// The folder of a store that is put at `relative` unless `instead` says otherwise.
    pub fn folder_of(&self, relative: &str, instead: Option<&Path>) -> PathBuf {
        instead.map_or_else(|| self.data_root().join(relative), Path::to_owned)
    }
}
