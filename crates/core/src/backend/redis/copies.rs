//! Taking a document from Redis instead of from its file.
//!
//! A copy is taken when a process starts, if the file's control file proves without reading the file
//! what it holds, and the copy has exactly that digest; and when a file cannot be read, marked as stale.
//! After a change the file is read: it is too young to be known otherwise.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use ::redis::{FromRedisValue, Value, cmd, pipe};
use bytes::Bytes;

use super::check::Said;
use super::link::Failure;
use super::record::Named;
use super::requests::Request;
use super::{Redis, Shared};
use crate::backend::{Backend, LastGood, Loaded};
use crate::disk::faults::{self, Rule};
use crate::generation::Digest;
use crate::settings::L2Read;
use crate::{Document, Snapshot};

/// What came of copies.
#[derive(Debug, Default)]
pub(super) struct Copies {
    /// Taken instead of reading the file.
    pub(super) hits: AtomicU64,
    /// There was none, or nobody answered in time.
    pub(super) misses: AtomicU64,
    /// There was one that is not what it should be.
    pub(super) refused: AtomicU64,
    /// Taken because the file could not be read.
    pub(super) instead: AtomicU64,
}

impl Redis {
    /// The document from its copy, if that is proven to be what the file holds.
    pub(super) fn copied(&self, document: Document) -> Option<Loaded> {
        let shared = &self.shared;
        let is_wanted = shared.habits.reads == L2Read::Prefer && !self.files.has_read(document);
        if !is_wanted || !shared.values.is_up() || !shared.may_share() {
            return None;
        }
        let proof = self.files.proven(document)?;
        let named = Named { generation: proof.generation, digest: Some(proof.digest) };
        let is_proven = |recorded: Named| recorded == named || faults::is_left_out(Rule::CopyProof);
        let bytes = self.copy_of(document, is_proven)?;
        let snapshot = self.accept(document, named, bytes)?;
        // What was proven before the copy was asked for must still be so.
        if self.files.look(document).ok()? != Some(proof.stamp) {
            return None;
        }
        self.files.keep(&snapshot);
        shared.copies.hits.fetch_add(1, Ordering::Relaxed);
        let stamp = Some(proof.stamp);
        Some(Loaded { snapshot, stamp, is_final: true, is_settled: true })
    }

    /// The newest copy of a document whose file cannot be read, if it is newer than what is known.
    pub(super) fn copied_instead(
        &self,
        document: Document,
        known: Option<&LastGood>,
    ) -> Option<LastGood> {
        let shared = &self.shared;
        let is_wanted = shared.habits.reads != L2Read::Off;
        if !is_wanted || !shared.values.is_up() || !shared.may_share() {
            return None;
        }
        let held = known.map(|known| known.snapshot.generation);
        if held.is_some_and(|held| !held.is_some()) {
            // What has no name yet is newer than all that has one, or may be.
            return None;
        }
        let floor = self.files.floor(document).max(held.unwrap_or_default());
        let mut named = None;
        let is_newer = |recorded: Named| {
            named = Some(recorded);
            recorded.generation > floor && recorded.is_believed(floor)
        };
        let bytes = self.copy_of(document, is_newer)?;
        let snapshot = self.accept(document, named?, bytes)?;
        shared.copies.instead.fetch_add(1, Ordering::Relaxed);
        Some(LastGood { snapshot, is_newest: false })
    }

    /// The bytes of a copy whose name in the record is acceptable.
    fn copy_of(
        &self,
        document: Document,
        is_acceptable: impl FnOnce(Named) -> bool,
    ) -> Option<Bytes> {
        let copies = &self.shared.copies;
        let Some(copy) = self.ask_for_copy(document) else {
            copies.misses.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        if is_acceptable(copy.named) { Some(copy.bytes) } else { None }
    }

    fn ask_for_copy(&self, document: Document) -> Option<Copy> {
        let budget = self.shared.habits.load_budget;
        let deadline = Instant::now() + budget;
        let (answer, answered) = std::sync::mpsc::sync_channel(1);
        self.shared.requests.try_send(Request::Copy { document, deadline, answer }).ok()?;
        answered.recv_timeout(budget).ok()?
    }

    /// The copy as a snapshot, if its bytes are those that were announced and make sense.
    fn accept(&self, document: Document, named: Named, bytes: Bytes) -> Option<Arc<Snapshot>> {
        let is_announced = named.digest == Some(Digest::of(&bytes));
        if !is_announced && !faults::is_left_out(Rule::CopyProof) {
            self.shared.copies.refused.fetch_add(1, Ordering::Relaxed);
            self.shared.standing(document).note_foreign_copy();
            return None;
        }
        let path = self.files.layout().path(document);
        self.files.snapshot(document, named.generation, Some((&path, bytes))).ok()
    }
}

/// A copy, and what the record says it should be.
#[derive(Debug)]
pub(super) struct Copy {
    named: Named,
    bytes: Bytes,
}

impl Shared {
    /// Reads what the record says of a document, and its copy, in one go; nothing of what another
    /// directory has there.
    pub(super) async fn read_copy(&self, document: Document, deadline: Instant) -> Option<Copy> {
        let said = self.read_said(document, deadline).await?;
        Some(Copy { named: said.named?, bytes: said.copy? })
    }

    /// The same, where either may be missing.
    pub(super) async fn read_said(&self, document: Document, deadline: Instant) -> Option<Said> {
        let keys = &self.speaker.keys;
        let mut all = pipe();
        all.add_command(cmd("HGET").arg(keys.record()).arg("_dir").to_owned());
        all.add_command(cmd("HGET").arg(keys.record()).arg(document.to_string()).to_owned());
        all.add_command(cmd("GET").arg(keys.copy(document)).to_owned());
        let left = deadline.saturating_duration_since(Instant::now());
        // Time lost in a queue of ours says nothing of the server.
        if left.is_zero() {
            return None;
        }
        let answers = match self.values.ask_all(&all, left).await {
            Ok(answers) => answers,
            Err(Failure::Server(error)) => {
                self.complain(&error.to_string());
                return None;
            }
            Err(_) => return None,
        };
        let [directory, recorded, copy] = <[Value; 3]>::try_from(answers).ok()?;
        // Whose the prefix is, the first comparison may not have said yet.
        if String::from_redis_value(directory).ok()? != self.speaker.directory {
            return None;
        }
        let recorded = Option::<String>::from_redis_value(recorded).ok()?;
        let copy = match copy {
            Value::BulkString(bytes) => Some(bytes.into()),
            _ => None,
        };
        Some(Said { named: recorded.and_then(|text| Named::parse(&text)), copy })
    }
}
