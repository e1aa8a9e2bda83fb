//! Times as people write them, and as they are shown. All of them are UTC.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// A larger number of seconds since 1970 is one of milliseconds, as generations are.
const LARGEST_SECONDS: i64 = 100_000_000_000;

/// Which end of a day a day alone stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edge {
    Begin,
    End,
}

/// Reads a time; a day alone is its beginning.
pub(crate) fn begin(text: &str) -> Result<Timestamp, String> {
    read(text, Edge::Begin, Timestamp::now())
}

/// Reads a time; a day alone is its end.
pub(crate) fn end(text: &str) -> Result<Timestamp, String> {
    read(text, Edge::End, Timestamp::now())
}

fn read(text: &str, edge: Edge, now: Timestamp) -> Result<Timestamp, String> {
    let text = text.trim();
    let no_time = || format!("{text:?} is no time, such as 2026-11-25, \"2026-11-25 12:00\" or 2h");
    if let Ok(number) = text.parse::<i64>() {
        let read = match number {
            0..LARGEST_SECONDS => Timestamp::from_second(number),
            _ => Timestamp::from_millisecond(number),
        };
        return read.map_err(|_| no_time());
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let is_day = text.len() == "2026-11-25".len();
    if let Some(day) = text.parse::<Date>().ok().filter(|_| is_day) {
        let time = match edge {
            Edge::Begin => day.at(0, 0, 0, 0),
            Edge::End => day.at(23, 59, 59, 999_999_999),
        };
        return in_utc(time).ok_or_else(no_time);
    }
    if let Ok(time) = text.parse::<DateTime>() {
        return in_utc(time).ok_or_else(no_time);
    }
    ago(text, now).ok_or_else(no_time)
}

fn in_utc(time: DateTime) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(time).ok()
}

/// A span before now, with or without the word `ago`.
fn ago(text: &str, now: Timestamp) -> Option<Timestamp> {
    let span: Span = text.strip_suffix("ago").unwrap_or(text).trim().parse().ok()?;
    let then = now.to_zoned_datetime(TimeZone::UTC).checked_sub(span.abs()).ok()?;
    Some(then.timestamp())
}

/// A time to the second.
pub(crate) fn shown_seconds(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(
        |_| seconds.to_string(),
        |time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    )
}

/// A time to the millisecond, so that what is shown names the same when it is typed.
pub(crate) fn shown_ms(ms: u64) -> String {
    let time = i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    time.map_or_else(|| ms.to_string(), |time| time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
}

/// Milliseconds since 1970; what is before is 1970.
pub(crate) fn ms(time: Timestamp) -> u64 {
    u64::try_from(time.as_millisecond()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_time_is_read() {
        let now: Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
        for (text, edge, expected) in [
            ("2026-11-25T10:30:00+02:00", Edge::Begin, "2026-11-25T08:30:00Z"),
            ("2026-11-25", Edge::Begin, "2026-11-25T00:00:00Z"),
            ("2026-11-25", Edge::End, "2026-11-25T23:59:59.999999999Z"),
            ("2026-11-25 12:30", Edge::End, "2026-11-25T12:30:00Z"),
            ("2026-11-25T12:30:15.25", Edge::Begin, "2026-11-25T12:30:15.25Z"),
            ("1700000000", Edge::Begin, "2023-11-14T22:13:20Z"),
            ("1700000000123", Edge::Begin, "2023-11-14T22:13:20.123Z"),
            ("2h", Edge::Begin, "2026-11-25T10:00:00Z"),
            ("90m ago", Edge::End, "2026-11-25T10:30:00Z"),
            ("3d", Edge::Begin, "2026-11-22T12:00:00Z"),
            (" 1w ", Edge::Begin, "2026-11-18T12:00:00Z"),
        ] {
            assert_eq!(read(text, edge, now).unwrap().to_string(), expected, "{text}");
        }
        for text in ["", "yesterday", "2026-13-01", "12:00", "99999999999999999999"] {
            assert!(read(text, Edge::Begin, now).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_shown_is_read_as_the_same() {
        let shown = shown_ms(1_700_000_000_007);
        assert_eq!(shown, "2023-11-14T22:13:20.007Z");
        assert_eq!(ms(begin(&shown).unwrap()), 1_700_000_000_007);
        assert_eq!(shown_seconds(1_700_000_000), "2023-11-14T22:13:20Z");
    }
}
