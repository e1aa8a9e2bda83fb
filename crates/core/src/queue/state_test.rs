//! The queue's steps in random order: whatever is asked of it, numbers rise and are never given
//! twice, an entry takes only the ways there are, a refusal changes nothing, and the file tells all.

use std::collections::{BTreeMap, BTreeSet};

use super::{Actor, Counters, Decision, Draft, Entry, Filter, Refusal, State, Status};
use crate::Category;
use crate::change::Operation;
use crate::json::{Json, Object};

/// Random walks, and the steps of each.
const WALKS: u64 = 30;
const STEPS: usize = 120;
/// Few of everything, so that they meet.
const JOBS: [&str; 2] = ["job", "other job"];
const NAMES: [&str; 4] = ["Owl", "owl \u{1}2", "\u{96ea}", "a/b\u{1f989}"];

/// A step, chosen without looking at what may be done.
#[derive(Debug, Clone)]
enum Step {
    Propose(Box<Draft>, Actor, Option<&'static str>),
    Decide(Decision),
    Reserve(i64, &'static str),
    Release(i64),
    Applied(i64),
    Split(i64),
    Purge(Filter),
    /// Another process goes on from the files.
    ReadAgain,
}

/// What came of a step, as far as the rules need to know.
#[derive(Debug, PartialEq)]
enum Outcome {
    Done,
    Proposed(i64),
    Removed(Vec<i64>),
    Refused,
}

/// The queue, and what it has ever given away.
struct Walk {
    state: State,
    largest_id: i64,
    batches: BTreeSet<i64>,
}

fn actor(number: u8) -> Actor {
    Actor { id: number.to_string(), name: format!("user#{number}") }
}

fn any_draft(random: &mut fastrand::Rng) -> Draft {
    let name = NAMES[random.usize(..NAMES.len())];
    let category = [Category::Clip, Category::TextGeneration][random.usize(..2)];
    let operation = [Operation::Create, Operation::Update, Operation::Delete][random.usize(..3)];
    let value = [Json::Null, Json::Float(0.5), Json::Int(i64::MIN), "\u{0}\u{7f}".into()];
    let payload =
        Object::from_iter([("odd".to_owned(), value[random.usize(..value.len())].clone())]);
    let mut draft = Draft::about_model(category, name, operation, payload, "route");
    draft.notes = random.bool().then(|| "note".to_owned());
    draft
}

fn any_ids(random: &mut fastrand::Rng, last: i64) -> Vec<i64> {
    let count = random.usize(..4);
    let ids: BTreeSet<i64> = (0..count).map(|_| any_id(random, last)).collect();
    ids.into_iter().collect()
}

/// A number that was given away, or nearly.
fn any_id(random: &mut fastrand::Rng, last: i64) -> i64 {
    random.i64(0..=last + 1)
}

fn any_filter(random: &mut fastrand::Rng) -> Filter {
    let mut filter = Filter::default();
    if random.bool() {
        filter.statuses = vec![Status::ALL[random.usize(..5)]];
    }
    if random.bool() {
        filter.categories = vec![Category::Clip];
    }
    if random.bool() {
        filter.model_name = Some("oWL".into());
    }
    if random.u8(..4) == 0 {
        filter.requested_by = vec!["1".into()];
    }
    filter
}

fn any_step(random: &mut fastrand::Rng, last: i64) -> Step {
    match random.u32(..100) {
        0..35 => {
            let request = [None, None, Some("r1"), Some("r2")][random.usize(..4)];
            Step::Propose(Box::new(any_draft(random)), actor(random.u8(1..3)), request)
        }
        35..55 => {
            let (approved, rejected) = (any_ids(random, last), any_ids(random, last));
            // Bodies that name a change twice are refused before they come here.
            let rejected = rejected.into_iter().filter(|id| !approved.contains(id)).collect();
            let reason = Some("no".to_owned());
            Step::Decide(Decision { title: "t".into(), approved, rejected, reason })
        }
        55..70 => Step::Reserve(any_id(random, last), JOBS[random.usize(..2)]),
        70..76 => Step::Release(any_id(random, last)),
        76..86 => Step::Applied(any_id(random, last)),
        86..91 => Step::Split(random.i64(0..6)),
        91..95 => Step::Purge(any_filter(random)),
        _ => Step::ReadAgain,
    }
}

impl Walk {
    fn take(&mut self, step: &Step, now: i64) -> Outcome {
        let by = actor(9);
        let done = |result: Result<(), Refusal>| match result {
            Ok(()) => Outcome::Done,
            Err(_) => Outcome::Refused,
        };
        match step {
            Step::Propose(draft, by, request) => {
                match self.state.propose(Draft::clone(draft), by, *request, now) {
                    Ok(entry) => Outcome::Proposed(entry.id),
                    Err(_) => Outcome::Refused,
                }
            }
            Step::Decide(decision) => done(self.state.decide(decision, &by, now).map(drop)),
            Step::Reserve(id, job) => done(self.state.reserve(*id, job, &by, now).map(drop)),
            Step::Release(id) => {
                if let Some(entry) = self.state.get(*id).cloned() {
                    self.state.release(&entry, now);
                }
                Outcome::Done
            }
            Step::Applied(id) => {
                if let Some(entry) = self.state.get(*id).cloned() {
                    self.state.applied(&entry, now);
                }
                Outcome::Done
            }
            Step::Split(batch) => done(self.state.split(*batch, now).map(drop)),
            Step::Purge(filter) => Outcome::Removed(self.state.purge(filter)),
            Step::ReadAgain => {
                self.state = reread(&self.state);
                Outcome::Done
            }
        }
    }

    fn check(&mut self, before: &State, step: &Step, outcome: &Outcome) {
        if *outcome == Outcome::Refused {
            assert_eq!(&self.state, before, "a refusal changed something");
            assert_eq!(self.state.counters(), before.counters(), "a refusal took a number");
        }
        let (was, is) = (by_id(before), by_id(&self.state));
        assert_eq!(is.len(), self.state.entries().count(), "a number is there twice");
        self.check_new(&was, &is, outcome);
        self.check_removed(&was, &is, step, outcome);
        for (id, after) in &is {
            if let Some(before) = was.get(id) {
                check_way(before, after);
            }
        }
        self.check_batches(before);
        let reread = reread(&self.state);
        assert_eq!(reread, self.state, "the file tells something else");
        assert_eq!(reread.counters(), self.state.counters());
        if !matches!(step, Step::ReadAgain) {
            let told = self.state.take_touched();
            let told: Vec<_> = told.into_iter().filter(|(_, was, is)| was != is).collect();
            assert_eq!(told, before.differences(&self.state), "not what was told of the step");
        }
    }

    /// A proposal makes one entry, with a number that is larger than all that were ever given.
    fn check_new(
        &mut self,
        was: &BTreeMap<i64, Entry>,
        is: &BTreeMap<i64, Entry>,
        outcome: &Outcome,
    ) {
        let new: Vec<i64> = is.keys().filter(|id| !was.contains_key(id)).copied().collect();
        match (new.as_slice(), outcome) {
            ([], _) => {}
            ([id], Outcome::Proposed(told)) => {
                assert_eq!(id, told);
                assert!(*id > self.largest_id, "{id} was given before");
                assert_eq!(is[id].status, Status::Pending);
                self.largest_id = *id;
            }
            other => panic!("entries from nowhere: {other:?}"),
        }
    }

    /// What goes is what a purge meant, and all of it but what is being applied.
    fn check_removed(
        &self,
        was: &BTreeMap<i64, Entry>,
        is: &BTreeMap<i64, Entry>,
        step: &Step,
        outcome: &Outcome,
    ) {
        let gone: Vec<i64> = was.keys().filter(|id| !is.contains_key(id)).copied().collect();
        let meant = match step {
            Step::Purge(filter) => {
                let may_go = |entry: &&Entry| entry.status != Status::Applying;
                let meant = was.values().filter(|entry| is_meant(filter, entry)).filter(may_go);
                meant.map(|entry| entry.id).collect()
            }
            _ => Vec::new(),
        };
        assert_eq!(gone, meant);
        if let Outcome::Removed(told) = outcome {
            assert_eq!(*told, gone);
        }
    }

    /// A batch that is not open any more gets no further entries, and a new one has a new number.
    fn check_batches(&mut self, before: &State) {
        let open = |state: &State| -> BTreeSet<i64> {
            let approved = state.entries().filter(|entry| entry.status == Status::Approved);
            approved.filter_map(|entry| entry.batch_id).collect()
        };
        let (was_open, had) = (open(before), by_id(before));
        for entry in self.state.entries() {
            let Some(batch) = entry.batch_id else { continue };
            if had.get(&entry.id).is_some_and(|had| had.batch_id == Some(batch)) {
                continue;
            }
            let is_new = self.batches.last().is_none_or(|largest| batch > *largest);
            assert!(is_new || was_open.contains(&batch), "batch {batch} is used again");
        }
        self.batches.extend(self.state.entries().filter_map(|entry| entry.batch_id));
    }
}

/// The state that another process reads from the files.
fn reread(state: &State) -> State {
    let text = state.to_json().to_string();
    let (mut read, _) = State::read(Some(&Json::parse(text.as_bytes()).unwrap()));
    let numbers = state.counters().to_json().to_string();
    let numbers = Counters::of_json(&Json::parse(numbers.as_bytes()).unwrap());
    read.go_on_from(numbers.unwrap());
    read
}

fn by_id(state: &State) -> BTreeMap<i64, Entry> {
    state.entries().map(|entry| (entry.id, entry.clone())).collect()
}

/// Said again in other words than the code's.
fn is_meant(filter: &Filter, entry: &Entry) -> bool {
    if !filter.statuses.is_empty() && !filter.statuses.contains(&entry.status) {
        return false;
    }
    if !filter.categories.is_empty() && !filter.categories.contains(&entry.category) {
        return false;
    }
    if filter.model_name.is_some() && !entry.model_name.to_lowercase().contains("owl") {
        return false;
    }
    filter.requested_by.is_empty() || entry.requested.by.as_deref() == Some("1")
}

/// The ways of an entry, and what stays as it was on each.
fn check_way(before: &Entry, after: &Entry) {
    use Status::{Applied, Applying, Approved, Pending, Rejected};
    let way = (before.status, after.status);
    let is_way = before.status == after.status
        || matches!(
            way,
            (Pending, Approved | Rejected) | (Approved, Applying) | (Applying, Applied | Approved)
        );
    assert!(is_way, "change {} went from {:?} to {:?}", before.id, way.0, way.1);
    let proposal = |entry: &Entry| {
        let Entry { id, kind, category, model_name, operation, payload, requested, .. } =
            entry.clone();
        (id, kind, category, model_name, operation, payload, requested)
    };
    assert_eq!(proposal(before), proposal(after), "a proposal is not what was proposed");
    if matches!(before.status, Applied | Rejected) {
        assert_eq!(before, after, "what is over changed");
    }
    assert_eq!(after.status == Rejected, after.rejected.at.is_some());
    assert_eq!(matches!(after.status, Approved | Applying | Applied), after.approved.at.is_some());
    assert_eq!(after.status == Applied, after.applied.at.is_some());
    assert_eq!(matches!(after.status, Applying | Applied), after.job_id.is_some());
}

/// A file that somebody else wrote, with what is no entry and with a number that is there twice.
fn found() -> State {
    let entry = |id: i64, status: &str| {
        format!(
            r#"{{"change_id": {id}, "category": "clip", "model_name": "owl", "operation": "create",
                "requested_by": "1", "requested_username": "a#1", "status": "{status}", "new": 1}}"#
        )
    };
    let (first, second) = (entry(3, "pending"), entry(3, "pending"));
    let text = format!(r#"[{first}, {{"change_id": 7}}, null, {second}, {}]"#, entry(2, "pending"));
    State::read(Some(&Json::parse(text.as_bytes()).unwrap())).0
}

#[test]
fn whatever_is_asked_of_the_queue_its_rules_hold() {
    let first = fastrand::u64(..);
    let mut ends = BTreeSet::new();
    for seed in (0..WALKS).map(|walk| first.wrapping_add(walk)) {
        let mut random = fastrand::Rng::with_seed(seed);
        let state = if random.bool() { found() } else { State::default() };
        let largest_id = state.counters().change;
        let mut walk = Walk { state, largest_id, batches: BTreeSet::new() };
        for number in 0..STEPS {
            let last = walk.state.counters().change;
            let step = any_step(&mut random, last);
            let before = walk.state.clone();
            let told = format!("seed {seed}, step {number}: {step:?}");
            let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                let outcome = walk.take(&step, 1_700_000_000 + number as i64);
                walk.check(&before, &step, &outcome);
            }));
            assert!(checked.is_ok(), "{told}");
            ends.extend(walk.state.entries().map(|entry| entry.status.name()));
        }
    }
    // The walks came to everything there is.
    assert_eq!(ends.len(), Status::ALL.len(), "{ends:?}");
}
