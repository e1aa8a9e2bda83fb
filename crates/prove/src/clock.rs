//! The one clock of all histories: monotonic, and the same for every process of a machine.

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds since the machine started.
pub fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    // Neither part of a monotonic clock is ever negative.
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}

/// Milliseconds with one decimal, for people.
pub fn milliseconds(nanoseconds: u64) -> String {
    let tenths = nanoseconds / 100_000;
    format!("{}.{} ms", tenths / 10, tenths % 10)
}
