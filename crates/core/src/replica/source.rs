//! What is followed: which document comes from where, and what must be true of it.

use std::fmt;
use std::path::PathBuf;

use bytes::Bytes;

use super::FollowerSettings;
use crate::backend::files::layout::Layout;
use crate::catalogue::licensing::read_export;
use crate::catalogue::{Baselines, Guidance, Stored};
use crate::json::{Json, Style};
use crate::published::{self, Conversion};
use crate::shape::Issue;
use crate::{Category, Document};

/// One thing that is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// A category's v2 answer.
    V2(Category),
    /// A category's v1 answer.
    V1(Category),
    /// The export of image baselines.
    Baselines,
    /// The export of text guidance.
    Guidance,
    /// The export of licensing: two files.
    Licensing,
    /// A published category.
    Published(Category),
}

/// A file, and what belongs in it.
pub(super) type Files = Vec<(PathBuf, Bytes)>;

impl Source {
    /// All that a PRIMARY has.
    pub(super) fn of_primary() -> impl Iterator<Item = Self> {
        let with_legacy_form = |category: &Category| category.has_legacy_form();
        let legacy = Category::ALL.into_iter().filter(with_legacy_form).map(Self::V1);
        let catalogues = [Self::Baselines, Self::Guidance, Self::Licensing];
        Category::ALL.into_iter().map(Self::V2).chain(legacy).chain(catalogues)
    }

    /// Where it is; `None` if the settings name no such place.
    pub(super) fn address(self, settings: &FollowerSettings) -> Option<String> {
        let path = match self {
            Self::V2(category) => format!("v2/{category}"),
            Self::V1(category) => format!("v1/{category}"),
            Self::Baselines => "v2/image_generation/baselines/export".to_owned(),
            Self::Guidance => "v2/text_generation/guidance/export".to_owned(),
            Self::Licensing => "v2/licensing/export".to_owned(),
            Self::Published(category) => {
                return published::address(settings.published.as_ref()?, category);
            }
        };
        Some(settings.primary.as_ref()?.join(&format!("model_references/{path}")))
    }

    /// Whether it is a category, not a catalogue.
    pub(super) fn is_category(self) -> bool {
        matches!(self, Self::V2(_) | Self::V1(_) | Self::Published(_))
    }

    /// The files it fills.
    pub(super) fn paths(self, layout: &Layout) -> Vec<PathBuf> {
        let documents: &[Document] = match self {
            Self::V2(category) => &[Document::V2(category)],
            Self::V1(category) => return vec![copy_of_v1(layout, category)],
            Self::Baselines => &[Document::Baselines],
            Self::Guidance => &[Document::Guidance],
            Self::Licensing => &[Document::Licenses, Document::LicensedAssets],
            Self::Published(category) => &[Document::Legacy(category), Document::V2(category)],
        };
        documents.iter().map(|&document| layout.path(document)).collect()
    }

    /// A file that would be read in place of the one this fills.
    pub(super) fn rival(self, layout: &Layout) -> Option<PathBuf> {
        let Self::V1(category) = self else { return None };
        let path = layout.path(Document::Legacy(category));
        (path != copy_of_v1(layout, category)).then_some(path)
    }

    /// Checks an answer, and says what belongs in the files.
    pub(super) fn accept(self, body: Bytes, layout: &Layout) -> Result<Files, String> {
        let one = |bytes: Bytes| Ok(self.paths(layout).into_iter().zip([bytes]).collect());
        match self {
            Self::V2(_) | Self::V1(_) => {
                object(&body).and_then(of_records).and_then(|()| one(body))
            }
            Self::Baselines => checked(Baselines::parse(&object(&body)?)).and_then(|_| one(body)),
            Self::Guidance => checked(Guidance::parse(&object(&body)?)).and_then(|_| one(body)),
            Self::Licensing => {
                let (definitions, assets) = checked(read_export(&object(&body)?))?;
                let text = |file: Json| Bytes::from(file.to_text(Style::INDENT_2_ASCII));
                let files = [text(definitions.to_json()), text(assets.to_json())];
                Ok(self.paths(layout).into_iter().zip(files).collect())
            }
            Self::Published(category) => {
                let conversion = Conversion::of(category, body)?;
                for reason in &conversion.left_out {
                    tracing::warn!(%category, %reason, "published record left out");
                }
                Ok(conversion.files(category, layout).into())
            }
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V2(category) => write!(f, "v2/{category}"),
            Self::V1(category) => write!(f, "v1/{category}"),
            Self::Baselines => f.write_str("export of baselines"),
            Self::Guidance => f.write_str("export of guidance"),
            Self::Licensing => f.write_str("export of licensing"),
            Self::Published(category) => write!(f, "published {category}"),
        }
    }
}

/// The v1 answer is JSON for text models as well, and is kept where JSON is looked for.
fn copy_of_v1(layout: &Layout, category: Category) -> PathBuf {
    let document = Document::Legacy(category);
    layout.fallback(document).unwrap_or_else(|| layout.path(document))
}

/// What a gateway says in a PRIMARY's place may be an object, too.
fn of_records(object: Json) -> Result<(), String> {
    let strange =
        object.as_object().into_iter().flatten().find(|(_, record)| record.as_object().is_none());
    strange.map_or(Ok(()), |(name, _)| Err(format!("{name:?} is no record")))
}

fn object(body: &[u8]) -> Result<Json, String> {
    match Json::parse(body) {
        Ok(object @ Json::Object(_)) => Ok(object),
        Ok(other) => Err(format!("expected a JSON object, found {}", other.kind())),
        Err(error) => Err(format!("not JSON: {error}")),
    }
}

fn checked<T>(parsed: Result<T, Vec<Issue>>) -> Result<T, String> {
    parsed.map_err(|problems| {
        let reasons: Vec<String> = problems.iter().map(ToString::to_string).collect();
        reasons.join("; ")
    })
}
