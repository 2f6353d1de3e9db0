//! Business time: which instants are open, and how they are counted.
//!
//! A [`Calendar`] is hours (wall-clock times), a zone (which instants show them) and holidays (dates on
//! which they do not hold). An instant is open if and only if its local wall-clock time lies in
//! `[open, close)` of some opening: the rule that two people with a watch and a wall calendar agree on,
//! and the only one that needs no exception when clocks change. Holiday dates are dates in the
//! calendar's own zone.
//!
//! A running clock keeps the calendar it was started with ([`CalendarSpec`]), so that editing the hours
//! or a new holiday table moves no deadline that was already promised.

mod deadline;
mod holidays;
mod hours;
mod ics;
mod local;
mod openings;
mod rules;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned};
use serde::{Deserialize, Serialize};

pub use deadline::{
    Counted, Deadline, DeadlineError, Reckoning, business_days, deadline, elapsed, instant_after,
    until_opening,
};
pub use holidays::{Holidays, HolidaysError};
pub use hours::{Hours, HoursError};

use crate::problem;
use openings::{Openings, Pieces};
use rules::Rules;

/// How far ahead is looked for an opening, a business day or the end of a target before giving up.
///
/// Twenty years: longer than any promise, and a few milliseconds of work.
pub const HORIZON: SignedDuration = SignedDuration::from_hours(24 * 366 * 20);

/// Hours in a zone, with holidays. Cheap to clone; clones share what was worked out.
#[derive(Clone)]
pub struct Calendar(Arc<Parts>);

struct Parts {
    zone: TimeZone,
    zone_name: String,
    hours: Hours,
    holidays: Holidays,
    /// The hours' rules, knowing the holidays when the text names them.
    rules: Rules,
    openings: Openings,
}

/// Why hours, zone and holidays do not make a calendar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// The zone is not in the IANA time zone database.
    #[error("there is no time zone `{name}`")]
    UnknownZone {
        /// As it was written.
        name: String,
        /// The zone that was probably meant.
        nearest: Option<String>,
    },
    /// No date is left on which the hours are open.
    #[error("the hours `{hours}` are never open between 2000 and 2100, holidays considered")]
    NeverOpen {
        /// As they were written.
        hours: String,
    },
    /// The hours of a stored calendar cannot be read.
    #[error("the hours `{hours}` cannot be read: {error}")]
    Hours {
        /// As they were stored.
        hours: String,
        /// Why.
        error: HoursError,
    },
}

impl CalendarError {
    /// What to write instead, when something comes to mind.
    pub fn hint(&self) -> Option<String> {
        match self {
            CalendarError::UnknownZone { nearest: Some(nearest), .. } => {
                Some(format!("did you mean `{nearest}`?"))
            }
            CalendarError::UnknownZone { nearest: None, .. } => {
                Some("zones are named like `Europe/Berlin` or `America/New_York`".to_owned())
            }
            CalendarError::NeverOpen { .. } => {
                Some("open at least one day, as in `Mo-Fr 09:00-17:00`".to_owned())
            }
            CalendarError::Hours { error, .. } => error.hint.clone(),
        }
    }
}

impl Calendar {
    /// A calendar in the IANA zone of that name.
    ///
    /// The public holidays close their whole local date, unless the hours themselves have a `PH` rule,
    /// which is followed then. For contact with leads pass [`Holidays::closing_contact`].
    ///
    /// # Errors
    ///
    /// When there is no such zone, or no date is open.
    pub fn new(zone_name: &str, hours: Hours, holidays: Holidays) -> Result<Calendar, CalendarError> {
        let calendar = Calendar::unchecked(zone_name, hours, holidays)?;
        if !hours::opens_some_day(|day| !calendar.open_times(day).is_empty()) {
            return Err(CalendarError::NeverOpen { hours: calendar.hours().to_string() });
        }
        Ok(calendar)
    }

    /// A calendar of which it is known that it opens some day.
    fn unchecked(zone_name: &str, hours: Hours, holidays: Holidays) -> Result<Calendar, CalendarError> {
        let zone = zone_named(zone_name)?;
        let zone_name = zone.iana_name().unwrap_or(zone_name).to_owned();
        let mut rules = hours.rules().clone();
        if hours.names_holidays() {
            rules = rules.with_holidays(&holidays.to_context());
        }
        let openings = Openings::default();
        Ok(Calendar(Arc::new(Parts { zone, zone_name, hours, holidays, rules, openings })))
    }

    /// The zone in which the hours are read.
    pub fn zone(&self) -> &TimeZone {
        &self.0.zone
    }

