//! Seeding: the first data of a new PRIMARY, from the published repositories.
//!
//! Only categories that have no file at all are fetched, and nothing that is there is ever replaced,
//! so seeding again does no harm. What cannot be fetched or converted is told and stays absent; the
//! next start tries again.

use std::path::Path;
use std::time::Duration;

use futures_util::{StreamExt, stream};

use crate::backend::files::layout::Layout;
use crate::fetch::{Backoff, FetchError, FetchSettings, Fetched, Fetcher};
use crate::published::{Conversion, address};
use crate::settings::Seeding;
use crate::{Category, Document, Error, Format, disk};

/// Files that are fetched at a time.
const AT_A_TIME: usize = 4;
/// Time for one file, repetitions included.
const FILE_BUDGET: Duration = Duration::from_secs(60);

/// A category that was absent.
#[derive(Debug)]
pub struct Seeded {
    /// Which one.
    pub category: Category,
    /// How many records it has now, or why it is still absent.
    pub outcome: Result<Records, SeedError>,
}

/// What came of a category's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Records {
    /// How many records were converted.
    pub converted: usize,
    /// Those that were not, and why.
    pub left_out: Vec<String>,
}

/// Why a category was not seeded.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// Its file could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// There is no such file.
    #[error("{place} does not exist")]
    Missing {
        /// Where it was looked for.
        place: String,
    },
    /// Its file is not what it should be.
    #[error("{place}: {reason}")]
    Invalid {
        /// Where it came from: an address, or a file that was there already.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Its files could not be written.
    #[error(transparent)]
    Disk(#[from] Error),
}

/// Fetches the categories that have no file, and creates their files. One entry for each.
pub async fn seed(seeding: &Seeding, layout: &Layout, canonical: Format) -> Vec<Seeded> {
    let absent: Vec<(Category, String)> = Category::ALL
        .into_iter()
        .filter(|&category| is_absent(layout, category, canonical))
        .filter_map(|category| Some((category, address(seeding, category)?)))
        .collect();
    if absent.is_empty() {
        return Vec::new();
    }
    let fetcher = match Fetcher::new(settings(seeding)) {
        Ok(fetcher) => fetcher,
        Err(error) => {
            let failed = |(category, _)| Seeded { category, outcome: Err(error.clone().into()) };
            return absent.into_iter().map(failed).collect();
        }
    };
    let seed_one = |(category, url): (Category, String)| {
        let fetcher = &fetcher;
        async move { Seeded { category, outcome: seed_category(fetcher, category, url, layout).await } }
    };
    stream::iter(absent).map(seed_one).buffered(AT_A_TIME).collect().await
}

/// Whether there is neither the file that is the source of truth nor one it could be made from.
fn is_absent(layout: &Layout, category: Category, canonical: Format) -> bool {
    let exists = |path: &Path| path.exists();
    let legacy = Document::Legacy(category);
    let has_legacy =
        exists(&layout.path(legacy)) || layout.fallback(legacy).as_deref().is_some_and(exists);
    let has_v2 = exists(&layout.path(Document::V2(category)));
    // With v2 canonical a legacy file alone is not served, and is converted like a published one.
    !has_v2 && (canonical == Format::V2 || !has_legacy)
}

fn settings(seeding: &Seeding) -> FetchSettings {
    let pause = Duration::from_secs(seeding.backoff_seconds.into());
    FetchSettings {
        timeout: FILE_BUDGET,
        attempts: seeding.max_attempts,
        backoff: Backoff { base: pause, cap: pause },
        ..FetchSettings::default()
    }
}

async fn seed_category(
    fetcher: &Fetcher,
    category: Category,
    url: String,
    layout: &Layout,
) -> Result<Records, SeedError> {
    let own = layout.path(Document::Legacy(category));
    let (bytes, place) = match std::fs::read(&own) {
        Ok(bytes) => (bytes.into(), own.display().to_string()),
        Err(_) => {
            let place = crate::settings::mask(&url);
            match fetcher.get(&url, None).await? {
                Fetched::Found { bytes, .. } => (bytes, place),
                Fetched::Missing | Fetched::Unchanged => return Err(SeedError::Missing { place }),
            }
        }
    };
    let conversion = Conversion::of(category, bytes);
    let conversion = conversion.map_err(|reason| SeedError::Invalid { place, reason })?;
    let records = Records { converted: conversion.records, left_out: conversion.left_out.clone() };
    for (path, bytes) in conversion.files(category, layout) {
        if let Some(folder) = path.parent() {
            disk::make_folder(folder)?;
        }
        disk::create(&path, &bytes)?;
    }
    Ok(records)
}
