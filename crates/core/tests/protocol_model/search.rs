//! Breadth-first over all states; a broken property comes with a shortest way to it.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use crate::rules::{Fault, Mutation, Rules};
use crate::state::{Property, State};
use crate::{commit, faults, foreign, properties, reader};

/// What a search found.
pub(crate) struct Outcome {
    pub(crate) states: usize,
    pub(crate) broken: Option<(Property, Vec<String>)>,
}

/// How a state was reached: from which, by which of its ways on.
struct Node {
    from: u32,
    choice: u16,
}

/// Visits every state that can be reached, or stops at the first that breaks a property (`sought`, if one is).
pub(crate) fn explore(rules: &Rules, sought: Option<Property>) -> Outcome {
    let first = State::first();
    let mut seen = Seen::default();
    seen.insert(fingerprint(&first));
    let mut nodes = vec![Node { from: 0, choice: 0 }];
    let mut frontier = vec![(0_u32, first)];
    while !frontier.is_empty() {
        let mut reached = Vec::new();
        for (from, state) in &frontier {
            let mut choice = 0;
            let mut broken = None;
            successors(rules, state, &mut |_, next| {
                if broken.is_none() && seen.insert(fingerprint(&next)) {
                    let number = u32::try_from(nodes.len()).expect("fewer than 2^32 states");
                    nodes.push(Node { from: *from, choice });
                    let mut found = properties::broken(rules, &next).into_iter();
                    broken = found
                        .find(|&property| sought.is_none_or(|sought| property == sought))
                        .map(|property| (property, number));
                    reached.push((number, next));
                }
                choice += 1;
            });
            if let Some((property, number)) = broken {
                let trace = trace(rules, &nodes, number);
                return Outcome { states: nodes.len(), broken: Some((property, trace)) };
            }
        }
        frontier = reached;
    }
    Outcome { states: nodes.len(), broken: None }
}

const NAMES: [&str; 3] = ["first writer", "second writer", "adopter"];

/// Every step that some process, or the fault, can take.
fn successors(rules: &Rules, state: &State, add: &mut impl FnMut(&'static str, State)) {
    if let Some(who) = unseen(rules, state) {
        // What nobody else sees may as well come before all that the others do: the same states
        // are reached, by fewer ways.
        if let Some(next) = commit::step(rules, state, who) {
            add(NAMES[who], next);
        }
        faults::kill(rules, state, who, add);
        return;
    }
    for (who, name) in NAMES.into_iter().enumerate() {
        // The writers are alike: the one that goes first is called the first.
        let waits = who == 1 && state.ours[0] == State::first().ours[0];
        if waits {
            continue;
        }
        if let Some(next) = commit::step(rules, state, who) {
            add(name, next);
        }
    }
    foreign::steps(rules, state, add);
    reader::steps(rules, state, add);
    faults::steps(rules, state, add);
}

/// The process whose next step nobody else sees: under the lock, and no power cut sees it either.
fn unseen(rules: &Rules, state: &State) -> Option<usize> {
    if rules.fault == Fault::PowerCut || rules.without(Mutation::NoLock) {
        return None;
    }
    let holder = usize::from(state.lock?);
    state.ours[holder].at.is_unseen().then_some(holder)
}

/// The steps to state `number`, made again from the choices.
fn trace(rules: &Rules, nodes: &[Node], number: u32) -> Vec<String> {
    let mut choices = Vec::new();
    let mut at = number;
    while at != 0 {
        let node = &nodes[at as usize];
        choices.push(node.choice);
        at = node.from;
    }
    let mut state = State::first();
    let mut lines = Vec::new();
    for wanted in choices.into_iter().rev() {
        let mut choice = 0;
        let mut taken = None;
        successors(rules, &state, &mut |name, next| {
            if choice == wanted {
                taken = Some((name, next));
            }
            choice += 1;
        });
        let (name, next) = taken.expect("the same steps as before");
        lines.push(line(name, &state, &next));
        state = next;
    }
    lines
}

fn line(name: &str, before: &State, after: &State) -> String {
    let moved = (0..3).find(|&who| before.ours[who].at != after.ours[who].at);
    let step = moved.map_or_else(String::new, |who| {
        format!(" {who}:{:?}->{:?}", before.ours[who].at, after.ours[who].at)
    });
    let slot = |slot: &crate::state::Slot| {
        format!(
            "{}:{:x}<{:x} {:?} n{:x}",
            slot.generation, slot.digest, slot.base, slot.mark, slot.note
        )
    };
    let folder = &after.folder;
    format!(
        "{name}{step} | document {:x} swap {:x} aside {:x} kept {:x} | {} | {} | counters {:x} audit {:x} \
         commits {:x} floor {} ack {:x} committed {:x} dropped {:x} collided {:x}",
        folder.document,
        folder.swap,
        folder.aside,
        folder.kept,
        slot(&after.slots[0]),
        slot(&after.slots[1]),
        after.counters,
        after.audit,
        folder.commits,
        after.reader.floor,
        after.acknowledged,
        folder.committed,
        folder.dropped,
        folder.collided,
    )
}

type Seen = HashSet<u64, BuildHasherDefault<AsIs>>;

/// Two states share one with a chance of about one in 10^6 in a search of five million.
fn fingerprint(state: &State) -> u64 {
    let mut mix = Mix(0x9e37_79b9_7f4a_7c15);
    state.hash(&mut mix);
    mix.finish()
}

/// A fast hash of small fields: multiply and fold.
struct Mix(u64);

impl Mix {
    fn add(&mut self, word: u64) {
        let wide = u128::from(self.0 ^ word.wrapping_mul(0xff51_afd7_ed55_8ccd))
            .wrapping_mul(0xd6e8_feb8_6659_fd93_a076_1d64_78bd_642f);
        self.0 = (wide >> 64) as u64 ^ wide as u64;
    }
}

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.add(u64::from(byte));
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.add(u64::from(byte));
    }

    fn write_u16(&mut self, word: u16) {
        self.add(u64::from(word));
    }

    fn write_isize(&mut self, word: isize) {
        self.add(word as u64);
    }
}

/// A fingerprint is its own hash.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }
}
