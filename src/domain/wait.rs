//! How long a step waits after the one before it.
//!
//! Hours and minutes are elapsed time. Days are dates: three days after Friday 09:12 is Monday 09:12,
//! whatever the clocks did on Sunday. Business days are the open dates of the lead's contact calendar,
//! and the local time stays the same. Moving the result into the send window is the gate's work, not
//! the wait's.

use std::fmt;

use jiff::civil::Time;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use super::calendar::Calendar;
use super::span::{self, SpanError};

const EXPECTED: &str = "a wait, such as `2 hours`, `3 days`, `3 business days` or `next business day 09:30`";

/// A wait, not negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Wait {
    /// So much time passes, in whole minutes.
    Elapsed(SignedDuration),
    /// The same local time so many dates later.
    Days(i32),
    /// The same local time on the so-manieth business day after the date it is, at least one.
    BusinessDays(u32),
    /// That local time on the first business day after the date it is.
    NextBusinessDay(Time),
}

/// Why a text is no wait.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WaitError {
    /// It is not a length of time.
    #[error(transparent)]
    Span(#[from] SpanError),
    /// The time of day cannot be read.
    #[error("`{0}` is not a time of day, such as `09:30`")]
    Time(String),
}

impl Wait {
    /// Reads `30 minutes`, `2 hours`, `3 days`, `1 week`, `3 business days` or `next business day 09:30`.
    ///
    /// # Errors
    ///
    /// When the text is none of these, or longer than ten years.
    pub fn parse(text: &str) -> Result<Wait, WaitError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        if let ["next", "business", "day", time] = words[..] {
            return match time_of_day(time) {
                Some(time) => Ok(Wait::NextBusinessDay(time)),
                None => Err(WaitError::Time(time.to_owned())),
            };
        }
        let (count, unit) = span::number_and_unit(text, EXPECTED)?;
        let days = |length: i64| {
            span::seconds_of(text, count, length * 24 * 60 * 60).and_then(|span| {
                i32::try_from(span.as_hours() / 24).map_err(|_| SpanError::TooLong(text.to_owned()))
            })
        };
        if let Some(unit) = unit.strip_prefix("business ") {
            span::unit_of(unit.trim_start(), "business time here", &["day"])?;
            return match u32::try_from(days(1)?) {
                Ok(days @ 1..) => Ok(Wait::BusinessDays(days)),
                _ => Err(SpanError::Zero(text.to_owned()).into()),
            };
        }
        Ok(match span::unit_of(unit, "time", &["minute", "hour", "day", "week", "business day"])? {
            "minute" => Wait::Elapsed(span::seconds_of(text, count, 60)?),
            "hour" => Wait::Elapsed(span::seconds_of(text, count, 60 * 60)?),
            "day" => Wait::Days(days(1)?),
            _ => Wait::Days(days(7)?),
        })
    }

    /// When the wait that began at `from` is over, in the lead's contact calendar: its zone tells the
    /// local time, its open dates are the business days. `None` when no business day comes for twenty
    /// years, or the instant is out of range.
    pub fn due(&self, from: Timestamp, calendar: &Calendar) -> Option<Timestamp> {
        let local = calendar.local(from);
        match *self {
            Wait::Elapsed(length) => from.checked_add(length).ok(),
            // Not to be moved by a repeated hour: nought days are no wait.
            Wait::Days(0) => Some(from),
            Wait::Days(days) => {
                calendar.instant_at(local.date().checked_add(days.days()).ok()?, local.time())
            }
            Wait::BusinessDays(days) => calendar.business_days_after(from, days),
            Wait::NextBusinessDay(time) => {
                calendar.instant_at(calendar.business_day_after(local.date(), 1)?, time)
            }
        }
    }
}

/// Reads `09:30` or `9:30`.
fn time_of_day(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hour) || !digits(minute) || minute.len() != 2 || hour.len() > 2 {
        return None;
    }
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match *self {
            Wait::Elapsed(length) => {
                let (count, unit) = span::in_largest_unit(length, &[("hour", 60 * 60), ("minute", 60)]);
                span::counted(count, unit)
            }
            Wait::Days(days) => span::counted(i64::from(days), "day"),
            Wait::BusinessDays(days) => span::counted(i64::from(days), "business day"),
            Wait::NextBusinessDay(time) => {
                format!("next business day {:02}:{:02}", time.hour(), time.minute())
            }
        };
        f.pad(&text)
    }
}

impl TryFrom<String> for Wait {
    type Error = WaitError;

    fn try_from(text: String) -> Result<Wait, WaitError> {
        Wait::parse(&text)
    }
}

