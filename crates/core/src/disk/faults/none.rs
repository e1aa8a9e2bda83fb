//! No faults.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{Point, Rule};

/// Nothing happens.
#[inline(always)]
#[allow(clippy::unnecessary_wraps, reason = "the armed twin fails")]
pub(crate) const fn pass(_: Point) -> std::io::Result<()> {
    Ok(())
}

/// Every rule is kept.
#[inline(always)]
pub(crate) const fn is_left_out(_: Rule) -> bool {
    false
}

/// The wall clock in milliseconds since 1970.
pub(crate) fn clock_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(0)
}