    /// The zone's IANA name.
    pub fn zone_name(&self) -> &str {
        &self.0.zone_name
    }

    /// The hours.
    pub fn hours(&self) -> &Hours {
        &self.0.hours
    }

    /// The holidays.
    pub fn holidays(&self) -> &Holidays {
        &self.0.holidays
    }

    /// Whether the calendar is open at that instant.
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.next_open_before(at, at.checked_add(SignedDuration::from_nanos(1)).unwrap_or(at)).is_some()
    }

    /// The first open instant at or after `from`, within [`HORIZON`].
    pub fn next_open(&self, from: Timestamp) -> Option<Timestamp> {
        self.next_open_before(from, from.saturating_add(HORIZON).unwrap_or(Timestamp::MAX))
    }

    fn next_open_before(&self, from: Timestamp, to: Timestamp) -> Option<Timestamp> {
        Pieces::new(self, from, to).next().map(|(open, _)| open)
    }

    /// How much of the time from `from` to `to` is open; nothing when `to` is not after `from`.
    pub fn open_between(&self, from: Timestamp, to: Timestamp) -> SignedDuration {
        Pieces::new(self, from, to).map(|(open, close)| close.duration_since(open)).sum()
    }

    /// The open pieces of the time from `from` to `to`, ascending, as long as they can be.
    pub fn intervals(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let mut pieces = Pieces::new(self, from, to).peekable();
        std::iter::from_fn(move || {
            let (open, mut close) = pieces.next()?;
            while let Some((_, later)) = pieces.next_if(|(next, _)| *next == close) {
                close = later;
            }
            Some((open, close))
        })
    }

    /// Whether the date is a business day: some instant of it is open.
    pub fn is_open_on(&self, day: Date) -> bool {
        self.open_times(day).into_iter().any(|times| self.shows(day, times))
    }

    /// The `count`th business day after `day`, within [`HORIZON`]; `day` itself for none.
    pub fn business_day_after(&self, day: Date, count: u32) -> Option<Date> {
        let Some(skip) = count.checked_sub(1) else { return Some(day) };
        let horizon = day.saturating_add(HORIZON);
        day.tomorrow()
            .ok()?
            .series(1.day())
            .take_while(|next| *next <= horizon)
            .filter(|next| self.is_open_on(*next))
            .nth(usize::try_from(skip).ok()?)
    }

    /// The same local time on the `count`th business day after the date on which `from` lies.
    pub fn business_days_after(&self, from: Timestamp, count: u32) -> Option<Timestamp> {
        let local = self.local(from);
        self.instant_at(self.business_day_after(local.date(), count)?, local.time())
    }

    /// The instant at which the zone's clocks show that date and time: the earlier when they show it
    /// twice, the first instant after the gap when a change of the clock skips it.
    pub fn instant_at(&self, day: Date, time: Time) -> Option<Timestamp> {
        local::instant_of(self.zone(), day.to_datetime(time))
    }

    /// The instant as the zone's clocks show it.
    pub fn local(&self, at: Timestamp) -> Zoned {
        at.to_zoned(self.zone().clone())
    }

    /// The calendar as a running clock keeps it, with the holidays from one date to another, both
    /// included. Within those dates the thawed calendar is open exactly when this one is.
    pub fn freeze(&self, from: Date, to: Date) -> CalendarSpec {
        // A rule may speak of the days around a holiday (`PH -1 day off`).
        let margin = if self.hours().names_holidays() { 7.days() } else { 0.days() };
        let (from, to) = (from.saturating_sub(margin), to.saturating_add(margin));
        CalendarSpec {
            zone: self.zone_name().to_owned(),
            hours: self.hours().to_string(),
            holidays: self.holidays().public_between(from, to).into_iter().collect(),
        }
    }

    /// The open wall-clock times of a date, ascending and apart, in seconds from its midnight.
    fn open_times(&self, day: Date) -> Vec<Range<i64>> {
        if !self.hours().names_holidays() && self.holidays().is_public(day) {
            return Vec::new();
        }
        self.0.rules.open_times(day)
    }

    /// Whether the date is closed, and would not be without its holiday.
    pub fn is_closed_by_holiday(&self, day: Date) -> bool {
        self.holidays().is_public(day)
            && self.open_times(day).is_empty()
            && !self.hours().rules().open_times(day).is_empty()
    }

    /// Whether the zone's clocks ever show one of these times: a change may skip an hour, or a date.
    fn shows(&self, day: Date, times: Range<i64>) -> bool {
        let midnight = local::midnight(day);
        let opens = jiff::tz::Offset::UTC.to_datetime(local::instant(midnight + times.start));
        local::instant_of(self.zone(), opens).is_some_and(|at| {
            at.as_second() + i64::from(self.zone().to_offset(at).seconds()) < midnight + times.end
        })
    }

    fn openings(&self) -> &Openings {
        &self.0.openings
    }
}

