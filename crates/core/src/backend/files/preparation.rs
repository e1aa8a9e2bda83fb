//! What the start of a PRIMARY does to its files, before anybody reads them.
//!
//! Everything here fills gaps, atomically, file by file, and under a lock that keeps processes which
//! start at the same time apart. What cannot be done is told and left: a folder that cannot be
//! written is still served.

use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::layout::set_aside;
use super::{Files, LOCK_WAIT};
use crate::backend::Backend;
use crate::catalogue::licensing::{Assets, Definitions};
use crate::catalogue::{Baselines, Guidance, Stored};
use crate::disk::{CommitError, Flush, Locked};
use crate::error::{Error, Result};
use crate::json::{Json, Object, Style, object_to_text};
use crate::record::{is_populated, populate};
use crate::shrink::KEPT_GENERATIONS;
use crate::view::derive_v2;
use crate::{Category, Document, Format, Snapshot, disk, view};

/// How long a start waits for another process that prepares the same folder.
const START_WAIT: Duration = Duration::from_secs(5);
/// How often a document is written anew because somebody else wrote it meanwhile.
const ATTEMPTS: usize = 10;
/// How long a file must have been set aside before its writer is taken for dead.
const WRITER_TIME: Duration = Duration::from_secs(1);

impl Files {
    /// Makes the data directory complete: folders, files that a dead writer set aside, empty files
    /// for categories that exist in v2 only, v2 files that a legacy file is canonical for, category
    /// metadata, times of records, catalogues. Returns what could not be done.
    pub fn prepare(&self, canonical: Format) -> Vec<Error> {
        let mut failures = Vec::new();
        let mut note = |done: Result<()>| failures.extend(done.err());
        for folder in self.layout().metadata_folders() {
            note(disk::make_folder(&folder));
        }
        // Held to the end; without it somebody else may be at the same work.
        let _lock = match self.lock_for_preparation() {
            Ok(lock) => lock,
            Err(error) => {
                note(Err(error));
                return failures;
            }
        };
        self.recover_all().into_iter().for_each(|failure| note(Err(failure)));
        for category in Category::ALL {
            note(self.prepare_category(category, canonical));
        }
        note(self.create_catalogue(Document::Baselines, &Baselines::packaged().to_json()));
        note(self.create_catalogue(Document::Guidance, &Guidance::packaged().to_json()));
        note(self.create_catalogue(Document::Licenses, &Definitions::packaged().to_json()));
        note(self.create_catalogue(Document::LicensedAssets, &Assets::packaged().to_json()));
        failures
    }

    /// Puts back the files that a dead writer had set aside. Part of [`Files::prepare`]; by itself it
    /// is for whoever fetches what is absent, and must not take such a file for absent.
    pub fn recover_all(&self) -> Vec<Error> {
        // Nobody sets the queue aside to replace it: who moved it away wanted it gone.
        let set_aside = |document: &Document| *document != Document::PendingChanges;
        let recovered = Document::all().filter(set_aside).map(|document| self.recover(document));
        recovered.filter_map(Result::err).collect()
    }

