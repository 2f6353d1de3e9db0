//! Which days a report is about, and when the next one is due.
//!
//! A period is whole days in one zone, the office's: everybody who reads it means the same days.

use std::fmt;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::super::calendar::Calendar;
use super::super::names::names;

names! {
    /// The lengths of time that people look back on.
    Length, "length of a period" {
        /// Monday to Sunday.
        Week = "week",
        /// The first to the last.
        Month = "month",
        /// Three months, from January on.
        Quarter = "quarter",
    }
}

/// Whole days, the first and the last among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its first day.
    pub first: Date,
    /// Its last day.
    pub last: Date,
    /// Its first instant.
    pub from: Timestamp,
    /// The instant after its last.
    pub to: Timestamp,
    /// Where its days begin.
    pub zone: TimeZone,
}

impl Period {
    /// The days from `first` to `last` in a zone; `None` when the last is before the first, or out of all time.
    pub fn of_days(first: Date, last: Date, zone: &TimeZone) -> Option<Period> {
        if last < first {
            return None;
        }
        let begins = |day: Date| day.to_zoned(zone.clone()).ok().map(|begins| begins.timestamp());
        Some(Period {
            first,
            last,
            from: begins(first)?,
            to: begins(last.tomorrow().ok()?)?,
            zone: zone.clone(),
        })
    }

    /// The week, month or quarter in which `day` lies.
    pub fn around(day: Date, length: Length, zone: &TimeZone) -> Option<Period> {
        let first = first_day(day, length)?;
        Period::of_days(first, next_first_day(first, length)?.yesterday().ok()?, zone)
    }

    /// The last whole week, month or quarter before the one in which `today` lies.
    pub fn last_whole(today: Date, length: Length, zone: &TimeZone) -> Option<Period> {
        Period::around(first_day(today, length)?.yesterday().ok()?, length, zone)
    }

    /// What it is compared with: the week before a week, the month before a month, else as many days before it.
    pub fn before(&self) -> Option<Period> {
        let last = self.first.yesterday().ok()?;
        match self.length() {
            Some(length) => Period::around(last, length, &self.zone),
            None => {
                let days = self.days();
                Period::of_days(self.first.checked_sub(days.days()).ok()?, last, &self.zone)
            }
        }
    }

    /// Whether it is a whole week, month or quarter.
    pub fn length(&self) -> Option<Length> {
        let is = |length: &Length| Period::around(self.first, *length, &self.zone).as_ref() == Some(self);
        Length::ALL.iter().copied().find(is)
    }

    /// How many days it has.
    pub fn days(&self) -> i64 {
        i64::from((self.last - self.first).get_days()) + 1
    }

    /// Whether an instant lies in it.
    pub fn has(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }

    /// The first day of the month in which an instant lies.
    pub fn month_of(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone.clone()).date().first_of_month()
    }
}

/// "week 10, 2 to 8 March 2026", "March 2026", "1st quarter of 2026", "3 March to 5 April 2026".
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Period { first, last, .. } = self;
        // What both days have in common is said once.
        let begins = match (first.year() == last.year(), first.month() == last.month()) {
            (true, true) => "%-d",
            (true, false) => "%-d %B",
            (false, _) => "%-d %B %Y",
        };
        match self.length() {
            Some(Length::Week) => {
                let week = first.iso_week_date().week();
                write!(f, "week {week}, {} to {}", first.strftime(begins), last.strftime("%-d %B %Y"))
            }
            Some(Length::Month) => write!(f, "{}", first.strftime("%B %Y")),
            Some(Length::Quarter) => {
                let name = match first.month() {
                    1 => "1st",
                    4 => "2nd",
                    7 => "3rd",
                    _ => "4th",
                };
                write!(f, "{name} quarter of {}", first.year())
            }
            None if first == last => write!(f, "{}", first.strftime("%-d %B %Y")),
            None => write!(f, "{} to {}", first.strftime(begins), last.strftime("%-d %B %Y")),
        }
    }
}

