//! The dates that the all-day events of an iCalendar file cover (RFC 5545).
//!
//! Only what makes a day off is read: `DTSTART` with `DTEND` or `DURATION`, and a plain yearly `RRULE`,
//! as people write for a company's own days. Any other recurrence is refused rather than half kept,
//! for then the mail would go out on the holiday nobody expanded.

use std::collections::BTreeSet;

use icalendar::parser::{Component, read_calendar, unfold};
use jiff::ToSpan;
use jiff::civil::Date;

use super::holidays::LAST_YEAR;

/// The parser is recursive; calendars nest three deep (`VCALENDAR`, `VEVENT`, `VALARM`).
const MAX_DEPTH: usize = 8;
/// A longer event is a mistake, or somebody's sabbatical.
const MAX_DAYS: i32 = 366;

/// Every date that lies in an all-day event that was not cancelled.
///
/// # Errors
///
/// One sentence saying which event cannot be understood, and why.
pub(super) fn all_day_dates(text: &str) -> Result<BTreeSet<Date>, String> {
    let text = unfold(text.trim_start_matches('\u{feff}').trim_start());
    let begins = refuse_deep_nesting(&text)?;
    let calendar = read_calendar(&text).map_err(|_| "its lines do not follow RFC 5545".to_owned())?;
    let events: Vec<_> = calendar.components.iter().filter(|component| component.name == "VEVENT").collect();
    // The parser stops without a word at what it cannot read.
    if events.len() != begins || !text.contains("BEGIN:VCALENDAR") {
        return Err("it is not a calendar, or breaks off in the middle".to_owned());
    }
    let mut dates = BTreeSet::new();
    for event in events {
        let name = value(event, "SUMMARY").unwrap_or("(without a name)");
        dates_of(event, &mut dates).map_err(|why| format!("event \"{name}\": {why}"))?;
    }
    Ok(dates)
}

/// How many events begin.
fn refuse_deep_nesting(text: &str) -> Result<usize, String> {
    let (mut depth, mut events) = (0usize, 0);
    for line in text.lines() {
        let line = line.trim_end();
        if line.starts_with("BEGIN:") {
            depth += 1;
            events += usize::from(line == "BEGIN:VEVENT");
        } else if line.starts_with("END:") {
            depth = depth.saturating_sub(1);
        }
        if depth > MAX_DEPTH {
            return Err(format!("its parts are nested more than {MAX_DEPTH} deep"));
        }
    }
    Ok(events)
}

fn dates_of(event: &Component<'_>, dates: &mut BTreeSet<Date>) -> Result<(), String> {
    if value(event, "STATUS").is_some_and(|status| status.eq_ignore_ascii_case("CANCELLED")) {
        return Ok(());
    }
    let Some((first, days)) = all_day(event)? else { return Ok(()) };
    if value(event, "RDATE").is_some() || value(event, "EXDATE").is_some() {
        return Err("`RDATE` and `EXDATE` are not understood; list the dates".to_owned());
    }
    let years = match value(event, "RRULE") {
        None => 0,
        Some(rule) if rule.eq_ignore_ascii_case("FREQ=YEARLY") => (LAST_YEAR - first.year()).max(0),
        Some(rule) => return Err(format!("the recurrence `{rule}` is not understood; list the dates")),
    };
    for year in 0..=years {
        // 29 February recurs in leap years only (RFC 5545, 3.3.10: invalid dates are ignored).
        let Ok(first) = Date::new(first.year() + year, first.month(), first.day()) else { continue };
        dates.extend(first.series(1.day()).take(usize::try_from(days).unwrap_or(0)));
    }
    Ok(())
}

/// The first date and the number of days of an all-day event; `None` for one with a time of day.
fn all_day(event: &Component<'_>) -> Result<Option<(Date, i32)>, String> {
    let start = value(event, "DTSTART").ok_or("it has no `DTSTART`")?;
    let end = value(event, "DTEND");
    let (Some(first), true) = (midnight_of(start), end.is_none_or(|end| midnight_of(end).is_some())) else {
        return Ok(None);
    };
    let first = date(first)?;
    let days = match (end.and_then(midnight_of), value(event, "DURATION")) {
        // `DTEND` is the date after the last; some programs write the same date for a single day.
        (Some(end), _) => date(end)?.duration_since(first).as_hours() / 24,
        (None, Some(duration)) => match duration.trim_start_matches('+').strip_prefix('P') {
            Some(text) if text.ends_with('D') => number(text.trim_end_matches('D'), duration)?,
            Some(text) if text.ends_with('W') => 7 * number(text.trim_end_matches('W'), duration)?,
            _ => return Ok(None),
        },
        // Without either, a date lasts a day and an instant no time (RFC 5545, 3.6.1).
        (None, None) if start.contains('T') => return Ok(None),
        (None, None) => 1,
    };
    match i32::try_from(days) {
        Ok(days @ 0..=MAX_DAYS) => Ok(Some((first, days.max(1)))),
        _ => Err(format!("it ends before it begins, or lasts longer than {MAX_DAYS} days")),
    }
}

