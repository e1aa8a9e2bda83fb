//! Edits of licences and licensed assets, which act at once.

use std::collections::BTreeSet;

use super::{Asset, AssetKind, Assets, Definition, Definitions, Store};
use crate::Document;
use crate::catalogue::{Keyed, RecordMetadata, Refusal, Stamp};

/// What is done to one record of a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit<T> {
    /// It is new.
    Create(T),
    /// It takes the place of the one of its key.
    Replace(T),
    /// The record of this key goes.
    Delete(String),
}

/// A record that editors change.
pub trait Editable: Keyed + Clone {
    /// The file it is in.
    const DOCUMENT: Document;

    /// The records that ship with the program.
    fn packaged() -> Store<Self>;

    /// Its history, which is not the editor's to write.
    fn metadata(&mut self) -> &mut RecordMetadata;

    /// There is one of this key.
    fn exists(key: String) -> Refusal;

    /// There is none of this key.
    fn missing(key: String) -> Refusal;
}

impl Editable for Definition {
    const DOCUMENT: Document = Document::Licenses;

    fn packaged() -> Store<Self> {
        Definitions::packaged()
    }

    fn metadata(&mut self) -> &mut RecordMetadata {
        &mut self.metadata
    }

    fn exists(key: String) -> Refusal {
        Refusal::LicenseExists(key)
    }

    fn missing(key: String) -> Refusal {
        Refusal::LicenseMissing(key)
    }
}

impl Editable for Asset {
    const DOCUMENT: Document = Document::LicensedAssets;

    fn packaged() -> Store<Self> {
        Assets::packaged()
    }

    fn metadata(&mut self) -> &mut RecordMetadata {
        &mut self.metadata
    }

    fn exists(key: String) -> Refusal {
        Refusal::AssetExists(key)
    }

    fn missing(key: String) -> Refusal {
        Refusal::AssetMissing(key)
    }
}

impl<T: Editable> Edit<T> {
    /// The key of the record.
    pub fn key(&self) -> String {
        match self {
            Self::Create(record) | Self::Replace(record) => record.key(),
            Self::Delete(key) => key.clone(),
        }
    }
}

impl<T: Editable> Store<T> {
    /// Makes the edit, and raises the revision of the file.
    pub fn edit(&mut self, edit: &Edit<T>, stamp: Stamp<'_>) -> Result<(), Refusal> {
        let key = edit.key();
        let present = self.records.get(&key).cloned();
        match (edit, present) {
            (Edit::Create(_), Some(_)) => return Err(T::exists(key)),
            (Edit::Create(record), None) => {
                let mut record = record.clone();
                *record.metadata() = RecordMetadata::created(stamp);
                self.records.insert(key, record);
            }
            (Edit::Replace(record), Some(mut present)) => {
                let mut record = record.clone();
                *record.metadata() = present.metadata().replaced(stamp);
                self.records.insert(key, record);
            }
            (Edit::Delete(_), Some(_)) => {
                self.records.shift_remove(&key);
            }
            (Edit::Replace(_) | Edit::Delete(_), None) => return Err(T::missing(key)),
        }
        self.metadata = self.metadata.written(stamp.at);
        Ok(())
    }
}

impl Asset {
    /// The key of the asset of this kind and identifier.
    pub fn key_of(kind: AssetKind, identifier: &str) -> String {
        super::asset::key(kind, identifier)
    }
}

/// Whether these licences may be assigned. One that was deprecated may only stay where it is `held`
/// already: that is no new assignment.
pub fn check_assignable(
    wanted: &BTreeSet<&str>,
    held: &BTreeSet<&str>,
    definitions: &Definitions,
) -> Result<(), Refusal> {
    for id in wanted {
        match definitions.get(id) {
            None => return Err(Refusal::LicenseUnknown((*id).to_owned())),
            Some(definition) if definition.deprecated && !held.contains(id) => {
                return Err(Refusal::LicenseDeprecated((*id).to_owned()));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp<'_> = Stamp { editor: Some("7"), at: 50 };

    fn words(edited: Result<(), Refusal>) -> String {
        edited.map(|()| String::new()).unwrap_or_else(|refusal| refusal.to_string())
    }

    #[test]
    fn edits_count_and_tell_who_and_when() {
        let mut definitions = Definitions::packaged();
        let mit = definitions.get("MIT").unwrap().clone();
        assert_eq!(
            words(definitions.edit(&Edit::Create(mit.clone()), STAMP)),
            "License definition already exists: MIT"
        );
        assert_eq!(definitions, Definitions::packaged());
        definitions.edit(&Edit::Delete("MIT".into()), STAMP).unwrap();
        assert_eq!(
            words(definitions.edit(&Edit::Replace(mit.clone()), STAMP)),
            "License definition not found: MIT"
        );
        let claimed = RecordMetadata { created_by: Some("me".into()), ..mit.metadata.clone() };
        let create = Edit::Create(Definition { metadata: claimed, ..mit.clone() });
        definitions.edit(&create, STAMP).unwrap();
        let later = Stamp { editor: Some("8"), at: 60 };
        definitions.edit(&Edit::Replace(mit), later).unwrap();
        let metadata = &definitions.get("MIT").unwrap().metadata;
        assert_eq!(
            (metadata.revision.0, metadata.created_at, metadata.updated_at),
            (2, Some(50), Some(60))
        );
        assert_eq!(metadata.created_by.as_deref(), Some("7"));
        assert_eq!(metadata.updated_by.as_deref(), Some("8"));
        assert_eq!(
            (definitions.metadata.revision.0, definitions.metadata.updated_at),
            (4, Some(60))
        );
    }

    #[test]
    fn assets_are_named_by_kind_and_identifier() {
        let mut assets = Assets::packaged();
        let key = Asset::key_of(AssetKind::CustomNode, "comfyqr");
        let asset = assets.get(AssetKind::CustomNode, "comfyqr").unwrap().clone();
        assert_eq!(
            words(assets.edit(&Edit::Create(asset), STAMP)),
            "Licensed asset already exists: custom_node:comfyqr"
        );
        assets.edit(&Edit::Delete(key.clone()), STAMP).unwrap();
        assert_eq!(
            words(assets.edit(&Edit::Delete(key), STAMP)),
            "Licensed asset not found: custom_node:comfyqr"
        );
    }

    #[test]
    fn deprecated_licences_may_stay_but_not_come() {
        let mut definitions = Definitions::packaged();
        let old = Definition { deprecated: true, ..definitions.get("MIT").unwrap().clone() };
        definitions.edit(&Edit::Replace(old), STAMP).unwrap();
        let (none, mit) = (BTreeSet::new(), BTreeSet::from(["MIT"]));
        assert_eq!(
            words(check_assignable(&mit, &none, &definitions)),
            "Deprecated license definition cannot be newly assigned: MIT"
        );
        assert_eq!(check_assignable(&mit, &mit, &definitions), Ok(()));
        assert_eq!(
            words(check_assignable(&BTreeSet::from(["Foo-1.0"]), &mit, &definitions)),
            "Unknown license definition: Foo-1.0"
        );
    }
}
