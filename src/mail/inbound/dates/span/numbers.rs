//! Dates in numbers, and in which order they are written.
//!
//! A mail is full of numbers that are no dates: telephone numbers, prices, versions, hours. Without a year two numbers
//! are a date only where the words before them want one.

use jiff::civil::Date;

use super::super::role::is_cue;
use super::super::tokens::Gap;
use super::{Found, Order, Reader, day};

/// Words and signs that dates stand after.
const BEFORE_DATES: [&str; 66] = [
    "bis",
    "tillbaka",
    "åter",
    "zurück",
    "retour",
    "terug",
    "online",
    "wieder",
    "again",
    "am",
    "ab",
    "vom",
    "zum",
    "von",
    "until",
    "till",
    "from",
    "on",
    "to",
    "til",
    "tot",
    "through",
    "-",
    "dem",
    "den",
    "al",
    "fino",
    "starting",
    "returning",
    "back",
    "is",
    "the",
    "le",
    "il",
    "el",
    "del",
    "au",
    "du",
    "desde",
    "até",
    "hasta",
    "van",
    "vanaf",
    "från",
    "dal",
    "der",
    "dia",
    "return",
    "and",
    "of",
    "(",
    "dès",
    "partir",
    "nach",
    "after",
    "before",
    "by",
    "de",
    "em",
    "a",
    "às",
    "para",
    "op",
    "leave",
    "vacation",
    "pto",
];

impl Reader<'_> {
    pub(super) fn iso(&self, at: usize) -> Option<Found> {
        let year = self.number(at).filter(|year| (2000..2100).contains(year))?;
        let sign = self
            .token(at + 1)
            .filter(|token| ["-", "/", "."].contains(&token.text) && token.gap == Gap::None)?;
        let month = self.number(at + 2)?;
        if !self.is_joined(at + 3, sign.text) {
            return None;
        }
        let date = day(i16::try_from(year).ok()?, month, self.number(at + 4)?)?;
        Some(Found { date, otherwise: None, to: at + 5 })
    }

    /// "17.08.2026", "17.8.", "8/17/26", "17/08", "17-08-2026".
    pub(super) fn in_numbers(&self, at: usize, weekday: Option<i8>) -> Option<Found> {
        let first = self.number(at).filter(|n| (1..=31).contains(n))?;
        let sign = self
            .token(at + 1)
            .filter(|token| ["-", "/", "."].contains(&token.text) && token.gap == Gap::None)?;
        let second_token = self.token(at + 2)?;
        // "17. 8. 2026" is written with spaces.
        let is_spaced = sign.is(".") && second_token.gap == Gap::Space;
        if second_token.gap != Gap::None && !is_spaced {
            return None;
        }
        let second = second_token.number.filter(|n| (1..=31).contains(n))?;
        if second_token.text.len() > 2 || self.token(at)?.text.len() > 2 {
            return None;
        }
        let mut to = at + 3;
        let mut year = None;
        if self.is_joined(at + 3, sign.text) {
            match self.token(at + 4) {
                Some(token)
                    if token.number.is_some() && (token.gap == Gap::None || is_spaced || sign.is(".")) =>
                {
                    let number = token.number?;
                    match (token.text.len(), token.gap) {
                        (4, _) if (2000..2100).contains(&number) => (year, to) = (Some(number), at + 5),
                        (2, Gap::None) => (year, to) = (Some(2000 + number), at + 5),
                        (_, Gap::None) => return None,
                        _ if sign.is(".") => to = at + 4,
                        _ => return None,
                    }
                }
                // "17.8." ends with its full stop.
                _ if sign.is(".") => to = at + 4,
                _ => return None,
            }
        }
        if self.goes_on(to, year.is_none() && !sign.is(".")) {
            return None;
        }
        if year.is_none() {
            let is_whole = self.is_joined(at + 3, ".") && sign.is(".");
            let is_known = is_whole || weekday.is_some();
            // "1/2" is a half, "24/7" always.
            let is_fraction = sign.is("/")
                && ((first == 1 && second <= 4 && weekday.is_none()) || (first, second) == (24, 7));
            let is_amount = !is_known && !self.wants_date(at);
            let is_time = sign.is(".")
                && !is_known
                && second_token.text.len() == 2
                && (self.token(at)?.text.len() < 2 || self.meaning_of_time_after(to));
            if sign.is("-") || (is_spaced && !is_whole) || is_fraction || is_amount || is_time {
                return None;
            }
        }
        let read = |day: i64, month: i64| match year {
            Some(year) => day_in(year, month, day),
            None => self.in_year(i8::try_from(month).ok()?, day, None),
        };
        let day_first = read(first, second);
        let month_first = if sign.is("/") || (sign.is("-") && self.order == Order::MonthFirst) {
            read(second, first)
        } else {
            None
        };
        let (date, otherwise) = match (day_first, month_first) {
            (Some(date), None) | (None, Some(date)) => (date, None),
            (Some(one), Some(other)) if one == other => (one, None),
            (Some(one), Some(other)) => match self.order {
                Order::DayFirst => (one, None),
                Order::MonthFirst => (other, None),
                // The later one errs on the cheap side, unless it is out of all reason.
                Order::Unknown => self.likelier(one, other),
            },
            (None, None) => return None,
        };
        Some(Found { date, otherwise, to })
    }

    /// What goes on without a space is a telephone number, a version or an amount.
    fn goes_on(&self, at: usize, may_be_joined: bool) -> bool {
        let joined_number = || self.is_joined(at, "-") && self.number(at + 1).is_some();
        self.token(at).is_some_and(|token| {
            // "7/1-7/9" is two dates.
            let two = self.is_joined(at + 2, "/") || self.is_joined(at + 2, ".");
            token.gap == Gap::None
                && (token.number.is_some() || token.is("/") || (may_be_joined && joined_number() && !two))
        })
    }

    /// Whether the word before this token is one that dates stand after.
    fn wants_date(&self, at: usize) -> bool {
        at.checked_sub(1)
            .and_then(|before| self.token(before))
            .is_some_and(|token| BEFORE_DATES.contains(&token.text) || is_cue(token.text))
    }

    pub(super) fn meaning_of_time_after(&self, at: usize) -> bool {
        self.token(at)
            .is_some_and(|token| ["uhr", "am", "pm", "h", "hrs", "uur", "heures"].contains(&token.text))
    }

    fn likelier(&self, one: Date, other: Date) -> (Date, Option<Date>) {
        let (early, late) = if one < other { (one, other) } else { (other, one) };
        let ahead = |date: Date| (date - self.sent).get_days();
        if ahead(early) < 0 {
            return (late, None);
        }
        if ahead(late) > 100 { (early, None) } else { (late, Some(early)) }
    }
}

fn day_in(year: i64, month: i64, number: i64) -> Option<Date> {
    day(i16::try_from(year).ok()?, month, number)
}