/// The date part of a date, or of a local midnight, which is how Outlook writes all-day events.
fn midnight_of(value: &str) -> Option<&str> {
    let date = value.strip_suffix("T000000").unwrap_or(value);
    (!date.contains('T')).then_some(date)
}

fn date(text: &str) -> Result<Date, String> {
    Date::strptime("%Y%m%d", text).map_err(|_| format!("`{text}` is not a date"))
}

fn number(text: &str, whole: &str) -> Result<i64, String> {
    text.parse::<u16>().map(i64::from).map_err(|_| format!("`{whole}` is not a duration"))
}

fn value<'a>(event: &'a Component<'_>, name: &str) -> Option<&'a str> {
    event.find_prop(name).map(|property| property.val.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn calendar(events: &[&str]) -> String {
        let events: String = events
            .iter()
            .map(|event| format!("BEGIN:VEVENT\r\nUID:x\r\n{event}\r\nEND:VEVENT\r\n"))
            .collect();
        format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\n{events}END:VCALENDAR\r\n")
    }

    fn dates(events: &[&str]) -> Result<Vec<Date>, String> {
        all_day_dates(&calendar(events)).map(|dates| dates.into_iter().collect())
    }

    #[test]
    fn all_day_events_cover_their_dates_and_the_end_is_the_day_after() {
        let one = vec![date(2026, 3, 9)];
        let three = vec![date(2026, 12, 30), date(2026, 12, 31), date(2027, 1, 1)];
        for (event, expected) in [
            ("DTSTART;VALUE=DATE:20260309\r\nDTEND;VALUE=DATE:20260310\r\nSUMMARY:Founder's day", &one),
            ("DTSTART;VALUE=DATE:20260309", &one),
            ("DTSTART;VALUE=DATE:20260309\r\nDTEND;VALUE=DATE:20260309", &one),
            ("DTSTART:20260309T000000\r\nDTEND:20260310T000000", &one),
            ("DTSTART;VALUE=DATE:20261230\r\nDTEND;VALUE=DATE:20270102", &three),
            ("DTSTART;VALUE=DATE:20261230\r\nDURATION:P3D", &three),
            (
                "DTSTART;VALUE=DATE:20260309\r\nSUMMARY:a name that was fol\r\n ded\r\nTRANSP:TRANSPARENT",
                &one,
            ),
            ("DTSTART:20260309T090000Z\r\nDTEND:20260309T100000Z", &vec![]),
            ("DTSTART;TZID=Europe/Berlin:20260309T090000\r\nDURATION:PT1H", &vec![]),
            ("DTSTART;VALUE=DATE:20260309\r\nSTATUS:CANCELLED", &vec![]),
        ] {
            assert_eq!(dates(&[event]).as_ref(), Ok(expected), "{event}");
        }
    }

    #[test]
    fn a_yearly_event_recurs_and_a_leap_day_only_in_leap_years() {
        let found = dates(&["DTSTART;VALUE=DATE:20240229\r\nRRULE:FREQ=YEARLY"]).unwrap();
        assert_eq!(found.first(), Some(&date(2024, 2, 29)));
        assert_eq!(found.get(1), Some(&date(2028, 2, 29)));
        assert_eq!(found.last(), Some(&date(2076, 2, 29)));
    }

    #[test]
    fn what_is_not_understood_is_refused_with_the_name_of_the_event() {
        for (event, why) in [
            ("SUMMARY:Monthly\r\nDTSTART;VALUE=DATE:20260309\r\nRRULE:FREQ=MONTHLY", "the recurrence"),
            ("SUMMARY:Odd\r\nDTSTART;VALUE=DATE:20260231", "`20260231` is not a date"),
            ("SUMMARY:Back\r\nDTSTART;VALUE=DATE:20260309\r\nDTEND;VALUE=DATE:20260301", "it ends before"),
            ("SUMMARY:Ever\r\nDTSTART;VALUE=DATE:20260309\r\nDTEND;VALUE=DATE:99990301", "it ends before"),
            ("SUMMARY:Never", "it has no `DTSTART`"),
        ] {
            let error = dates(&[event]).expect_err(event);
            assert!(error.starts_with("event \"") && error.contains(why), "{event}: {error}");
        }
    }

    #[test]
    fn a_file_that_is_no_calendar_or_breaks_off_is_refused() {
        let whole = calendar(&["DTSTART;VALUE=DATE:20260309"]);
        for text in ["", "hello", &whole[..whole.len() - 30], &"BEGIN:VCALENDAR\n".repeat(100_000)] {
            assert!(all_day_dates(text).is_err());
        }
        assert!(all_day_dates(&whole.replace("\r\n", "\n")).is_ok());
    }
}
