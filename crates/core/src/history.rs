//! The past of a category: the contents that its file had, as far as they are kept, and what the
//! audit trail knows of each.
//!
//! Reading it writes nothing and takes no lock, so it can be done beside servers that write.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use crate::audit::{Event, Filter, Tail};
use crate::backend::files::{Files, parse};
use crate::disk::{self, ContentId, Kept, Place, Slot, label, read_slots};
use crate::error::{Error, Result};
use crate::generation::{Digest, Generation};
use crate::json::Object;
use crate::writer::stored_records;
use crate::{Document, Format, Snapshot};

/// How often everything is read anew because the document was written meanwhile.
const ATTEMPTS: usize = 5;

/// The versions of one document that can still be read.
#[derive(Debug, Clone)]
pub struct History {
    document: Document,
    versions: Vec<Version>,
}

/// One content of a document.
#[derive(Debug, Clone)]
pub struct Version {
    /// Its name; none for a present content that somebody else wrote and nobody has looked at yet.
    pub generation: Generation,
    /// Milliseconds since 1970 from which it was in force. That is the generation, which is minted
    /// from the clock; of a content without one, the time of its file.
    pub since_ms: u64,
    /// Whether it is what the document holds now.
    pub is_present: bool,
    /// The exact bytes.
    pub bytes: Bytes,
    /// Digest of the bytes.
    pub digest: Digest,
    /// What the audit trail tells of the commit that made it; nothing of what was written by hand.
    pub events: Vec<Event>,
    document: Document,
    path: PathBuf,
}

impl History {
    /// Reads the versions of a document, and the events about them from the trail in `trail`.
    pub fn read(files: &Files, document: Document, trail: Option<&Path>) -> Result<Self> {
        let mut versions = read_versions(files, document)?;
        if let Some(trail) = trail {
            let events = Tail::new(trail, about(document)).read_on()?;
            for event in events {
                let made = |version: &&mut Version| event.generation == Some(version.generation);
                if let Some(version) = versions.iter_mut().find(made) {
                    version.events.push(event);
                }
            }
        }
        Ok(Self { document, versions })
    }

    /// Which document.
    pub fn document(&self) -> Document {
        self.document
    }

    /// All versions, the oldest first.
    pub fn versions(&self) -> &[Version] {
        &self.versions
    }

    /// The version that the document holds now; `None` where there is no file.
    pub fn present(&self) -> Option<&Version> {
        self.versions.last().filter(|version| version.is_present)
    }

    /// The version of that name.
    pub fn of(&self, generation: Generation) -> Option<&Version> {
        let is_it = |version: &&Version| version.generation == generation;
        self.versions.iter().find(is_it).filter(|_| generation.is_some())
    }

    /// The version that was in force at a time, in milliseconds since 1970; `None` before the oldest
    /// one that is kept. A time at which there was no file counts to the content before it.
    pub fn at(&self, ms: u64) -> Option<&Version> {
        self.versions.iter().rev().find(|version| version.since_ms <= ms)
    }
}

impl Version {
    /// The records by their names, as the audit trail shows them: those of the file, and of the table
    /// of text models each as its v1 entry.
    pub fn records(&self) -> Result<Object> {
        let content = parse(self.document, &self.path, &self.bytes)?;
        Ok(stored_records(&Snapshot {
            document: self.document,
            generation: self.generation,
            digest: self.digest,
            bytes: self.bytes.clone(),
            content: Arc::new(content),
        }))
    }

    /// Who made it, each once, as far as that is known.
    pub fn users(&self) -> Vec<&str> {
        let mut users: Vec<&str> = Vec::new();
        for event in &self.events {
            if !users.contains(&event.logical_user_id.as_str()) {
                users.push(&event.logical_user_id);
            }
        }
        users
    }
}

/// The present content is read first: what replaces it meanwhile is then among the kept ones, and is
/// seen to be newer.
fn read_versions(files: &Files, document: Document) -> Result<Vec<Version>> {
    let place = files.place(document);
    let mut attempts = 0;
    loop {
        attempts += 1;
        let present = read_present(files, document, &place)?;
        let mut versions = read_kept(document, &place)?;
        let Some(present) = present else { return Ok(versions) };
        let is_older = |version: &Version| version.generation < present.generation;
        let has_name = present.generation.is_some();
        let is_later = |version: &Version| version.generation > present.generation;
        if has_name && versions.iter().any(is_later) && attempts < ATTEMPTS {
            continue;
        }
        // What is kept and not older is the present content itself, or one that is about to be put
        // in place.
        versions.retain(|version| !has_name || is_older(version));
        versions.push(present);
        return Ok(versions);
    }
}

fn read_kept(document: Document, place: &Place) -> Result<Vec<Version>> {
    let kept = Kept::new(&place.kept);
    let slots = slots_of(place)?;
    let mut versions = Vec::new();
    for generation in kept.generations()? {
        // What is gone by now was removed for being the oldest.
        let Some(bytes) = kept.read(generation)? else { continue };
        let content = ContentId::of(Some(&bytes));
        // For a moment after a commit it shares its bytes with the document, which somebody may have
        // written in place.
        let is_another = |slot: &Slot| slot.generation == generation && slot.content != content;
        if !slots.iter().flatten().any(is_another) {
            versions.push(version(document, place.path.clone(), generation, bytes));
        }
    }
    Ok(versions)
}

