//! What a document holds by proof, without reading it, for a tier that has the content elsewhere.

#![cfg_attr(
    not(feature = "redis"),
    allow(dead_code, reason = "asked for by the tier over the files, which may be left out")
)]

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Files;
use crate::backend::Stamp;
use crate::disk::{ContentId, Locked, Proof, State, label, read_slots};
use crate::error::{Error, Result};
use crate::generation::{Digest, Generation};
use crate::{Document, Snapshot};

/// How long a document that needs a new name waits for its lock.
const LOCK_WAIT: std::time::Duration = std::time::Duration::from_millis(100);

/// Told of contents.
pub(crate) type Told = Box<dyn Fn(&Arc<Snapshot>) + Send + Sync>;

impl Files {
    /// Tells of every content that has a name, as soon as it is read or written here; and leaves notes
    /// beside the files by which others can prove what they hold. Whether nobody was told before: the
    /// first one stays.
    pub(crate) fn tell_of_names(&self, told: Told) -> bool {
        self.told.set(told).is_ok()
    }

    /// Keeps what was read or written here, so that it need not be parsed again.
    pub(crate) fn keep(&self, snapshot: &Arc<Snapshot>) {
        self.held(snapshot.document).keep(snapshot);
        if let Some(told) = self.told.get().filter(|_| snapshot.generation.is_some()) {
            told(snapshot);
        }
    }

    /// Whether anything of the document was read or written here.
    pub(crate) fn has_read(&self, document: Document) -> bool {
        self.held(document).last().is_some()
    }

    /// What the file holds now, if that can be proven without reading it.
    pub(crate) fn proven(&self, document: Document) -> Option<Proof> {
        let place = self.place(document);
        let proof = Proof::read(&place.proof)?;
        if Stamp::at(&place.path)? != proof.stamp || proof.generation < self.floor(document) {
            return None;
        }
        let slots = read_slots(&place.control).ok()?;
        let slot = label(&slots, ContentId::Bytes(proof.digest), proof.generation)?;
        let is_done = matches!(slot.state, State::Done | State::Adopted);
        (is_done && slot.generation == proof.generation).then_some(proof)
    }

    /// Leaves a proof of what was just read, if its stamp is old enough and there is none.
    pub(super) fn prove(&self, snapshot: &Snapshot, stamp: Option<Stamp>) {
        let Some(stamp) = stamp.filter(|_| self.told.get().is_some()) else { return };
        let place = self.place(snapshot.document);
        let proof = Proof { generation: snapshot.generation, digest: snapshot.digest, stamp };
        let is_of_its_file = Stamp::at(&place.path) == Some(stamp);
        let is_provable = proof.generation.is_some()
            && self.held(snapshot.document).age_of(stamp) >= Proof::time_to_settle(&stamp);
        if !is_provable || !is_of_its_file || Proof::read(&place.proof) == Some(proof) {
            return;
        }
        if let Err(error) = proof.write(&place.proof) {
            tracing::debug!(document = %snapshot.document, %error, "no proof can be left beside the file");
        }
    }

    /// Names the present content anew, above a generation that was given to a content which is not in
    /// the file: the folder was restored, and with it the memory of what came later was lost. Nothing
    /// is done if the file holds that content by that name after all, or a later one: `digest` is that
    /// of the content, if it was there.
    pub(crate) fn name_above(
        &self,
        document: Document,
        above: Generation,
        digest: Option<Digest>,
    ) -> Result<()> {
        let mut locked = Locked::take(self.place(document), LOCK_WAIT)
            .map_err(|_| Error::Busy { path: self.place(document).path })?;
        locked.recover(&mut |unfinished| self.follow_up(document, unfinished))?;
        let present = locked.read(self.floor(document))?;
        self.note_adopted(document, &locked, &present);
        let content = digest.map_or(ContentId::Absent, ContentId::Bytes);
        let is_it = present.generation == above && present.content == content;
        if !is_it && present.generation <= above && locked.read(above.following())?.is_adopted {
            self.alarms.adoptions.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}
