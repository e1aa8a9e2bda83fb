//! The thread that looks at every document three times per lease.
//!
//! It shares nothing with an async runtime, so a busy one cannot delay it, and it never reads a
//! file's content: what has changed or is too young to be trusted goes to the loader.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::slot::Verdict;
use super::{Shared, clock};
use crate::Document;

pub(super) struct Looker {
    shared: Arc<Shared>,
    /// Time the machine has slept; more of it ends every lease.
    time_asleep: u64,
}

impl Looker {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, time_asleep: clock::time_asleep() }
    }

    pub(super) fn run(mut self) {
        while !self.shared.stopping.load(Ordering::Acquire) {
            self.expire_after_sleep();
            self.look_at_all();
            std::thread::park_timeout(self.shared.leases.look_every);
        }
    }

    /// The clock of leases stands still while the machine sleeps, the files of others do not.
    fn expire_after_sleep(&mut self) {
        let asleep = clock::time_asleep();
        // The two clocks are read one after the other; anything below a tick is that.
        if asleep > self.time_asleep + clock::COARSE_LAG {
            self.shared.all_fresh_until.store(0, Ordering::Release);
            for slot in &self.shared.slots {
                slot.expire();
            }
        }
        self.time_asleep = asleep;
    }

    fn look_at_all(&self) {
        let leases = self.shared.leases;
        // Every look of the pass is later than this.
        let begun = clock::now();
        let lease_end = clock::after(begun, leases.lease);
        let now = Instant::now();
        self.shared.backend.look_at_all(&mut |document, look| {
            let slot = &self.shared.slots[document.index()];
            match slot.judge(look, now, leases.young_stamp, leases.deep_look) {
                // While a load is under way, what was built from the document may be older than it.
                Verdict::Same if slot.is_loading() => {}
                Verdict::Same => slot.renew(lease_end),
                Verdict::Read => self.ask_for_load(document),
                Verdict::Unknown => {}
            }
        });
        self.shared.looks.fetch_add(1, Ordering::Relaxed);
        self.shared.announce_progress();
    }

    fn ask_for_load(&self, document: Document) {
        if self.shared.slots[document.index()].claim_load() {
            self.shared.wanted.ask(document);
        }
    }
}
