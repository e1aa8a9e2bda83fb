//! Faults as a test installed them, for the whole process.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::process::{Signal, getpid, kill_process};

use super::{Point, Rule};

/// What happens at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The process kills itself.
    Kill,
    /// The process stops itself until somebody lets it go on.
    Stop,
    /// The step fails with this number of the system's.
    Fail(i32),
}

/// The faults of one process.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// What happens when the point is passed for the n-th time, counted from 1; `0` is every time.
    pub at: Vec<(Point, u64, Action)>,
    /// The rule that is left out.
    pub left_out: Option<Rule>,
}

static PLAN: OnceLock<Plan> = OnceLock::new();
static PASSED: [AtomicU64; Point::ALL.len()] = [const { AtomicU64::new(0) }; Point::ALL.len()];

/// Added to the wall clock, in milliseconds.
static CLOCK_OFFSET_MS: AtomicI64 = AtomicI64::new(0);

/// Lets the wall clock jump: this much is added to it from now on.
pub fn set_clock_offset_ms(offset: i64) {
    CLOCK_OFFSET_MS.store(offset, Ordering::Relaxed);
}

/// Installs the plan; the first one stays.
pub fn install(plan: Plan) {
    let _ = PLAN.set(plan);
}

/// Does what is planned for this point.
pub(crate) fn pass(point: Point) -> io::Result<()> {
    let Some(plan) = PLAN.get() else { return Ok(()) };
    let count = PASSED[point as usize].fetch_add(1, Ordering::Relaxed) + 1;
    let is_due =
        |(at, nth, _): &&(Point, u64, Action)| *at == point && (*nth == 0 || *nth == count);
    match plan.at.iter().find(is_due).map(|(.., action)| *action) {
        None => Ok(()),
        Some(Action::Fail(number)) => Err(io::Error::from_raw_os_error(number)),
        Some(Action::Kill) => {
            let _ = kill_process(getpid(), Signal::KILL);
            // The signal ends the process before this call returns.
            loop {
                std::thread::park();
            }
        }
        Some(Action::Stop) => {
            let _ = kill_process(getpid(), Signal::STOP);
            Ok(())
        }
    }
}

/// Whether the plan leaves `rule` out.
pub(crate) fn is_left_out(rule: Rule) -> bool {
    PLAN.get().is_some_and(|plan| plan.left_out == Some(rule))
}

/// The wall clock in milliseconds since 1970, as it was made to jump.
pub(crate) fn clock_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let real = u64::try_from(since_epoch.as_millis()).unwrap_or(0);
    real.saturating_add_signed(CLOCK_OFFSET_MS.load(Ordering::Relaxed))
}
