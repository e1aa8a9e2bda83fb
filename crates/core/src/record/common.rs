//! What v2 records of every category have.

use indexmap::IndexMap;

use crate::shape::{Integer, Reader, members};
use crate::{Category, Domain, Purpose};

use super::licensing::Licensing;

/// The version of the schema that new records claim.
pub const SCHEMA_VERSION: &str = "2.1.0";

/// What stands where the checksum of a file is not known.
pub const NO_CHECKSUM: &str = "FIXME";

members! {
    /// The members that every record begins with.
    pub struct Common(caller) {
        /// The category, or whatever text the author put there.
        record_type: String => by(record_type_of),
        /// The model's name.
        name: String => required,
        /// What the model is, in words.
        description: Option<String> => absent,
        /// The author's version of it.
        version: Option<String> => absent,
        /// The family of fine-tuned models it belongs to.
        finetune_series: Option<FinetuneSeries> => absent,
        /// When and by whom the record was made.
        metadata: Metadata => or(Metadata::default()),
        /// The files.
        config: Config => or(Config::default()),
        /// What it works on, what it is for.
        model_classification: Classification => by(classification_of),
        /// The room it takes.
        size_on_disk_bytes: Option<Integer> => absent,
        /// Under which licence it is.
        licensing: Option<Licensing> => absent,
    }
}

fn record_type_of(reader: &Reader) -> String {
    reader.category().map_or_else(String::new, |category| category.name().to_owned())
}

fn classification_of(reader: &Reader) -> Classification {
    Classification::of(reader.category().unwrap_or(Category::Miscellaneous))
}

members! {
    /// A family of fine-tuned models.
    pub struct FinetuneSeries(caller) {
        /// Its name.
        name: String => required,
        /// Its version.
        version: Option<String> => absent,
        /// Who makes it.
        author: Option<String> => absent,
        /// What it is, in words.
        description: Option<String> => absent,
        /// Its page.
        homepage: Option<String> => absent,
    }
}

members! {
    /// When and by whom a record was made.
    pub struct Metadata(caller) {
        /// The version of the record's schema.
        schema_version: String => spelled(SCHEMA_VERSION.to_owned()),
        /// Seconds since 1970.
        created_at: Option<Integer> => absent,
        /// Seconds since 1970.
        updated_at: Option<Integer> => absent,
        /// A user's id.
        created_by: Option<String> => absent,
        /// A user's id.
        updated_by: Option<String> => absent,
    }
}

impl Default for Metadata {
    fn default() -> Self {
        Self {
            schema_version: SCHEMA_VERSION.into(),
            created_at: None,
            updated_at: None,
            created_by: None,
            updated_by: None,
            unknown: Default::default(),
        }
    }
}

members! {
    /// The files of a model.
    #[derive(Default)]
    pub struct Config(caller) {
        /// What to fetch.
        download: Vec<Download> => spelled(Vec::new()),
        /// Checksums of what lies inside the files, by component.
        embedded_component_hashes: Option<IndexMap<String, String>> => absent,
    }
}

members! {
    /// One file to fetch.
    pub struct Download(caller) {
        /// Its name on disk.
        file_name: String => required,
        /// Where it is; may be empty.
        file_url: String => required,
        /// Its checksum.
        sha256sum: String => or(NO_CHECKSUM.to_owned()),
        /// A checksum of its content that survives repacking.
        content_hash: Option<String> => absent,
        /// What it is for, such as `vae`.
        file_purpose: Option<String> => absent,
        /// Whether its host is known to be slow.
        known_slow_download: Option<bool> => absent,
        /// Its size.
        size_bytes: Option<Integer> => absent,
    }
}

members! {
    /// What a model works on and what it is for.
    pub struct Classification(caller) {
        /// What it works on.
        domain: Domain => required,
        /// What it is for.
        purpose: Purpose => required,
    }
}

impl Classification {
    /// The classification of the category's models.
    pub fn of(category: Category) -> Self {
        Self { domain: category.domain(), purpose: category.purpose(), unknown: Default::default() }
    }
}

impl Common {
    /// Total size of the files if all are known, else the size given for the model.
    pub fn total_size_bytes(&self) -> Option<i64> {
        let sizes = self.config.download.iter().map(|file| file.size_bytes.as_ref()?.to_i64());
        let total = sizes.collect::<Option<Vec<i64>>>().filter(|sizes| !sizes.is_empty());
        match total {
            Some(sizes) => sizes.into_iter().try_fold(0_i64, i64::checked_add),
            None => self.size_on_disk_bytes.as_ref()?.to_i64(),
        }
    }
}