fn first_day(day: Date, length: Length) -> Option<Date> {
    match length {
        Length::Week => {
            let since_monday = i64::from(day.weekday().since(Weekday::Monday));
            day.checked_sub(since_monday.days()).ok()
        }
        Length::Month => Some(day.first_of_month()),
        Length::Quarter => {
            let month = (day.month() - 1) / 3 * 3 + 1;
            Date::new(day.year(), month, 1).ok()
        }
    }
}

fn next_first_day(first: Date, length: Length) -> Option<Date> {
    match length {
        Length::Week => first.checked_add(7.days()).ok(),
        Length::Month => first.checked_add(1.months()).ok(),
        Length::Quarter => first.checked_add(3.months()).ok(),
    }
}

/// When a report of a length is written: some day of the week after the week, or of the month after the month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// What it looks back on.
    pub length: Length,
    /// So many days after the period ended: 0 is the Monday, or the 1st. A day on which nobody works is put off to
    /// the next on which somebody does.
    pub day: u32,
    /// At this time of day.
    pub time: Time,
}

impl Schedule {
    /// When the report on the period that ends before `first` is due, by a calendar.
    fn due(&self, first: Date, calendar: &Calendar) -> Option<Timestamp> {
        let day = first.checked_add(i64::from(self.day).days()).ok()?;
        let day = if calendar.is_open_on(day) { day } else { calendar.business_day_after(day, 1)? };
        calendar.instant_at(day, self.time)
    }