impl PartialEq for Calendar {
    fn eq(&self, other: &Calendar) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.zone_name() == other.zone_name()
                && self.hours() == other.hours()
                && self.holidays() == other.holidays())
    }
}

impl fmt::Debug for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calendar")
            .field("zone", &self.zone_name())
            .field("hours", self.hours())
            .finish_non_exhaustive()
    }
}

/// A calendar written down: what a clock that is running was started with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarSpec {
    /// The IANA name of the zone.
    pub zone: String,
    /// The text of the hours.
    pub hours: String,
    /// The dates on which they do not hold, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holidays: Vec<Date>,
}

impl CalendarSpec {
    /// The calendar again.
    ///
    /// # Errors
    ///
    /// When the hours or the zone are not understood any more. It is not checked again that the
    /// calendar opens some day: it did when it was frozen.
    pub fn thaw(&self) -> Result<Calendar, CalendarError> {
        let hours = Hours::parse(&self.hours)
            .map_err(|error| CalendarError::Hours { hours: self.hours.clone(), error })?;
        Calendar::unchecked(&self.zone, hours, self.holidays.iter().copied().collect())
    }
}

fn zone_named(name: &str) -> Result<TimeZone, CalendarError> {
    // `right/` zones count leap seconds, which no other clock here does.
    let known = TimeZone::get(name).ok().filter(|zone| !zone.is_unknown() && !name.starts_with("right/"));
    known.ok_or_else(|| CalendarError::UnknownZone { name: name.to_owned(), nearest: nearest_zone(name) })
}