    /// Held until the handle is dropped, also by the end of the process.
    fn lock_for_preparation(&self) -> Result<File> {
        let folder = self.layout().root.join(".coherence");
        disk::make_folder(&folder)?;
        let path = folder.join("start.lock");
        let open = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
        let file = open.map_err(|error| Error::io("open", &path, &error))?;
        let deadline = Instant::now() + START_WAIT;
        while file.try_lock().is_err() {
            if Instant::now() > deadline {
                return Err(Error::io("lock", path, &std::io::ErrorKind::TimedOut.into()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(file)
    }

    /// Puts back a file whose writer died between moving it away and putting the new one in place.
    fn recover(&self, document: Document) -> Result<()> {
        let path = self.layout().path(document);
        let aside = set_aside(&path);
        let begun = Instant::now();
        while !path.exists() && aside.exists() {
            if begun.elapsed() >= WRITER_TIME {
                let linked = std::fs::hard_link(&aside, &path);
                linked.map_err(|error| Error::io("recover", &path, &error))?;
                tracing::warn!(path = %path.display(), "recovered a file that a writer had set aside");
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn prepare_category(&self, category: Category, canonical: Format) -> Result<()> {
        let v2 = self.layout().path(Document::V2(category));
        if !category.has_legacy_form() {
            disk::create(&v2, b"{}")?;
        }
        if canonical == Format::Legacy {
            self.derive(category)?;
        }
        let stored = self.load(Document::V2(category))?.snapshot;
        if !stored.is_present() {
            return Ok(());
        }
        let created = self.create_metadata(Document::V2Metadata(category), category)?;
        self.create_metadata(Document::LegacyMetadata(category), category)?;
        if stored.object().is_none_or(is_populated) {
            return Ok(());
        }
        let populated = self.rewrite(Document::V2(category), |stored| {
            let mut records = stored?.object().cloned().unwrap_or_default();
            let text = |records: &Object| object_to_text(records, Style::INDENT_2);
            Ok(populate(&mut records, created).then(|| text(&records)))
        })?;
        if populated {
            tracing::info!(file = %v2.display(), "added the times that records were without");
        }
        Ok(())
    }

    /// Writes a document anew from what it holds, as a commit: others may be writing it. What cannot
    /// be read is told to `next`, too. Whether something was written.
    fn rewrite(
        &self,
        document: Document,
        mut next: impl FnMut(Result<&Snapshot>) -> Result<Option<String>>,
    ) -> Result<bool> {
        let place = self.place(document);
        for _ in 0..ATTEMPTS {
            let mut locked = Locked::take(place.clone(), LOCK_WAIT)?;
            if matches!(document, Document::V2Metadata(_) | Document::LegacyMetadata(_)) {
                locked.recover(&mut |_| Ok(()))?;
            } else if locked.is_unfinished() {
                // What follows from that commit comes first, and is not for the start to do.
                return Ok(false);
            }
            let base = locked.read(self.floor(document))?;
            let read = base.bytes.as_ref().map(|bytes| (place.path.as_path(), bytes.clone()));
            let stored = self.snapshot(document, base.generation, read);
            let Some(text) = next(stored.as_deref().map_err(Clone::clone))? else {
                return Ok(false);
            };
            match locked.commit(&base, text.as_bytes(), Json::Null, Flush::Now) {
                Ok(put) => {
                    locked.finish(&base, &put, KEPT_GENERATIONS);
                    return Ok(true);
                }
                Err(CommitError::Displaced) => {}
                Err(CommitError::Before(error) | CommitError::Unknown(_, error)) => {
                    return Err(error);
                }
            }
        }
        Err(Error::Unsettled { path: place.path })
    }

    /// Writes the v2 file that follows from the legacy document, if it says something else.
    fn derive(&self, category: Category) -> Result<()> {
        let document = Document::V2(category);
        let derived = self.rewrite(document, |stored| {
            let stored = stored?;
            // Under the lock: who commits to the legacy file later derives from it later, too.
            let legacy = self.load(Document::Legacy(category))?.snapshot;
            let Some(records) = derive_v2(category, &legacy, stored.object()) else {
                return Ok(None);
            };
            if stored.object() == Some(&records) {
                return Ok(None);
            }
            if records.is_empty() && stored.object().is_some_and(|stored| !stored.is_empty()) {
                tracing::error!(%category, "the legacy file has no records; the v2 file is left as it is");
                return Ok(None);
            }
            Ok(Some(object_to_text(&records, Style::INDENT_4_ASCII) + "\n"))
        })?;
        if derived {
            let path = self.layout().path(document);
            tracing::info!(file = %path.display(), "derived from the legacy file");
        }
        Ok(())
    }

    /// Creates the metadata document if there is none that can be read. Returns the time at which
    /// the category was first met, in seconds since 1970.
    fn create_metadata(&self, document: Document, category: Category) -> Result<i64> {
        let time_of = |stored: Result<&Snapshot>| match stored {
            Ok(stored) => {
                let time = stored.object().and_then(|stored| stored.get("initialization_time"));
                Ok(time.and_then(Json::as_i64))
            }
            // What cannot be parsed counts as absent; what cannot be read may be readable tomorrow.
            Err(Error::Corrupt { .. }) => Ok(None),
            Err(error) => Err(error),
        };
        let stored = self.load(document).map(|loaded| loaded.snapshot);
        if let Some(time) = time_of(stored.as_deref().map_err(Clone::clone))? {
            return Ok(time);
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut time = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        self.rewrite(document, |stored| {
            if let Some(known) = time_of(stored)? {
                time = known;
                return Ok(None);
            }
            let metadata: Object = view::metadata::fresh(category, time);
            Ok(Some(object_to_text(&metadata, Style::INDENT_2_ASCII)))
        })?;
        Ok(time)
    }

    fn create_catalogue(&self, document: Document, content: &Json) -> Result<()> {
        let path: PathBuf = self.layout().path(document);
        if let Some(folder) = path.parent() {
            disk::make_folder(folder)?;
        }
        disk::create(&path, content.to_text(Style::INDENT_2_ASCII).as_bytes()).map(|_| ())
    }
}
