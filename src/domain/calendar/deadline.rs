//! When a promise falls due, and how that was counted.
//!
//! Only instants count that are open in *every* calendar (the team works and the lead can be reached)
//! and lie in no pause. What was counted and what was left out is kept piece by piece, because the mail
//! that says "you are late" must be able to show its arithmetic.
//!
//! A target that uses up the last second of a day falls due at closing time, not at the next opening:
//! whoever promised eight hours on a Monday is late on Monday evening.

use std::fmt;

use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Calendar, HORIZON, Pieces, local};

/// When a target falls due, and how that was counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadline {
    /// The instant at which the target is used up.
    pub at: Timestamp,
    /// The whole time from the start to that instant, piece by piece, without gaps.
    pub counted: Vec<Counted>,
}

/// A piece of the time between start and deadline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Its first instant.
    pub from: Timestamp,
    /// The instant after its last.
    pub to: Timestamp,
    /// Whether it was counted, and if not, why.
    pub why: Reckoning,
}

/// Whether time counts towards a target, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reckoning {
    /// Open everywhere and not paused: it counts.
    Open,
    /// Out of somebody's hours.
    Closed,
    /// Closed by a holiday, on a date that would have been open.
    Holiday(Date),
    /// It would have counted, but the clock was stopped.
    Paused,
    /// Nothing counts yet: the other side cannot be reached before.
    Unreachable,
}

/// Why there is no deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeadlineError {
    /// There is nothing to count.
    #[error("a target must be longer than nothing")]
    NotPositive,
    /// The calendars are not open together for long enough.
    #[error("the target is not used up within {years} years: look at the hours, the holidays and the pauses")]
    NotReached {
        /// How far was looked.
        years: i64,
    },
}

/// When `target` has passed since `start`, counting only what is open in all `calendars` and not paused.
///
/// Without calendars all time is open. Pauses are half-open (`[from, to)`), in any order; they may overlap.
///
/// # Errors
///
/// When the target is not positive, or not used up within [`HORIZON`].
pub fn deadline(
    calendars: &[&Calendar],
    start: Timestamp,
    pauses: &[(Timestamp, Timestamp)],
    target: SignedDuration,
) -> Result<Deadline, DeadlineError> {
    let mut account = Account { calendars, until: start, counted: Vec::new() };
    let at = walk(calendars, start, pauses, target, HORIZON, |piece| account.enter(piece))?;
    Ok(Deadline { at, counted: account.counted })
}

/// The instant of [`deadline`], without the account, looking as far ahead as asked.
///
/// # Errors
///
/// As [`deadline`].
pub fn instant_after(
    calendars: &[&Calendar],
    start: Timestamp,
    pauses: &[(Timestamp, Timestamp)],
    target: SignedDuration,
    horizon: SignedDuration,
) -> Result<Timestamp, DeadlineError> {
    walk(calendars, start, pauses, target, horizon, |_| {})
}

/// Puts a deadline off to the next opening, when it is not open any more at its instant: whoever promises days of
/// plain time that are over at night means the morning.
///
/// # Errors
///
/// When there is no opening within [`HORIZON`].
pub fn until_opening(
    calendars: &[&Calendar],
    pauses: &[(Timestamp, Timestamp)],
    due: Deadline,
) -> Result<Deadline, DeadlineError> {
    let mut account = Account { calendars, until: due.at, counted: due.counted };
    let mut at = due.at;
    walk(calendars, due.at, pauses, SignedDuration::from_nanos(1), HORIZON, |mut piece| {
        if piece.counts() {
            (at, piece.to) = (piece.from, piece.from);
        }
        account.enter(piece);
    })?;
    Ok(Deadline { at, counted: account.counted })
}

/// How much open time `days` business days are, from `start`: up to the same local time, by the first
/// calendar's zone, on the so-many-eth day after the first on which all calendars are open together. `None`
/// when there are not so many such days within `horizon`.
pub fn business_days(
    calendars: &[&Calendar],
    start: Timestamp,
    days: i64,
    horizon: SignedDuration,
) -> Option<SignedDuration> {
    let first = calendars.first()?;
    let end = start.saturating_add(horizon).unwrap_or(Timestamp::MAX);
    let begins = first.local(OpenInAll::new(calendars, start, end).next()?.0);
    let (mut day, mut passed) = (begins.date(), 0);
    while passed < days {
        day = day.tomorrow().ok()?;
        let from = first.instant_at(day, Time::midnight())?;
        if from >= end {
            return None;
        }
        let to = first.instant_at(day.tomorrow().ok()?, Time::midnight())?;
        passed += i64::from(OpenInAll::new(calendars, from, to).next().is_some());
    }
    let ends = first.instant_at(day, begins.time())?;
    Some(elapsed(calendars, start, ends, &[]))
}

