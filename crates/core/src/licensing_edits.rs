//! Licences and licensed assets that change at once: checked, written, and told in their log.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::catalogue::change_set::stored_or;
use crate::catalogue::licensing::{
    Asset, Assets, Definition, Definitions, Edit, Editable, Store, check_assignable,
};
use crate::catalogue::{Refusal, Stamp, Stored};
use crate::change::{WriteError, WriteOptions};
use crate::disk::faults::clock_ms;
use crate::generation::Digest;
use crate::json::{Json, Style};
use crate::{Document, Primary};

/// What else must be so: asked of the file without the edit.
type Check<T> = Box<dyn Fn(&Store<T>) -> Result<(), Refusal> + Send>;

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
        let file = File { document: Document::Licenses, packaged: Definitions::packaged };
        let made = self.edit(file, edit, Box::new(|_| Ok(())), options).await?;
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
        let file = File { document: Document::LicensedAssets, packaged: Assets::packaged };
        let made = self.edit(file, edit, Box::new(check), options).await?;
        if made.is_repeated {
            return Ok(self.catalogues().await.view.catalogues.assets.records.get(&key).cloned());
        }
        Ok(made.record)
    }

    async fn edit<T: Editable + Send + 'static>(
        &self,
        file: File<T>,
        edit: Edit<T>,
        check: Check<T>,
        mut options: WriteOptions,
    ) -> Result<Made<T>, WriteError> {
        // What a function does cannot be told from its request's id, so the id says it.
        options.request_id = options.request_id.map(|id| format!("{id} {}", digest(&edit)));
        let editor = options.logical_user_id.clone();
        let record = Arc::new(Mutex::new(None));
        let made = Arc::clone(&record);
        let change = move |stored: &Json| {
            let mut store = stored_or(stored, file.document, file.packaged)?;
            let before = store.clone();
            let at = i64::try_from(clock_ms() / 1000).unwrap_or(i64::MAX);
            store.edit(&edit, Stamp { editor: editor.as_deref(), at })?;
            check(&before)?;
            let record = store.records.get(&edit.key()).cloned();
            *made.lock().unwrap_or_else(PoisonError::into_inner) = record;
            Ok(store.to_json())
        };
        let committed = self.change_document(file.document, Box::new(change), options).await?;
        let record = record.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(Made { record, is_repeated: committed.repeated })
    }
}

/// A file of records, and what stands in for it where it is missing.
struct File<T> {
    document: Document,
    packaged: fn() -> Store<T>,
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