impl From<Wait> for String {
    fn from(wait: Wait) -> String {
        wait.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar::{Holidays, Hours};
    use jiff::civil::date;

    fn berlin() -> Calendar {
        let holidays = [date(2026, 3, 9), date(2026, 3, 30)].into_iter().collect::<Holidays>();
        Calendar::new("Europe/Berlin", Hours::parse("Mo-Fr 09:00-17:00").unwrap(), holidays).unwrap()
    }

    #[test]
    fn waits_are_read_and_printed() {
        for (text, printed) in [
            ("2 hours", "2 hours"),
            ("1 hour", "1 hour"),
            ("30 minutes", "30 minutes"),
            ("90 minutes", "90 minutes"),
            ("0 minutes", "0 minutes"),
            ("3 days", "3 days"),
            ("1 days", "1 day"),
            ("1 week", "7 days"),
            ("3 business days", "3 business days"),
            ("1  business  day", "1 business day"),
            ("next business day 09:30", "next business day 09:30"),
            ("next business day 9:30", "next business day 09:30"),
        ] {
            let wait = Wait::parse(text).unwrap();
            assert_eq!(wait.to_string(), printed, "{text}");
            assert_eq!(Wait::parse(&wait.to_string()), Ok(wait));
        }
    }

    #[test]
    fn what_is_no_wait_says_what_to_write() {
        for (text, message) in [
            (
                "tomorrow",
                "`tomorrow` is not a wait, such as `2 hours`, `3 days`, `3 business days` or `next business day 09:30`",
            ),
            (
                "next business day",
                "`next business day` is not a wait, such as `2 hours`, `3 days`, `3 business days` or `next business day 09:30`",
            ),
            ("next business day 25:00", "`25:00` is not a time of day, such as `09:30`"),
            ("next business day +9:30", "`+9:30` is not a time of day, such as `09:30`"),
            ("3 buisness days", "`buisness days` is not a unit of time; did you mean `business day`?"),
            ("3 business hours", "`hours` is not a unit of business time here"),
            ("0 business days", "`0 business days` is no time at all; write at least one"),
            ("5000 days", "`5000 days` is longer than ten years"),
        ] {
            assert_eq!(Wait::parse(text).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn a_wait_is_over_when_it_says() {
        let berlin = berlin();
        for (from, wait, due) in [
            // Friday 6 March to Monday; the 9th is a holiday.
            ("2026-03-06T15:12:00+01:00", "2 hours", "2026-03-06T17:12:00+01:00"),
            ("2026-03-06T15:12:00+01:00", "3 days", "2026-03-09T15:12:00+01:00"),
            ("2026-03-06T15:12:00+01:00", "1 business day", "2026-03-10T15:12:00+01:00"),
            ("2026-03-06T15:12:00+01:00", "3 business days", "2026-03-12T15:12:00+01:00"),
            ("2026-03-06T15:12:00+01:00", "next business day 09:30", "2026-03-10T09:30:00+01:00"),
            // From a closed day the next open one is the first.
            ("2026-03-07T15:12:00+01:00", "1 business day", "2026-03-10T15:12:00+01:00"),
            // The local time stays over the change of the clock on 29 March, and the 30th is a holiday.
            ("2026-03-27T15:12:00+01:00", "3 days", "2026-03-30T15:12:00+02:00"),
            ("2026-03-27T15:12:00+01:00", "72 hours", "2026-03-30T16:12:00+02:00"),
            ("2026-03-27T15:12:00+01:00", "2 business days", "2026-04-01T15:12:00+02:00"),
            // 02:30 is skipped: the first instant after it.
            ("2026-03-28T02:30:00+01:00", "1 days", "2026-03-29T03:00:00+02:00"),
            // 02:30 comes twice: the first.
            ("2026-10-24T02:30:00+02:00", "1 days", "2026-10-25T02:30:00+02:00"),
            ("2026-10-25T02:30:00+01:00", "0 days", "2026-10-25T02:30:00+01:00"),
        ] {
            let due: Timestamp = due.parse().unwrap();
            assert_eq!(
                Wait::parse(wait).unwrap().due(from.parse().unwrap(), &berlin),
                Some(due),
                "{from} + {wait}"
            );
        }
    }

    #[test]
    fn a_date_that_the_zone_skipped_is_no_business_day() {
        // Samoa went from Thursday 29 December 2011 straight to Saturday the 31st.
        let apia =
            Calendar::new("Pacific/Apia", Hours::parse("Mo-Fr 09:00-17:00").unwrap(), Holidays::none())
                .unwrap();
        let from = apia.instant_at(date(2011, 12, 29), Time::constant(10, 0, 0, 0)).unwrap();
        let monday = apia.instant_at(date(2012, 1, 2), Time::constant(10, 0, 0, 0));
        assert_eq!(Wait::BusinessDays(1).due(from, &apia), monday);
    }

    #[test]
    fn a_wait_that_leads_nowhere_is_never_due() {
        let once =
            Calendar::new("UTC", Hours::parse("2026 Mar 2 09:00-17:00").unwrap(), Holidays::none()).unwrap();
        assert_eq!(Wait::BusinessDays(1).due("2026-03-02T10:00:00Z".parse().unwrap(), &once), None);
        assert_eq!(Wait::Days(3650).due(Timestamp::MAX, &once), None);
    }
}
