//! Pauses between attempts, which end as soon as another connection of this process comes about: the
//! server is back then.
//!
//! Only successes end pauses, and who was thrown out at once waits its full time. So connections cannot
//! wake each other in turn for ever.

use std::time::Duration;

use tokio::sync::watch;

/// Counts connections that came about, of all kinds.
#[derive(Debug, Default)]
pub(super) struct Arrivals(watch::Sender<u64>);

/// From when on others count.
pub(super) struct Since(watch::Receiver<u64>);

impl Arrivals {
    /// There is a new connection, and it answers.
    pub(super) fn note(&self) {
        self.0.send_modify(|count| *count += 1);
    }

    /// From now on.
    pub(super) fn since_now(&self) -> Since {
        Since(self.0.subscribe())
    }
}

impl Since {
    /// Waits that long, or until another connection comes about, or not at all if one has.
    pub(super) async fn pause(mut self, longest: Duration) {
        let _ = tokio::time::timeout(longest, self.0.changed()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOR_EVER: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn a_pause_ends_when_another_connection_comes_about_after_it_was_meant() {
        let arrivals = Arrivals::default();
        arrivals.note();
        let since = arrivals.since_now();
        let mut pause = std::pin::pin!(since.pause(FOR_EVER));
        let is_over = futures_util::poll!(&mut pause).is_ready();
        assert!(!is_over, "what came about earlier says nothing");
        arrivals.note();
        pause.await;
        // One that came about while the attempt failed counts as well.
        let since = arrivals.since_now();
        arrivals.note();
        since.pause(FOR_EVER).await;
        // Without one it lasts as long as was said.
        arrivals.since_now().pause(Duration::from_millis(1)).await;
    }
}
