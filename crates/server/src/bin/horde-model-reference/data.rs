//! Which data folder a command is about.

use std::path::PathBuf;
use std::time::Duration;

use horde_model_reference::audit::Trail;
use horde_model_reference::backend::files::Files;
use horde_model_reference::backend::files::layout::Layout;
use horde_model_reference::history::History;
use horde_model_reference::l1::Leases;
use horde_model_reference::settings::{Coherence, ReplicateMode, SettingFiles, Settings, Sources};
use horde_model_reference::{Category, Document, Format};

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
    pub(crate) settings: Box<Settings>,
}

impl DataArgs {
    /// Finds the folder as `serve` would.
    pub(crate) fn find(&self) -> anyhow::Result<Data> {
        let mut sources = Sources::from_process_env();
        sources.default_mode = ReplicateMode::Primary;
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
        let settings = Box::new(Settings::load(&sources)?.settings);
        let canonical = settings.storage.canonical_format;
        Ok(Data { layout: layout(&settings), canonical, settings })
    }
}

impl Data {
    /// Where the audit trail is, whether or not one is kept.
    pub(crate) fn trail(&self) -> PathBuf {
        Trail::root_of(&self.settings.audit, &self.layout.root)
    }

    /// The past of a category, by the file that is its source of truth.
    pub(crate) fn history(&self, category: Category) -> anyhow::Result<History> {
        let files = Files::new(self.layout.clone());
        let document = Document::source_of(category, self.canonical);
        Ok(History::read(&files, document, Some(&self.trail()))?)
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

/// How long what was read may be served, as the settings have it.
pub(crate) fn leases(coherence: &Coherence) -> Leases {
    let ms = |ms: u32| Duration::from_millis(ms.into());
    Leases {
        lease: ms(coherence.lease_ms.get()),
        look_every: ms(coherence.look_every_ms()),
        young_stamp: ms(coherence.young_stamp_ms),
        deep_look: Duration::from_secs(coherence.deep_look_s.get().into()),
    }
}
