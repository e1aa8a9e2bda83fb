//! What the answers of all servers come to: do they agree, and how soon did they agree before.

use std::collections::{BTreeMap, BTreeSet};

use horde_model_reference::Category;
use horde_model_reference::l1::REMEMBERED_SWAPS;

use super::ask::Asked;
use super::worker::{Held, Swap, Worker};

/// Within which times all servers may have come to agree, in milliseconds.
pub(super) const NINES_MS: [u64; 4] = [10, 100, 1000, 10_000];

/// All answers and what follows from them.
pub(super) struct Report {
    pub(super) asked: Vec<Asked>,
    /// Categories that are not the same everywhere.
    pub(super) differing: Vec<&'static str>,
    pub(super) nines: Nines,
}

/// The answer in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Agree,
    Differ,
    Unreachable,
}

/// How soon changes were everywhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Nines {
    /// Servers that are compared.
    pub(super) workers: usize,
    /// Changes that all of them can tell of.
    pub(super) changes: usize,
    /// Of those, how many were everywhere within each of [`NINES_MS`].
    pub(super) within: [usize; NINES_MS.len()],
    /// Changes so young that nothing can be said of them yet.
    pub(super) undecided: usize,
}

impl Report {
    pub(super) fn of(asked: Vec<Asked>) -> Self {
        let workers: Vec<&Worker> = answered(&asked).collect();
        let differs = |category: &&str| {
            let marks = workers.iter().map(|worker| mark(worker, category));
            marks.collect::<BTreeSet<_>>().len() > 1
        };
        let differing = Category::ALL.map(Category::name).into_iter().filter(differs).collect();
        let authorities: Vec<&Worker> =
            workers.iter().copied().filter(|worker| worker.mode == "PRIMARY").collect();
        let nines = Nines::of(&authorities);
        Self { asked, differing, nines }
    }

    /// Servers that answered, in the order they were asked.
    pub(super) fn workers(&self) -> impl Iterator<Item = &Worker> {
        answered(&self.asked)
    }

    pub(super) fn verdict(&self) -> Verdict {
        let is_well = |worker: &Worker| !worker.is_stale() && worker.problems().next().is_none();
        if self.asked.iter().any(|asked| asked.answer.is_err()) {
            Verdict::Unreachable
        } else if self.differing.is_empty() && self.workers().all(is_well) {
            Verdict::Agree
        } else {
            Verdict::Differ
        }
    }

    /// What most servers have of a category; of equally many, what is the latest.
    pub(super) fn usual(&self, category: &str) -> Option<&str> {
        let mut votes: BTreeMap<Option<&str>, (usize, u64)> = BTreeMap::new();
        for held in self.workers().filter_map(|worker| worker.held(category)) {
            let (count, latest) = votes.entry(held.mark.as_deref()).or_default();
            (*count, *latest) = (*count + 1, held.generation.max(*latest));
        }
        votes.into_iter().max_by_key(|(_, votes)| *votes).and_then(|(mark, _)| mark)
    }
}

fn answered(asked: &[Asked]) -> impl Iterator<Item = &Worker> {
    asked.iter().filter_map(|asked| asked.answer.as_ref().ok())
}

fn mark<'a>(worker: &'a Worker, category: &str) -> Option<&'a str> {
    worker.held(category).and_then(|Held { mark, .. }| mark.as_deref())
}

impl Nines {
    /// A change is everywhere once each server has it, or a later one of the same document.
    fn of(workers: &[&Worker]) -> Self {
        let mut nines = Self { workers: workers.len(), ..Self::default() };
        let from = workers.iter().map(|worker| remembers_since(worker)).max().unwrap_or(0);
        let now = workers.iter().map(|worker| worker.now_ms).max().unwrap_or(0);
        for ((document, generation), begun) in begun(workers) {
            if begun < from {
                continue;
            }
            let arrived = workers.iter().map(|worker| arrived(worker, document, generation));
            // One that has not arrived takes at least as long as it has taken.
            let is_open = arrived.clone().any(|at| at.is_none());
            let took = arrived.flatten().max().unwrap_or(begun).saturating_sub(begun);
            let took = if is_open { now.saturating_sub(begun) } else { took };
            if is_open && took < NINES_MS[NINES_MS.len() - 1] {
                nines.undecided += 1;
                continue;
            }
            nines.changes += 1;
            for (count, limit) in nines.within.iter_mut().zip(NINES_MS) {
                *count += usize::from(!is_open && took <= limit);
            }
        }
        nines
    }
}

