//! The whole queue, and what may happen to it. Each step is made wholly or refused.

use std::collections::{BTreeMap, HashMap};

use super::{
    Act, Actor, Counters, Decided, Decision, Draft, Entry, Filter, Refusal, Split, Status,
};
use crate::change::{Operation, WriteError};
use crate::json::{Json, Object};

/// The member of an entry's `request_metadata` that names the request it came with.
const REQUEST: &str = "request_id";

/// A step of the queue, at a time in seconds since 1970. It may be made more than once, if somebody
/// else writes meanwhile.
pub(crate) type QueueChange = Box<dyn FnMut(&mut State, i64) -> Result<(), WriteError> + Send>;

/// The entries of the queue and the last numbers given away.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    lines: Vec<Line>,
    /// Where the entry of a number stands.
    places: HashMap<i64, usize>,
    counters: Counters,
    /// Entries as they were before the steps made since this was last taken.
    touched: Vec<(i64, Option<Entry>)>,
}

/// One element of the queue's file.
#[derive(Debug, Clone, PartialEq)]
enum Line {
    Entry(Box<Entry>),
    /// Something that is no entry as we know them; it stays.
    Other(Json),
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.lines == other.lines
    }
}

impl State {
    /// Reads the queue's file. Of two entries with one number the last counts, at the place of the
    /// first. Returns what is no entry, and why, beside it.
    pub(crate) fn read(file: Option<&Json>) -> (Self, Vec<(usize, String)>) {
        let mut state = Self::default();
        let mut strange = Vec::new();
        let lines = file.and_then(Json::as_array).unwrap_or_default();
        for (index, line) in lines.iter().enumerate() {
            match Entry::read(line) {
                Ok(entry) => state.put(entry),
                Err(reason) => {
                    strange.push((index, reason));
                    state.keep(line);
                }
            }
        }
        (state, strange)
    }

    fn put(&mut self, entry: Entry) {
        let taken = Counters { change: entry.id, batch: entry.batch_id.unwrap_or(0) };
        self.counters = self.counters.max(taken);
        let id = entry.id;
        let line = Line::Entry(Box::new(entry));
        match self.places.get(&id) {
            Some(&place) => self.lines[place] = line,
            None => {
                self.places.insert(id, self.lines.len());
                self.lines.push(line);
            }
        }
    }

    /// Keeps what is no entry; its number is taken, if it has one.
    fn keep(&mut self, line: &Json) {
        let id = line.get("change_id").and_then(Json::as_i64).unwrap_or(0);
        self.counters = self.counters.max(Counters { change: id, batch: 0 });
        self.lines.push(Line::Other(line.clone()));
    }

    /// Goes on from these numbers, if they are larger.
    pub(crate) fn go_on_from(&mut self, counters: Counters) {
        self.counters = self.counters.max(counters);
    }

    pub(crate) fn counters(&self) -> Counters {
        self.counters
    }

    /// The file's JSON.
    pub(crate) fn to_json(&self) -> Json {
        let line = |line: &Line| match line {
            Line::Entry(entry) => Json::Object(entry.to_stored()),
            Line::Other(line) => line.clone(),
        };
        Json::Array(self.lines.iter().map(line).collect())
    }

    pub(crate) fn get(&self, id: i64) -> Option<&Entry> {
        match self.lines.get(*self.places.get(&id)?)? {
            Line::Entry(entry) => Some(entry),
            Line::Other(_) => None,
        }
    }

    /// The entry whose number is spelled so.
    pub(crate) fn named(&self, number: &str) -> Option<&Entry> {
        self.get(number.parse().ok()?)
    }

