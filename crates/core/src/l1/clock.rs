//! Leases are counted on the monotonic clock, in nanoseconds since the machine started.

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

/// How far the coarse clock may lag behind the precise one: a tick, and some to spare.
pub(super) const COARSE_LAG: u64 = 10_000_000;

/// The precise time.
pub(super) fn now() -> u64 {
    nanoseconds(clock_gettime(ClockId::Monotonic))
}

/// The time as of the last tick; a few nanoseconds to ask for.
#[inline]
pub(super) fn now_coarse() -> u64 {
    nanoseconds(clock_gettime(ClockId::MonotonicCoarse))
}

/// How much longer the machine has existed than it has been awake. Grows with every suspend.
pub(super) fn time_asleep() -> u64 {
    nanoseconds(clock_gettime(ClockId::Boottime)).saturating_sub(now())
}

/// `duration` after `time`.
pub(super) fn after(time: u64, duration: Duration) -> u64 {
    time.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
}

#[inline]
fn nanoseconds(time: Timespec) -> u64 {
    // Neither part of a monotonic clock is ever negative.
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}