/// From when on a server can tell of every change.
fn remembers_since(worker: &Worker) -> u64 {
    let is_full = worker.swaps.len() >= REMEMBERED_SWAPS;
    let oldest = worker.swaps.first().filter(|_| is_full).map_or(0, |swap| swap.at_ms);
    oldest.max(worker.started_ms)
}

/// When each change was made, by the server that knows of the earliest time.
fn begun<'a>(workers: &[&'a Worker]) -> BTreeMap<(&'a str, u64), u64> {
    let mut begun = BTreeMap::new();
    for swap in workers.iter().flat_map(|worker| &worker.swaps) {
        let Some(delay) = swap.delay_ms else { continue };
        let at = swap.at_ms.saturating_sub(delay);
        let known = begun.entry((swap.document.as_str(), swap.generation)).or_insert(at);
        *known = at.min(*known);
    }
    begun
}

fn arrived(worker: &Worker, document: &str, generation: u64) -> Option<u64> {
    let is_it = |swap: &&Swap| swap.document == document && swap.generation >= generation;
    worker.swaps.iter().filter(is_it).map(|swap| swap.at_ms).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that was started at 1000, asked at 100000, and swapped clip at these times to these
    /// generations with these delays.
    fn worker(swaps: &[(u64, u64, Option<u64>)]) -> Worker {
        let swap = |&(at, generation, delay): &(u64, u64, Option<u64>)| {
            let delay = delay.map_or("null".to_owned(), |delay| delay.to_string());
            format!(
                r#"{{"document":"v2/clip","generation":{generation},"at_ms":{at},"delay_ms":{delay}}}"#
            )
        };
        let swaps = swaps.iter().map(swap).collect::<Vec<_>>().join(",");
        let text = format!(
            r#"{{"mode":"PRIMARY","started_ms":1000,"now_ms":100000,"lease_ms":100,"categories":[],
                "propagation":{{"swaps":[{swaps}]}}}}"#
        );
        Worker::read(text.as_bytes()).unwrap()
    }

    fn nines(workers: &[Worker]) -> Nines {
        Nines::of(&workers.iter().collect::<Vec<_>>())
    }

    #[test]
    fn a_change_is_everywhere_when_the_last_server_has_it() {
        let one = worker(&[(2005, 2000, Some(5)), (3000, 3000, Some(0))]);
        let other = worker(&[(2080, 2000, Some(80)), (3009, 3000, Some(9))]);
        let nines = nines(&[one, other]);
        assert_eq!((nines.changes, nines.within), (2, [1, 2, 2, 2]));
    }

    #[test]
    fn a_later_content_of_the_document_will_do() {
        let nines = nines(&[
            worker(&[(2005, 2000, Some(5)), (2010, 2006, Some(4))]),
            worker(&[(2020, 2006, Some(14))]),
        ]);
        assert_eq!((nines.changes, nines.within), (2, [0, 2, 2, 2]));
    }

    #[test]
    fn what_never_arrived_counts_against_and_what_is_young_does_not_count() {
        let nines =
            nines(&[worker(&[(2005, 2000, Some(5)), (99_990, 99_985, Some(5))]), worker(&[])]);
        assert_eq!((nines.changes, nines.within, nines.undecided), (1, [0; 4], 1));
    }

    #[test]
    fn what_was_before_a_server_was_started_or_has_no_time_is_left_out() {
        let nines = nines(&[worker(&[(900, 890, Some(10)), (2000, 7, None)]), worker(&[])]);
        assert_eq!((nines.changes, nines.undecided), (0, 0));
    }
}