    /// All entries, in the order in which their numbers were first stored.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.lines.iter().filter_map(|line| match line {
            Line::Entry(entry) => Some(&**entry),
            Line::Other(_) => None,
        })
    }

    /// What the steps since the last call did: each entry as it was before and is now.
    pub(crate) fn take_touched(&mut self) -> Vec<(i64, Option<Entry>, Option<Entry>)> {
        let touched = std::mem::take(&mut self.touched);
        let mut first = BTreeMap::new();
        for (id, before) in touched {
            first.entry(id).or_insert(before);
        }
        first.into_iter().map(|(id, before)| (id, before, self.get(id).cloned())).collect()
    }

    /// What is not the same there, by number.
    pub(crate) fn differences(&self, after: &Self) -> Vec<(i64, Option<Entry>, Option<Entry>)> {
        let ids: BTreeMap<i64, ()> =
            self.places.keys().chain(after.places.keys()).map(|id| (*id, ())).collect();
        let both = ids.into_keys().map(|id| (id, self.get(id).cloned(), after.get(id).cloned()));
        both.filter(|(_, before, after)| before != after).collect()
    }

    /// A new proposal; or the one that came with the same request of the same user.
    pub(crate) fn propose(
        &mut self,
        mut draft: Draft,
        by: &Actor,
        request: Option<&str>,
        now: i64,
    ) -> Result<Entry, Refusal> {
        if let Some(request) = request {
            draft.request_metadata.insert(REQUEST.to_owned(), request.into());
            if let Some(known) = self.of_request(by, request) {
                let is_same = known.same_proposal(&draft);
                return if is_same {
                    Ok(known.clone())
                } else {
                    Err(Refusal::RequestReused(known.id))
                };
            }
        }
        let id = next(self.counters.change)?;
        let entry = Entry::new(id, draft, by, now);
        self.touched.push((id, None));
        self.put(entry.clone());
        Ok(entry)
    }

    fn of_request(&self, by: &Actor, request: &str) -> Option<&Entry> {
        self.entries().find(|entry| {
            let given = entry.request_metadata.as_ref().and_then(|said| said.get(REQUEST));
            entry.requested.by.as_ref() == Some(&by.id)
                && given.and_then(Json::as_str) == Some(request)
        })
    }

    /// Approves and rejects, all or nothing.
    pub(crate) fn decide(
        &mut self,
        decision: &Decision,
        by: &Actor,
        now: i64,
    ) -> Result<Decided, Refusal> {
        for &id in decision.approved.iter().chain(&decision.rejected) {
            let status = self.get(id).ok_or(Refusal::NotFound(id))?.status;
            if status != Status::Pending {
                return Err(Refusal::NotPending { id, status });
            }
        }
        let batch_id = match decision.approved.as_slice() {
            [] => None,
            _ => Some(self.open_batch()?),
        };
        let act = Act::now(by, now);
        let mut decide = |ids: &[i64], status: Status| -> Vec<Entry> {
            let decided = ids.iter().filter_map(|&id| {
                self.change(id, now, |entry| {
                    entry.status = status;
                    entry.batch_id = batch_id;
                    entry.batch_title = Some(decision.title.clone());
                    match status {
                        Status::Approved => entry.approved = act.clone(),
                        _ => {
                            entry.rejected = act.clone();
                            entry.reject_reason.clone_from(&decision.reason);
                        }
                    }
                })
            });
            decided.collect()
        };
        let approved = decide(&decision.approved, Status::Approved);
        let rejected = decide(&decision.rejected, Status::Rejected);
        Ok(Decided { batch_id, approved, rejected })
    }

    /// The batch that approvals go to: the one that is open, else a new one.
    fn open_batch(&mut self) -> Result<i64, Refusal> {
        let is_approved = |entry: &&Entry| entry.status == Status::Approved;
        let open = self.entries().filter(is_approved).find_map(|entry| entry.batch_id);
        open.map_or_else(|| self.new_batch(), Ok)
    }

    fn new_batch(&mut self) -> Result<i64, Refusal> {
        self.counters.batch = next(self.counters.batch)?;
        Ok(self.counters.batch)
    }

    /// Reserves an approved change for being applied.
    pub(crate) fn reserve(
        &mut self,
        id: i64,
        job: &str,
        by: &Actor,
        now: i64,
    ) -> Result<Entry, Refusal> {
        let entry = self.get(id).ok_or(Refusal::NotFound(id))?;
        if entry.status != Status::Approved {
            return Err(Refusal::NotApproved { id, status: entry.status });
        }
        if let Some(other) = entry.job_id.as_ref().filter(|held| *held != job) {
            return Err(Refusal::Reserved { id, job: other.clone() });
        }
        // No two reservations of an entry are of one time, by which they are told apart.
        let at = now.max(entry.updated_at.unwrap_or(0).saturating_add(1));
        let reserved = self.change(id, at, |entry| {
            entry.status = Status::Applying;
            entry.job_id = Some(job.to_owned());
            // Whoever finds it, if we do not live to finish it, knows whose it is.
            entry.applied = Act { at: None, ..Act::now(by, now) };
        });
        reserved.ok_or(Refusal::NotFound(id))
    }

    /// Gives up this reservation: nothing was written, and will be for it.
    pub(crate) fn release(&mut self, reserved: &Entry, now: i64) {
        self.if_reserved(reserved, now, |entry| {
            entry.status = Status::Approved;
            entry.job_id = None;
            entry.applied = Act::default();
        });
    }

    /// The record was written for this reservation.
    pub(crate) fn applied(&mut self, reserved: &Entry, now: i64) -> Option<Entry> {
        self.if_reserved(reserved, now, |entry| {
            entry.status = Status::Applied;
            entry.applied.at = Some(now);
        })
    }

    /// Whoever was cut off may come late: what others have reserved since is not theirs.
    fn if_reserved(
        &mut self,
        reserved: &Entry,
        now: i64,
        change: impl FnOnce(&mut Entry),
    ) -> Option<Entry> {
        let is_it = |entry: &Entry| {
            let of = |entry: &Entry| (entry.job_id.clone(), entry.updated_at);
            entry.status == Status::Applying && of(entry) == of(reserved)
        };
        let is_reserved = self.get(reserved.id).is_some_and(is_it);
        if is_reserved { self.change(reserved.id, now, change) } else { None }
    }

    /// Moves what is left of a batch to a new one.
    pub(crate) fn split(&mut self, original: i64, now: i64) -> Result<Option<Split>, Refusal> {
        let is_left =
            |entry: &&Entry| entry.status == Status::Approved && entry.batch_id == Some(original);
        let reassigned: Vec<i64> = self.entries().filter(is_left).map(|entry| entry.id).collect();
        if reassigned.is_empty() {
            return Ok(None);
        }
        let new = self.new_batch()?;
        for &id in &reassigned {
            self.change(id, now, |entry| entry.batch_id = Some(new));
        }
        Ok(Some(Split { original, new, reassigned }))
    }

    /// The entries that are meant, and may go: what is being applied must be told as applied first.
    pub(crate) fn purgeable<'a>(&'a self, filter: &'a Filter) -> impl Iterator<Item = &'a Entry> {
        self.entries().filter(|entry| entry.status != Status::Applying && filter.fits(entry))
    }

    /// Removes the entries that are meant. Returns their numbers, ascending.
    pub(crate) fn purge(&mut self, filter: &Filter) -> Vec<i64> {
        let gone: BTreeMap<i64, Entry> =
            self.purgeable(filter).map(|entry| (entry.id, entry.clone())).collect();
        self.lines.retain(|line| match line {
            Line::Entry(entry) => !gone.contains_key(&entry.id),
            Line::Other(_) => true,
        });
        self.places.clear();
        for (place, line) in self.lines.iter().enumerate() {
            if let Line::Entry(entry) = line {
                self.places.insert(entry.id, place);
            }
        }
        let ids = gone.keys().copied().collect();
        self.touched.extend(gone.into_iter().map(|(id, entry)| (id, Some(entry))));
        ids
    }

    fn change(&mut self, id: i64, now: i64, change: impl FnOnce(&mut Entry)) -> Option<Entry> {
        let place = *self.places.get(&id)?;
        let Some(Line::Entry(entry)) = self.lines.get_mut(place) else { return None };
        self.touched.push((id, Some(Entry::clone(entry))));
        change(entry);
        entry.updated_at = Some(now);
        Some(Entry::clone(entry))
    }
}

impl Entry {
    fn same_proposal(&self, draft: &Draft) -> bool {
        let metadata = self.request_metadata.as_ref();
        self.kind == draft.kind
            && self.category == draft.category
            && self.model_name == draft.model_name
            && self.operation == draft.operation
            // A deletion comes with what is stored, which may have changed meanwhile.
            && (self.operation == Operation::Delete || self.payload == draft.payload)
            && metadata.and_then(route) == route(&draft.request_metadata)
    }
}

fn route(metadata: &Object) -> Option<&str> {
    metadata.get("route").and_then(Json::as_str)
}

fn next(last: i64) -> Result<i64, Refusal> {
    last.checked_add(1).ok_or(Refusal::NoNumber)
}
