//! Checking what Redis says of a document against what its file holds, for the watcher.
//!
//! A copy that somebody else stored is never taken by us, but workers of the reference take whatever
//! is there: one that means something else is removed, unless the document has changed meanwhile.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, sync_channel};

use bytes::Bytes;

use super::record::Named;
use super::requests::Request;
use super::{Redis, Shared, transaction};
use crate::backend::Disagreement;
use crate::generation::Digest;
use crate::{Document, Json, Snapshot};

/// What Redis says of a document.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) named: Option<Named>,
    pub(super) copy: Option<Bytes>,
}

impl Redis {
    /// Where Redis says something else than the file, which holds `snapshot`. Empty, too, where it says
    /// nothing in time, or tells of something later.
    pub(super) fn check(&self, snapshot: &Arc<Snapshot>) -> Vec<Disagreement> {
        let (shared, document) = (&self.shared, snapshot.document);
        if !shared.values.is_up() || !shared.may_share() {
            return Vec::new();
        }
        let asked = self.ask_blocking(|answer| Request::Said { document, answer });
        let Some(said) = asked.flatten() else { return Vec::new() };
        let digest = snapshot.is_present().then_some(snapshot.digest);
        let named = Named { generation: snapshot.generation, digest };
        match said.named {
            Some(recorded) if recorded == named => {}
            Some(recorded) if recorded.generation >= named.generation => return Vec::new(),
            _ => return vec![Disagreement::RecordOld],
        }
        let Some(copy) = said.copy.filter(|copy| digest != Some(Digest::of(copy))) else {
            return Vec::new();
        };
        let means_the_same =
            snapshot.json().is_some_and(|json| Json::parse(&copy).is_ok_and(|copy| copy == *json));
        if means_the_same {
            return vec![Disagreement::CopyForeign];
        }
        let length = copy.len();
        let removal = |answer| Request::RemoveStale { document, named, length, answer };
        if self.ask_blocking(removal) == Some(true) {
            shared.kept.stale_removed.fetch_add(1, Ordering::Relaxed);
            tracing::info!(%document, length, "a copy of something else than the document was removed from redis");
        }
        vec![Disagreement::CopyStale]
    }

    /// Asks the thread something and waits as long as a value may take.
    fn ask_blocking<T>(&self, request: impl FnOnce(SyncSender<T>) -> Request) -> Option<T> {
        let (answer, answered) = sync_channel(1);
        self.shared.requests.try_send(request(answer)).ok()?;
        answered.recv_timeout(self.shared.habits.value_budget).ok()
    }
}

impl Shared {
    /// Removes a copy that is not the document's, if neither the record nor the copy has changed since.
    /// Whether it is gone.
    pub(super) async fn remove_stale(
        &self,
        document: Document,
        named: &Named,
        length: usize,
    ) -> bool {
        let removed = match self.can_script() {
            true => {
                let call = self.speaker.remove_stale(document, named, length);
                let answer = call.run(&self.commands, self.habits.command_budget).await;
                answer.map(|answer| answer == ::redis::Value::Int(1))
            }
            false => transaction::remove_stale(self, document, named).await,
        };
        removed.unwrap_or_else(|failure| {
            tracing::debug!(%document, %failure, "a stale copy could not be removed");
            false
        })
    }
}
