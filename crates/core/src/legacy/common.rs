//! What legacy records of every category have.

use indexmap::IndexMap;

use crate::record::{Licensing, Metadata};
use crate::shape::members;

members! {
    /// What legacy records of every category have.
    pub struct Common(caller) {
        /// The model's name.
        name: String => required,
        /// The kind of model, from a short list for each category.
        model_type as "type": Option<String> => absent,
        /// What the model is, in words.
        description: Option<String> => absent,
        /// The author's version of it.
        version: Option<String> => absent,
        /// What it makes looks like.
        style: Option<String> => absent,
        /// Whether it shows what not everyone should see.
        nsfw: Option<bool> => absent,
        /// Whether all its files are wanted.
        download_all: Option<bool> => absent,
        /// The files, and where they are.
        config: Config => nullable(Config::default()),
        /// Whether it is on the disk of whoever wrote the file.
        available: Option<bool> => absent,
        /// What does not work with it.
        features_not_supported: Option<Vec<String>> => absent,
        /// Under which licence it is.
        licensing: Option<Licensing> => absent,
        /// When and by whom the record was made.
        metadata: Option<Metadata> => absent,
    }
}

members! {
    /// The files of a model, and apart from them the places to fetch them from.
    #[derive(Default)]
    pub struct Config(discard) {
        /// The files.
        files: Vec<File> => nullable(Vec::new()),
        /// The places.
        download: Vec<Fetch> => nullable(Vec::new()),
        /// Checksums of what lies inside the files, by component.
        embedded_component_hashes: Option<IndexMap<String, String>> => absent,
    }
}

members! {
    /// A file on disk.
    pub struct File(keep) {
        /// Its name.
        path: String => required,
        /// A checksum nobody uses any more.
        md5sum: Option<String> => absent,
        /// Its checksum.
        sha256sum: Option<String> => absent,
        /// What it is for, such as `vae`.
        file_type: Option<String> => absent,
        /// A checksum of its content that survives repacking.
        content_hash: Option<String> => absent,
    }
}

members! {
    /// Where a file is fetched from.
    pub struct Fetch(keep) {
        /// The file's name.
        file_name: Option<String> => absent,
        /// The folder it belongs into.
        file_path: String => nullable(String::new()),
        /// The address.
        file_url: Option<String> => absent,
    }
}

impl Fetch {
    /// Whether the host part of the address has its brackets in pairs: all that was ever asked of it.
    pub(super) fn is_splittable(&self) -> bool {
        let address = self.file_url.as_deref().unwrap_or_default();
        let Some((_, rest)) = address.split_once("//") else { return true };
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        host.contains('[') == host.contains(']')
    }
}