/// How much time from `start` to `end` is open in all `calendars` and not paused; nothing when `end` is
/// not after `start`.
pub fn elapsed(
    calendars: &[&Calendar],
    start: Timestamp,
    end: Timestamp,
    pauses: &[(Timestamp, Timestamp)],
) -> SignedDuration {
    let pauses = in_order(pauses);
    OpenInAll::new(calendars, start, end)
        .flat_map(|open| cut(open, &pauses))
        .filter(|piece| piece.why == Reckoning::Open)
        .map(|piece| piece.length())
        .sum()
}

impl Counted {
    /// How long the piece is.
    pub fn length(&self) -> SignedDuration {
        self.to.duration_since(self.from)
    }

    /// Its whole minutes.
    pub fn minutes(&self) -> i64 {
        self.length().as_mins()
    }

    /// Whether it counts towards the target.
    pub fn counts(&self) -> bool {
        self.why == Reckoning::Open
    }
}

impl fmt::Display for Reckoning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reckoning::Open => f.pad("counted"),
            Reckoning::Closed => f.pad("closed until opening"),
            Reckoning::Holiday(date) => f.pad(&format!("holiday {date}")),
            Reckoning::Paused => f.pad("paused"),
            Reckoning::Unreachable => f.pad("cannot be called yet"),
        }
    }
}

/// Uses up `target` from `start`, showing every piece that is open in all calendars to `note`.
fn walk(
    calendars: &[&Calendar],
    start: Timestamp,
    pauses: &[(Timestamp, Timestamp)],
    target: SignedDuration,
    horizon: SignedDuration,
    mut note: impl FnMut(Counted),
) -> Result<Timestamp, DeadlineError> {
    if target <= SignedDuration::ZERO {
        return Err(DeadlineError::NotPositive);
    }
    let pauses = in_order(pauses);
    let end = start.saturating_add(horizon).unwrap_or(Timestamp::MAX);
    let mut left = target;
    for mut piece in OpenInAll::new(calendars, start, end).flat_map(|open| cut(open, &pauses)) {
        if piece.why == Reckoning::Open {
            if left <= piece.length() {
                // The piece is at least as long as what is left, so its own end bounds the sum.
                piece.to = piece.from.checked_add(left).unwrap_or(piece.to);
                let at = piece.to;
                note(piece);
                return Ok(at);
            }
            left -= piece.length();
        }
        note(piece);
    }
    Err(DeadlineError::NotReached { years: horizon.as_hours() / (24 * 365) })
}

/// The account of a deadline: what was counted, and between that what was not.
struct Account<'a> {
    calendars: &'a [&'a Calendar],
    until: Timestamp,
    counted: Vec<Counted>,
}

impl Account<'_> {
    /// Enters a piece, and first what lies between it and the one before.
    fn enter(&mut self, piece: Counted) {
        for (from, to, date) in holidays_in(self.calendars, self.until, piece.from) {
            self.push(from, Reckoning::Closed);
            self.push(to, Reckoning::Holiday(date));
        }
        self.push(piece.from, Reckoning::Closed);
        self.push(piece.to, piece.why);
    }

    /// Everything up to `to` that is not yet entered is `why`.
    fn push(&mut self, to: Timestamp, why: Reckoning) {
        let from = self.until;
        if from >= to {
            return;
        }
        match self.counted.last_mut() {
            Some(last) if last.why == why => last.to = to,
            _ => self.counted.push(Counted { from, to, why }),
        }
        self.until = to;
    }
}

/// The holidays that close one of the calendars within a time in which they are not open together,
/// by their beginning.
fn holidays_in(calendars: &[&Calendar], from: Timestamp, to: Timestamp) -> Vec<(Timestamp, Timestamp, Date)> {
    let mut found = Vec::new();
    if from >= to {
        return found;
    }
    for calendar in calendars {
        let zone = calendar.zone();
        let mut day = local::date_at(zone, from);
        while let Some(begins) = local::instant_of(zone, day.to_datetime(jiff::civil::Time::midnight()))
            && begins < to
        {
            let Ok(tomorrow) = day.tomorrow() else { break };
            if calendar.is_closed_by_holiday(day) {
                let ends = local::instant_of(zone, tomorrow.to_datetime(jiff::civil::Time::midnight()));
                found.push((begins.max(from), ends.unwrap_or(to).min(to), day));
            }
            day = tomorrow;
        }
    }
    found.sort_unstable();
    found
}

