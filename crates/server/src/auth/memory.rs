//! What the AI-Horde said about keys a moment ago. Bounded; the oldest answers go first.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::{Answer, ApiKey};

/// Answers that are remembered at most.
const MOST: usize = 10_000;

/// Stands for a key within this process.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    pub(super) fn of(secret: &[u8; 32], key: &ApiKey) -> Self {
        Self(*blake3::keyed_hash(secret, key.expose().as_bytes()).as_bytes())
    }
}

/// Answers by key.
#[derive(Default)]
pub(super) struct Memory {
    answers: HashMap<Digest, Remembered>,
    /// In the order of remembering. What was remembered anew is in it twice, the older time in vain.
    order: VecDeque<(Digest, u64)>,
    count: u64,
}

struct Remembered {
    answer: Answer,
    until: Instant,
    number: u64,
}

impl Memory {
    /// The answer about a key, if it is still to be relied on.
    pub(super) fn recall(&self, digest: &Digest, now: Instant) -> Option<Answer> {
        let remembered = self.answers.get(digest)?;
        (now < remembered.until).then(|| remembered.answer.clone())
    }

    /// Keeps an answer for `lifetime`.
    pub(super) fn remember(
        &mut self,
        digest: Digest,
        answer: Answer,
        now: Instant,
        lifetime: Duration,
    ) {
        if lifetime.is_zero() {
            return;
        }
        self.count += 1;
        let number = self.count;
        self.answers.insert(digest, Remembered { answer, until: now + lifetime, number });
        self.order.push_back((digest, number));
        while self.order.len() > MOST || self.oldest_has_expired(now) {
            self.forget_oldest();
        }
    }

    fn oldest_has_expired(&self, now: Instant) -> bool {
        let oldest = self.order.front().and_then(|(digest, _)| self.answers.get(digest));
        oldest.is_some_and(|oldest| oldest.until <= now)
    }

    fn forget_oldest(&mut self) {
        let Some((digest, number)) = self.order.pop_front() else { return };
        if self.answers.get(&digest).is_some_and(|answer| answer.number == number) {
            self.answers.remove(&digest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::auth::{Refusal, User};

    fn digest(number: usize) -> Digest {
        Digest(*blake3::hash(&number.to_le_bytes()).as_bytes())
    }

    fn user(id: &str) -> Answer {
        Ok(Arc::new(User { id: id.into(), name: format!("a#{id}") }))
    }

    #[test]
    fn answers_are_forgotten_in_time() {
        let (mut memory, start) = (Memory::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        memory.remember(digest(1), user("1"), start, Duration::from_secs(30));
        memory.remember(digest(2), Err(Refusal::InvalidKey), start, Duration::from_secs(5));
        memory.remember(digest(3), user("3"), start, Duration::ZERO);
        assert_eq!(memory.recall(&digest(1), after(29)), Some(user("1")));
        assert_eq!(memory.recall(&digest(1), after(30)), None);
        assert_eq!(memory.recall(&digest(2), after(4)), Some(Err(Refusal::InvalidKey)));
        assert_eq!(memory.recall(&digest(2), after(5)), None);
        assert_eq!(memory.recall(&digest(3), start), None);
        memory.remember(digest(4), user("4"), after(60), Duration::from_secs(1));
        assert_eq!(memory.answers.len(), 1, "what has expired is let go");
    }

    #[test]
    fn the_oldest_make_room() {
        let (mut memory, now) = (Memory::default(), Instant::now());
        let life = Duration::from_secs(30);
        for number in 0..MOST {
            memory.remember(digest(number), user("0"), now, life);
        }
        memory.remember(digest(0), user("again"), now, life);
        memory.remember(digest(MOST), user("0"), now, life);
        assert_eq!(memory.recall(&digest(0), now), Some(user("again")));
        assert_eq!(memory.recall(&digest(1), now), None);
        assert!(memory.recall(&digest(2), now).is_some());
        assert!(memory.answers.len() <= MOST && memory.order.len() <= MOST);
    }
}
