//! Where on the way of a promise a level is reached: at a share of the target, or so long after the start.
//!
//! Both are compared in the unit of the target itself, minutes or days, so that each level lies after the one
//! before it however the two are written. A time in another unit has no place there: how many hours a business
//! day has depends on the calendar, and the agreement is refused.

use std::cmp::Ordering;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::agreement::Target;
use super::super::calendar::{Calendar, DeadlineError, HORIZON};
use super::super::span::counted;
use super::{is_over_out_of_hours, minutes_of};

/// Where a level is reached, as the agreement has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LevelAt {
    /// At so many percent of the target.
    Percent(i64),
    /// So long after the start, counted as the target is, and after the target as well as before it.
    Time(Target),
}

impl LevelAt {
    /// Its place among other levels of a promise with that target, in hundredths of the target's unit; `None` when it
    /// is written in a unit that cannot be compared.
    pub fn place(self, target: Target) -> Option<i64> {
        match self {
            LevelAt::Percent(percent) => Some(percent * units(target)),
            LevelAt::Time(time) => is_same_unit(time, target).then(|| 100 * units(time)),
        }
    }

    /// Whether it comes before the promise is over, with it, or after.
    pub fn against(self, target: Target) -> Ordering {
        self.place(target).cmp(&Some(100 * units(target)))
    }
}

impl fmt::Display for LevelAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LevelAt::Percent(percent) => f.pad(&format!("{percent}%")),
            LevelAt::Time(time) => time.fmt(f),
        }
    }
}

/// Where a level of a running clock is reached, as it was promised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FrozenAt {
    /// At a share of the target.
    Share {
        /// In percent.
        at_percent: i64,
    },
    /// So long after the start.
    Time {
        /// As the agreement says it: "2 business hours".
        at_time: String,
        /// Business time, counted out when the clock starts, as the target is.
        at_minutes: i64,
        /// It is over out of hours, and is reached with the opening after that.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        until_opening: bool,
    },
}

impl FrozenAt {
    /// As it is promised in these calendars from `start` on.
    ///
    /// # Errors
    /// When the calendars are not open together for so long.
    pub(super) fn of(
        at: LevelAt,
        calendars: &[&Calendar],
        start: Timestamp,
    ) -> Result<FrozenAt, DeadlineError> {
        let time = match at {
            LevelAt::Percent(at_percent) => return Ok(FrozenAt::Share { at_percent }),
            LevelAt::Time(time) => time,
        };
        let at_minutes = minutes_of(time, calendars, start, HORIZON)
            .ok_or(DeadlineError::NotReached { years: HORIZON.as_hours() / (24 * 365) })?;
        let until_opening = is_over_out_of_hours(time, calendars, start);
        Ok(FrozenAt::Time { at_time: time.to_string(), at_minutes, until_opening })
    }

    /// Its place, in hundredths of a minute, among the levels of a target of so many minutes.
    pub(super) fn place(&self, target_minutes: i64) -> i64 {
        match self {
            FrozenAt::Share { at_percent } => at_percent * target_minutes,
            FrozenAt::Time { at_minutes, .. } => 100 * at_minutes,
        }
    }

    /// Whether it is over out of hours.
    pub(super) fn is_until_opening(&self) -> bool {
        matches!(self, FrozenAt::Time { until_opening: true, .. })
    }

    /// How long after the start, as the agreement says it; `None` for a share of the target.
    pub fn time(&self) -> Option<&str> {
        match self {
            FrozenAt::Share { .. } => None,
            FrozenAt::Time { at_time, .. } => Some(at_time),
        }
    }

    /// Whether it comes no later than `other`, each with its own target of so many minutes: times by themselves,
    /// shares by what they are shares of.
    pub(in crate::domain) fn is_no_later(
        &self,
        target_minutes: i64,
        other: &FrozenAt,
        other_target_minutes: i64,
    ) -> bool {
        if let (FrozenAt::Time { at_minutes: at, .. }, FrozenAt::Time { at_minutes: other, .. }) =
            (self, other)
        {
            return at <= other;
        }
        let share = |place: i64, of: i64| i128::from(place) * i128::from(of);
        share(self.place(target_minutes), other_target_minutes)
            <= share(other.place(other_target_minutes), target_minutes)
    }
}

