//! Licences and licensed assets that change at once: checked, written, and told in their log.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::Primary;
use crate::catalogue::change_set::parse_stored;
use crate::catalogue::licensing::{
    Asset, Assets, Definition, Edit, Editable, Store, check_assignable,
};
use crate::catalogue::{Refusal, Stamp, Stored};
use crate::change::{WriteError, WriteOptions};
use crate::disk::faults::clock_ms;
use crate::generation::Digest;
use crate::json::{Json, Style};

/// What else must be so: asked of the file without the edit.
type Check<T> = Box<dyn Fn(&Store<T>) -> Result<(), Refusal> + Send + Sync>;

impl Primary {
    /// Creates, replaces or deletes a licence definition; returns what it became. One that a model or
    /// an asset refers to cannot be deleted.
    pub async fn edit_license(
        &self,
        edit: Edit<Definition>,
        options: WriteOptions,
    ) -> Result<Option<Definition>, WriteError> {
        if let Edit::Delete(id) = &edit
            && self.licensing().await.view.register().is_referenced(id)
        {
            return Err(Refusal::LicenseInUse(id.clone()).into());
        }
        let key = edit.key();
        let made = self.edit(edit, Box::new(|_| Ok(())), options).await?;
        if made.is_repeated {
            return Ok(self.catalogues().await.view.catalogues.licenses.get(&key).cloned());
        }
        Ok(made.record)
    }

    /// Creates, replaces or deletes a licensed asset; returns what it became. Its licences must be
    /// defined.
    pub async fn edit_asset(
        &self,
        edit: Edit<Asset>,
        options: WriteOptions,
    ) -> Result<Option<Asset>, WriteError> {
        let key = edit.key();
        let definitions = Arc::clone(&self.catalogues().await.view.catalogues.licenses);
        let wanted = match &edit {
            Edit::Create(asset) | Edit::Replace(asset) => asset.licensing.license_ids.clone(),
            Edit::Delete(_) => Vec::new(),
        };
        let present = key.clone();
        let check = move |assets: &Assets| {
            let held = assets.records.get(&present).map(|held| &held.licensing.license_ids);
            check_assignable(
                &ids(&wanted),
                &held.map_or_else(BTreeSet::new, |held| ids(held)),
                &definitions,
            )
        };
        let made = self.edit(edit, Box::new(check), options).await?;
        if made.is_repeated {
            return Ok(self.catalogues().await.view.catalogues.assets.records.get(&key).cloned());
        }
        Ok(made.record)
    }

    async fn edit<T: Editable + Send + Sync + 'static>(
        &self,
        edit: Edit<T>,
        check: Check<T>,
        mut options: WriteOptions,
    ) -> Result<Made<T>, WriteError> {
        options.fingerprint = Some(digest(&edit));
        let editing = Arc::new(Editing {
            edit,
            check,
            editor: options.logical_user_id.clone(),
            made: Mutex::new(None),
            is_absent: AtomicBool::new(false),
        });
        loop {
            let this = Arc::clone(&editing);
            let change = Box::new(move |stored: &Json| this.next(stored));
            let done = self.change_document(T::DOCUMENT, change, options.clone()).await;
            if done.is_err() && editing.is_absent.swap(false, Ordering::AcqRel) {
                self.put_packaged::<T>().await?;
                continue;
            }
            let record = editing.made.lock().unwrap_or_else(PoisonError::into_inner).take();
            return Ok(Made { record, is_repeated: done?.repeated });
        }
    }

    /// Writes the packaged records where there are none: they are nobody's edit.
    async fn put_packaged<T: Editable>(&self) -> Result<(), WriteError> {
        let packaged = T::packaged().to_json();
        let change = move |stored: &Json| {
            Ok(if stored.is_null() { packaged.clone() } else { stored.clone() })
        };
        let options = WriteOptions::default().local();
        self.change_document(T::DOCUMENT, Box::new(change), options).await.map(|_| ())
    }
}

/// An edit while it is made.
struct Editing<T> {
    edit: Edit<T>,
    check: Check<T>,
    editor: Option<String>,
    made: Mutex<Option<T>>,
    /// There is no file to edit yet.
    is_absent: AtomicBool,
}

impl<T: Editable> Editing<T> {
    /// The next content of the file.
    fn next(&self, stored: &Json) -> Result<Json, WriteError> {
        self.is_absent.store(stored.is_null(), Ordering::Release);
        if stored.is_null() {
            return Err(WriteError::NotFound { document: T::DOCUMENT, name: self.edit.key() });
        }
        let before: Store<T> = parse_stored(stored, T::DOCUMENT)?;
        let mut store = before.clone();
        let at = i64::try_from(clock_ms() / 1000).unwrap_or(i64::MAX);
        store.edit(&self.edit, Stamp { editor: self.editor.as_deref(), at })?;
        (self.check)(&before)?;
        let record = store.records.get(&self.edit.key()).cloned();
        *self.made.lock().unwrap_or_else(PoisonError::into_inner) = record;
        Ok(store.to_json())
    }
}

/// What came of an edit.
struct Made<T> {
    record: Option<T>,
    /// It was made earlier, and nothing was done now.
    is_repeated: bool,
}

fn ids(ids: &[String]) -> BTreeSet<&str> {
    ids.iter().map(String::as_str).collect()
}

fn digest<T: Editable>(edit: &Edit<T>) -> Digest {
    let text = match edit {
        Edit::Create(record) => format!("create\n{}", record.to_json().to_text(Style::COMPACT)),
        Edit::Replace(record) => format!("replace\n{}", record.to_json().to_text(Style::COMPACT)),
        Edit::Delete(key) => format!("delete\n{key}"),
    };
    Digest::of(text.as_bytes())
}
