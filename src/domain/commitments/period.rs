//! Weeks, months and quarters, as the calendar has them.

use std::fmt;
use std::str::FromStr;

use jiff::ToSpan;
use jiff::civil::Date;

/// How long a promise is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// Monday to Sunday.
    Week,
    /// A month of the calendar.
    Month,
    /// January to March, and so on.
    Quarter,
}

impl Period {
    /// All of them, by the name they are written with.
    pub const ALL: [(&'static str, Period); 3] =
        [("week", Period::Week), ("month", Period::Month), ("quarter", Period::Quarter)];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Period::Week => "week",
            Period::Month => "month",
            Period::Quarter => "quarter",
        }
    }

    /// The first day of the period in which `day` lies.
    pub fn first_day(self, day: Date) -> Date {
        match self {
            Period::Week => day.saturating_sub(i64::from(day.weekday().to_monday_zero_offset()).days()),
            Period::Month => day.first_of_month(),
            Period::Quarter => {
                let back = i64::from((day.month() - 1) % 3);
                day.first_of_month().saturating_sub(back.months())
            }
        }
    }

    /// The first day of the period after the one that begins on `first`.
    pub fn next(self, first: Date) -> Date {
        match self {
            Period::Week => first.saturating_add(7.days()),
            Period::Month => first.saturating_add(1.months()),
            Period::Quarter => first.saturating_add(3.months()),
        }
    }

    /// The period that begins on `first`, as people call it: "March 2026".
    pub fn called(self, first: Date) -> String {
        match self {
            Period::Week => format!("the week of {}", first.strftime("%-d %B %Y")),
            Period::Month => first.strftime("%B %Y").to_string(),
            Period::Quarter => format!("the {} quarter of {}", ORDINALS[quarter(first)], first.year()),
        }
    }
}

const ORDINALS: [&str; 4] = ["first", "second", "third", "fourth"];

fn quarter(day: Date) -> usize {
    usize::from(day.month().unsigned_abs().saturating_sub(1) / 3).min(3)
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Period, String> {
        let known = Period::ALL.into_iter().find(|(name, _)| *name == text);
        known.map(|(_, period)| period).ok_or_else(|| format!("`{text}` is no period"))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_day_lies_in_the_period_that_people_name() {
        for (period, day, first, next, called) in [
            (
                Period::Week,
                date(2026, 3, 1),
                date(2026, 2, 23),
                date(2026, 3, 2),
                "the week of 23 February 2026",
            ),
            (Period::Week, date(2026, 3, 2), date(2026, 3, 2), date(2026, 3, 9), "the week of 2 March 2026"),
            (Period::Month, date(2026, 2, 28), date(2026, 2, 1), date(2026, 3, 1), "February 2026"),
            (Period::Month, date(2026, 12, 31), date(2026, 12, 1), date(2027, 1, 1), "December 2026"),
            (
                Period::Quarter,
                date(2026, 3, 31),
                date(2026, 1, 1),
                date(2026, 4, 1),
                "the first quarter of 2026",
            ),
            (
                Period::Quarter,
                date(2026, 11, 5),
                date(2026, 10, 1),
                date(2027, 1, 1),
                "the fourth quarter of 2026",
            ),
        ] {
            assert_eq!(period.first_day(day), first, "{period} of {day}");
            assert_eq!(period.next(first), next, "{period} of {day}");
            assert_eq!(period.called(first), called);
        }
    }

    proptest! {
        #[test]
        fn a_day_lies_in_exactly_one_period(year in 1990_i16..2100, day in 1_i16..=365, which in 0_usize..3) {
            let (name, period) = Period::ALL[which];
            prop_assert_eq!(name.parse::<Period>(), Ok(period));
            let day = date(year, 1, 1).saturating_add(i64::from(day - 1).days());
            let first = period.first_day(day);
            prop_assert!(first <= day && day < period.next(first));
            prop_assert_eq!(period.first_day(first), first);
            prop_assert_eq!(period.first_day(period.next(first)), period.next(first), "no day between two periods");
        }
    }
}
