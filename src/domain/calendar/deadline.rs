//! When a promise falls due, and how that was counted.
//!
//! Only instants count that are open in *every* calendar (the team works and the lead can be reached)
//! and lie in no pause. What was counted and what was left out is kept piece by piece, because the mail
//! that says "you are late" must be able to show its arithmetic.
//!
//! A target that uses up the last second of a day falls due at closing time, not at the next opening:
//! whoever promised eight hours on a Monday is late on Monday evening.

use std::fmt;

use jiff::civil::Date;
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
    target: SignedDuration,
    horizon: SignedDuration,
) -> Result<Timestamp, DeadlineError> {
    walk(calendars, start, &[], target, horizon, |_| {})
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
