//! Where records are looked up: in a data folder, or at a server.

use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::{Context, bail};
use horde_model_reference::backend::files::Files;
use horde_model_reference::backend::files::layout::Layout;
use horde_model_reference::fetch::{FetchSettings, Fetched, Fetcher};
use horde_model_reference::json::{Json, Object};
use horde_model_reference::nearest::nearest;
use horde_model_reference::stored::Stored;
use horde_model_reference::{Category, Format};
use tokio::runtime::Runtime;

use crate::data::DataArgs;

/// Options that say where records are looked up.
#[derive(clap::Args)]
pub(crate) struct PlaceArgs {
    /// Ask the server at this address instead of reading the data folder
    #[arg(long, value_name = "BASE", conflicts_with_all = ["data", "config"])]
    url: Option<String>,
    #[command(flatten)]
    data: DataArgs,
}

/// A data folder or a server.
pub(crate) enum Place {
    Folder { files: Box<Files>, canonical: Format },
    Server { fetcher: Fetcher, runtime: Runtime, base: String },
}

/// A category as it was found.
pub(crate) struct Found {
    pub(crate) records: Object,
    /// Where it is from: a path or an address.
    pub(crate) source: String,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// When the file was last written.
    pub(crate) modified: Option<SystemTime>,
    /// Names the content: equal contents have equal marks.
    pub(crate) mark: String,
}

impl PlaceArgs {
    pub(crate) fn open(&self) -> anyhow::Result<Place> {
        let Some(url) = &self.url else {
            let data = self.data.find()?;
            let root = &data.layout.root;
            // A folder that is not there is a mistake, whereas one without files is merely empty.
            std::fs::read_dir(root).with_context(|| format!("cannot read {}", root.display()))?;
            return Ok(Place::folder(data.layout, data.canonical));
        };
        Place::server(url)
    }
}

impl Place {
    /// The server at this address.
    pub(crate) fn server(url: &str) -> anyhow::Result<Self> {
        let base = url.trim_end_matches('/');
        let base = if base.ends_with("/api") { base.to_owned() } else { format!("{base}/api") };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let fetcher = Fetcher::new(FetchSettings::default())?;
        Ok(Self::Server { fetcher, runtime, base })
    }

    /// A data folder.
    pub(crate) fn folder(layout: Layout, canonical: Format) -> Self {
        Self::Folder { files: Box::new(Files::new(layout)), canonical }
    }

    /// A category in one format; `None` when there is no such thing here.
    pub(crate) fn category(
        &self,
        category: Category,
        format: Format,
    ) -> anyhow::Result<Option<Found>> {
        match self {
            Self::Folder { files, canonical } => in_folder(files, *canonical, category, format),
            Self::Server { fetcher, runtime, base } => {
                let version = if format == Format::V2 { "v2" } else { "v1" };
                let url = format!("{base}/model_references/{version}/{category}");
                match runtime.block_on(fetcher.get(&url, None))? {
                    Fetched::Found { bytes, tag } => from_answer(url, &bytes, tag).map(Some),
                    Fetched::Missing | Fetched::Unchanged => Ok(None),
                }
            }
        }
    }
}

fn in_folder(
    files: &Files,
    canonical: Format,
    category: Category,
    format: Format,
) -> anyhow::Result<Option<Found>> {
    let stored = Stored::read(files, category)?;
    let records = match format {
        Format::V2 => stored.v2_records(canonical),
        Format::Legacy => stored.v1_records(canonical),
    };
    let (Some(records), Some(source)) = (records, stored.source(canonical)) else {
        return Ok(None);
    };
    let layout = files.layout();
    let candidates = [Some(layout.path(source.document)), layout.fallback(source.document)];
    let path: PathBuf =
        candidates.into_iter().flatten().find(|path| path.exists()).unwrap_or_default();
    let metadata = std::fs::metadata(&path).ok();
    Ok(Some(Found {
        records,
        source: path.display().to_string(),
        size: source.bytes.len() as u64,
        modified: metadata.and_then(|metadata| metadata.modified().ok()),
        mark: short_mark(&source.digest.to_string()),
    }))
}

fn from_answer(url: String, bytes: &[u8], tag: Option<String>) -> anyhow::Result<Found> {
    let records = match Json::parse(bytes) {
        Ok(Json::Object(records)) => records,
        Ok(other) => bail!("{url}: expected a JSON object of records, found {}", other.kind()),
        Err(error) => bail!("{url}: not JSON: {error}"),
    };
    let mark = short_mark(tag.as_deref().unwrap_or_default().trim_matches('"'));
    Ok(Found { records, source: url, size: bytes.len() as u64, modified: None, mark })
}

fn short_mark(mark: &str) -> String {
    mark.chars().take(12).collect()
}

/// The category of that name, or of the file of that name; else what it was probably meant to be.
pub(crate) fn category_of(name: &str) -> Result<Category, String> {
    let named = Category::ALL
        .into_iter()
        .find(|category| [category.name(), category.file_stem()].contains(&name));
    named.ok_or_else(|| {
        let names = Category::ALL.into_iter().map(Category::name);
        let all: Vec<&str> = names.clone().collect();
        let hint = match nearest(name, names) {
            Some(meant) => format!("did you mean {meant}?"),
            None => format!("there are {}", all.join(", ")),
        };
        format!("there is no category {name:?}; {hint}")
    })
}

/// The record of that name, or what the name was probably meant to be.
pub(crate) fn record_of<'a>(records: &'a Object, name: &str) -> Result<&'a Json, String> {
    records.get(name).ok_or_else(|| {
        let same_letters = records.keys().find(|key| key.eq_ignore_ascii_case(name));
        let meant = same_letters.map(String::as_str);
        let meant = meant.or_else(|| nearest(name, records.keys().map(String::as_str)));
        let hint = meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
        format!("there is no model {name:?}{hint}")
    })
}
