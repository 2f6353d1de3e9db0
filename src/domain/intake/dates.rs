//! Instants as exports write them.
//!
//! A time without an offset is read as UTC: the exports that leave it out (HubSpot's "Create Date
//! (GMT)", Mautic's) mean that, and an import must not depend on the machine's zone. `03/04/2024` may
//! be March or April; it is read as the American form, which the CRMs default to, and the caller is
//! told.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// How far ahead of "now" an instant may lie: a local date read as UTC can be most of a day ahead.
const MAX_AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// An instant and whether its day and month could be the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// In whole milliseconds.
    pub at: Timestamp,
    /// Both day and month are at most 12, and the form does not say which is which.
    pub ambiguous: bool,
}

/// Reads an instant. `None` when the text is none, lies before 1970, or in the future seen from `now`.
pub fn parse(text: &str, now: Timestamp) -> Option<Moment> {
    let moment = read(text.trim())?;
    let at = Timestamp::from_millisecond(moment.at.as_millisecond()).ok()?;
    let latest = now.checked_add(MAX_AHEAD).unwrap_or(Timestamp::MAX);
    (at >= Timestamp::UNIX_EPOCH && at <= latest).then_some(Moment { at, ..moment })
}

fn read(text: &str) -> Option<Moment> {
    let certain = |at| Moment { at, ambiguous: false };
    if text.len() > 64 || !text.is_ascii() {
        return None;
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return epoch(text).map(certain);
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(certain(at));
    }
    let text = text.trim_end_matches("GMT").trim_end_matches("UTC").trim_end();
    if let Ok(civil) = text.parse::<DateTime>() {
        return in_utc(civil).map(certain);
    }
    for format in ["%b %d, %Y", "%d %b %Y", "%b %d %Y"] {
        if let Ok(date) = Date::strptime(format, text) {
            return in_utc(date.to_datetime(Time::midnight())).map(certain);
        }
    }
    numbered(text)
}

/// Seconds or milliseconds since 1970, as APIs write them.
fn epoch(digits: &str) -> Option<Timestamp> {
    let number = digits.parse().ok()?;
    match digits.len() {
        10 => Timestamp::from_second(number).ok(),
        12 | 13 => Timestamp::from_millisecond(number).ok(),
        _ => None,
    }
}

/// `31.12.2024 17:05`, `12/31/2024, 5:05 PM`, `31/12/2024`.
fn numbered(text: &str) -> Option<Moment> {
    let (date, time) = text.split_once([' ', ',']).unwrap_or((text, ""));
    let separator = date.chars().find(|c| !c.is_ascii_digit())?;
    let mut parts = date.split(separator).map(|part| part.parse::<i16>().ok());
    let (first, second, year) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || year < 1970 {
        return None;
    }
    let month_first = match separator {
        '.' | '-' => false,
        '/' => first <= 12,
        _ => return None,
    };
    let (month, day) = if month_first && second <= 31 { (first, second) } else { (second, first) };
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let at = in_utc(date.to_datetime(clock_time(time.trim_start_matches(',').trim())?))?;
    Some(Moment { at, ambiguous: month_first && second <= 12 && first != second })
}

/// Nothing, `17:05`, `17:05:09`, `5:05 PM`.
fn clock_time(text: &str) -> Option<Time> {
    if text.is_empty() {
        return Some(Time::midnight());
    }
    let upper = text.to_ascii_uppercase();
    let (digits, afternoon) = match (upper.strip_suffix("AM"), upper.strip_suffix("PM")) {
        (Some(digits), _) => (digits.trim(), Some(false)),
        (_, Some(digits)) => (digits.trim(), Some(true)),
        _ => (upper.as_str(), None),
    };
    let mut parts = digits.split(':').map(|part| part.parse::<i8>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
    let hour = match afternoon {
        None => hour,
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(afternoon) => hour % 12 + if afternoon { 12 } else { 0 },
    };
    parts.next().is_none().then(|| Time::new(hour, minute, second, 0).ok())?
}

fn in_utc(civil: DateTime) -> Option<Timestamp> {
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn now() -> Timestamp {
        "2026-03-10T12:00:00Z".parse().expect("an instant")
    }

    #[test]
    fn every_form_that_exports_write_is_read() {
        for (text, at) in [
            ("2024-03-05T14:22:00Z", "2024-03-05T14:22:00Z"),
            ("2024-03-05T14:22:00+01:00", "2024-03-05T13:22:00Z"),
            ("2024-03-05T14:22:00.000+0000", "2024-03-05T14:22:00Z"),
            ("2024-03-05 14:22", "2024-03-05T14:22:00Z"),
            ("2024-03-05 14:22:09", "2024-03-05T14:22:09Z"),
            ("2024-03-05 14:22:09 UTC", "2024-03-05T14:22:09Z"),
            ("2024-03-05", "2024-03-05T00:00:00Z"),
            ("1709648520000", "2024-03-05T14:22:00Z"),
            ("1709648520", "2024-03-05T14:22:00Z"),
            ("3/25/2024", "2024-03-25T00:00:00Z"),
            ("25/3/2024", "2024-03-25T00:00:00Z"),
            ("3/25/2024, 2:22 PM", "2024-03-25T14:22:00Z"),
            ("3/25/2024 12:05 AM", "2024-03-25T00:05:00Z"),
            ("25.03.2024 14:22", "2024-03-25T14:22:00Z"),
            ("Mar 25, 2024", "2024-03-25T00:00:00Z"),
        ] {
            let moment = parse(text, now()).unwrap_or_else(|| panic!("{text} is an instant"));
            assert_eq!(moment.at.to_string(), at, "{text}");
            assert!(!moment.ambiguous, "{text}");
        }
    }

    #[test]
    fn day_and_month_that_may_change_places_are_told() {
        let moment = parse("03/04/2024", now()).expect("an instant");
        assert_eq!((moment.at.to_string().as_str(), moment.ambiguous), ("2024-03-04T00:00:00Z", true));
        assert_eq!(parse("04.03.2024", now()).map(|moment| moment.ambiguous), Some(false));
    }

    #[test]
    fn what_is_no_past_instant_is_none() {
        for text in [
            "",
            "yesterday",
            "2024-13-01",
            "31/31/2024",
            "1969-01-01",
            "2027-01-01",
            "25:61",
            "1/2/3/2024",
            "5",
        ] {
            assert_eq!(parse(text, now()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,30}|[0-9/.: -]{0,24}( ?[AP]M)?") {
            let _ = parse(&text, now());
        }
    }
}