/// The pauses by their beginning, without empty ones, those that touch or overlap made one.
fn in_order(pauses: &[(Timestamp, Timestamp)]) -> Vec<(Timestamp, Timestamp)> {
    let mut sorted: Vec<_> = pauses.iter().copied().filter(|(from, to)| from < to).collect();
    sorted.sort_unstable();
    let mut apart: Vec<(Timestamp, Timestamp)> = Vec::with_capacity(sorted.len());
    for (from, to) in sorted {
        match apart.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => apart.push((from, to)),
        }
    }
    apart
}

/// Cuts an open piece into what counts and what is paused.
fn cut(
    (from, to): (Timestamp, Timestamp),
    pauses: &[(Timestamp, Timestamp)],
) -> impl Iterator<Item = Counted> + '_ {
    let mut at = from;
    let mut pauses = pauses[pauses.partition_point(|(_, ends)| *ends <= from)..].iter();
    let mut pause = pauses.next();
    std::iter::from_fn(move || {
        if at >= to {
            return None;
        }
        let from = at;
        let why = match pause {
            Some((begins, ends)) if *begins <= at => {
                at = to.min(*ends);
                pause = pauses.next();
                Reckoning::Paused
            }
            Some((begins, _)) => {
                at = to.min(*begins);
                Reckoning::Open
            }
            None => {
                at = to;
                Reckoning::Open
            }
        };
        Some(Counted { from, to: at, why })
    })
}

/// The pieces of the time from one instant to another that are open in all calendars, ascending.
struct OpenInAll<'a> {
    pieces: Vec<Pieces<'a>>,
    /// The piece of each calendar that is being looked at.
    current: Vec<(Timestamp, Timestamp)>,
    from: Timestamp,
    to: Timestamp,
}