/// The zone whose city was named (`berlin`), or else the one spelt most alike.
fn nearest_zone(name: &str) -> Option<String> {
    // Nobody who meant a zone wrote more, and comparing is quadratic.
    if name.len() > 64 {
        return None;
    }
    let names: Vec<String> = jiff::tz::db()
        .available()
        .map(|zone| zone.as_str().to_owned())
        .filter(|zone| !zone.starts_with("right/") && !zone.starts_with("posix/"))
        .collect();
    let city = name.trim().replace(' ', "_");
    names
        .iter()
        .find(|zone| zone.rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case(&city)))
        .cloned()
        .or_else(|| {
            // Names without a place (`GMT+0`, `EST5EDT`) are nobody's typing mistakes.
            let places = names.iter().map(String::as_str).filter(|zone| zone.contains('/'));
            problem::nearest(&city, places).map(str::to_owned)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn calendar(zone: &str, hours: &str, holidays: &[Date]) -> Calendar {
        Calendar::new(zone, Hours::parse(hours).unwrap(), holidays.iter().copied().collect()).unwrap()
    }

    #[test]
    fn a_repeated_hour_counts_twice_and_a_skipped_one_not_at_all() {
        let nights = calendar("Europe/Berlin", "Mo-Su 01:00-05:00", &[]);
        for (from, to, hours) in [
            ("2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", 3),
            ("2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", 5),
            ("2026-06-01T12:00:00Z", "2026-06-02T12:00:00Z", 4),
        ] {
            assert_eq!(nights.open_between(at(from), at(to)), SignedDuration::from_hours(hours), "{from}");
        }
    }

    #[test]
    fn an_opening_that_ends_in_a_repeated_hour_has_two_pieces() {
        let calendar = calendar("Europe/Berlin", "Mo-Su 01:00-02:30", &[]);
        let found: Vec<_> =
            calendar.intervals(at("2026-10-24T12:00:00Z"), at("2026-10-25T12:00:00Z")).collect();
        assert_eq!(
            found,
            [
                (at("2026-10-24T23:00:00Z"), at("2026-10-25T00:30:00Z")),
                (at("2026-10-25T01:00:00Z"), at("2026-10-25T01:30:00Z")),
            ]
        );
    }

    #[test]
    fn a_holiday_closes_its_whole_local_date_in_the_zone_of_the_calendar() {
        let auckland = calendar("Pacific/Auckland", "Mo-Su 22:00-02:00", &[date(2026, 3, 10)]);
        let found: Vec<_> =
            auckland.intervals(at("2026-03-09T00:00:00Z"), at("2026-03-11T00:00:00Z")).collect();
        // The night of the 9th ends at midnight, and that of the 10th begins with the 11th.
        assert_eq!(
            found,
            [
                (at("2026-03-09T09:00:00Z"), at("2026-03-09T11:00:00Z")),
                (at("2026-03-10T11:00:00Z"), at("2026-03-10T13:00:00Z")),
            ]
        );
    }

    #[test]
    fn hours_that_speak_of_holidays_are_followed() {
        let monday = date(2026, 3, 9);
        let whole = (at("2026-03-09T00:00:00Z"), at("2026-03-10T00:00:00Z"));
        for (hours, open) in [
            ("Mo-Fr 09:00-17:00", 0),
            ("Mo-Fr 09:00-17:00; PH off", 0),
            ("Mo-Fr 09:00-17:00; PH 10:00-12:00", 2),
            ("PH,Mo-Fr 09:00-17:00", 8),
        ] {
            let calendar = calendar("UTC", hours, &[monday]);
            assert_eq!(calendar.open_between(whole.0, whole.1), SignedDuration::from_hours(open), "{hours}");
        }
    }

    #[test]
    fn the_next_opening_is_now_or_later() {
        let office = calendar("Europe/Berlin", "Mo-Fr 09:00-17:00", &[date(2026, 3, 9)]);
        for (from, opens) in [
            ("2026-03-06T10:00:00Z", "2026-03-06T10:00:00Z"),
            ("2026-03-06T16:00:00Z", "2026-03-10T08:00:00Z"),
            ("2026-03-06T15:59:59.999Z", "2026-03-06T15:59:59.999Z"),
        ] {
            assert_eq!(office.next_open(at(from)), Some(at(opens)));
        }
        assert!(office.is_open(at("2026-03-06T08:00:00Z")));
        assert!(!office.is_open(at("2026-03-06T16:00:00Z")));
        let past = calendar("UTC", "2020 Mo-Fr 09:00-17:00", &[]);
        assert_eq!(past.next_open(at("2026-01-01T00:00:00Z")), None);
    }

    #[test]
    fn a_zone_that_does_not_exist_is_refused_with_the_one_that_was_meant() {
        let hours = Hours::parse("Mo-Fr 09:00-17:00").unwrap();
        for (name, hint) in [
            ("Europe/Berln", "did you mean `Europe/Berlin`?"),
            ("new york", "did you mean `America/New_York`?"),
            ("GMT+25", "zones are named like"),
            ("", "zones are named like"),
            ("right/Europe/Berlin", "zones are named like"),
        ] {
            let error = Calendar::new(name, hours.clone(), Holidays::none()).unwrap_err();
            assert_eq!(error.to_string(), format!("there is no time zone `{name}`"));
            let given = error.hint().unwrap();
            assert!(given.starts_with(hint), "{name}: {given}");
        }
        let berlin = Calendar::new("europe/berlin", hours, Holidays::none()).unwrap();
        assert_eq!(berlin.zone_name(), "Europe/Berlin");
    }

    #[test]
    fn a_frozen_calendar_thaws_to_the_same_openings() {
        let (from, to) = (date(2026, 1, 1), date(2026, 12, 31));
        for hours in [
            "Mo-Fr 09:00-17:00",
            "Mo-Fr 09:00-17:00; PH 10:00-12:00",
            "PH 10:00-12:00",
            "Mo-Fr 09:00-17:00; PH -1 day off",
        ] {
            let mut holidays = Holidays::of_country("DE").unwrap();
            holidays.add(date(2026, 7, 1));
            let calendar = Calendar::new("Europe/Berlin", Hours::parse(hours).unwrap(), holidays).unwrap();
            let json = serde_json::to_string(&calendar.freeze(from, to)).unwrap();
            assert!(json.contains("2026-07-01") && !json.contains("2027-02"), "{json}");
            let thawed = serde_json::from_str::<CalendarSpec>(&json).unwrap().thaw().unwrap();
            let (start, end) = (at("2026-01-01T00:00:00Z"), at("2026-12-31T23:00:00Z"));
            assert!(calendar.intervals(start, end).eq(thawed.intervals(start, end)), "{hours}");
        }
    }

    #[test]
    fn time_without_end_is_neither_endless_work_nor_a_panic() {
        let always = calendar("Europe/Berlin", "24/7", &[]);
        for at in [Timestamp::MIN, Timestamp::MAX, Timestamp::UNIX_EPOCH] {
            let _ = always.is_open(at);
            let _ = always.next_open(at);
            let _ = always.business_days_after(at, 3);
        }
        assert_eq!(always.open_between(Timestamp::MAX, Timestamp::MIN), SignedDuration::ZERO);
    }
}
