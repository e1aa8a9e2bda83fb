//! Whether scripts are run on the server. One that refuses them is asked again, because rights are given
//! back while everything runs: after some seconds, and on every new connection.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a refusal is believed.
const BELIEVED: Duration = Duration::from_secs(5);

/// What is known of the server's will.
#[derive(Debug, Default)]
pub(super) struct Scripting {
    /// After a refusal, when the server is asked again.
    again: Mutex<Option<Instant>>,
}

impl Scripting {
    /// Whether they are not known to be refused.
    pub(super) fn is_allowed(&self) -> bool {
        self.lock().is_none()
    }

    /// Whether to ask: as long as they are allowed, and when a refusal is old.
    pub(super) fn is_worth_asking(&self, now: Instant) -> bool {
        self.lock().is_none_or(|again| now >= again)
    }

    /// They were refused. Whether they were allowed until now.
    pub(super) fn refuse(&self, now: Instant) -> bool {
        self.lock().replace(now + BELIEVED).is_none()
    }

    /// One was run. Whether they were refused until now.
    pub(super) fn allow(&self) -> bool {
        self.lock().take().is_some()
    }

    /// There is another connection, perhaps with other rights.
    pub(super) fn doubt(&self, now: Instant) {
        if let Some(again) = self.lock().as_mut() {
            *again = now;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.again.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_believed_for_a_while_or_until_there_is_another_connection() {
        let (scripting, now) = (Scripting::default(), Instant::now());
        assert!(scripting.is_allowed() && scripting.is_worth_asking(now) && !scripting.allow());
        assert!(scripting.refuse(now) && !scripting.refuse(now));
        assert!(!scripting.is_allowed());
        assert!(!scripting.is_worth_asking(now + BELIEVED - Duration::from_millis(1)));
        assert!(scripting.is_worth_asking(now + BELIEVED));
        scripting.doubt(now);
        assert!(scripting.is_worth_asking(now) && !scripting.is_allowed());
        assert!(scripting.allow() && scripting.is_allowed());
        scripting.doubt(now);
        assert!(scripting.is_allowed());
    }
}
