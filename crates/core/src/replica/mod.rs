//! A replica: the same tiers over the same kind of data folder, and somebody who keeps the files
//! current.
//!
//! A [`Follower`] fetches what a PRIMARY serves, checks it, and writes it to the data folder, where
//! L1 notices it like any other change. So the last known data survives the PRIMARY and restarts,
//! readers never wait for a network, and a replica that is offline is one without a follower.
//!
//! ```text
//! PRIMARY  …/v2/<category>      <v2 file>.json, byte for byte
//!          …/v1/<category>      legacy/<file>.json, byte for byte (text too: it is JSON on the wire)
//!          …/<three exports>    baselines, text guidance, licensing/{licenses,assets}.json
//! GitHub   <legacy file>        legacy/<file>, and the v2 file converted from it
//! ```
//!
//! What the PRIMARY says counts: an answer without records replaces one with records, which is kept
//! beside it as `<file>.before`; a 404 moves the file to `<file>.gone`. Both only once that was said
//! in three rounds in a row, each with records in at least half of what we hold: a PRIMARY whose files
//! are being replaced, or that lost its volume, empties nobody. Where nothing at all is found there is
//! no PRIMARY, and nothing is touched. Answers that are no JSON objects, catalogues that are
//! not valid, errors and silence change nothing either.

mod copies;
mod rounds;
mod source;
mod status;

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::backend::files::layout::Layout;
use crate::fetch::{FetchSettings, Fetcher};
use crate::settings::{BaseUrl, Seeding, Settings};
use crate::{Category, Document};
use rounds::Rounds;
use status::Board;
pub use status::{FollowerStatus, FollowerWatch};

/// Time between rounds over the published repositories, which change rarely and count requests.
const PUBLISHED_EVERY: Duration = Duration::from_secs(300);

/// Whom to follow, and how.
#[derive(Debug, Clone)]
pub struct FollowerSettings {
    /// The PRIMARY; without one only the published repositories are read.
    pub primary: Option<BaseUrl>,
    /// The published repositories, for what neither the disk nor the PRIMARY has.
    pub published: Option<Seeding>,
    /// Time between two rounds.
    pub every: Duration,
    /// Time for one document, repetitions included.
    pub timeout: Duration,
}

impl FollowerSettings {
    /// What the settings say; `None` if there is nobody to follow.
    pub fn of(settings: &Settings) -> Option<Self> {
        let replication = &settings.replication;
        if replication.is_primary() || replication.offline {
            return None;
        }
        let every = u64::try_from(settings.storage.cache_ttl_seconds).unwrap_or(0);
        let this = Self {
            primary: replication.primary_api_url.clone(),
            published: replication.github_fallback.then(|| settings.seeding.clone()),
            every: Duration::from_secs(every.max(1)),
            timeout: Duration::from_secs(replication.primary_api_timeout_seconds.get().into()),
        };
        (this.primary.is_some() || this.published.is_some()).then_some(this)
    }
}

/// Keeps the files of a data folder current, on a thread of its own. Dropping it ends the thread; a
/// request under way is given up.
#[derive(Debug)]
pub struct Follower {
    board: Arc<Board>,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Follower {
    /// Starts the first round at once. Fails when there can be no thread or no connections.
    pub fn start(settings: FollowerSettings, layout: Layout) -> io::Result<Self> {
        let fetching = FetchSettings { timeout: settings.timeout, ..FetchSettings::default() };
        let fetcher = Fetcher::new(fetching).map_err(io::Error::other)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let board = Arc::new(Board::default());
        let stop = CancellationToken::new();
        let rounds = Rounds::new(settings, layout, fetcher, Arc::clone(&board));
        let stopped = stop.clone();
        let thread = std::thread::Builder::new().name("follower".into()).spawn(move || {
            runtime.block_on(stopped.run_until_cancelled(rounds.run()));
        })?;
        Ok(Self { board, stop, thread: Some(thread) })
    }

    /// Waits until the first round has ended, at most `budget`. Whether it has.
    pub fn first_round(&self, budget: Duration) -> bool {
        self.board.first_round(budget)
    }

    /// How it goes.
    pub fn status(&self) -> FollowerStatus {
        self.board.read()
    }

    /// A handle that tells [`Follower::status`] without keeping the follower alive.
    pub fn watch(&self) -> FollowerWatch {
        FollowerWatch::new(Arc::clone(&self.board))
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic there was already reported by the panic hook.
            let _ = thread.join();
        }
    }
}

/// Whether a data folder has no category at all, so that waiting for a first round is worth it.
pub fn is_bare(layout: &Layout) -> bool {
    !Category::ALL.into_iter().any(|category| layout.path(Document::V2(category)).exists())
}
