//! The work of a follower: round after round over everything that is followed.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};

use super::source::Source;
use super::status::{Board, Outcome};
use super::{FollowerSettings, PUBLISHED_EVERY, copies};
use crate::backend::files::layout::Layout;
use crate::fetch::{Backoff, FetchError, Fetched, Fetcher};
use crate::generation::Digest;
use crate::{Category, Document};

/// Documents that are fetched at a time. If none of the first as many could be had, the others are
/// not asked for in this round.
const AT_A_TIME: usize = 4;
/// Longest pause after a first failure.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Everything a round needs, and what it remembers of the last one.
pub(super) struct Rounds {
    settings: FollowerSettings,
    layout: Layout,
    fetcher: Fetcher,
    board: Arc<Board>,
    held: HashMap<Source, Held>,
    /// In how many rounds without a break a source was not there, or had lost all records.
    missing_for: HashMap<Source, u32>,
}

/// How many rounds must find nothing before what we hold is taken away: a PRIMARY whose files are
/// being replaced says for a moment that there are none.
const ROUNDS_OF_ABSENCE: u32 = 3;

/// What an entity tag stands for: the files as they were written then.
struct Held {
    tag: String,
    digest: Digest,
}

impl Rounds {
    pub(super) fn new(
        settings: FollowerSettings,
        layout: Layout,
        fetcher: Fetcher,
        board: Arc<Board>,
    ) -> Self {
        let (held, missing_for) = (HashMap::new(), HashMap::new());
        Self { settings, layout, fetcher, board, held, missing_for }
    }

    /// Never ends by itself.
    pub(super) async fn run(mut self) {
        loop {
            let outcome = self.round().await;
            let (before, now) = self.board.end_round(&outcome);
            match &now.last_error {
                Some(error) if before.last_error != now.last_error => {
                    tracing::warn!(%error, "following is incomplete; the files stay as they are");
                }
                None if before.last_error.is_some() => tracing::info!("following again"),
                _ => {}
            }
            if outcome.written > 0 {
                tracing::info!(files = outcome.written, "files brought up to date");
            }
            tokio::time::sleep(self.pause(now.failures)).await;
        }
    }

    fn pause(&self, failures: u32) -> Duration {
        let every = match self.settings.primary {
            Some(_) => self.settings.every,
            None => self.settings.every.max(PUBLISHED_EVERY),
        };
        match failures.checked_sub(1) {
            None => Backoff::around(every),
            Some(earlier) => Backoff { base: FIRST_PAUSE.min(every), cap: every }.pause(earlier),
        }
    }

    async fn round(&mut self) -> Outcome {
        let mut outcome = Outcome::default();
        if self.settings.primary.is_none() {
            self.fetch_all(Category::ALL.map(Source::Published).to_vec(), &mut outcome).await;
            return outcome;
        }
        let answered = self.fetch_all(Source::of_primary().collect(), &mut outcome).await;
        if answered.is_empty() {
            self.missing_for.clear();
        }
        let lacking = |category: &Category| {
            let told = answered.contains(&Source::V2(*category));
            !told && !self.layout.path(Document::V2(*category)).exists()
        };
        let lacking = Category::ALL.into_iter().filter(lacking).map(Source::Published);
        self.fetch_all(lacking.collect(), &mut outcome).await;
        outcome
    }

