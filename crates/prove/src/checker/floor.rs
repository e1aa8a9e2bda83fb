//! The largest generation that was known before a given time, and who knew it.

use crate::past::Operation;

/// Generations with the times from which on they bind, and after sorting the largest so far.
#[derive(Debug, Default)]
pub(super) struct Floor<'a> {
    entries: Vec<(u64, u64, &'a Operation)>,
}

impl<'a> Floor<'a> {
    /// From `time` on, nothing may be older than `generation`.
    pub(super) fn add(&mut self, time: u64, generation: u64, by: &'a Operation) {
        self.entries.push((time, generation, by));
    }

    /// To be called once between adding and asking.
    pub(super) fn sort(&mut self) {
        self.entries.sort_by_key(|(time, ..)| *time);
        for index in 1..self.entries.len() {
            let (_, before, by) = self.entries[index - 1];
            let (_, generation, own) = &mut self.entries[index];
            if before > *generation {
                (*generation, *own) = (before, by);
            }
        }
    }

    /// The largest generation that bound before `time`.
    pub(super) fn before(&self, time: u64) -> Option<(u64, &'a Operation)> {
        let index = self.entries.partition_point(|(at, ..)| *at < time);
        let (_, generation, by) = self.entries.get(index.checked_sub(1)?)?;
        Some((*generation, by))
    }
}
