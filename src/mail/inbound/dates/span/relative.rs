//! Days that are counted from the day of writing: "tomorrow", "next week", "in two weeks", "Monday".

use jiff::ToSpan;
use jiff::civil::Date;

use super::super::vocabulary::{Meaning, Unit};
use super::{Grain, Reader, Span, grain_of, working_day};

impl Reader<'_> {
    /// "Tomorrow", "in two weeks", "for 10 days", "next week", "this month".
    pub(super) fn relative(&self, at: usize) -> Option<Span> {
        let found = |to: usize, first: Date, last: Date, grain: Grain| {
            Some(Span { from: at, to, first, last, grain, is_range: false, otherwise: None })
        };
        match self.meaning(at).unwrap_or(Meaning::Filler) {
            // "Guten Morgen" names no day.
            Meaning::Ahead(_)
                if at > 0 && ["guten", "goede", "goeden", "schönen"].contains(&self.tokens[at - 1].text) =>
            {
                return None;
            }
            Meaning::Ahead(days) => {
                let date = self.sent.checked_add(days.days()).ok()?;
                return found(at + 1, date, date, Grain::Weekday);
            }
            Meaning::Next => {
                let mut next = at + 1;
                let mut count = 1;
                if let Some(number) = self.count(next) {
                    (count, next) = number;
                }
                if let Some(Meaning::Unit(unit)) = self.meaning(next) {
                    if matches!(unit, Unit::Day | Unit::WorkingDay) && next == at + 1 {
                        return None;
                    }
                    if next > at + 1 {
                        return found(next + 1, self.sent, self.later(count, unit)?, Grain::Count);
                    }
                    let (first, last) = self.coming(unit, 1)?;
                    return found(next + 1, first, last, grain_of(unit));
                }
                if let Some(Meaning::Weekday(day)) = self.meaning(next) {
                    let date = self.weekday(day, true)?;
                    return found(next + 1, date, date, Grain::Weekday);
                }
                if let Some(month) = self.month(next, false) {
                    return self.whole_month(at, next + 1, month);
                }
            }
            Meaning::This => {
                if let Some(Meaning::Unit(unit)) = self.meaning(at + 1) {
                    let (first, last) = self.coming(unit, 0)?;
                    return found(at + 2, first, last, grain_of(unit));
                }
                if let Some(Meaning::Weekday(day)) = self.meaning(at + 1) {
                    let date = self.weekday(day, false)?;
                    return found(at + 2, date, date, Grain::Weekday);
                }
            }
            // "la semaine prochaine", "la prossima settimana", "il mese prossimo".
            Meaning::Unit(unit) if matches!(self.meaning(at + 1), Some(Meaning::Next)) => {
                let (first, last) = self.coming(unit, 1)?;
                return found(at + 2, first, last, grain_of(unit));
            }
            Meaning::Unit(unit)
                if self.is(at + 1, "que")
                    && self.token(at + 2).is_some_and(|token| ["viene", "vem"].contains(&token.text)) =>
            {
                let (first, last) = self.coming(unit, 1)?;
                return found(at + 3, first, last, grain_of(unit));
            }
            // "Over the weekend", "after the weekend".
            Meaning::Unit(Unit::Weekend) => {
                let (first, last) = self.coming(Unit::Weekend, 0)?;
                return found(at + 1, first, last, Grain::Week);
            }
            // "The first week of August".
            Meaning::First if matches!(self.meaning(at + 1), Some(Meaning::Unit(Unit::Week))) => {
                let next = self.skip_fillers(at + 2);
                let next = if self.is(next, "in") { next + 1 } else { next };
                let month = self.whole_month(at, next + 1, self.month(next, false)?)?;
                let ahead = (7 - month.first.weekday().to_monday_zero_offset()) % 7;
                let first = month.first.checked_add(i64::from(ahead).days()).ok()?;
                return found(month.to, first, first.checked_add(4.days()).ok()?, Grain::Week);
            }
            Meaning::Weekday(day) if matches!(self.meaning(at + 1), Some(Meaning::Next)) => {
                let to = if matches!(self.meaning(at + 2), Some(Meaning::Unit(Unit::Week))) {
                    at + 3
                } else {
                    at + 2
                };
                let date = self.weekday(day, true)?;
                return found(to, date, date, Grain::Weekday);
            }
            _ => {}
        }
        let (count, next) = self.count(at)?;
        let Some(Meaning::Unit(unit)) = self.meaning(next) else { return None };
        if matches!(unit, Unit::Quarter | Unit::Year | Unit::Weekend) {
            return None;
        }
        // "A week on Monday".
        if let (1, Unit::Week, Some(Meaning::Weekday(day))) = (
            count,
            unit,
            self.token(next + 1).filter(|token| token.is("on")).and_then(|_| self.meaning(next + 2)),
        ) {
            let date = self.weekday(day, false)?.checked_add(1.weeks()).ok()?;
            return found(next + 3, date, date, Grain::Weekday);
        }
        found(next + 1, self.sent, self.later(count, unit)?, Grain::Count)
    }

    /// "2", "two", "a couple of".
    fn count(&self, at: usize) -> Option<(i64, usize)> {
        if let Some(number) = self.number(at).filter(|number| (1..=99).contains(number)) {
            return Some((number, at + 1));
        }
        match self.meaning(at)? {
            Meaning::Number(1) if matches!(self.meaning(at + 1), Some(Meaning::Number(2))) => {
                Some((2, if self.is(at + 2, "of") { at + 3 } else { at + 2 }))
            }
            Meaning::Number(number) => Some((number, at + 1)),
            _ => None,
        }
    }

    fn later(&self, count: i64, unit: Unit) -> Option<Date> {
        let span = match unit {
            Unit::Day => count.days(),
            Unit::Week => count.weeks(),
            Unit::Month => count.months(),
            Unit::WorkingDay => {
                let mut date = self.sent;
                for _ in 0..count {
                    date = working_day(date.tomorrow().ok()?);
                }
                return Some(date);
            }
            _ => return None,
        };
        self.sent.checked_add(span).ok()
    }

    /// The days of this unit or of one to come.
    pub(super) fn coming(&self, unit: Unit, ahead: i64) -> Option<(Date, Date)> {
        let monday =
            self.sent.checked_sub(i64::from(self.sent.weekday().to_monday_zero_offset()).days()).ok()?;
        match unit {
            Unit::Day | Unit::WorkingDay => {
                let date = self.sent.checked_add(ahead.days()).ok()?;
                Some((date, date))
            }
            Unit::Week => {
                let first = monday.checked_add(ahead.weeks()).ok()?;
                Some((first, first.checked_add(6.days()).ok()?))
            }
            Unit::Weekend => {
                let first = monday.checked_add(ahead.weeks()).ok()?.checked_add(5.days()).ok()?;
                Some((first, first.tomorrow().ok()?))
            }
            Unit::Month => {
                let first = self.sent.first_of_month().checked_add(ahead.months()).ok()?;
                Some((first, first.last_of_month()))
            }
            Unit::Quarter => {
                let month = (self.sent.month() - 1) / 3 * 3 + 1;
                let first =
                    Date::new(self.sent.year(), month, 1).ok()?.checked_add((3 * ahead).months()).ok()?;
                Some((first, first.checked_add(2.months()).ok()?.last_of_month()))
            }
            Unit::Year => {
                let first = Date::new(self.sent.year(), 1, 1).ok()?.checked_add(ahead.years()).ok()?;
                Some((first, first.last_of_year()))
            }
        }
    }

    pub(super) fn weekday_alone(&self, at: usize) -> Option<Span> {
        let day = match self.meaning(at)? {
            Meaning::Weekday(day) => day,
            // "Back on it Mon"; "mon retour" is French.
            Meaning::WeakWeekday(1)
                if self.token(at)?.text == "mon" && self.token(at + 1).is_none_or(|next| !next.is_word()) =>
            {
                1
            }
            _ => return None,
        };
        let mut to = at + 1;
        let mut is_next = false;
        // "Monday next week", "Montag in einer Woche".
        if matches!(self.meaning(to), Some(Meaning::Next))
            && matches!(self.meaning(to + 1), Some(Meaning::Unit(Unit::Week)))
        {
            (to, is_next) = (to + 2, true);
        }
        let date = self.weekday(day, is_next)?;
        Some(Span {
            from: at,
            to,
            first: date,
            last: date,
            grain: Grain::Weekday,
            is_range: false,
            otherwise: None,
        })
    }

    /// The next day of this name after the day of writing; with `is_next` at least of the coming week.
    pub(super) fn weekday(&self, day: i8, is_next: bool) -> Option<Date> {
        let today = self.sent.weekday().to_monday_one_offset();
        let mut ahead = (day - today).rem_euclid(7);
        if ahead == 0 {
            ahead = 7;
        }
        if is_next && ahead + today <= 7 {
            ahead += 7;
        }
        self.sent.checked_add(i64::from(ahead).days()).ok()
    }
}
