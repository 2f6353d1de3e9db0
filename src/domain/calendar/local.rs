//! Between wall clocks and instants.
//!
//! A zone is, over any stretch of time, a row of segments in each of which its offset from UTC is
//! constant. Inside a segment a wall-clock time and an instant differ by that offset and by nothing
//! else, so whatever is right there is right across clock changes of any size, at any hour, and when a
//! country skips a whole date.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

/// A stretch of instants with one offset from UTC; all in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// The first instant.
    pub(super) start: i64,
    /// The instant after the last.
    pub(super) end: i64,
    /// Wall clock minus UTC.
    pub(super) offset: i64,
}

/// The segments that make up `start..end`.
pub(super) fn segments(zone: &TimeZone, start: i64, end: i64) -> impl Iterator<Item = Segment> + '_ {
    let mut next = start;
    std::iter::from_fn(move || {
        if next >= end {
            return None;
        }
        let begin = instant(next);
        let change = zone.following(begin).next().map_or(end, |change| change.timestamp().as_second());
        let segment =
            Segment { start: next, end: change.min(end), offset: i64::from(zone.to_offset(begin).seconds()) };
        next = segment.end;
        Some(segment)
    })
}

/// The instant at which the wall clock shows `at`: the earlier one when it shows it twice, and the first
/// instant after the change when a change of the clock skips it. `None` outside the years of jiff.
pub(super) fn instant_of(zone: &TimeZone, at: DateTime) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(at);
    match ambiguous.offset() {
        // Read with the offset that holds after the gap, a time inside it lies just before the change.
        AmbiguousOffset::Gap { after, .. } => {
            let before = after.to_timestamp(at).ok()?;
            zone.following(before).next().map(|change| change.timestamp())
        }
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier().ok(),
    }
}

/// The date that the wall clock shows at `at`.
pub(super) fn date_at(zone: &TimeZone, at: Timestamp) -> Date {
    zone.to_datetime(at).date()
}

/// The instant `second`, or the nearest that exists.
pub(super) fn instant(second: i64) -> Timestamp {
    if second < 0 {
        Timestamp::from_second(second).unwrap_or(Timestamp::MIN)
    } else {
        Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
    }
}

/// The midnight with which a date begins, in seconds of wall-clock time since that of 1970-01-01.
pub(super) fn midnight(day: Date) -> i64 {
    day.duration_since(Date::constant(1970, 1, 1)).as_secs()
}

/// The date in which a second of wall-clock time since 1970-01-01 00:00 lies.
pub(super) fn date_of(second: i64) -> Date {
    Offset::UTC.to_datetime(instant(second)).date()
}

/// The same date for crates that speak chrono.
pub(super) fn to_chrono(day: Date) -> Option<chrono::NaiveDate> {
    let (month, day_of_month) = (u32::try_from(day.month()).ok()?, u32::try_from(day.day()).ok()?);
    chrono::NaiveDate::from_ymd_opt(i32::from(day.year()), month, day_of_month)
}

/// A date from crates that speak chrono.
pub(super) fn from_chrono(day: chrono::NaiveDate) -> Option<Date> {
    use chrono::Datelike;
    let (month, day_of_month) = (i8::try_from(day.month()).ok()?, i8::try_from(day.day()).ok()?);
    Date::new(i16::try_from(day.year()).ok()?, month, day_of_month).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skipped_time_becomes_the_first_instant_after_the_gap_and_a_repeated_one_the_earlier() {
        for (zone, wall, expected) in [
            ("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:00:00Z"),
            ("Europe/Berlin", "2026-03-29T02:00", "2026-03-29T01:00:00Z"),
            ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30:00Z"),
            ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30:00Z"),
            ("America/Sao_Paulo", "2018-11-04T00:30", "2018-11-04T03:00:00Z"),
            ("Antarctica/Troll", "2026-03-29T02:00", "2026-03-29T01:00:00Z"),
            ("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00:00Z"),
            ("Asia/Kolkata", "2026-03-29T09:00", "2026-03-29T03:30:00Z"),
        ] {
            let zone = TimeZone::get(zone).unwrap();
            assert_eq!(instant_of(&zone, wall.parse().unwrap()), Some(expected.parse().unwrap()), "{wall}");
        }
    }

    #[test]
    fn segments_meet_at_the_changes_of_the_clock() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
        let (start, change, end) =
            (at("2026-03-28T00:00:00Z"), at("2026-03-29T01:00:00Z"), at("2026-03-30T00:00:00Z"));
        let found: Vec<_> = segments(&zone, start, end).collect();
        assert_eq!(
            found,
            [Segment { start, end: change, offset: 3600 }, Segment { start: change, end, offset: 7200 },]
        );
    }
}
