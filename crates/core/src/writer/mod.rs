//! Writing: changes of one document, from however many callers, become commits one after another.
//!
//! Each document that is written has a *lane*: a queue and a thread. The thread takes all that waits
//! and makes one commit of it (`batch.rs`, `round.rs`), so that many writers share the flushes of one; each is
//! answered on its own. Other processes are kept apart by the document's lock.

mod batch;
mod counters;
mod edit_log;
mod follow_ups;
mod job;
mod lane;
mod measures;
mod note;
mod records;
mod requests;
mod round;

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::Document;
use crate::backend::files::{self, Files};
use crate::change::{Change, WriteError, WriteOptions};
use batch::Committer;
pub(crate) use follow_ups::FollowUps;
use job::{Answer, Job};
use lane::Lane;
use measures::Measures;
pub use measures::Statistics;
pub(crate) use records::stored_records;
use requests::Requests;

/// From now on this process finishes what writers of these files had begun when they died.
pub(crate) fn finish_for_others(files: &Files, follow_ups: &Arc<FollowUps>) {
    let again = Arc::clone(follow_ups);
    files.follow_up_with(Box::new(move |files, document, unfinished| {
        again.run_again(files, document, &unfinished)
    }));
}

/// Takes changes of every document.
pub(crate) struct Writer {
    files: Arc<Files>,
    follow_ups: Arc<FollowUps>,
    knows_baseline: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    measures: Arc<Measures>,
    /// One for each document, made when it is first written.
    lanes: [Mutex<Option<Lane>>; Document::COUNT],
}

impl Writer {
    /// A writer of these files, which from now on also finishes what writers that died had begun.
    pub(crate) fn new(
        files: Arc<Files>,
        follow_ups: FollowUps,
        knows_baseline: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    ) -> Self {
        let follow_ups = Arc::new(follow_ups);
        finish_for_others(&files, &follow_ups);
        let lanes = [const { Mutex::new(None) }; Document::COUNT];
        let measures = Arc::new(Measures::new());
        Self { files, follow_ups, knows_baseline, measures, lanes }
    }

    /// Where the files are.
    #[cfg(feature = "redis")]
    pub(crate) fn layout(&self) -> &files::layout::Layout {
        self.files.layout()
    }

    /// Counters of the file tier.
    pub(crate) fn file_statistics(&self) -> files::Statistics {
        self.files.statistics()
    }

    /// Counters of changes and commits.
    pub(crate) fn statistics(&self) -> Statistics {
        self.measures.read()
    }

    /// This is what the caller of a change was told.
    pub(crate) fn count(&self, answer: &Answer) {
        self.measures.answered(answer);
    }

    /// Queues a change. The answer comes when it is durable, or refused.
    pub(crate) fn submit(
        &self,
        document: Document,
        change: Change,
        options: WriteOptions,
    ) -> Result<oneshot::Receiver<Answer>, WriteError> {
        let (job, answered) = Job::new(change, options);
        let mut lane = self.lanes[document.index()].lock().unwrap_or_else(PoisonError::into_inner);
        let lane = match &mut *lane {
            Some(lane) => lane,
            none => none.insert(self.start_lane(document)?),
        };
        lane.push(job)?;
        Ok(answered)
    }

    fn start_lane(&self, document: Document) -> Result<Lane, WriteError> {
        let committer = Committer {
            document,
            files: Arc::clone(&self.files),
            follow_ups: Arc::clone(&self.follow_ups),
            knows_baseline: Arc::clone(&self.knows_baseline),
            measures: Arc::clone(&self.measures),
            requests: Requests::default(),
        };
        Lane::start(committer).map_err(|error| WriteError::Busy(format!("no thread: {error}")))
    }
}
