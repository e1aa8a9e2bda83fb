//! A folder with documents in it, as the tests begin with it and look at it afterwards.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use horde_model_reference::audit::{Event, Filter, Tail, Trail};
use horde_model_reference::backend::files::Files;
use horde_model_reference::backend::files::layout::Layout;
use horde_model_reference::change::WriteOptions;
use horde_model_reference::json::Object;
use horde_model_reference::{Category, Format, Json, Options, Primary};

pub(crate) const SOON: Duration = Duration::from_secs(5);

pub(crate) struct Folder(pub(crate) tempfile::TempDir);

impl Folder {
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            let path = folder.path(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn json(&self, name: &str) -> Json {
        Json::parse(&std::fs::read(self.path(name)).unwrap()).unwrap()
    }

    pub(crate) fn names(&self, name: &str) -> Vec<String> {
        self.json(name).as_object().unwrap().keys().cloned().collect()
    }

    pub(crate) fn open(&self) -> Primary {
        self.open_as(Format::V2)
    }

    pub(crate) fn open_as(&self, canonical: Format) -> Primary {
        let files = Arc::new(Files::new(Layout::below(self.0.path())));
        let options = Options { canonical, compress: false, ..Options::default() };
        let trail = Trail::new(self.path("audit"), 1 << 20);
        Primary::open(files, options, Some(trail)).unwrap()
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        Tail::new(self.path("audit"), Filter::default()).read_on().unwrap()
    }
}

pub(crate) fn object(text: &str) -> Object {
    Json::parse(text.as_bytes()).unwrap().as_object().cloned().unwrap()
}

/// An image model, as the legacy file has it.
pub(crate) const LEGACY: &str = r#"{"m":{"name":"m","baseline":"stable diffusion 1","type":"ckpt","inpainting":false,"description":"d","version":"1","style":"generalist","nsfw":false,"download_all":true,"config":{"files":[],"download":[]},"available":false}}"#;

/// The least that is a record.
pub(crate) const NAMED: &str = r#"{"name":"m"}"#;

pub(crate) fn local() -> WriteOptions {
    WriteOptions::by("101").local()
}

pub(crate) fn names(primary: &Primary, category: Category) -> Vec<String> {
    let read = primary.category_blocking(category);
    assert!(read.fresh);
    read.view.records().map(|records| records.keys().cloned().collect()).unwrap_or_default()
}

pub(crate) fn no_leftovers(folder: &Path) {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    let left: Vec<_> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| [".swap", ".new", ".staged"].iter().any(|ending| name.ends_with(ending)))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
