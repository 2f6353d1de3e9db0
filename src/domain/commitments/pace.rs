//! How much of a promise is due by now, in business days.

use jiff::ToSpan;
use jiff::civil::Date;

use crate::domain::calendar::Calendar;

/// Before this part of a period is over, nobody is behind: one good day would change it.
const TOO_EARLY_BEFORE: i64 = 5;

/// The business days of a period, and how many of them are over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// All of them.
    pub days: i64,
    /// Those in which the promise counts: fewer than all when it was made in the middle of the period.
    pub counted: i64,
    /// Those of the counted that are over: today is not.
    pub gone: i64,
}

impl Pace {
    /// The pace on `today` of a period from `first` to the day before `next`, for a promise that was first seen on
    /// `seen`: nobody owes what was due before there was a promise.
    pub fn on(calendar: &Calendar, (first, next): (Date, Date), seen: Date, today: Date) -> Pace {
        let from = seen.clamp(first, next);
        Pace {
            days: business_days(calendar, first, next),
            counted: business_days(calendar, from, next),
            gone: business_days(calendar, from, today.clamp(from, next)),
        }
    }

    /// The part of `promised` that was agreed for the days that count.
    pub fn agreed(&self, promised: i64) -> i64 {
        part(promised, self.counted, self.days)
    }

    /// The part of `promised` that is due by now; a part of a lead is not due.
    pub fn due(&self, promised: i64) -> i64 {
        part(promised, self.gone, self.days)
    }

    /// Whether so little of the period is over that nothing can be said.
    pub fn is_too_early(&self) -> bool {
        self.gone == 0 || self.gone * TOO_EARLY_BEFORE < self.counted
    }

    /// The business days that are left, today among them.
    pub fn left(&self) -> i64 {
        self.counted - self.gone
    }
}

/// A period without a business day has everything due at once: somebody closed the office for good.
fn part(promised: i64, days: i64, of: i64) -> i64 {
    if of == 0 { promised } else { promised * days / of }
}

/// The open days from `from` to the day before `to`.
pub fn business_days(calendar: &Calendar, from: Date, to: Date) -> i64 {
    from.series(1.day()).take_while(|day| *day < to).filter(|day| calendar.is_open_on(*day)).count() as i64
}
