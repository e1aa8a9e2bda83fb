//! A data folder whose past was made as services make it: by writes through the library.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use horde_model_reference::audit::Trail;
use horde_model_reference::backend::files::Files;
use horde_model_reference::backend::files::layout::Layout;
use horde_model_reference::change::WriteOptions;
use horde_model_reference::{Category, Document, Format, Json, Options, Primary};
use serde_json::Value;
use testkit::{DataFolder, Ran, eventually};
use tokio::runtime::Runtime;

pub(crate) const EXECUTABLE: &str = env!("CARGO_BIN_EXE_horde-model-reference");

/// A folder, and a process that writes it.
pub(crate) struct Written {
    pub(crate) data: DataFolder,
    primary: Primary,
    runtime: Runtime,
    canonical: Format,
}

impl Written {
    /// An empty folder whose source of truth is v2.
    pub(crate) fn empty() -> Self {
        Self::of(DataFolder::empty().unwrap(), Format::V2)
    }

    pub(crate) fn of(data: DataFolder, canonical: Format) -> Self {
        let root = data.root();
        std::fs::create_dir_all(&root).unwrap();
        let files = Arc::new(Files::new(Layout::below(&root)));
        let options = Options { canonical, compress: false, ..Options::default() };
        let trail = Trail::new(root.join("audit"), 5_242_880);
        let primary = Primary::open(files, options, Some(trail)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { data, primary, runtime, canonical }
    }

    /// Writes a record, and returns the generation with it.
    pub(crate) fn put(&self, user: &str, category: Category, name: &str, record: &Value) -> u64 {
        let record = Json::parse(record.to_string().as_bytes()).unwrap();
        let record = record.as_object().unwrap().clone();
        let options = WriteOptions::by(user).local();
        let done = self.runtime.block_on(async {
            match self.canonical {
                Format::V2 => self.primary.update(category, name, record, options).await,
                Format::Legacy => self.primary.update_legacy(category, name, record, options).await,
            }
        });
        self.wait_until_kept(category);
        done.unwrap().generation.get()
    }

    /// Deletes a v2 record, and returns the generation without it.
    pub(crate) fn delete(&self, user: &str, category: Category, name: &str) -> u64 {
        let options = WriteOptions::by(user).local();
        let done = self.runtime.block_on(self.primary.delete(category, name, options));
        self.wait_until_kept(category);
        done.unwrap().generation.get()
    }

    /// Writers answer before they tidy up: until then what is kept shares its file with the document,
    /// and a test that writes that in place would write both.
    fn wait_until_kept(&self, category: Category) {
        let layout = Layout::below(self.data.root());
        let path = layout.path(Document::source_of(category, self.canonical));
        let names = || match std::fs::metadata(&path).unwrap().nlink() {
            1 => Ok(()),
            names => Err(format!("{} has {names} names", path.display())),
        };
        eventually(Duration::from_secs(20), names).unwrap();
    }

    /// Runs the executable on the folder.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let home = self.data.cache_home().to_str().unwrap();
        let arguments = [arguments, &["--data", home]].concat();
        testkit::run(EXECUTABLE, self.data.cache_home(), &arguments).unwrap()
    }

    /// Runs it and takes what it prints as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let ran = self.run(arguments);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
        ran.json().unwrap()
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.data.root().join(relative)
    }

    pub(crate) fn bytes(&self, relative: &str) -> Vec<u8> {
        std::fs::read(self.path(relative)).unwrap()
    }

    /// The records of a file as they are stored.
    pub(crate) fn stored(&self, relative: &str) -> Value {
        serde_json::from_slice(&self.bytes(relative)).unwrap()
    }
}

/// A record of a small category.
pub(crate) fn clip(name: &str, description: &str) -> Value {
    serde_json::json!({"record_type": "clip", "name": name, "description": description})
}