/// What is over of a target when a level at a time is reached: "2 of 4 business hours are over", "3 business days
/// are over; 2 were promised". `promised` is the target as the agreement says it.
pub(super) fn over(time: &str, promised: &str, is_broken: bool) -> String {
    let split = |text: &str| {
        let (count, unit) = text.split_once(' ')?;
        Some((count.parse::<i64>().ok()?, unit.strip_suffix('s').unwrap_or(unit).to_owned()))
    };
    let is = |one: bool| if one { "is" } else { "are" };
    let (Some((passed, unit)), Some((all, of_unit))) = (split(time), split(promised)) else {
        return format!("{time} are over");
    };
    let same = unit == of_unit;
    match (is_broken, same) {
        (false, true) => format!("{passed} of {} {} over", counted(all, &unit), is(passed == 1)),
        (false, false) => format!("{time} of {promised} {} over", is(passed == 1)),
        (true, true) => {
            format!(
                "{time} {} over; {all} {} promised",
                is(passed == 1),
                if all == 1 { "was" } else { "were" }
            )
        }
        (true, false) => format!(
            "{time} {} over; {promised} {} promised",
            is(passed == 1),
            if all == 1 { "was" } else { "were" }
        ),
    }
}

/// In minutes, or in days.
fn units(target: Target) -> i64 {
    match target {
        Target::Time(time) => time.as_mins(),
        Target::BusinessDays(days) | Target::Days(days) => days,
    }
}

fn is_same_unit(one: Target, other: Target) -> bool {
    matches!(
        (one, other),
        (Target::Time(_), Target::Time(_))
            | (Target::BusinessDays(_), Target::BusinessDays(_))
            | (Target::Days(_), Target::Days(_))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_is_told_in_the_words_of_the_target() {
        for (time, promised, is_broken, words) in [
            ("2 business hours", "4 business hours", false, "2 of 4 business hours are over"),
            ("1 business day", "2 business days", false, "1 of 2 business days is over"),
            (
                "30 business minutes",
                "1 business hour",
                false,
                "30 business minutes of 1 business hour are over",
            ),
            ("3 business days", "2 business days", true, "3 business days are over; 2 were promised"),
            ("2 business hours", "1 business hour", true, "2 business hours are over; 1 was promised"),
            (
                "90 business minutes",
                "1 business hour",
                true,
                "90 business minutes are over; 1 business hour was promised",
            ),
            (
                "9 business hours",
                "8 business hours once they can be called",
                false,
                "9 business hours of 8 business hours once they can be called are over",
            ),
        ] {
            assert_eq!(over(time, promised, is_broken), words);
        }
    }

    #[test]
    fn a_level_has_a_place_where_its_unit_is_the_target_s() {
        let hours = |hours| Target::Time(jiff::SignedDuration::from_hours(hours));
        for (at, target, place, against) in [
            (LevelAt::Percent(50), hours(4), Some(12_000), Ordering::Less),
            (LevelAt::Time(hours(2)), hours(4), Some(12_000), Ordering::Less),
            (LevelAt::Time(hours(4)), hours(4), Some(24_000), Ordering::Equal),
            (LevelAt::Time(Target::BusinessDays(3)), Target::BusinessDays(2), Some(300), Ordering::Greater),
            (LevelAt::Time(Target::Days(40)), Target::Days(30), Some(4_000), Ordering::Greater),
            (LevelAt::Time(Target::BusinessDays(1)), hours(4), None, Ordering::Less),
            (LevelAt::Time(Target::BusinessDays(1)), Target::Days(30), None, Ordering::Less),
        ] {
            assert_eq!((at.place(target), at.against(target)), (place, against), "{at} of {target}");
        }
    }
}