    /// Fetches and keeps what it can. Returns the sources that were found, or are known to be
    /// missing.
    async fn fetch_all(&mut self, sources: Vec<Source>, outcome: &mut Outcome) -> HashSet<Source> {
        let filled: HashSet<_> =
            sources.iter().copied().filter(|&source| self.is_filled(source)).collect();
        let requests: Vec<_> =
            sources.iter().copied().filter_map(|source| self.request(source)).collect();
        let fetcher = self.fetcher.clone();
        let fetch = |(source, url, tag): (Source, String, Option<String>)| {
            let fetcher = &fetcher;
            async move { (source, fetcher.get(&url, tag.as_deref()).await) }
        };
        let mut answers = stream::iter(requests).map(fetch).buffer_unordered(AT_A_TIME);
        let mut is_there = false;
        let (mut found, mut lost, mut still) = (HashSet::new(), Vec::new(), 0);
        while let Some((source, answer)) = answers.next().await {
            is_there |= !matches!(answer, Err(FetchError::Failed { .. }));
            match answer {
                Ok(Fetched::Missing) => lost.push((source, Fetched::Missing)),
                Ok(fetched) => {
                    found.insert(source);
                    if filled.contains(&source) && is_empty(&fetched) {
                        lost.push((source, fetched));
                    } else {
                        let is_kept = self.keep(source, fetched, outcome);
                        still += usize::from(is_kept && filled.contains(&source));
                    }
                }
                Err(error) => outcome.unanswered.push(error.to_string()),
            }
            if !is_there && outcome.unanswered.len() >= AT_A_TIME {
                return found;
            }
        }
        self.missing_for.retain(|source, _| {
            !sources.contains(source) || lost.iter().any(|(gone, _)| gone == source)
        });
        if found.iter().any(|source| source.is_category()) {
            found.extend(lost.iter().map(|(source, _)| *source));
            if 2 * still >= filled.len() {
                lost.into_iter()
                    .for_each(|(source, fetched)| self.believe(source, fetched, outcome));
            } else {
                self.missing_for.clear();
                let held = filled.len();
                outcome.unanswered.push(format!("only {still} of {held} that we hold are there"));
            }
        } else if !lost.is_empty() {
            outcome.unanswered.push("not a single category is there".into());
        }
        found
    }

    /// Whether we hold records of a category.
    fn is_filled(&self, source: Source) -> bool {
        let own = matches!(source, Source::V2(_) | Source::V1(_));
        let mut paths = source.paths(&self.layout).into_iter().chain(source.rival(&self.layout));
        own && paths.any(|path| copies::is_filled(&path))
    }

    /// Follows a loss that has lasted; until then what we hold stays, and the loss is told.
    fn believe(&mut self, source: Source, fetched: Fetched, outcome: &mut Outcome) {
        let rounds = self.missing_for.entry(source).or_default();
        *rounds = rounds.saturating_add(1);
        if *rounds < ROUNDS_OF_ABSENCE {
            if self.is_filled(source) {
                outcome.refused.push(format!("{source} is gone there; kept until that lasts"));
            }
        } else if fetched == Fetched::Missing {
            self.take_away(source, outcome);
        } else {
            self.keep(source, fetched, outcome);
        }
    }

    /// Address and entity tag; the tag only while the files still are what it stands for.
    fn request(&self, source: Source) -> Option<(Source, String, Option<String>)> {
        let address = source.address(&self.settings)?;
        let held = self.held.get(&source).filter(|held| {
            let paths = source.paths(&self.layout);
            copies::digest_on_disk(&paths) == Some(held.digest)
        });
        Some((source, address, held.map(|held| held.tag.clone())))
    }

    /// Writes what was found. Whether it was of use.
    fn keep(&mut self, source: Source, fetched: Fetched, outcome: &mut Outcome) -> bool {
        if let Fetched::Found { bytes, tag } = fetched {
            self.held.remove(&source);
            let files = match source.accept(bytes, &self.layout) {
                Ok(files) => files,
                Err(reason) => {
                    outcome.refused.push(format!("{source}: {reason}"));
                    return false;
                }
            };
            match copies::write(&files) {
                Ok(written) => outcome.written += written,
                Err(error) => {
                    outcome.refused.push(error.to_string());
                    return false;
                }
            }
            // A weak tag counts revisions, and a hand edit need not be one.
            if let Some(tag) = tag.filter(|tag| !tag.starts_with("W/")) {
                self.held.insert(source, Held { tag, digest: copies::digest(&files) });
            }
        }
        if let Some(rival) = source.rival(&self.layout) {
            self.move_away(&rival, outcome);
        }
        true
    }

    /// The PRIMARY has no such category. Catalogues stay: an older PRIMARY does not know them. So
    /// does what was published: this is only asked for where there is nothing.
    fn take_away(&mut self, source: Source, outcome: &mut Outcome) {
        if let Source::V2(_) | Source::V1(_) = source {
            self.held.remove(&source);
            let paths = source.paths(&self.layout).into_iter().chain(source.rival(&self.layout));
            paths.for_each(|path| self.move_away(&path, outcome));
        }
    }

    fn move_away(&self, path: &Path, outcome: &mut Outcome) {
        match copies::move_away(path) {
            Ok(moved) => outcome.written += u64::from(moved),
            Err(error) => outcome.refused.push(error.to_string()),
        }
    }
}

/// An object without members.
fn is_empty(fetched: &Fetched) -> bool {
    matches!(fetched, Fetched::Found { bytes, .. } if !copies::has_members(bytes))
}
