//! Waiting for what becomes true by itself.

use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(20);

/// Asks until the answer is `Ok`, and returns it; past `within`, the last refusal is the error.
///
/// The question is asked at least once, and once more after the deadline was reached while waiting.
pub fn eventually<T, E>(
    within: Duration,
    mut question: impl FnMut() -> Result<T, E>,
) -> Result<T, E> {
    let deadline = Instant::now() + within;
    loop {
        let late = Instant::now() >= deadline;
        match question() {
            Ok(answer) => return Ok(answer),
            Err(refusal) if late => return Err(refusal),
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_as_soon_as_it_is_true() {
        let mut asked = 0;
        let answer = eventually(Duration::from_secs(10), || {
            asked += 1;
            if asked == 3 { Ok(asked) } else { Err("not yet") }
        });
        assert_eq!(answer, Ok(3));
    }

    #[test]
    fn fails_with_the_last_answer() {
        let mut asked = 0;
        let answer: Result<(), _> = eventually(Duration::from_millis(50), || {
            asked += 1;
            Err(asked)
        });
        assert_eq!(answer, Err(asked));
        assert!(asked > 1);
    }
}