impl<'a> OpenInAll<'a> {
    fn new(calendars: &[&'a Calendar], from: Timestamp, to: Timestamp) -> OpenInAll<'a> {
        let pieces = calendars.iter().map(|calendar| Pieces::new(calendar, from, to)).collect();
        OpenInAll { pieces, current: vec![(from, from); calendars.len()], from, to }
    }
}

impl Iterator for OpenInAll<'_> {
    type Item = (Timestamp, Timestamp);

    fn next(&mut self) -> Option<(Timestamp, Timestamp)> {
        // `from` is how far all is known. The common piece ends where the first of them ends.
        while self.from < self.to {
            let (mut open, mut close) = (self.from, self.to);
            for (pieces, current) in self.pieces.iter_mut().zip(&mut self.current) {
                while current.1 <= self.from {
                    *current = pieces.next()?;
                }
                open = open.max(current.0);
                close = close.min(current.1);
            }
            if open < close {
                self.from = close;
                return Some((open, close));
            }
            self.from = open.min(self.to);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar::{Holidays, Hours};
    use jiff::civil::date;

    fn calendar(zone: &str, hours: &str, holidays: &[Date]) -> Calendar {
        Calendar::new(zone, Hours::parse(hours).unwrap(), holidays.iter().copied().collect()).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// The account in short: where each piece ends, how many minutes it has, and why.
    fn account(deadline: &Deadline) -> Vec<String> {
        deadline
            .counted
            .iter()
            .map(|piece| format!("{} {} {}", piece.to, piece.minutes(), piece.why))
            .collect()
    }

    #[test]
    fn the_account_names_what_was_counted_and_what_was_left_out() {
        let team = calendar("Europe/Berlin", "Mo-Fr 09:00-17:00", &[date(2026, 3, 9)]);
        let pause = (at("2026-03-10T09:00:00Z"), at("2026-03-10T10:30:00Z"));
        let deadline =
            deadline(&[&team], at("2026-03-06T15:00:00Z"), &[pause], SignedDuration::from_hours(3)).unwrap();
        assert_eq!(
            account(&deadline),
            [
                "2026-03-06T16:00:00Z 60 counted",
                "2026-03-08T23:00:00Z 3300 closed until opening",
                "2026-03-09T23:00:00Z 1440 holiday 2026-03-09",
                "2026-03-10T08:00:00Z 540 closed until opening",
                "2026-03-10T09:00:00Z 60 counted",
                "2026-03-10T10:30:00Z 90 paused",
                "2026-03-10T11:30:00Z 60 counted",
            ]
        );
        assert_eq!(deadline.at, at("2026-03-10T11:30:00Z"));
    }

    #[test]
    fn a_holiday_on_a_day_that_is_closed_anyway_is_not_blamed() {
        let team = calendar("UTC", "Mo-Fr 09:00-17:00", &[date(2026, 3, 7)]);
        let deadline =
            deadline(&[&team], at("2026-03-06T16:00:00Z"), &[], SignedDuration::from_hours(2)).unwrap();
        assert!(deadline.counted.iter().all(|piece| !matches!(piece.why, Reckoning::Holiday(_))));
    }

    #[test]
    fn only_what_is_open_to_the_team_and_to_the_lead_counts() {
        let team = calendar("Europe/Berlin", "Mo-Fr 09:00-17:00", &[]);
        let lead = calendar("America/New_York", "Mo-Fr 09:00-12:00,13:30-17:00", &[date(2026, 3, 3)]);
        // Both are open from 15:00 to 17:00 in Berlin.
        let due = deadline(&[&team, &lead], at("2026-03-02T08:00:00Z"), &[], SignedDuration::from_hours(3))
            .unwrap();
        assert_eq!(
            account(&due),
            [
                "2026-03-02T14:00:00Z 360 closed until opening",
                "2026-03-02T16:00:00Z 120 counted",
                "2026-03-03T05:00:00Z 780 closed until opening",
                "2026-03-04T05:00:00Z 1440 holiday 2026-03-03",
                "2026-03-04T14:00:00Z 540 closed until opening",
                "2026-03-04T15:00:00Z 60 counted",
            ]
        );
    }

    #[test]
    fn without_calendars_all_time_counts() {
        let start = at("2026-03-02T08:00:00.5Z");
        let due = deadline(&[], start, &[], SignedDuration::from_hours(30)).unwrap();
        assert_eq!(due.at, start + SignedDuration::from_hours(30));
        assert_eq!(due.counted.len(), 1);
    }

    #[test]
    fn nothing_is_no_target_and_a_target_out_of_reach_is_an_error() {
        let team = calendar("UTC", "Mo-Fr 09:00-17:00", &[]);
        let other = calendar("UTC", "Mo-Fr 17:00-18:00", &[]);
        let start = at("2026-03-02T08:00:00Z");
        for target in [SignedDuration::ZERO, SignedDuration::from_hours(-1), SignedDuration::MIN] {
            assert_eq!(deadline(&[&team], start, &[], target), Err(DeadlineError::NotPositive));
        }
        let hour = SignedDuration::from_hours(1);
        let unreached = Err(DeadlineError::NotReached { years: 20 });
        assert_eq!(deadline(&[&team, &other], start, &[], hour), unreached);
        assert_eq!(deadline(&[&team], start, &[(start, Timestamp::MAX)], hour), unreached);
        assert_eq!(deadline(&[&team], start, &[], SignedDuration::MAX), unreached);
        assert_eq!(deadline(&[&team], Timestamp::MAX, &[], hour), unreached);
    }

    #[test]
    fn pauses_may_overlap_come_in_any_order_and_be_empty() {
        let team = calendar("UTC", "Mo-Fr 09:00-17:00", &[]);
        let hour = |hour: i64| at("2026-03-02T00:00:00Z") + SignedDuration::from_hours(hour);
        let pauses = [
            (hour(12), hour(14)),
            (hour(10), hour(11)),
            (hour(13), hour(15)),
            (hour(9), hour(9)),
            (hour(16), hour(9)),
        ];
        assert_eq!(elapsed(&[&team], hour(0), hour(24), &pauses), SignedDuration::from_hours(4));
        let due = deadline(&[&team], hour(0), &pauses, SignedDuration::from_hours(3)).unwrap();
        assert_eq!(due.at, hour(16));
    }

    #[test]
    fn a_deadline_is_stored_and_read_back() {
        let mut holidays = Holidays::of_country("DE").unwrap();
        holidays.add(date(2026, 3, 3));
        let team =
            Calendar::new("Europe/Berlin", Hours::parse("Mo-Fr 09:00-17:00").unwrap(), holidays).unwrap();
        let due = deadline(&[&team], at("2026-03-02T15:00:00Z"), &[], SignedDuration::from_hours(3)).unwrap();
        let json = serde_json::to_string(&due).unwrap();
        assert_eq!(serde_json::from_str::<Deadline>(&json).unwrap(), due);
    }
}
