//! Being told that categories changed: by awaiting it, or by a callback.
//!
//! News carries no content, only which categories moved on; whoever is slow hears of several changes
//! at once, and nobody waits for anybody.

use std::panic::AssertUnwindSafe;

use tokio::sync::{oneshot, watch};

use crate::Category;

/// How often each category has changed.
type Counts = [u64; Category::COUNT];

/// Tells subscribers. One for each reference.
#[derive(Debug)]
pub(crate) struct News {
    counts: watch::Sender<Counts>,
}

/// Changes of categories, awaited one after another.
#[derive(Debug)]
pub struct Changes {
    counts: watch::Receiver<Counts>,
    seen: Counts,
}

/// A callback that is called until this is dropped. Dropping it waits for nobody: a call that is
/// under way goes on to its end.
#[derive(Debug)]
pub struct Subscription {
    _alive: oneshot::Sender<()>,
}

impl News {
    pub(crate) fn new() -> Self {
        Self { counts: watch::Sender::new([0; Category::COUNT]) }
    }

    /// These categories have changed, and what they are now can be read.
    pub(crate) fn tell(&self, categories: impl IntoIterator<Item = Category>) {
        let mut some = false;
        self.counts.send_if_modified(|counts| {
            for category in categories {
                counts[category.index()] += 1;
                some = true;
            }
            some
        });
    }

    pub(crate) fn changes(&self) -> Changes {
        let counts = self.counts.subscribe();
        let seen = *counts.borrow();
        Changes { counts, seen }
    }
}

impl Changes {
    /// The categories that changed since the last call, as soon as there is one; `None` when the
    /// reference is gone.
    pub async fn next(&mut self) -> Option<Vec<Category>> {
        loop {
            let counts = *self.counts.borrow_and_update();
            let has_changed =
                |category: &Category| counts[category.index()] != self.seen[category.index()];
            let changed: Vec<Category> = Category::ALL.into_iter().filter(has_changed).collect();
            self.seen = counts;
            if !changed.is_empty() {
                return Some(changed);
            }
            self.counts.changed().await.ok()?;
        }
    }

    /// Calls `callback` for each category that changes, on a thread of its own. One that panics is
    /// called again for the next change; one that blocks delays nobody but itself.
    pub fn call(
        mut self,
        callback: impl FnMut(Category) + Send + 'static,
    ) -> std::io::Result<Subscription> {
        let (alive, mut ended) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let mut callback = callback;
        std::thread::Builder::new().name("subscriber".into()).spawn(move || {
            while let Some(changed) = runtime.block_on(async {
                tokio::select! {
                    biased;
                    _ = &mut ended => None,
                    changed = self.next() => changed,
                }
            }) {
                for category in changed {
                    let call = AssertUnwindSafe(|| callback(category));
                    if std::panic::catch_unwind(call).is_err() {
                        tracing::error!(%category, "a callback about a change panicked");
                    }
                }
            }
        })?;
        Ok(Subscription { _alive: alive })
    }
}
