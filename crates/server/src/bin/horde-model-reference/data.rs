//! Which data folder a command is about.

use std::path::PathBuf;

use horde_model_reference::Format;
use horde_model_reference::backend::files::layout::Layout;
use horde_model_reference::settings::{SettingFiles, Settings, Sources};

/// Options of every command that works on a data folder.
#[derive(clap::Args)]
pub(crate) struct DataArgs {
    /// Folder above the data, which lies in its `horde_model_reference` [default: ./models]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Settings in a TOML file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// The folder, and which of its formats is the source of truth.
pub(crate) struct Data {
    pub(crate) layout: Layout,
    pub(crate) canonical: Format,
}

impl DataArgs {
    /// Finds the folder as `serve` would.
    pub(crate) fn find(&self) -> anyhow::Result<Data> {
        let mut sources = Sources::from_process_env();
        let given = [
            ("AIWORKER_CACHE_HOME", &self.data),
            (SettingFiles::HORDE_MODEL_REFERENCE_CONFIG, &self.config),
        ];
        for (name, path) in given {
            if let Some(path) = path {
                let value = path.to_string_lossy().into_owned();
                sources.overrides.push((name.to_owned(), value));
            }
        }
        let settings = Settings::load(&sources)?.settings;
        Ok(Data { layout: layout(&settings), canonical: settings.storage.canonical_format })
    }
}

/// Where the documents are: below the data root, unless a folder of their own was given.
pub(crate) fn layout(settings: &Settings) -> Layout {
    let Settings { storage, queue, licensing, catalogues, .. } = settings;
    let folder =
        |relative: &str, instead: &Option<PathBuf>| storage.folder_of(relative, instead.as_deref());
    Layout {
        root: storage.data_root(),
        baselines: folder(&catalogues.baselines_subdir, &catalogues.baselines_path_override),
        guidance: folder(&catalogues.guidance_subdir, &catalogues.guidance_path_override),
        licensing: folder(&licensing.relative_subdir, &licensing.root_path_override),
        queue: folder(&queue.relative_subdir, &queue.root_path_override),
    }
}