fn slots_of(place: &Place) -> Result<[Option<Slot>; 2]> {
    read_slots(&place.control).map_err(|error| Error::io("read", &place.control, &error))
}

fn read_present(files: &Files, document: Document, place: &Place) -> Result<Option<Version>> {
    let fallback = files.layout().fallback(document);
    for path in [Some(place.path.clone()), fallback].into_iter().flatten() {
        let Some(content) = disk::read(&path)? else { continue };
        // The control file after the document: whatever is ours was named before it could be seen.
        let slots = slots_of(&Place::of(&path))?;
        let id = ContentId::of(Some(&content.bytes));
        let name = label(&slots, id, Generation::default());
        let generation = name.map(|slot| slot.generation).unwrap_or_default();
        let mut present = version(document, path, generation, content.bytes);
        present.is_present = true;
        if !generation.is_some() {
            let ms = content.stamp.modified_ns / 1_000_000;
            present.since_ms = u64::try_from(ms).unwrap_or(0);
        }
        return Ok(Some(present));
    }
    Ok(None)
}

fn version(document: Document, path: PathBuf, generation: Generation, bytes: Bytes) -> Version {
    Version {
        generation,
        since_ms: generation.get(),
        is_present: false,
        digest: Digest::of(&bytes),
        bytes,
        events: Vec::new(),
        document,
        path,
    }
}

/// The events about one document.
fn about(document: Document) -> Filter {
    let domain = match document {
        Document::Legacy(_) | Document::LegacyMetadata(_) => Format::Legacy,
        _ => Format::V2,
    };
    let category = document.category().map(|category| category.name().to_owned());
    Filter { domain: Some(domain), category, ..Filter::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Category;
    use crate::backend::files::layout::Layout;

    const CLIP: Document = Document::V2(Category::Clip);

    fn number(generation: u64) -> Generation {
        generation.to_string().parse().unwrap()
    }

    fn folder() -> (tempfile::TempDir, Files) {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::new(Layout::below(folder.path()));
        let kept = files.place(CLIP).kept;
        for generation in [2000, 1000] {
            let text = format!(r#"{{"m{generation}":{{}}}}"#);
            Kept::new(&kept).put(number(generation), text.as_bytes()).unwrap();
        }
        (folder, files)
    }

    #[test]
    fn versions_are_found_by_name_and_by_time() {
        let (folder, files) = folder();
        std::fs::write(folder.path().join("clip.json"), r#"{"now":{}}"#).unwrap();
        let history = History::read(&files, CLIP, None).unwrap();
        let names = |version: &Version| version.records().unwrap().keys().cloned().collect();
        let all: Vec<Vec<String>> = history.versions().iter().map(names).collect();
        assert_eq!(all, [["m1000"], ["m2000"], ["now"]]);
        assert!(history.at(999).is_none());
        assert_eq!(history.at(1999).unwrap().generation, number(1000));
        assert_eq!(history.at(2000).unwrap().generation, number(2000));
        let present = history.at(u64::MAX).unwrap();
        assert!(present.is_present && !present.generation.is_some());
        assert_eq!(history.of(number(1000)).unwrap().digest, Digest::of(br#"{"m1000":{}}"#));
        assert!(history.of(Generation::default()).is_none());
        assert!(history.of(number(3)).is_none());
    }

    #[tokio::test]
    async fn what_was_written_in_place_is_not_taken_for_what_was_kept() {
        use crate::change::WriteOptions;
        let (folder, files) = folder();
        let primary = crate::Primary::open(Arc::new(files), crate::Options::default(), None);
        let record = Object::from_iter([("name".to_owned(), "a".into())]);
        let options = WriteOptions::default().local();
        let done = primary.unwrap().update(Category::Clip, "a", record, options).await.unwrap();
        let files = Files::new(Layout::below(folder.path()));
        assert!(History::read(&files, CLIP, None).unwrap().of(done.generation).is_some());
        let kept = files.place(CLIP).kept.join(done.generation.to_string());
        for path in [kept, folder.path().join("clip.json")] {
            std::fs::write(path, "{}").unwrap();
        }
        let history = History::read(&files, CLIP, None).unwrap();
        assert!(history.of(done.generation).is_none());
        assert_eq!(history.versions().len(), 3);
    }

    #[test]
    fn a_broken_file_hides_no_version_and_an_absent_one_is_none() {
        let (folder, files) = folder();
        assert!(History::read(&files, CLIP, None).unwrap().present().is_none());
        std::fs::write(folder.path().join("clip.json"), "{").unwrap();
        let history = History::read(&files, CLIP, None).unwrap();
        assert_eq!(history.versions().len(), 3);
        assert!(matches!(history.present().unwrap().records(), Err(Error::Corrupt { .. })));
    }
}
