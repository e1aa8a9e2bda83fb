//! What a file holds now, for whoever checks what is remembered of it: nothing is kept, named or parsed.

use super::Files;
use super::naming::id_of;
use crate::Document;
use crate::backend::Witness;
use crate::disk::{label, read_slots};
use crate::error::{Error, Result};
use crate::generation::Digest;

impl Files {
    /// Reads the document and its control file, in this order: what is ours was named before it could
    /// be seen.
    pub(super) fn witness_of(&self, document: Document) -> Result<Witness> {
        let content = self.read(document)?;
        let control = self.place_read(document, &content).control;
        let slots = read_slots(&control).map_err(|error| Error::io("read", &control, &error))?;
        let slot = label(&slots, id_of(&content), self.floor(document));
        let content = content.map(|(_, content)| content);
        let bytes = content.as_ref().map_or(&[][..], |content| &content.bytes);
        Ok(Witness {
            generation: slot.map(|slot| slot.generation).unwrap_or_default(),
            digest: Digest::of(bytes),
            is_present: content.is_some(),
            stamp: content.as_ref().map(|content| content.stamp),
        })
    }
}
