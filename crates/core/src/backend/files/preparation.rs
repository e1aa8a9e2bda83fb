//! What the start of a PRIMARY does to its files, before anybody reads them.
//!
//! Everything here fills gaps, atomically, file by file, and under a lock that keeps processes which
//! start at the same time apart. What cannot be done is told and left: a folder that cannot be
//! written is still served.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use super::Files;
use crate::backend::Backend;
use crate::catalogue::licensing::{Assets, Definitions};
use crate::catalogue::{Baselines, Guidance, Stored};
use crate::disk::{Flush, LOCK_WAIT, Lock, Locked, Rewrite};
use crate::error::{Error, Result};
use crate::json::{Json, Object, Style, object_to_text};
use crate::record::{is_populated, populate};
use crate::view::derive_v2;
use crate::{Category, Document, Format, Snapshot, disk, view};

/// Nothing that a start fills in is worth being kept once it is replaced.
const HOW: Rewrite = Rewrite { flush: Flush::Now, keep: 0 };

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
        for document in Document::all().filter(|document| document.is_written(canonical)) {
            if self.layout().path(document).exists() {
                note(self.redo(document));
            }
        }
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

    fn lock_for_preparation(&self) -> Result<Lock> {
        let path = self.layout().root.join(".coherence").join("start.lock");
        Ok(Lock::take(&path, LOCK_WAIT)?)
    }

    /// Puts back a file whose writer died between moving it away and putting the new one in place.
    fn recover(&self, document: Document) -> Result<()> {
        let place = self.place(document);
        if !place.path.exists() && disk::set_aside(&place.path).exists() {
            Locked::take(place, LOCK_WAIT)?.wait_for_present()?;
        }
        Ok(())
    }

    fn prepare_category(&self, category: Category, canonical: Format) -> Result<()> {
        let v2 = self.layout().path(Document::V2(category));
        if !category.has_legacy_form() {
            disk::create(&v2, b"{}")?;
        }
        let mut stored = self.load(Document::V2(category))?.snapshot;
        if canonical == Format::Legacy {
            let legacy = self.load(Document::Legacy(category))?.snapshot;
            if self.derive(category, &legacy, &stored)? {
                stored = self.load(Document::V2(category))?.snapshot;
            }
        }
        if !stored.is_present() {
            return Ok(());
        }
        let created = self.create_metadata(Document::V2Metadata(category), category)?;
        self.create_metadata(Document::LegacyMetadata(category), category)?;
        if stored.object().is_none_or(is_populated) {
            return Ok(());
        }
        let written = self.rewrite(Document::V2(category), HOW, |base| {
            let Some(mut records) = base.bytes.as_deref().and_then(Object::parse) else {
                return Ok(None);
            };
            let changed = populate(&mut records, created);
            Ok(changed.then(|| object_to_text(&records, Style::INDENT_2)))
        })?;
        if written {
            tracing::info!(file = %v2.display(), "added the times that records were without");
        }
        Ok(())
    }

    /// Writes the v2 file that follows from the legacy document, if it says something else.
    fn derive(&self, category: Category, legacy: &Snapshot, stored: &Snapshot) -> Result<bool> {
        let Some(records) = derive_v2(category, legacy, stored.object()) else { return Ok(false) };
        if stored.object() == Some(&records) {
            return Ok(false);
        }
        if records.is_empty() && stored.object().is_some_and(|stored| !stored.is_empty()) {
            tracing::error!(%category, "the legacy file has no records; the v2 file is left as it is");
            return Ok(false);
        }
        let written = self.rewrite(Document::V2(category), HOW, |base| {
            let stored = base.bytes.as_deref().and_then(Object::parse);
            let records = derive_v2(category, legacy, stored.as_ref());
            Ok(records.map(|records| object_to_text(&records, Style::INDENT_4_ASCII) + "\n"))
        })?;
        if written {
            let path = self.layout().path(Document::V2(category));
            tracing::info!(file = %path.display(), "derived from the legacy file");
        }
        Ok(written)
    }

    /// Creates the metadata document if there is none that can be read. Returns the time at which
    /// the category was first met, in seconds since 1970.
    fn create_metadata(&self, document: Document, category: Category) -> Result<i64> {
        let stored = match self.load(document) {
            Ok(loaded) => loaded.snapshot.object().cloned(),
            // What cannot be parsed counts as absent; what cannot be read may be readable tomorrow.
            Err(Error::Corrupt { .. }) => None,
            Err(error) => return Err(error),
        };
        let stored = stored.and_then(|stored| stored.get("initialization_time")?.as_i64());
        if let Some(time) = stored {
            return Ok(time);
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let metadata: Object = view::metadata::fresh(category, now);
        let text = object_to_text(&metadata, Style::INDENT_2_ASCII);
        let is_readable = |object: Object| object.get("initialization_time")?.as_i64();
        self.rewrite(document, HOW, |base| {
            let stored = base.bytes.as_deref().and_then(Object::parse);
            Ok(stored.and_then(is_readable).is_none().then(|| text.clone()))
        })?;
        Ok(now)
    }

    fn create_catalogue(&self, document: Document, content: &Json) -> Result<()> {
        let path: PathBuf = self.layout().path(document);
        if let Some(folder) = path.parent() {
            disk::make_folder(folder)?;
        }
        disk::create(&path, content.to_text(Style::INDENT_2_ASCII).as_bytes()).map(|_| ())
    }
}