    /// The latest period whose report was due by `now`, and when the next one is.
    pub fn at(&self, now: Timestamp, calendar: &Calendar) -> Option<(Period, Timestamp)> {
        // From the period in which `now` lies: its own report lies ahead, that of the one before perhaps too.
        let mut first = first_day(calendar.local(now).date(), self.length)?;
        let mut next = self.due(next_first_day(first, self.length)?, calendar)?;
        // A report that is put off far may be due after the next period has ended.
        for _ in 0..8 {
            let due = self.due(first, calendar)?;
            if due <= now {
                let period = Period::around(first.yesterday().ok()?, self.length, calendar.zone())?;
                return Some((period, next));
            }
            next = due;
            first = first_day(first.yesterday().ok()?, self.length)?;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::calendar::{Holidays, Hours};
    use super::*;

    fn berlin() -> TimeZone {
        TimeZone::get("Europe/Berlin").expect("a zone")
    }

    fn day(text: &str) -> Date {
        text.parse().expect("a day")
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    fn office() -> Calendar {
        let holidays = Holidays::of_country("DE").expect("known");
        Calendar::new("Europe/Berlin", Hours::parse("Mo-Fr 09:00-17:00").expect("hours"), holidays)
            .expect("a calendar")
    }

    #[test]
    fn a_period_has_whole_days_and_a_name() {
        for (today, length, first, last, name) in [
            ("2026-03-11", Length::Week, "2026-03-02", "2026-03-08", "week 10, 2 to 8 March 2026"),
            ("2026-03-09", Length::Week, "2026-03-02", "2026-03-08", "week 10, 2 to 8 March 2026"),
            ("2026-03-08", Length::Week, "2026-02-23", "2026-03-01", "week 9, 23 February to 1 March 2026"),
            ("2026-03-11", Length::Month, "2026-02-01", "2026-02-28", "February 2026"),
            ("2026-01-01", Length::Month, "2025-12-01", "2025-12-31", "December 2025"),
            ("2026-03-31", Length::Quarter, "2025-10-01", "2025-12-31", "4th quarter of 2025"),
            ("2026-04-01", Length::Quarter, "2026-01-01", "2026-03-31", "1st quarter of 2026"),
        ] {
            let period = Period::last_whole(day(today), length, &berlin()).expect("a period");
            assert_eq!((period.first, period.last), (day(first), day(last)), "{today} {length:?}");
            assert_eq!(period.to_string(), name);
            assert_eq!(period.length(), Some(length));
        }
        let period = Period::of_days(day("2026-03-03"), day("2026-03-05"), &berlin()).expect("a period");
        assert_eq!((period.to_string().as_str(), period.days()), ("3 to 5 March 2026", 3));
        for (first, last, name) in [
            ("2026-03-03", "2026-03-03", "3 March 2026"),
            ("2026-03-03", "2026-04-05", "3 March to 5 April 2026"),
            ("2025-12-31", "2026-01-02", "31 December 2025 to 2 January 2026"),
        ] {
            let period = Period::of_days(day(first), day(last), &berlin()).expect("a period");
            assert_eq!(period.to_string(), name);
        }
        assert_eq!(Period::of_days(day("2026-03-05"), day("2026-03-04"), &berlin()), None);
    }

    #[test]
    fn days_begin_at_local_midnight_and_the_day_of_the_change_is_one_day() {
        let period = Period::around(day("2026-03-29"), Length::Week, &berlin()).expect("a period");
        assert_eq!(period.from, at("2026-03-22T23:00:00Z"));
        assert_eq!(period.to, at("2026-03-29T22:00:00Z"));
        assert!(period.has(at("2026-03-29T21:59:59Z")) && !period.has(at("2026-03-29T22:00:00Z")));
    }

    #[test]
    fn a_period_is_compared_with_the_one_before() {
        for (first, last, before_first, before_last) in [
            ("2026-03-02", "2026-03-08", "2026-02-23", "2026-03-01"),
            ("2026-03-01", "2026-03-31", "2026-02-01", "2026-02-28"),
            ("2026-04-01", "2026-06-30", "2026-01-01", "2026-03-31"),
            ("2026-03-04", "2026-03-06", "2026-03-01", "2026-03-03"),
        ] {
            let period = Period::of_days(day(first), day(last), &berlin()).expect("a period");
            let before = period.before().expect("one before");
            assert_eq!((before.first, before.last), (day(before_first), day(before_last)), "{first}");
        }
    }

    #[test]
    fn a_report_is_due_on_the_first_day_on_which_somebody_works() {
        let schedule = |length, day| Schedule { length, day, time: Time::constant(8, 0, 0, 0) };
        for (length, after, now, first, next) in [
            // Monday at eight, and not a second before.
            (Length::Week, 0, "2026-03-09T07:59:59+01:00", "2026-02-23", "2026-03-09T08:00:00+01:00"),
            (Length::Week, 0, "2026-03-09T08:00:00+01:00", "2026-03-02", "2026-03-16T08:00:00+01:00"),
            // Easter Monday is free: Tuesday.
            (Length::Week, 0, "2026-04-06T12:00:00+02:00", "2026-03-23", "2026-04-07T08:00:00+02:00"),
            (Length::Week, 0, "2026-04-07T08:00:00+02:00", "2026-03-30", "2026-04-13T08:00:00+02:00"),
            // Fridays, on the week that ended before.
            (Length::Week, 4, "2026-03-12T08:00:00+01:00", "2026-02-23", "2026-03-13T08:00:00+01:00"),
            // 1 March 2026 is a Sunday.
            (Length::Month, 0, "2026-03-01T12:00:00+01:00", "2026-01-01", "2026-03-02T08:00:00+01:00"),
            (Length::Month, 0, "2026-03-02T08:00:00+01:00", "2026-02-01", "2026-04-01T08:00:00+02:00"),
            // New Year, then a Friday.
            (Length::Month, 0, "2026-01-02T08:00:00+01:00", "2025-12-01", "2026-02-02T08:00:00+01:00"),
        ] {
            let (period, due) = schedule(length, after).at(at(now), &office()).expect("it can be told");
            assert_eq!(period.first, day(first), "{now}");
            assert_eq!(due, at(next), "{now}");
        }
    }
}
